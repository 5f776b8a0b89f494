"""One-coin: Dawid and Skene's model with one number a rater, the probability of being right.

Sources: the homogeneous model in A. P. Dawid and A. M. Skene, Applied Statistics 28 (1979), 20-28,
reduced to one parameter; Y. Zhang, X. Chen, D. Zhou and M. I. Jordan, "Spectral methods meet EM",
JMLR 17 (2016), section 3. The formulas are in docs/statistics/aggregation.md.
"""

from __future__ import annotations

import numpy as np

from consensus.blocks import Blocks, Expected
from consensus.estimate import ClassEstimate
from consensus.ibcc import cautious
from consensus.mixture import Raters, check_rounds, class_estimate, fit
from consensus.shares import log, log_density, shares
from consensus.table import LabelTable


def one_coin(
    table: LabelTable,
    *,
    max_iterations: int = 500,
    tolerance: float = 1e-8,
    prior_right: float = 0.0,
    prior_wrong: float = 0.0,
    class_prior: float = 0.0,
) -> ClassEstimate:
    """EM from the shares of the votes until the log-likelihood gains less than `tolerance` of it.

    A rater is right with one probability whatever the class, and errs evenly over the others.
    `prior_right` and `prior_wrong` are labels added to each rater's right and wrong ones, and
    `class_prior` items added to each class; 0 is maximum likelihood, more is the posterior mode
    under Beta and Dirichlet priors of one more. Items with gold keep it.

    Raises ValueError for a negative prior or tolerance, or `max_iterations` below 1.
    """
    if min(prior_right, prior_wrong, class_prior) < 0:
        raise ValueError("priors must not be negative")
    check_rounds(max_iterations, tolerance)
    n_classes = table.n_classes
    same = np.eye(n_classes, dtype=np.bool_)
    pseudo = np.array([prior_right, prior_wrong if n_classes > 1 else 0.0])

    def learn(expected: Expected) -> Raters:
        right = np.einsum("rcc->r", expected.counts)
        wrong = np.maximum(expected.counts.sum(axis=(1, 2)) - right, 0.0)
        chances = shares(np.stack([right, wrong], axis=1) + pseudo)
        classes = shares(expected.classes + class_prior)
        each = chances / [1, max(1, n_classes - 1)]  # an error is one of n_classes - 1
        confusion = np.where(same, each[:, 0, None, None], each[:, 1, None, None])
        log_classes, log_chances, log_confusion = log(classes), log(chances), log(confusion)
        log_prior = log_density(pseudo, log_chances) + log_density(
            np.full(n_classes, class_prior), log_classes
        )
        return Raters(log_classes, log_confusion, log_prior, confusion)

    blocks = Blocks(table)
    fitted = fit(blocks, learn, max_iterations=max_iterations, tolerance=tolerance)
    return class_estimate("one_coin", blocks, fitted, cautious(table))

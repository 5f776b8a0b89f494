"""Dawid and Skene (1979): the classes of items and the confusion of each rater, together.

Source: A. P. Dawid and A. M. Skene, "Maximum likelihood estimation of observer error-rates using
the EM algorithm", Applied Statistics 28 (1979), 20-28. The formulas are in
docs/statistics/aggregation.md.
"""

from __future__ import annotations

import numpy as np

from consensus.blocks import Blocks, Expected
from consensus.estimate import ClassEstimate
from consensus.ibcc import cautious
from consensus.mixture import Raters, check_rounds, class_estimate, fit
from consensus.shares import log, log_density, shares
from consensus.table import LabelTable


def dawid_skene(
    table: LabelTable,
    *,
    max_iterations: int = 500,
    tolerance: float = 1e-8,
    prior_diagonal: float = 0.0,
    prior_off: float = 0.0,
    class_prior: float = 0.0,
) -> ClassEstimate:
    """EM from the shares of the votes until the log-likelihood gains less than `tolerance` of it.

    `prior_diagonal`, `prior_off` and `class_prior` are labels added to each rater's confusion
    (diagonal, elsewhere) and items added to each class before normalising; 0 is maximum likelihood,
    more is the posterior mode under Dirichlet priors of one more. Without priors the posterior of
    few or dependent raters comes out far too sure of itself. Items with gold keep it.

    Raises ValueError for a negative prior or tolerance, or `max_iterations` below 1.
    """
    if min(prior_diagonal, prior_off, class_prior) < 0:
        raise ValueError("priors must not be negative")
    check_rounds(max_iterations, tolerance)
    pseudo = np.full((table.n_classes, table.n_classes), prior_off)
    np.fill_diagonal(pseudo, prior_diagonal)
    pseudo_classes = np.full(table.n_classes, class_prior)

    def learn(expected: Expected) -> Raters:
        confusion = shares(expected.counts + pseudo)
        classes = shares(expected.classes + class_prior)
        log_classes, log_confusion = log(classes), log(confusion)
        log_prior = log_density(pseudo, log_confusion) + log_density(pseudo_classes, log_classes)
        return Raters(log_classes, log_confusion, log_prior, confusion)

    blocks = Blocks(table)
    fitted = fit(blocks, learn, max_iterations=max_iterations, tolerance=tolerance)
    return class_estimate("dawid_skene", blocks, fitted, cautious(table))

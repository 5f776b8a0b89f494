"""iBCC: Dawid-Skene with Dirichlet priors, by variational Bayes.

Source: H.-C. Kim and Z. Ghahramani, "Bayesian classifier combination", AISTATS 2012 (the
independent model, iBCC). The formulas are in docs/statistics/aggregation.md.
"""

from __future__ import annotations

import numpy as np

from consensus.blocks import Blocks, Expected
from consensus.estimate import ClassEstimate
from consensus.mixture import Raters, check_rounds, class_estimate, fit
from consensus.shares import shares
from consensus.table import LabelTable
from consensus.variational import divergence, expected_log


def ibcc(
    table: LabelTable,
    *,
    max_iterations: int = 500,
    tolerance: float = 1e-3,
    prior_diagonal: float = 4.0,
    prior_off: float = 1.0,
    class_prior: float = 1.0,
) -> ClassEstimate:
    """Variational Bayes from the shares of the votes until no posterior moves by `tolerance`.

    The priors are Dirichlet parameters: `class_prior` of each class, `prior_diagonal` and
    `prior_off` of the rows of each rater's confusion. `confusion` holds posterior means,
    `log_likelihood` the lower bound of the evidence. Items with gold keep it.

    Raises ValueError for a prior that is not positive, a negative tolerance, or `max_iterations`
    below 1.
    """
    if min(prior_diagonal, prior_off, class_prior) <= 0:
        raise ValueError("Dirichlet parameters must be positive")
    check_rounds(max_iterations, tolerance)
    prior = np.full((table.n_classes, table.n_classes), prior_off)
    np.fill_diagonal(prior, prior_diagonal)
    prior_classes = np.full(table.n_classes, class_prior)

    def learn(expected: Expected) -> Raters:
        dirichlet = expected.counts + prior
        classes = expected.classes + prior_classes
        log_classes, log_confusion = expected_log(classes), expected_log(dirichlet)
        return Raters(
            log_classes,
            log_confusion,
            -divergence(classes, prior_classes, log_classes)
            - divergence(dirichlet, prior, log_confusion),
            shares(dirichlet),
        )

    blocks = Blocks(table)
    fitted = fit(
        blocks, learn, max_iterations=max_iterations, tolerance=tolerance, until_still=True
    )
    return class_estimate("ibcc", blocks, fitted)

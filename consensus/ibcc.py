"""iBCC: Dawid-Skene with Dirichlet priors, by variational Bayes.

Source: H.-C. Kim and Z. Ghahramani, "Bayesian classifier combination", AISTATS 2012 (the
independent model, iBCC). The formulas are in docs/statistics/aggregation.md.
"""

from __future__ import annotations

import numpy as np

from consensus.blocks import Blocks, Expected
from consensus.estimate import ClassEstimate
from consensus.mixture import Fit, Raters, check_rounds, class_estimate, fit
from consensus.shares import shares
from consensus.table import LabelTable
from consensus.variational import divergence, expected_log

# With so many labels a rater the priors of iBCC move nothing that an interval would show.
_MANY_LABELS = 500


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
    blocks = Blocks(table)
    fitted = _fit(blocks, prior_diagonal, prior_off, class_prior, max_iterations, tolerance)
    return class_estimate("ibcc", blocks, fitted)


def cautious(table: LabelTable) -> Blocks | None:
    """The items as iBCC sees them, for intervals of raters' abilities under models without priors.

    Without priors a rater with few labels is easily taken for perfect or for useless, the items
    follow, and an interval that believes them is far too narrow. None where all raters with labels
    have many: then it makes no difference, and the time is spared.
    """
    n = np.bincount(table.raters, minlength=table.n_raters)
    if not len(n) or not ((n > 0) & (n < _MANY_LABELS)).any():
        return None
    blocks = Blocks(table)
    _fit(blocks, 4.0, 1.0, 1.0, max_iterations=500, tolerance=1e-3)
    return blocks


def _fit(
    blocks: Blocks,
    prior_diagonal: float,
    prior_off: float,
    class_prior: float,
    max_iterations: int,
    tolerance: float,
) -> Fit[Raters]:
    n_classes = blocks.n_classes
    prior = np.full((n_classes, n_classes), prior_off)
    np.fill_diagonal(prior, prior_diagonal)
    prior_classes = np.full(n_classes, class_prior)

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

    return fit(blocks, learn, max_iterations=max_iterations, tolerance=tolerance, until_still=True)

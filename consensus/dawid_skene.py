"""Dawid and Skene (1979): the classes of items and the confusion of each rater, together.

Source: A. P. Dawid and A. M. Skene, "Maximum likelihood estimation of observer error-rates using
the EM algorithm", Applied Statistics 28 (1979), 20-28. The formulas are in docs/statistics.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from consensus.estimate import ClassEstimate
from consensus.table import LabelTable
from consensus.votes import (
    abilities,
    choose,
    expected_confusion,
    has_votes,
    item_scores,
    normalise_scores,
    vote_matrix,
    vote_shares,
)


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
    few or dependent raters comes out far too sure of itself.

    Raises ValueError for a negative prior or tolerance, or `max_iterations` below 1.
    """
    if min(prior_diagonal, prior_off, class_prior, tolerance) < 0:
        raise ValueError("priors and tolerance must not be negative")
    if max_iterations < 1:
        raise ValueError(f"max_iterations must be at least 1, not {max_iterations}")
    pseudo = np.full((table.n_classes, table.n_classes), prior_off)
    np.fill_diagonal(pseudo, prior_diagonal)

    posterior = vote_shares(table)
    labelled = has_votes(posterior)
    votes = vote_matrix(table)
    confusion = np.full((table.n_raters, table.n_classes, table.n_classes), np.nan)
    trace: list[float] = []
    converged = not labelled.any()
    while not converged and len(trace) < max_iterations:
        confusion = _shares(expected_confusion(votes, posterior, table.n_raters) + pseudo)
        classes = _shares(posterior.sum(axis=0) + class_prior)
        log_confusion, log_classes = _log(confusion), _log(classes)
        posterior, evidence = normalise_scores(item_scores(votes, log_classes, log_confusion))
        posterior[~labelled] = 0.0  # without labels there is no estimate, and nothing to learn from
        trace.append(
            float(evidence[labelled].sum())
            + _log_prior(pseudo, log_confusion)
            + _log_prior(np.full(table.n_classes, class_prior), log_classes)
        )
        converged = len(trace) > 1 and trace[-1] - trace[-2] <= tolerance * abs(trace[-2])
    choice, tied = choose(posterior, labelled)
    return ClassEstimate(
        method="dawid_skene",
        posterior=posterior,
        choice=choice,
        tied=tied,
        confusion=confusion,
        ability=abilities(table, posterior),
        iterations=len(trace),
        converged=converged,
        log_likelihood=tuple(trace),
    )


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts as shares of their last axis; NaN where there is nothing to share."""
    totals = counts.sum(axis=-1, keepdims=True)
    result = np.full_like(counts, np.nan)
    np.divide(counts, totals, out=result, where=totals > 0)
    return result


def _log(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log; minus infinity for 0, and for NaN.

    A class of which a rater's labels tell nothing has probability 0 on all items of that rater. It
    stays ruled out there: with any other guess, labels on which all agree would be unlearnt.
    """
    with np.errstate(divide="ignore"):
        return np.log(np.nan_to_num(shares))


def _log_prior(pseudo: NDArray[np.float64], log_shares: NDArray[np.float64]) -> float:
    if not pseudo.any():
        return 0.0
    terms = np.zeros_like(log_shares)
    np.multiply(pseudo, log_shares, out=terms, where=np.broadcast_to(pseudo > 0, terms.shape))
    return float(terms.sum())

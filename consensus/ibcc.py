"""iBCC: Dawid-Skene with Dirichlet priors, by variational Bayes.

Source: H.-C. Kim and Z. Ghahramani, "Bayesian classifier combination", AISTATS 2012 (the
independent model, iBCC). The formulas are in docs/statistics.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

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
    `log_likelihood` the lower bound of the evidence.

    Raises ValueError for a prior that is not positive, a negative tolerance, or `max_iterations`
    below 1.
    """
    if min(prior_diagonal, prior_off, class_prior) <= 0:
        raise ValueError("Dirichlet parameters must be positive")
    if tolerance < 0:
        raise ValueError("tolerance must not be negative")
    if max_iterations < 1:
        raise ValueError(f"max_iterations must be at least 1, not {max_iterations}")
    prior = np.full((table.n_classes, table.n_classes), prior_off)
    np.fill_diagonal(prior, prior_diagonal)
    prior_classes = np.full(table.n_classes, class_prior)

    posterior = vote_shares(table)
    labelled = has_votes(posterior)
    votes = vote_matrix(table)
    dirichlet = np.broadcast_to(prior, (table.n_raters, *prior.shape)).copy()
    trace: list[float] = []
    converged = not labelled.any()
    while not converged and len(trace) < max_iterations:
        previous = posterior
        dirichlet = expected_confusion(votes, posterior, table.n_raters) + prior
        classes = posterior.sum(axis=0) + prior_classes
        scores = item_scores(votes, _expected_log(classes), _expected_log(dirichlet))
        posterior, evidence = normalise_scores(scores)
        posterior[~labelled] = 0.0
        trace.append(
            float(evidence[labelled].sum())
            - _divergence(dirichlet, prior)
            - _divergence(classes, prior_classes)
        )
        converged = float(np.abs(posterior - previous).max()) < tolerance
    choice, tied = choose(posterior, labelled)
    return ClassEstimate(
        method="ibcc",
        posterior=posterior,
        choice=choice,
        tied=tied,
        confusion=dirichlet / dirichlet.sum(axis=-1, keepdims=True),
        ability=abilities(table, posterior),
        iterations=len(trace),
        converged=converged,
        log_likelihood=tuple(trace),
    )


def _expected_log(dirichlet: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected log of shares that are Dirichlet along the last axis."""
    return np.asarray(digamma(dirichlet) - digamma(dirichlet.sum(axis=-1, keepdims=True)))


def _divergence(new: NDArray[np.float64], prior: NDArray[np.float64]) -> float:
    """Kullback-Leibler divergence of Dirichlets (last axis) from their priors, summed, in nats."""
    prior = np.broadcast_to(prior, new.shape)
    value = (
        gammaln(new.sum(axis=-1)).sum()
        - gammaln(prior.sum(axis=-1)).sum()
        - gammaln(new).sum()
        + gammaln(prior).sum()
        + ((new - prior) * _expected_log(new)).sum()
    )
    return float(value)

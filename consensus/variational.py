"""Dirichlet distributions in variational Bayes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def expected_log(dirichlet: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected log of shares that are Dirichlet along the last axis."""
    from scipy.special import digamma

    return np.asarray(digamma(dirichlet) - digamma(dirichlet.sum(axis=-1, keepdims=True)))


def divergence(new: NDArray[np.float64], prior: NDArray[np.float64]) -> float:
    """Kullback-Leibler divergence of Dirichlets (last axis) from their priors, summed, in nats."""
    from scipy.special import gammaln

    prior = np.broadcast_to(prior, new.shape)
    value = (
        gammaln(new.sum(axis=-1)).sum()
        - gammaln(prior.sum(axis=-1)).sum()
        - gammaln(new).sum()
        + gammaln(prior).sum()
        + ((new - prior) * expected_log(new)).sum()
    )
    return float(value)

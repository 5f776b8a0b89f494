"""Dirichlet distributions in variational Bayes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def expected_log(dirichlet: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected log of shares that are Dirichlet along the last axis."""
    from scipy.special import digamma

    logs: NDArray[np.float64] = digamma(dirichlet)
    logs -= digamma(dirichlet.sum(axis=-1, keepdims=True))
    return logs


def divergence(
    new: NDArray[np.float64], prior: NDArray[np.float64], logs: NDArray[np.float64]
) -> float:
    """Kullback-Leibler divergence of Dirichlets (last axis) from their priors, summed, in nats.

    `prior` is that of one or of each of them; `logs` is `expected_log(new)`.
    """
    from scipy.special import gammaln

    times = new.size / max(1, prior.size)
    value = gammaln(new.sum(axis=-1)).sum() - gammaln(new).sum()
    value += times * (gammaln(prior).sum() - gammaln(prior.sum(axis=-1)).sum())
    value += ((new - prior) * logs).sum()
    return float(value)

"""Counts as shares, their logs, and what Dirichlet priors say of them; nothing is never guessed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts as shares of their last axis; NaN where there is nothing to share."""
    totals = counts.sum(axis=-1, keepdims=True)
    result = np.full_like(counts, np.nan)
    np.divide(counts, totals, out=result, where=totals > 0)
    return result


def log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log; minus infinity for 0, and for NaN.

    A class of which a rater's labels tell nothing has probability 0 on all items of that rater. It
    stays ruled out there: with any other guess, labels on which all agree would be unlearnt.
    """
    with np.errstate(divide="ignore"):
        return np.log(np.where(values > 0, values, 0.0))


def log_density(pseudo: NDArray[np.float64], logs: NDArray[np.float64]) -> float:
    """Log density, without its constant, of Dirichlets with parameters `pseudo` + 1.

    The sum of pseudo-counts times logs; a pseudo-count of 0 makes 0 even of minus infinity.
    """
    if not pseudo.any():
        return 0.0
    terms = np.zeros_like(logs)
    np.multiply(pseudo, logs, out=terms, where=np.broadcast_to(pseudo > 0, terms.shape))
    return float(terms.sum())

"""The means of two groups of items: how far apart, with an interval.

Welch's t (B. L. Welch, Biometrika 34 (1947), 28-35). One imagined item a step above and one a step
below the mean is added to each group's variance, so that a group of items that are all alike does
not have an interval of no width.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from consensus.intervals import check_confidence, student_quantile
from consensus.paired_effects import Effect

FEWEST = 5


def group_difference(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    unit: float,
    *,
    confidence: float = 0.95,
) -> Effect | None:
    """The mean of `first`, (n,), less that of `second`, (m,); `unit` is the smallest difference
    that there can be. None where a group has fewer than `FEWEST`.
    """
    from scipy.special import stdtr

    check_confidence(confidence)
    if min(len(first), len(second)) < FEWEST:
        return None
    parts = []
    for group in (first, second):
        n = len(group)
        spread = (float(((group - group.mean()) ** 2).sum()) + 2 * unit**2) / (n + 1)
        parts.append((spread / n, n))
    variance = sum(part for part, _n in parts)
    freedom = variance**2 / sum(part**2 / (n - 1) for part, n in parts)
    value = float(first.mean() - second.mean())
    error = math.sqrt(variance)
    half = student_quantile(confidence, freedom) * error
    p = 2 * float(stdtr(freedom, -abs(value) / error))
    n = len(first) + len(second)
    return Effect(value, value - half, value + half, p, n, n)

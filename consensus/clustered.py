"""Means, and differences of two means, of answers that come in clusters: by rater and by item.

Answers of one rater are alike, and so are those to one item; an interval that takes them for
independent is too narrow. The variance is the two-way sandwich: that of sums within raters, plus
that within items, less that of single answers. Source: A. C. Cameron, J. B. Gelbach and D. L.
Miller, Journal of Business & Economic Statistics 29 (2011), 238-249. Where it comes out smaller
than that of either alone, the larger of the two is taken.

With fewer than `FEWEST_RATERS` raters nothing can be said about raters at large: then only items
are clusters, and the interval is about these raters.

Shares get one imagined yes and one imagined no in each mean, as in A. Agresti and B. Caffo, The
American Statistician 54 (2000), 280-288: a share of 0 or 1 would else have an interval of no width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.intervals import check_confidence, student_quantile

FEWEST_RATERS = 5
FEWEST_ITEMS = 2

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """A mean of `n` answers with its interval; None for both ends where items are too few."""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Contrast:
    """The mean of the first group less that of the second, with its interval.

    of_these_raters  the raters are too few to speak of others: the interval is about these
    """

    first: float
    second: float
    value: float
    low: float | None
    high: float | None
    n_first: int
    n_second: int
    of_these_raters: bool


def clustered_mean(
    values: ArrayLike,
    raters: ArrayLike,
    items: ArrayLike,
    *,
    shares: bool = False,
    confidence: float = 0.95,
) -> Mean | None:
    """The mean of `values`, (n,), whose raters and items are named by any values; None for n = 0.

    `shares`: the values are 0 and 1.
    """
    y = np.asarray(values, dtype=np.float64)
    if not len(y):
        return None
    names = _clusters(raters, items)
    side = _Side.of(y, np.ones(len(y)), shares=shares)
    low, high = _interval([side], [np.arange(len(y))], names, (1.0,), confidence, shares=shares)
    value = float(y.mean())
    return Mean(value, *_around(value, low, high), len(y))


def clustered_difference(
    values: ArrayLike,
    first: ArrayLike,
    raters: ArrayLike,
    items: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    shares: bool = False,
    confidence: float = 0.95,
) -> Contrast | None:
    """The mean of `values` where `first`, (n,) bool, less the mean where not; None without both.

    `weights`: one over the probability of being in the group that an answer is in, where that was
    drawn and differs (Hajek's estimator). `shares`: the values are 0 and 1.
    """
    y = np.asarray(values, dtype=np.float64)
    one = np.asarray(first, dtype=bool)
    if one.all() or not one.any():
        return None
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    names = _clusters(raters, items)
    rows = [np.flatnonzero(one), np.flatnonzero(~one)]
    sides = [_Side.of(y[where], w[where], shares=shares) for where in rows]
    low, high = _interval(sides, rows, names, (1.0, -1.0), confidence, shares=shares)
    mean, other = (float(np.average(y[where], weights=w[where])) for where in rows)
    low, high = _around(mean - other, low, high)
    n_first, n_second = (len(where) for where in rows)
    return Contrast(
        mean, other, mean - other, low, high, n_first, n_second, of_these_raters=len(names) == 1
    )


@dataclass(frozen=True)
class _Side:
    """One mean: its centre, what each answer moves it by, and the variance imagined ones add."""

    centre: float
    influence: Floats
    imagined: float

    @classmethod
    def of(cls, y: Floats, w: Floats, *, shares: bool) -> _Side:
        n = len(y)
        w = w * (n / w.sum())
        if not shares:
            centre = float(np.average(y, weights=w))
            return cls(centre, w * (y - centre) / n, 0.0)
        centre = (float(w @ y) + 1) / (n + 2)
        imagined = (centre**2 + (1 - centre) ** 2) / (n + 2) ** 2
        return cls(centre, w * (y - centre) / (n + 2), imagined)


def _clusters(raters: ArrayLike, items: ArrayLike) -> list[NDArray[np.int64]]:
    """Cluster of each answer, by item and, where there are enough, by rater."""
    by_item, by_rater = (np.unique(np.asarray(x), return_inverse=True)[1] for x in (items, raters))
    enough = int(by_rater.max()) + 1 >= FEWEST_RATERS
    return [by_item, by_rater] if enough else [by_item]


def _interval(
    sides: Sequence[_Side],
    rows: Sequence[NDArray[np.intp]],
    names: Sequence[NDArray[np.int64]],
    signs: Sequence[float],
    confidence: float,
    *,
    shares: bool,
) -> tuple[float | None, float | None]:
    check_confidence(confidence)
    influence = np.zeros(len(names[0]))
    for side, where, sign in zip(sides, rows, signs, strict=True):
        influence[where] = sign * side.influence
    sizes = [int(cluster.max()) + 1 for cluster in names]
    if min(sizes) < FEWEST_ITEMS:
        return None, None
    ways = [_variance(influence, cluster) for cluster in names]
    variance = ways[0]
    if len(names) == 2:
        pairs = np.unique(names[0] * np.int64(sizes[1]) + names[1], return_inverse=True)[1]
        variance = max(sum(ways) - _variance(influence, pairs), *ways)
    variance += sum(side.imagined for side in sides)
    half = student_quantile(confidence, min(sizes) - 1) * float(np.sqrt(variance))
    centre = sum(sign * side.centre for side, sign in zip(sides, signs, strict=True))
    if not shares:
        return centre - half, centre + half
    least = sum(min(sign, 0.0) for sign in signs)
    return max(centre - half, least), min(centre + half, 1.0)


def _variance(influence: Floats, cluster: NDArray[Any]) -> float:
    sums = np.bincount(cluster, influence)
    n = len(sums)
    return float(sums @ sums) * n / (n - 1) if n > 1 else 0.0


def _around(
    value: float, low: float | None, high: float | None
) -> tuple[float | None, float | None]:
    if low is None or high is None:
        return None, None
    return min(low, value), max(high, value)

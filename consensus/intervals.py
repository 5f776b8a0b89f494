"""Intervals of shares, counted and estimated, and of what lies between two ends like a share."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Shares = TypeVar("Shares", float, "NDArray[np.float64]")

# Of the normal distribution: 95 % lie within so many standard deviations on both sides.
NORMAL_975 = NormalDist().inv_cdf(0.975)

# A variance below this is a rounding error around 0.
_NO_VARIANCE = 1e-15


def proportion_interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for k out of n; (0.0, 1.0) for n = 0, where nothing is known.

    Raises ValueError where k is not in 0..n or `confidence` not between 0 and 1.
    """
    check_confidence(confidence)
    if not 0 <= k <= n:
        raise ValueError(f"k must lie in 0..n, but k = {k} and n = {n}")
    if n == 0:
        return 0.0, 1.0
    low, high = wilson(k / n, n, NormalDist().inv_cdf(0.5 + confidence / 2))
    # The formula gives exactly 0 for k = 0 and 1 for k = n; rounding would leave a last digit.
    return 0.0 if k == 0 else low, 1.0 if k == n else high


def exact_interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval for k out of n; (0.0, 1.0) for n = 0.

    Source: C. Clopper and E. Pearson, Biometrika 26 (1934), 404-413.
    Raises ValueError where k is not in 0..n or `confidence` not between 0 and 1.
    """
    from scipy.special import betaincinv

    check_confidence(confidence)
    if not 0 <= k <= n:
        raise ValueError(f"k must lie in 0..n, but k = {k} and n = {n}")
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    return low, exact_upper_bound(k, n, tail)


def exact_upper_bound(k: int, n: int, tail: float) -> float:
    """Upper end of Clopper and Pearson's interval, missed with probability `tail`; 1 for n = 0."""
    from scipy.special import betaincinv

    return 1.0 if k >= n else float(betaincinv(k + 1, n - k, 1 - tail))


def wilson(share: Shares, size: Shares, quantile: float) -> tuple[Shares, Shares]:
    """Ends of Wilson's interval of a share of `size` cases; numbers, or arrays of one shape.

    `quantile` is that of the normal distribution (or Student's) which the confidence lies within.
    Source: E. B. Wilson, JASA 22 (1927), 209-212. Where the share is 0 or 1 an end may miss it by a
    last digit.
    """
    z2 = quantile**2
    centre = share + z2 / (2 * size)
    half = (z2 * (share * (1 - share) / size + z2 / (4 * size * size))) ** 0.5
    scale = 1 + z2 / size
    return (centre - half) / scale, (centre + half) / scale


def share_interval(
    share: float, size: float, n_items: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Wilson's interval of an estimated share that is worth a count out of `size` items.

    `size` is the effective sample size (`effective_size`), `n_items` the items that its variance
    was estimated from: the quantile is Student's with one degree of freedom less.

    Raises ValueError for fewer than two items.
    """
    check_confidence(confidence)
    if n_items < 2:
        raise ValueError(f"an interval needs at least two items, not {n_items}")
    return wilson(share, size, student_quantile(confidence, n_items - 1))


def imagined_interval(
    share: float,
    imagined: float,
    variance: float,
    *,
    n_items: int,
    n_imagined: int,
    confidence: float,
) -> tuple[float, float]:
    """Interval of a share whose variance was taken with some imagined items among the real ones.

    `imagined` is the share with them, `variance` what it varies by. Only how much the share is
    worth comes from them; the interval lies around the real one.
    """
    n = n_items + n_imagined
    size = effective_size(imagined, variance, n) * n_items / n
    return share_interval(share, size, n_items, confidence)


def effective_size(share: float, variance: float, n_items: float) -> float:
    """How many independent yes-or-no items give a share this variance: p(1 - p) / variance.

    `n_items` where that says nothing, at a share of 0 or 1 or without any variance.
    """
    if variance <= _NO_VARIANCE or not 0 < share < 1:
        return n_items
    return share * (1 - share) / variance


def student_quantile(confidence: float, freedom: float) -> float:
    """The quantile of Student's t that `confidence` lies within, on both sides of 0."""
    from scipy.special import stdtrit  # here, so that counted shares do not wait for scipy

    return float(stdtrit(freedom, 0.5 + confidence / 2))


def check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")

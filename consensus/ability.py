"""How far raters are to be trusted, with 95 % intervals. Formulas: docs/statistics/aggregation.md.

All raters at once; NaN where nothing is known of a rater.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from consensus.intervals import wilson

CONFIDENCE = 0.95


def share_right(right: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """`right` of `n` labels as a share, both (n_raters,); NaN where n is 0."""
    result = np.full(len(right), np.nan)
    np.divide(right, n, out=result, where=n > 0)
    return np.asarray(np.clip(result, 0.0, 1.0))


def wilson_intervals(right: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wilson's 95 % intervals of shares, (n_raters, 2), where `right` labels of `n` were right.

    Source: E. B. Wilson, JASA 22 (1927), 209-212. For labels whose truth is known, or is taken to
    be (a majority).
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = share_right(right, n)
    ends = np.stack(wilson(share, np.where(n > 0, n, np.nan), z), axis=1)
    # At 0 and 1 an end is the share itself, and must not miss it by a last digit.
    ends[:, 0] = np.clip(ends[:, 0], 0.0, share)
    ends[:, 1] = np.clip(ends[:, 1], share, 1.0)
    return ends


def expected_intervals(
    right: NDArray[np.float64],
    variance: NDArray[np.float64],
    n: NDArray[np.float64],
    prior: tuple[float, float] = (0.5, 0.5),
) -> NDArray[np.float64]:
    """95 % intervals of the share right, (n_raters, 2), where the truth is known up to a posterior.

    Of a rater's `n` labels an expected number of `right` is right, with a variance of `variance`
    (sum of q (1 - q) over the labels, q the posterior of the class named). Were the number known,
    the share would be Beta distributed, with Jeffreys' prior (1/2, 1/2) unless another is given.
    Not knowing takes away from the information of the labels what Louis (JRSS B 44 (1982), 226-233)
    says: the Beta keeps its mean, and its size shrinks from n by variance / (mean (1 - mean)). An
    interval always contains right / n.
    """
    from scipy.special import betaincinv

    first, second = prior
    mean = (right + first) / (n + first + second)
    size = np.maximum(n - variance / (mean * (1 - mean)), 0.0) + first + second
    tail = (1 - CONFIDENCE) / 2
    low = betaincinv(mean * size, (1 - mean) * size, tail)
    high = betaincinv(mean * size, (1 - mean) * size, 1 - tail)
    ends = around(share_right(right, n), np.stack([low, high], axis=1))
    ends[n <= 0] = np.nan
    return ends


def around(value: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intervals (n, 2), stretched where `value`, (n,), would lie outside."""
    return np.stack([np.fmin(ends[:, 0], value), np.fmax(ends[:, 1], value)], axis=1)

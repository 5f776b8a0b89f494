"""One number an item from the numbers of many raters, who have offsets, noise and slips.

Model, sources and priors are in docs/statistics.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from consensus.estimate import NumberEstimate
from consensus.intervals import NORMAL_975
from consensus.number_fit import NumberFit, fit_numbers
from consensus.number_items import item_values
from consensus.numbers import Numbers


def robust_mean(
    numbers: Numbers,
    *,
    tail: float | None = None,
    resolution: float | None = None,
    max_iterations: int = 500,
    tolerance: float = 1e-8,
) -> NumberEstimate:
    """Values of the items, offset and spread of each rater, until a round gains too little.

    Too little is less than `tolerance` a number. A rater's numbers are the item's value, plus the
    rater's offset (`bias`), plus noise with a t distribution whose scale is the rater's own
    (`spread`). Offsets are normal about 0: `error` includes that nobody knows how far raters are
    off together. `log_likelihood` is the lower bound of the evidence.

    `tail` gives the degrees of freedom of the noise (infinity: normal); None estimates them.
    `resolution` is the step in which numbers are given (1 for whole numbers); None takes the
    smallest difference between two of them.

    Where no item has two numbers, or all numbers are one and the same, nothing is known of the
    noise: `value` is the mean and all errors are NaN.

    Raises ValueError for a `tail` not above 2, a `resolution` not above 0, a negative tolerance, or
    `max_iterations` below 1.
    """
    if tail is not None and not tail > 2:
        raise ValueError(f"tail must be above 2, not {tail}")
    if resolution is not None and not 0 < resolution < math.inf:
        raise ValueError(f"resolution must be above 0, not {resolution}")
    if tolerance < 0:
        raise ValueError("tolerance must not be negative")
    if max_iterations < 1:
        raise ValueError(f"max_iterations must be at least 1, not {max_iterations}")
    order = np.lexsort((numbers.values, numbers.raters, numbers.items))
    items = numbers.items[order].astype(np.int64)
    raters, values = numbers.raters[order].astype(np.int64), numbers.values[order]
    per_item = np.bincount(items, minlength=numbers.n_items)
    step = _step(values) if resolution is None else resolution
    several = per_item > 1
    if not several.any() or not step:
        return _means(numbers)
    # Where the numbers lie and how wide does not matter; sums keep their digits near 0.
    centre, unit = float(np.median(values)), max(float(np.std(values)), step)
    values = (values - centre) / unit
    kept = several[items]
    place = np.cumsum(several) - 1
    fit = fit_numbers(
        place[items[kept]],
        raters[kept],
        values[kept],
        int(several.sum()),
        numbers.n_raters,
        rounding=(step / unit) ** 2 / 12,
        tail=tail,
        max_iterations=max_iterations,
        tolerance=tolerance,
    )
    known = np.bincount(raters[kept], minlength=numbers.n_raters) > 0
    widened = _offsets_widened(int(known.sum()))
    fit.shared, fit.offset_variance = fit.shared * widened, fit.offset_variance * widened
    value, error, interval = _values(fit, items, raters, values, several)
    number = per_item > 0
    result = np.full(numbers.n_items, np.nan), np.full(numbers.n_items, np.nan)
    ends = np.full((numbers.n_items, 2), np.nan)
    result[0][number], result[1][number] = value * unit + centre, error * unit
    ends[number] = interval * unit + centre
    spread = np.sqrt(fit.rate / fit.shape)
    weights = np.full(numbers.n_labels, np.nan)
    weights[order[kept]] = fit.weight
    return NumberEstimate(
        method="robust_mean",
        ability=np.where(known, _reliability(fit, spread), np.nan),
        iterations=len(fit.trace),
        converged=fit.converged,
        log_likelihood=tuple(fit.trace),
        value=result[0],
        error=result[1],
        interval=ends,
        bias=np.where(known, fit.offset * unit, np.nan),
        bias_error=np.where(known, np.sqrt(fit.offset_variance) * unit, np.nan),
        spread=np.where(known, spread * unit, np.nan),
        tail=fit.tail,
        weights=weights,
    )


def _offsets_widened(n_raters: int) -> float:
    """Factor of the variances that come from offsets: their spread is known from few raters only.

    Its inverse gamma posterior has n_raters + 2 degrees of freedom, which makes a normal offset one
    with a t distribution.
    """
    from scipy.special import stdtrit

    return float(stdtrit(n_raters + 2, 0.975) / NORMAL_975) ** 2


def _step(values: NDArray[np.float64]) -> float:
    """Smallest difference between two numbers that is no rounding error; 0 where all are one."""
    different = np.unique(values)
    gaps = np.diff(different)
    gaps = gaps[gaps > 1e-12 * np.abs(different[1:])]
    return float(gaps.min()) if len(gaps) else 0.0


def _values(
    fit: NumberFit,
    items: NDArray[np.int64],
    raters: NDArray[np.int64],
    values: NDArray[np.float64],
    several: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Value, error and interval of all items with numbers, those with one number included."""
    shifted = values - fit.offset[raters]
    scale = np.sqrt(fit.rate / fit.shape)[raters]
    # That the precision of a rater is not known makes the tails heavier still.
    tails = 1.0 / (1.0 / fit.tail + 1.0 / (2.0 * fit.shape))[raters]
    first = np.flatnonzero(np.diff(items, prepend=-1))
    starts = np.append(first, len(items))
    shared, centre, width = fit.offset_variance[raters[first]], shifted[first], scale[first]
    among = several[items[first]]
    shared[among], centre[among] = fit.shared, fit.mean
    width[among] = 1.0 / np.sqrt(fit.precision)
    return item_values(starts, shifted, scale, tails, shared, centre, width)


def _reliability(fit: NumberFit, spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance of the items over that and the rater's noise; NaN with fewer than two items."""
    if len(fit.mean) < 2:
        return np.full(len(spread), np.nan)
    noise = float(np.mean(1.0 / fit.precision))
    between = max(float(np.var(fit.mean, ddof=1)) - noise, 0.0)
    return np.asarray(between / (between + spread**2))


def _means(numbers: Numbers) -> NumberEstimate:
    counts = np.bincount(numbers.items, minlength=numbers.n_items)
    value = np.full(numbers.n_items, np.nan)
    sums = np.bincount(numbers.items, numbers.values, numbers.n_items)
    np.divide(sums, counts, out=value, where=counts > 0)
    unknown = np.full(numbers.n_raters, np.nan)
    return NumberEstimate(
        method="robust_mean",
        ability=unknown,
        log_likelihood=(),
        value=value,
        error=np.full(numbers.n_items, np.nan),
        interval=np.full((numbers.n_items, 2), np.nan),
        bias=unknown.copy(),
        bias_error=unknown.copy(),
        spread=unknown.copy(),
        tail=math.nan,
        weights=np.full(numbers.n_labels, np.nan),
    )

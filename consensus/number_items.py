"""Distribution of each item's value, given what is known of the raters who gave it numbers.

The t distribution has no simple posterior: with two numbers far apart it has two hills. It is
summed up on points that lie close where it may be steep.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Points around a number or a mean, in units of its scale: close near it, up to 60 away.
_AROUND = 60.0 * np.sinh(np.linspace(-4.2, 4.2, 31)) / np.sinh(4.2)
_CENTRAL = 30.0 * np.sinh(np.linspace(-4.2, 4.2, 61)) / np.sinh(4.2)
# With more numbers than this the values have one hill, and points around its top will do.
_FEW = 12
_CHUNK = 2_000_000


def item_values(
    starts: NDArray[np.int64],
    shifted: NDArray[np.float64],
    scale: NDArray[np.float64],
    tail: NDArray[np.float64],
    shared: NDArray[np.float64],
    centre: NDArray[np.float64],
    width: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean (n,), standard deviation (n,) and 95 % interval (n, 2) of the values of n items.

    The numbers of item i, less the offsets of their raters, are shifted[starts[i]:starts[i + 1]],
    with `scale` and degrees of freedom `tail` beside them; each item has at least one. `shared` is
    the variance that comes on top from not knowing the offsets. `centre` and `width` say roughly
    where the value lies.
    """
    sizes = np.diff(starts)
    mean, deviation = np.empty(len(sizes)), np.empty(len(sizes))
    interval = np.empty((len(sizes), 2))
    for size in np.unique(sizes).tolist():
        alike = np.flatnonzero(sizes == size)
        points = len(_CENTRAL) + (size * len(_AROUND) if size <= _FEW else 0)
        step = max(1, _CHUNK // (points * size))
        for begin in range(0, len(alike), step):
            part = alike[begin : begin + step]
            rows = starts[part][:, None] + np.arange(size)
            mean[part], variance, interval[part] = _summed_up(
                shifted[rows], scale[rows], tail[rows], centre[part], width[part]
            )
            widened = np.sqrt(1.0 + shared[part] / variance)
            deviation[part] = np.sqrt(variance + shared[part])
            interval[part] = (
                mean[part, None] + (interval[part] - mean[part, None]) * widened[:, None]
            )
    return mean, deviation, interval


def _summed_up(
    shifted: NDArray[np.float64],
    scale: NDArray[np.float64],
    tail: NDArray[np.float64],
    centre: NDArray[np.float64],
    width: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, variance and interval of products of t densities; all arrays have a row an item."""
    points = centre[:, None] + width[:, None] * _CENTRAL
    if shifted.shape[1] <= _FEW:
        around = shifted[:, :, None] + scale[:, :, None] * _AROUND
        points = np.concatenate([points, around.reshape(len(points), -1)], axis=1)
    points.sort(axis=1)
    log_density = np.zeros_like(points)
    for at in range(shifted.shape[1]):
        z = (points - shifted[:, at, None]) / scale[:, at, None]
        nu = tail[:, at, None]
        log_density -= (nu + 1) / 2 * np.log1p(z**2 / nu)
    log_density -= log_density.max(axis=1, keepdims=True)
    density = np.exp(log_density)
    steps = np.diff(points, axis=1)
    cells = (density[:, 1:] + density[:, :-1]) / 2 * steps
    total = cells.sum(axis=1)
    away = points - centre[:, None]  # sums of squares keep their digits near 0
    first = ((density * away)[:, 1:] + (density * away)[:, :-1]) / 2 * steps
    second = ((density * away**2)[:, 1:] + (density * away**2)[:, :-1]) / 2 * steps
    shift = first.sum(axis=1) / total
    variance = second.sum(axis=1) / total - shift**2
    cumulative = cells.cumsum(axis=1) / total[:, None]
    ends = np.stack([_quantile(points, cumulative, level) for level in (0.025, 0.975)], axis=1)
    return centre + shift, variance, ends


def _quantile(
    points: NDArray[np.float64], cumulative: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    cell = np.minimum((cumulative < level).sum(axis=1), cumulative.shape[1] - 1)[:, None]
    upto = np.take_along_axis(cumulative, cell, axis=1)[:, 0]
    before = np.where(
        cell[:, 0] > 0, np.take_along_axis(cumulative, np.maximum(cell - 1, 0), axis=1)[:, 0], 0.0
    )
    low = np.take_along_axis(points, cell, axis=1)[:, 0]
    high = np.take_along_axis(points, cell + 1, axis=1)[:, 0]
    within = np.clip((level - before) / np.maximum(upto - before, 1e-300), 0.0, 1.0)
    return np.asarray(low + within * (high - low))

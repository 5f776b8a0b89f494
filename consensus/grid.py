"""Distributions on an even grid of points: shares of cells below a cut, and quantiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def shares_below(
    thresholds: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the cell around each point that lies below each threshold."""
    width = points[1] - points[0]
    return np.asarray(np.clip((thresholds - points[:, None]) / width + 0.5, 0.0, 1.0))


def quantiles(
    places: NDArray[np.float64], points: NDArray[np.float64], levels: tuple[float, float]
) -> NDArray[np.float64]:
    """Quantiles of each row of shares of cells, straight lines within a cell."""
    width = points[1] - points[0]
    cumulative = places.cumsum(axis=1)
    ends = []
    for level in levels:
        cell = np.minimum((cumulative < level).sum(axis=1), len(points) - 1)[:, None]
        share = np.take_along_axis(places, cell, axis=1)[:, 0]
        before = np.take_along_axis(cumulative, cell, axis=1)[:, 0] - share
        within = np.clip((level - before) / np.maximum(share, 1e-300), 0.0, 1.0)
        ends.append(points[cell[:, 0]] + (within - 0.5) * width)
    return np.stack(ends, axis=1)

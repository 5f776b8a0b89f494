"""Agreement beyond chance: what kappa, alpha and Gwet's AC have in common, and their interval.

All are 1 - observed disagreement / disagreement by chance. Formulas are in
docs/statistics/agreement.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.intervals import imagined_interval

Floats = NDArray[np.float64]
# How much of an agreement it is when one says c and the other k: names of common choices, or a
# matrix (n_classes, n_classes).
Weights = Literal["none", "linear", "quadratic"] | ArrayLike


class Parts(NamedTuple):
    """A coefficient taken apart, for some patterns of items that occur so many times.

    observed   disagreement, in 0..1 (1: the largest that two classes can have)
    expected   disagreement by chance, in the same unit; 0 where nothing could have disagreed
    influence  (n_patterns,): by how much observed / expected grows for each item more of a pattern
    """

    observed: float
    expected: float
    influence: Floats


# From patterns and how often each occurs (which need not be whole) to the coefficient's parts.
Measurement = Callable[[Floats, Floats], Parts]


def coefficient(parts: Parts) -> float | None:
    """1 - observed / expected; None where nothing could have disagreed."""
    return 1 - parts.observed / parts.expected if parts.expected > 0 else None


def coefficient_interval(
    measure: Measurement,
    patterns: Floats,
    times: Floats,
    unanimous: Floats,
    *,
    n_items: int,
    confidence: float,
) -> tuple[float, float] | tuple[None, None]:
    """Interval of a coefficient over other items of the kind; None for fewer than two items.

    The observed disagreement is a share. Its effective sample size comes from the coefficient's
    variance by the infinitesimal jackknife, and Wilson's interval of it is divided by the
    disagreement by chance. The variance is that of the items and some imagined ones: one of each
    pattern of `unanimous` (all say c, for each class c that occurs), and one on which raters differ
    as they would by chance. Few items may show neither an agreement on a rare class nor a great
    difference, and would seem to have no variance. The value is not touched by them.
    """
    if n_items < 2:
        return None, None
    parts = measure(patterns, times)
    imagined_times = np.concatenate([times, np.ones(len(unanimous))])
    imagined = measure(np.concatenate([patterns, unanimous]), imagined_times)
    variance = jackknife_variance(imagined.influence, imagined_times) * imagined.expected**2
    low, high = imagined_interval(
        parts.observed,
        imagined.observed,
        variance + ((imagined.expected - imagined.observed) / float(imagined_times.sum())) ** 2,
        n_items=n_items,
        n_imagined=len(unanimous),
        confidence=confidence,
    )
    return 1 - high / parts.expected, 1 - low / parts.expected


def jackknife_variance(influence: Floats, times: Floats) -> float:
    """Variance of a statistic from the influence of each pattern and how often it occurs."""
    n = float(times.sum())
    mean = float(times @ influence) / n
    return float(times @ (influence - mean) ** 2) * n / (n - 1)


def agreement_weights(weights: Weights, n_classes: int) -> Floats:
    """Weights as a matrix (n_classes, n_classes): 1 is full agreement, 0 none.

    "none" 1 for the same class, else 0; "linear" 1 - |c - k| / (n_classes - 1); "quadratic" the
    same with squares; or a symmetric matrix in 0..1 with ones on the diagonal.

    Raises ValueError for anything else.
    """
    codes = np.arange(n_classes, dtype=np.float64)
    steps = np.abs(codes[:, None] - codes) / max(n_classes - 1, 1)
    if isinstance(weights, str):
        named = {"none": (steps > 0) * 1.0, "linear": steps, "quadratic": steps**2}
        if weights not in named:
            raise ValueError(f"weights must be one of {', '.join(named)}, not {weights!r}")
        return np.asarray(1 - named[weights], dtype=np.float64)
    matrix = np.array(weights, dtype=np.float64)
    if matrix.shape != (n_classes, n_classes):
        raise ValueError(f"weights must have a row and a column a class, not shape {matrix.shape}")
    if not (
        np.array_equal(matrix, matrix.T)
        and (np.diagonal(matrix) == 1).all()
        and matrix.min() >= 0
        and matrix.max() <= 1
    ):
        raise ValueError("weights must be symmetric, in 0..1, with ones on the diagonal")
    return matrix


def weights_name(weights: Weights) -> str:
    return weights if isinstance(weights, str) else "own weights"


def unanimous_patterns(patterns: Floats, times: Floats) -> Floats:
    """For each class that occurs, an item of the mean number of labels that all name it."""
    used = np.flatnonzero(times @ patterns > 0)
    shared = patterns.sum(axis=1) > 1
    size = float(times[shared] @ patterns[shared].sum(axis=1)) / max(float(times[shared].sum()), 1)
    rows = np.zeros((len(used), patterns.shape[1]))
    rows[np.arange(len(used)), used] = size
    return rows

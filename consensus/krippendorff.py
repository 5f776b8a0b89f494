"""Krippendorff's alpha: agreement of any number of raters, with labels missing, at four levels.

Source: K. Krippendorff, Content Analysis, 3rd ed. (2013), chapter 12. The formulas are in
docs/statistics/agreement.md.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.agreement import Agreement
from consensus.chance import (
    Floats,
    Measurement,
    Parts,
    coefficient,
    coefficient_interval,
    unanimous_patterns,
)
from consensus.intervals import check_confidence
from consensus.patterns import count_patterns
from consensus.table import LabelTable

Level = Literal["nominal", "ordinal", "interval", "ratio"]


def krippendorff_alpha(
    table: LabelTable, *, level: Level = "nominal", values: ArrayLike | None = None
) -> float | None:
    """Krippendorff's alpha of all raters of the table.

    None where undefined: fewer than two labels share an item, or all those labels are of one class.
    `level` says what a difference between classes is: "nominal" (same or not), "ordinal" (how many
    labels lie between), "interval" (squared distance), "ratio" (squared distance as a share of the
    sum). The last two need numbers: `values`, (n_classes,), or else the codes themselves.
    Repeats by one rater count like labels of further raters; leave them out beforehand to avoid it.

    Raises ValueError for an unknown level, `values` of another length or where the level uses none,
    and negative numbers at the level "ratio".
    """
    measure = alpha_measurement(table.n_classes, level, values)
    return coefficient(measure(*_floats(count_patterns(table))))


def krippendorff_interval(
    table: LabelTable,
    *,
    level: Level = "nominal",
    values: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Agreement:
    """Alpha with its interval over items; `n` counts the labels on items with two or more.

    The interval is in closed form (consensus.chance): no draws, no seed. Undefined, and errors, as
    in `krippendorff_alpha`; one item has a value and no interval.

    Raises ValueError for a `confidence` outside 0..1 too.
    """
    check_confidence(confidence)
    measure = alpha_measurement(table.n_classes, level, values)
    patterns, times = _floats(count_patterns(table))
    value = coefficient(measure(patterns, times))
    n_items, n = int(times.sum()), int(times @ patterns.sum(axis=1))
    low = high = None
    if value is not None:
        low, high = coefficient_interval(
            measure,
            patterns,
            times,
            unanimous_patterns(patterns, times),
            n_items=n_items,
            confidence=confidence,
        )
    return Agreement(
        measure="krippendorff_alpha",
        value=value,
        low=low,
        high=high,
        n_items=n_items,
        n=n,
        level=level,
        confidence=confidence,
        reason=None if value is not None else "one_class" if n else "no_pairs",
    )


def _floats(found: tuple[NDArray[np.int64], NDArray[np.int64]]) -> tuple[Floats, Floats]:
    return found[0].astype(np.float64), found[1].astype(np.float64)


def alpha_measurement(n_classes: int, level: Level, values: ArrayLike | None = None) -> Measurement:
    """Alpha as a coefficient of patterns of counts; see `krippendorff_alpha`."""
    if level not in get_args(Level):
        raise ValueError(f"level must be one of {', '.join(get_args(Level))}, not {level!r}")
    if values is not None and level in ("nominal", "ordinal"):
        raise ValueError(f"level {level!r} uses no numbers, so leave out values")
    if level == "ordinal":
        return _ordinal
    given = np.arange(n_classes) if values is None else values
    numbers = np.array(given, dtype=np.float64)
    if numbers.shape != (n_classes,) or not np.isfinite(numbers).all():
        raise ValueError(f"values must be {n_classes} numbers, one a class")
    if level == "nominal":
        return _nominal
    apart: Floats = (numbers[:, None] - numbers) ** 2
    if level == "ratio":
        if numbers.min() < 0:
            raise ValueError("numbers must not be negative at the level ratio")
        sums = (numbers[:, None] + numbers) ** 2
        apart = np.divide(apart, sums, out=np.zeros_like(apart), where=sums > 0)
    return lambda patterns, times: _fixed(patterns, times, apart)


def _nominal(patterns: Floats, times: Floats) -> Parts:
    sizes = patterns.sum(axis=1)
    totals = times @ patterns
    n = float(totals.sum())
    within = (sizes**2 - (patterns**2).sum(axis=1)) / (sizes - 1)
    overall = n**2 - float(totals @ totals)
    return _parts(
        sizes, times, totals, within, overall, within, 2 * (n * sizes - patterns @ totals)
    )


def _fixed(patterns: Floats, times: Floats, apart: Floats) -> Parts:
    """Differences of classes, (n_classes, n_classes), that do not depend on the labels."""
    sizes = patterns.sum(axis=1)
    totals = times @ patterns
    within = ((patterns @ apart) * patterns).sum(axis=1) / (sizes - 1)
    used = totals > 0
    largest = float(apart[np.ix_(used, used)].max(initial=0.0))
    overall = float(totals @ apart @ totals)
    return _parts(
        sizes, times, totals, within, overall, within, 2 * (patterns @ (apart @ totals)), largest
    )


def _ordinal(patterns: Floats, times: Floats) -> Parts:
    """Squared distances of mid-ranks, which move when labels come in: so do both disagreements."""
    sizes = patterns.sum(axis=1)
    totals = times @ patterns
    n = float(totals.sum())
    ranks = np.cumsum(totals) - totals / 2
    of_item, of_square = patterns @ ranks, patterns @ ranks**2
    within = 2 * (sizes * of_square - of_item**2) / (sizes - 1)
    mean = float(totals @ ranks)
    overall = 2 * (n * float(totals @ ranks**2) - mean**2)
    # How both change with the ranks of the classes, times how a pattern moves the ranks.
    shared = times / (sizes - 1)
    pairs = patterns.T @ (shared * of_item) - ranks * (shared @ patterns)
    moved = np.cumsum(patterns, axis=1) - patterns / 2
    within_moves = within + moved @ (4 * (ranks * totals - pairs))
    overall_moves = 2 * (
        n * of_square + sizes * float(totals @ ranks**2) - 2 * mean * of_item
    ) + moved @ (4 * totals * (n * ranks - mean))
    used = ranks[totals > 0]
    largest = float(np.ptp(used) ** 2) if used.size else 0.0
    return _parts(sizes, times, totals, within, overall, within_moves, overall_moves, largest)


def _parts(
    sizes: Floats,
    times: Floats,
    totals: Floats,
    within: Floats,
    overall: float,
    within_moves: Floats,
    overall_moves: Floats,
    largest: float = 1.0,
) -> Parts:
    """Alpha from sums of differences: `within` items (a pattern each), and of all with all.

    The moves say by how much the two sums grow for an item more of each pattern; `largest` is the
    largest difference of two classes that occur.
    """
    n = float(times @ sizes)
    if overall <= 0 or np.count_nonzero(totals) < 2:
        return Parts(0.0, 0.0, np.zeros_like(sizes))
    inner = float(times @ within)
    influence = sizes * inner / overall + (n - 1) * (
        within_moves / overall - inner * overall_moves / overall**2
    )
    return Parts(inner / n / largest, overall / (n * (n - 1)) / largest, influence)

"""What Fleiss' kappa and Gwet's AC have in common: a mean over items, against agreement by chance.

Only the agreement by chance differs. The formulas are in docs/statistics/agreement.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from consensus.agreement import Agreement
from consensus.chance import (
    Floats,
    Measurement,
    Parts,
    Weights,
    coefficient,
    coefficient_interval,
    unanimous_patterns,
    weights_name,
)
from consensus.intervals import check_confidence
from consensus.patterns import count_patterns
from consensus.table import LabelTable

# From class shares to the disagreement by chance and its gradient, (n_classes,).
Chance = Callable[[Floats], tuple[float, Floats]]


def item_mean_parts(patterns: Floats, times: Floats, apart: Floats, chance: Chance) -> Parts:
    """The coefficient taken apart; `apart`, (n_classes, n_classes), is how far classes differ.

    Observed is a mean over items with two labels or more, the share of a class one over all items.
    """
    sizes = patterns.sum(axis=1)
    shared = sizes > 1
    n_shared, n = float(times[shared].sum()), float(times.sum())
    of_class = patterns / sizes[:, None]
    shares = times @ of_class / max(n, 1)
    if not n_shared or np.count_nonzero(shares) < 2:
        return Parts(0.0, 0.0, np.zeros(len(times)))
    differing = ((patterns @ apart) * patterns).sum(axis=1)
    of_item = np.divide(differing, sizes * (sizes - 1), out=np.zeros_like(sizes), where=shared)
    observed = float(times @ of_item) / n_shared
    expected, gradient = chance(shares)
    if expected <= 0:
        return Parts(0.0, 0.0, np.zeros(len(times)))
    influence = np.where(shared, of_item - observed, 0.0) / n_shared / expected
    influence -= observed / expected**2 * ((of_class - shares) @ gradient) / n
    return Parts(observed, expected, influence)


def _patterns(table: LabelTable) -> tuple[Floats, Floats]:
    """Items with a single label too: they say how often a class is used."""
    patterns, times = count_patterns(table, least=1)
    return patterns.astype(np.float64), times.astype(np.float64)


def value_of(table: LabelTable, measure: Measurement) -> float | None:
    return coefficient(measure(*_patterns(table)))


def agreement_of(
    table: LabelTable,
    name: Literal["fleiss_kappa", "gwet_ac"],
    measure: Measurement,
    weights: Weights,
    confidence: float,
) -> Agreement:
    check_confidence(confidence)
    patterns, times = _patterns(table)
    sizes = patterns.sum(axis=1)
    n_items = int(times[sizes > 1].sum())
    value = coefficient(measure(patterns, times))
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
        measure=name,
        value=value,
        low=low,
        high=high,
        n_items=n_items,
        n=int(times[sizes > 1] @ sizes[sizes > 1]),
        level=weights_name(weights),
        confidence=confidence,
        reason=None if value is not None else "one_class" if n_items else "no_pairs",
    )

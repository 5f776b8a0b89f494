"""Cohen's kappa of two raters, plain and weighted.

Sources: J. Cohen, Educational and Psychological Measurement 20 (1960), 37-46; J. Cohen,
Psychological Bulletin 70 (1968), 213-220 (weights). The formulas are in
docs/statistics/agreement.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from consensus.agreement import Agreement
from consensus.chance import (
    Floats,
    Measurement,
    Parts,
    Weights,
    agreement_weights,
    coefficient,
    coefficient_interval,
    weights_name,
)
from consensus.intervals import check_confidence
from consensus.two_raters import paired_codes


def cohen_kappa(
    a_codes: ArrayLike, b_codes: ArrayLike, n_classes: int, *, weights: Weights = "none"
) -> float | None:
    """Cohen's kappa of two raters over the same items.

    Position k of both sequences is the same item. `weights` say how much of an agreement two
    classes are (consensus.chance.agreement_weights): "linear" or "quadratic" for ordered classes.
    None where undefined: no items, or both raters gave all of them one and the same class.

    Raises ValueError where lengths differ, a code is not in 0..n_classes-1, or for bad weights.
    """
    cells, times = _cells(a_codes, b_codes, n_classes)
    return coefficient(kappa_measurement(n_classes, weights)(cells, times))


def cohen_kappa_interval(
    a_codes: ArrayLike,
    b_codes: ArrayLike,
    n_classes: int,
    *,
    weights: Weights = "none",
    confidence: float = 0.95,
) -> Agreement:
    """Cohen's kappa with its interval over items, in closed form; `n` counts the items too.

    Raises ValueError as `cohen_kappa`, and for a `confidence` outside 0..1.
    """
    check_confidence(confidence)
    cells, times = _cells(a_codes, b_codes, n_classes)
    measure = kappa_measurement(n_classes, weights)
    value = coefficient(measure(cells, times))
    n_items = int(times.sum())
    low = high = None
    if value is not None:
        used = np.unique(cells)
        low, high = coefficient_interval(
            measure,
            cells,
            times,
            np.stack([used, used], axis=1),
            n_items=n_items,
            confidence=confidence,
        )
    return Agreement(
        measure="cohen_kappa",
        value=value,
        low=low,
        high=high,
        n_items=n_items,
        n=n_items,
        level=weights_name(weights),
        confidence=confidence,
        reason=None if value is not None else "one_class" if n_items else "no_pairs",
    )


def _cells(a_codes: ArrayLike, b_codes: ArrayLike, n_classes: int) -> tuple[Floats, Floats]:
    """The pairs of classes that occur, (n_cells, 2), and how often each."""
    a, b = paired_codes(a_codes, b_codes, n_classes)
    found, times = np.unique(a * n_classes + b, return_counts=True)
    cells = np.stack(np.divmod(found, n_classes), axis=1)
    return cells.astype(np.float64), times.astype(np.float64)


def kappa_measurement(n_classes: int, weights: Weights = "none") -> Measurement:
    """Kappa as a coefficient of pairs of classes, (n_cells, 2), and how often each occurs."""
    apart = 1 - agreement_weights(weights, n_classes)

    def measure(cells: Floats, times: Floats) -> Parts:
        a, b = cells.astype(np.int64).T
        n = float(times.sum())
        of_a = np.bincount(a, weights=times, minlength=n_classes)
        of_b = np.bincount(b, weights=times, minlength=n_classes)
        against_a, against_b = apart @ of_b, of_a @ apart
        by_chance = float(of_a @ against_a)
        if by_chance <= 0:
            return Parts(0.0, 0.0, np.zeros(len(times)))
        observed, expected = float(times @ apart[a, b]) / n, by_chance / n**2
        # An item more in a cell, as a share of all: what it adds to either disagreement.
        influence = (apart[a, b] - observed) / expected / n
        moves = (against_a[a] + against_b[b]) / n - 2 * expected
        influence -= observed / expected**2 * moves / n
        return Parts(observed, expected, influence)

    return measure

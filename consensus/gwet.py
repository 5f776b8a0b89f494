"""Gwet's AC1 and AC2: agreement that stays high where nearly all labels name one class.

Sources: K. L. Gwet, British Journal of Mathematical and Statistical Psychology 61 (2008), 29-48
(AC1), and Handbook of Inter-Rater Reliability, 4th ed. (2014), chapters 2 to 4 (AC2, missing
labels). The formulas are in docs/statistics/agreement.md.
"""

from __future__ import annotations

from consensus.agreement import Agreement
from consensus.chance import Measurement, Weights, agreement_weights
from consensus.item_means import agreement_of, item_mean_parts, value_of
from consensus.table import LabelTable


def gwet_ac(table: LabelTable, *, weights: Weights = "none") -> float | None:
    """Gwet's AC1 of all raters of the table; with `weights`, AC2.

    Unlike kappa it stays high where nearly all labels name one class and raters agree on them.
    Items with other numbers of labels, and repeats, as in `fleiss_kappa`.
    None where undefined: fewer than two labels share an item, or all labels name one class (the
    formula gives 1, but nobody has shown that anybody would have disagreed).

    Raises ValueError for bad weights (consensus.chance.agreement_weights).
    """
    return value_of(table, gwet_measurement(table.n_classes, weights))


def gwet_ac_interval(
    table: LabelTable, *, weights: Weights = "none", confidence: float = 0.95
) -> Agreement:
    """AC1 or AC2 with its interval over items, in closed form (consensus.chance).

    `n_items` and `n` count the items with two labels or more, and the labels on those.

    Raises ValueError as `gwet_ac`, and for a `confidence` outside 0..1.
    """
    measure = gwet_measurement(table.n_classes, weights)
    return agreement_of(table, "gwet_ac", measure, weights, confidence)


def gwet_measurement(n_classes: int, weights: Weights = "none") -> Measurement:
    """AC1 or AC2 as a coefficient of patterns of counts."""
    matrix = agreement_weights(weights, n_classes)
    scale = float(matrix.sum()) / max(n_classes * (n_classes - 1), 1)
    return lambda patterns, times: item_mean_parts(
        patterns,
        times,
        1 - matrix,
        lambda shares: (1 - scale * float(shares @ (1 - shares)), -scale * (1 - 2 * shares)),
    )

"""Fleiss' kappa: agreement of any number of raters, who need not be the same on each item.

Sources: J. L. Fleiss, Psychological Bulletin 76 (1971), 378-382; other numbers of labels and
weights: K. L. Gwet, Handbook of Inter-Rater Reliability, 4th ed. (2014), chapters 2 and 3. The
formulas are in docs/statistics/agreement.md.
"""

from __future__ import annotations

from consensus.agreement import Agreement
from consensus.chance import Measurement, Weights, agreement_weights
from consensus.item_means import agreement_of, item_mean_parts, value_of
from consensus.table import LabelTable


def fleiss_kappa(table: LabelTable, *, weights: Weights = "none") -> float | None:
    """Fleiss' kappa of all raters of the table, who need not be the same on each item.

    With as many labels on every item this is Fleiss (1971). With other numbers, every item counts
    alike, as Gwet (2014) does it: observed agreement is a mean over the items with two labels or
    more, the share of a class a mean over all items with labels. Repeats by one rater count like
    labels of further raters.
    None where undefined: fewer than two labels share an item, or all labels name one class.

    Raises ValueError for bad weights (consensus.chance.agreement_weights).
    """
    return value_of(table, fleiss_measurement(table.n_classes, weights))


def fleiss_kappa_interval(
    table: LabelTable, *, weights: Weights = "none", confidence: float = 0.95
) -> Agreement:
    """Fleiss' kappa with its interval over items, in closed form (consensus.chance).

    `n_items` and `n` count the items with two labels or more, and the labels on those.

    Raises ValueError as `fleiss_kappa`, and for a `confidence` outside 0..1.
    """
    measure = fleiss_measurement(table.n_classes, weights)
    return agreement_of(table, "fleiss_kappa", measure, weights, confidence)


def fleiss_measurement(n_classes: int, weights: Weights = "none") -> Measurement:
    """Kappa as a coefficient of patterns of counts."""
    apart = 1 - agreement_weights(weights, n_classes)
    return lambda patterns, times: item_mean_parts(
        patterns,
        times,
        apart,
        lambda shares: (float(shares @ apart @ shares), 2 * (apart @ shares)),
    )

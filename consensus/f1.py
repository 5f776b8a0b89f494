"""F1 of each class: one rater against another, or against known classes.

Source: C. J. van Rijsbergen, Information Retrieval, 2nd ed. (1979), chapter 7. The formulas are in
docs/statistics/agreement.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from consensus.agreement import Agreement
from consensus.chance import Floats, Parts, jackknife_variance
from consensus.intervals import check_confidence, imagined_interval, proportion_interval
from consensus.two_raters import Codes, paired_codes


@dataclass(frozen=True, kw_only=True)
class F1Scores:
    """How far rater a's labels of each class are those of b, who may be the known classes.

    f1         n_classes times: 2 x both / (named by a + named by b); the same with a and b swapped
    precision  n_classes times: of the items to which a gave the class, the share for which b did
    recall     n_classes times: of the items to which b gave the class, the share for which a did
    macro      mean of the defined `f1`: each class counts alike; `n_undefined` the others
    micro      F1 of all classes pooled, which is the share of items with one class from both

    Each is None where nothing is named: `f1` where neither rater named the class, `precision` where
    a did not, `recall` where b did not. `n` counts the items that the value is a share of; for `f1`
    those to which either gave the class.
    """

    f1: tuple[Agreement, ...]
    precision: tuple[Agreement, ...]
    recall: tuple[Agreement, ...]
    macro: Agreement
    micro: Agreement


def f1_scores(
    a_codes: ArrayLike, b_codes: ArrayLike, n_classes: int, *, confidence: float = 0.95
) -> F1Scores:
    """F1, precision and recall of each class and over all, with intervals over items.

    Position k of both sequences is the same item. All intervals are in closed form: Wilson's for
    precision, recall and micro; for `f1` too, since F1 = 2J / (1 + J) where J is the share that
    both named among the items that either did; consensus.chance's for macro.

    Raises ValueError where lengths differ, a code is not in 0..n_classes-1, or for a `confidence`
    outside 0..1.
    """
    check_confidence(confidence)
    a, b = paired_codes(a_codes, b_codes, n_classes)
    of_a, of_b = np.bincount(a, minlength=n_classes), np.bincount(b, minlength=n_classes)
    both = np.bincount(a[a == b], minlength=n_classes)
    n_items = len(a)

    def shares(
        measure: Literal["f1", "precision", "recall"], parts: Codes, wholes: Codes
    ) -> tuple[Agreement, ...]:
        return tuple(
            _of_share(measure, int(k), int(n), n_items, confidence)
            for k, n in zip(parts, wholes, strict=True)
        )

    return F1Scores(
        f1=shares("f1", both, of_a + of_b - both),
        precision=shares("precision", both, of_a),
        recall=shares("recall", both, of_b),
        macro=_macro(a, b, n_classes, confidence),
        micro=_of_share("f1_micro", int(both.sum()), n_items, n_items, confidence),
    )


def _of_share(
    measure: Literal["f1", "f1_micro", "precision", "recall"],
    k: int,
    n: int,
    n_items: int,
    confidence: float,
) -> Agreement:
    value = low = high = None
    if n:
        value = k / n
        low, high = proportion_interval(k, n, confidence)
        if measure == "f1":
            value, low, high = (2 * share / (1 + share) for share in (value, low, high))
    return Agreement(
        measure=measure,
        value=value,
        low=low,
        high=high,
        n_items=n_items,
        n=n,
        confidence=confidence,
        reason=None if n else "no_case" if n_items else "no_pairs",
    )


def _macro(a: Codes, b: Codes, n_classes: int, confidence: float) -> Agreement:
    found, often = np.unique(a * n_classes + b, return_counts=True)
    cells = np.stack(np.divmod(found, n_classes), axis=1).astype(np.float64)
    times = often.astype(np.float64)
    used = np.unique(cells)
    value = low = high = None
    if len(a):
        value = 1 - macro_parts(cells, times).observed
    if len(a) > 1:
        low, high = _macro_interval(cells, times, used, confidence)
    return Agreement(
        measure="f1_macro",
        value=value,
        low=low,
        high=high,
        n_items=len(a),
        n=len(a),
        n_undefined=n_classes - len(used),
        confidence=confidence,
        reason=None if len(a) else "no_pairs",
    )


def _macro_interval(
    cells: Floats, times: Floats, used: Floats, confidence: float
) -> tuple[float, float]:
    """As in consensus.chance, with imagined items: one for each class on which both agree.

    And one on which they differ, anyhow: its mean square is added.
    """
    first, second = np.meshgrid(used, used)
    differing = np.stack([first[first != second], second[first != second]], axis=1)
    agreeing = np.stack([used, used], axis=1)
    n_counted = len(cells) + len(used)
    imagined_times = np.concatenate([times, np.ones(len(used)), np.zeros(len(differing))])
    imagined = macro_parts(np.concatenate([cells, agreeing, differing]), imagined_times)
    influence = imagined.influence
    variance = jackknife_variance(influence[:n_counted], imagined_times[:n_counted])
    if len(differing):
        variance += float((influence[n_counted:] ** 2).mean())
    low, high = imagined_interval(
        macro_parts(cells, times).observed,
        imagined.observed,
        variance,
        n_items=int(times.sum()),
        n_imagined=len(used),
        confidence=confidence,
    )
    return 1 - high, 1 - low


def macro_parts(cells: Floats, times: Floats) -> Parts:
    """1 - macro F1, as a coefficient in which chance is left alone."""
    a, b = cells.astype(np.int64).T
    n_classes = int(cells.max()) + 1
    named = np.bincount(a, weights=times, minlength=n_classes)
    named += np.bincount(b, weights=times, minlength=n_classes)
    both = np.bincount(a[a == b], weights=times[a == b], minlength=n_classes)
    used = named > 0
    f1 = np.zeros(n_classes)
    np.divide(2 * both, named, out=f1, where=used)
    # An item more of a cell: both classes are named once more, and both may name one.
    per_name = np.zeros(n_classes)
    np.divide(1.0, named, out=per_name, where=used)
    gain = np.where(a == b, 2 * per_name[a], 0.0) - f1[a] * per_name[a] - f1[b] * per_name[b]
    n_used = int(used.sum())
    return Parts(1 - float(f1.sum()) / n_used, 1.0, -gain / n_used)

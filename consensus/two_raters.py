"""Two raters side by side: what each said of the items that both labelled."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.table import LabelTable

Codes = NDArray[np.int64]


def shared_labels(table: LabelTable, a: int, b: int) -> tuple[Codes, Codes, Codes]:
    """Items that raters `a` and `b` both labelled, in order, and the class that each gave them.

    Raises ValueError for a rater that is not in the table, or one with two labels on an item: it is
    for the caller to say which of them counts.
    """
    of_a, of_b = _answers(table, a), _answers(table, b)
    items = np.flatnonzero((of_a >= 0) & (of_b >= 0))
    return items, of_a[items], of_b[items]


def labels_and_gold(table: LabelTable, rater: int) -> tuple[Codes, Codes, Codes]:
    """Items of the rater with a known class, in order, the class it gave and the known one.

    Raises ValueError where the table has no gold, and as `shared_labels`.
    """
    if table.gold is None:
        raise ValueError("the table has no gold")
    answers = _answers(table, rater)
    items = np.flatnonzero((answers >= 0) & (table.gold >= 0))
    return items, answers[items], table.gold[items].astype(np.int64)


def paired_codes(
    a_codes: ArrayLike, b_codes: ArrayLike, n_classes: int | None = None
) -> tuple[Codes, Codes]:
    """Two sequences of codes of the same items, checked.

    Raises ValueError where lengths differ, or a code is not a whole number in 0..n_classes-1 (from
    0 where `n_classes` is not given).
    """
    a, b = np.asarray(a_codes), np.asarray(b_codes)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"both raters need codes of the same items, not {a.shape} and {b.shape}")
    for codes in (a, b):
        if codes.size and not np.issubdtype(codes.dtype, np.integer):
            raise ValueError(
                "codes must be whole numbers; leave out items that one rater did not label"
            )
        if codes.size and codes.min() < 0:
            raise ValueError("codes must not be negative; leave out items without a label")
        if codes.size and n_classes is not None and codes.max() >= n_classes:
            raise ValueError(f"codes must lie in 0..{n_classes - 1}")
    return a.astype(np.int64), b.astype(np.int64)


def _answers(table: LabelTable, rater: int) -> Codes:
    """The class that the rater gave each item, (n_items,); -1 where none."""
    if not 0 <= rater < table.n_raters:
        raise ValueError(f"rater must lie in 0..{table.n_raters - 1}, not {rater}")
    mine = table.raters == rater
    answers = np.full(table.n_items, -1, dtype=np.int64)
    answers[table.items[mine]] = table.codes[mine]
    if np.count_nonzero(answers >= 0) < np.count_nonzero(mine):
        raise ValueError(f"rater {rater} labelled an item more than once")
    return answers

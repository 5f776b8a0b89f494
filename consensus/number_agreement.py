"""Krippendorff's alpha of numbers that take many values, from sums instead of counts of classes.

Source: K. Krippendorff, Content Analysis, 3rd ed. (2013), chapter 12, interval level.
"""

from __future__ import annotations

import numpy as np

from consensus.agreement import Agreement
from consensus.krippendorff import krippendorff_interval
from consensus.numbers import Numbers
from consensus.table import LabelTable

# Beyond so many different numbers the counts of classes would fill the memory.
MOST_VALUES = 300


def alpha_of_numbers(numbers: Numbers) -> float | None:
    """Alpha at the interval level: 1 - observed / expected squared differences.

    None where undefined: no item has two numbers, or all those numbers are the same.
    """
    sizes = np.bincount(numbers.items, minlength=numbers.n_items)
    kept = sizes[numbers.items] >= 2
    items, values = numbers.items[kept], numbers.values[kept]
    n = len(values)
    if not n:
        return None
    values = values - values.mean()  # sums of squares keep their digits near 0
    sums = np.bincount(items, weights=values, minlength=numbers.n_items)
    squares = np.bincount(items, weights=values**2, minlength=numbers.n_items)
    several = sizes >= 2
    m = sizes[several]
    within = float((2 * (m * squares[several] - sums[several] ** 2) / (m - 1)).sum())
    overall = 2 * (n * float(squares.sum()) - float(sums.sum()) ** 2)
    if overall <= 1e-12 * n:
        return None
    return 1 - (n - 1) * within / overall


def number_agreement(numbers: Numbers) -> Agreement:
    """Alpha at the interval level with its interval over items; `n` counts the numbers on items
    with two or more. Where more than MOST_VALUES different numbers occur there is no interval."""
    values, codes = np.unique(numbers.values, return_inverse=True)
    if 0 < len(values) <= MOST_VALUES:
        table = LabelTable.from_codes(
            numbers.items,
            numbers.raters,
            codes,
            n_classes=len(values),
            n_items=numbers.n_items,
            n_raters=numbers.n_raters,
        )
        return krippendorff_interval(table, level="interval", values=values)
    sizes = np.bincount(numbers.items, minlength=numbers.n_items)
    value = alpha_of_numbers(numbers)
    n = int(sizes[sizes >= 2].sum())
    return Agreement(
        measure="krippendorff_alpha",
        value=value,
        low=None,
        high=None,
        n_items=int((sizes >= 2).sum()),
        n=n,
        level="interval",
        reason=None if value is not None else "one_class" if n else "no_pairs",
    )

"""Items that were labelled alike are one pattern that occurs several times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from consensus.table import LabelTable

# Labels looked at together: bounds the memory beside the table and one number an item.
_CHUNK = 500_000
# Whole numbers up to this are exact in double precision.
_EXACT = 2.0**53


def count_patterns(
    table: LabelTable, *, least: int = 2
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different rows of the item-by-class counts, and how many items have each.

    Shapes (n_patterns, n_classes) and (n_patterns,); only items with `least` labels or more. What
    is measured from the counts alone needs no more: 1,000,000 items often have a few hundred
    patterns. They come sorted, so that the order of the items cannot be seen in them, and are found
    without the table of counts, which may be larger than the labels.
    """
    sizes = np.bincount(table.items, minlength=table.n_items)
    base = int(sizes.max(initial=0)) + 1
    # A row is written as a number with a digit for each class; many classes need several numbers.
    width = 1
    while width < table.n_classes and float(base) ** (width + 1) < _EXACT:
        width += 1
    kept = sizes >= max(least, 1)
    blocks = [
        _row_numbers(table, first, width, base)[kept] for first in range(0, table.n_classes, width)
    ]
    if len(blocks) == 1:
        keys, times = np.unique(blocks[0], return_counts=True)
        return _digits(keys, base, table.n_classes), times
    ids = np.zeros(len(blocks[0]), dtype=np.int64)
    for keys in blocks:
        values, places = np.unique(keys, return_inverse=True)
        ids = np.unique(ids * len(values) + places, return_inverse=True)[1]
    _, found, times = np.unique(ids, return_index=True, return_counts=True)
    rows = np.concatenate([_digits(keys[found], base, width) for keys in blocks], axis=1)
    return rows[:, : table.n_classes], times


def _row_numbers(table: LabelTable, first: int, width: int, base: int) -> NDArray[np.int64]:
    """For each item, its counts of the classes from `first` on as the digits of one number."""
    digits = np.zeros(table.n_classes)
    digits[first : first + width] = float(base) ** np.arange(min(width, table.n_classes - first))
    keys = np.zeros(table.n_items)
    for start in range(0, table.n_labels, _CHUNK):
        rows = slice(start, start + _CHUNK)
        keys += np.bincount(
            table.items[rows], weights=digits[table.codes[rows]], minlength=table.n_items
        )
    return keys.astype(np.int64)


def _digits(numbers: NDArray[np.int64], base: int, n_digits: int) -> NDArray[np.int64]:
    return np.asarray(numbers[:, None] // base ** np.arange(n_digits, dtype=np.int64) % base)

"""An order of the items that does not depend on how items, raters and groups are numbered.

Sums go by position, too, in their last digits. Where an item is a row of numbers, those numbers
order it. Where it is a row of labels it is more involved:

Draws of the bootstrap go by position. For a result that does not depend on names, the positions
must not either: items get a colour from their labels, refined by the colours of the raters who gave
them and the other way round (B. Weisfeiler and A. Leman, 1968). Items that keep one colour look
alike in every respect that the statistics here know of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from consensus.table import LabelTable

_ROUNDS = 4


def row_order(columns: Sequence[NDArray[np.float64]]) -> NDArray[np.int64]:
    """Rows in an order given by their numbers alone, (n,); the first column counts most, NaN comes
    last. Rows that are equal in all of the `columns`, each (n,), may stand for each other.
    """
    return np.lexsort(list(columns)[::-1])


def item_order(table: LabelTable, groups: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Items in an order given by their labels alone, (n_items,).

    `groups`, (n_raters,), numbers the groups of raters from 0; which number a group has does not
    matter either.
    """
    of_rater = np.zeros(table.n_raters, dtype=np.int64) if groups is None else groups
    raters = np.ones(table.n_raters, dtype=np.uint64)
    group = np.ones(int(of_rater.max(initial=0)) + 1, dtype=np.uint64)
    items = np.ones(table.n_items, dtype=np.uint64)
    codes = _mixed(table.codes.astype(np.uint64))
    for _round in range(_ROUNDS):
        items = _gathered(table.items, raters[table.raters] ^ codes, items)
        raters = _gathered(table.raters, items[table.items] ^ codes, raters)
        group = _gathered(of_rater, raters, group)
        raters = _mixed(raters ^ group[of_rater])
    return np.argsort(items, kind="stable")


def _gathered(
    place: NDArray[np.integer], colours: NDArray[np.uint64], old: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """New colours from old ones and the sets of colours beside them; sums wrap round, as meant."""
    sums = np.zeros(len(old), dtype=np.uint64)
    np.add.at(sums, place, _mixed(colours))
    return _mixed(old ^ _mixed(sums))


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The mixing step of SplitMix64 (G. L. Steele, D. Lea and C. H. Flood, OOPSLA 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))

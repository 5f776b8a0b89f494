"""How often two raters differ on each item: within groups of raters, between them, with oneself.

Each is unbiased for raters drawn at random from their group: only pairs of different raters count,
and a rater who labelled an item several times counts once, by the shares of those labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.table import LabelTable


@dataclass(frozen=True, eq=False)
class PairDifferences:
    """Shares of pairs that differ, item by item; NaN where an item has no such pair.

    within   (n_groups, n_items): two raters of the group; 0 where the group has one rater in all
    across   (n_groups, n_groups, n_items): a rater of each of two groups; NaN on the diagonal
    repeats  (n_groups, n_items): two labels of one rater
    raters   (n_groups, n_items): raters of the group who labelled the item
    """

    within: NDArray[np.float64]
    across: NDArray[np.float64]
    repeats: NDArray[np.float64]
    raters: NDArray[np.int64]


def pair_differences(
    table: LabelTable, groups: NDArray[np.int64], n_groups: int
) -> PairDifferences:
    """Compare the labels of each item; `groups`, (n_raters,), numbers the groups from 0."""
    n_items, n_classes = table.n_items, table.n_classes
    cells, times = np.unique(
        np.stack([table.items, table.raters, table.codes]).astype(np.int64),
        axis=1,
        return_counts=True,
    )
    # One row an item and rater: which, how many labels, and the sum of the squared shares.
    first = np.flatnonzero(np.any(np.diff(cells[:2], axis=1, prepend=-1), axis=0))
    labels = np.add.reduceat(times, first) if len(first) else np.zeros(0, dtype=np.int64)
    shares = times / np.repeat(labels, np.diff(np.append(first, len(times))))
    squares = np.add.reduceat(shares**2, first) if len(first) else np.zeros(0)
    items, of_rater = cells[0][first], groups[cells[1][first]]
    place = of_rater * n_items + items
    raters = np.bincount(place, minlength=n_groups * n_items).reshape(n_groups, n_items)
    own = np.bincount(place, squares, n_groups * n_items).reshape(n_groups, n_items)
    said = np.bincount(
        (groups[cells[1]] * n_items + cells[0]) * n_classes + cells[2],
        shares,
        n_groups * n_items * n_classes,
    ).reshape(n_groups, n_items, n_classes)
    within = np.full((n_groups, n_items), np.nan)
    alike = (said**2).sum(axis=2) - own
    pairs = raters * (raters - 1)
    np.divide(alike, pairs, out=within, where=pairs > 0)
    within = 1 - within
    alone = np.bincount(groups[np.unique(table.raters)], minlength=n_groups) == 1
    within[alone] = np.where(raters[alone] > 0, 0.0, np.nan)
    across = np.full((n_groups, n_groups, n_items), np.nan)
    for one in range(n_groups):
        for other in range(n_groups):
            both = raters[one] * raters[other]
            alike = (said[one] * said[other]).sum(axis=1)
            if one != other:
                np.divide(alike, both, out=across[one, other], where=both > 0)
    several = labels > 1
    differ = (1 - squares[several]) * labels[several] / (labels[several] - 1)
    repeats = np.full(n_groups * n_items, np.nan)
    raters_twice = np.bincount(place[several], minlength=n_groups * n_items)
    sums = np.bincount(place[several], differ, n_groups * n_items)
    np.divide(sums, raters_twice, out=repeats, where=raters_twice > 0)
    return PairDifferences(within, 1 - across, repeats.reshape(n_groups, n_items), raters)

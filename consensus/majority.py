"""Majority vote."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from consensus.ability import share_right, wilson_intervals
from consensus.estimate import ClassEstimate
from consensus.table import LabelTable
from consensus.votes import choose, first_places, has_votes

TiePolicy = Literal["report", "share"]


def majority(table: LabelTable, *, ties: TiePolicy = "report") -> ClassEstimate:
    """Each item gets the class named most often; every label counts the same.

    `ties` is the tie policy. With "report", `posterior` holds the shares of the votes. With "share"
    it holds the first place alone, 1 for its class, divided evenly where classes share it: what a
    hard vote says of the shares of the classes. With both, a tied item has `tied` set and `choice`
    -1. A tie is never broken by the order of raters or rows.

    `ability` is the share of a rater's labels that agree with the majority of the other labels of
    the item (a first place shared by m classes counts 1/m), or with its gold where that is known.
    NaN for a rater who never shares an item. The votes themselves do not heed gold.

    Raises ValueError for another tie policy.
    """
    if ties not in get_args(TiePolicy):
        raise ValueError(f"ties must be one of {', '.join(get_args(TiePolicy))}, not {ties!r}")
    counts = table.counts()
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    choice, tied = choose(shares, has_votes(shares))
    right, judged = _agreement_with_others(table, counts, totals, choice)
    return ClassEstimate(
        method="majority",
        posterior=first_places(shares) if ties == "share" else shares,
        choice=choice,
        tied=tied,
        ability=share_right(right, judged),
        ability_interval=wilson_intervals(right, judged),
    )


def _agreement_with_others(
    table: LabelTable,
    counts: NDArray[np.int64],
    totals: NDArray[np.int64],
    choice: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many labels of each rater agree, and how many can be judged, both (n_raters,)."""
    top, second, sharing = _first_two(counts)
    # Taking one vote from a class leaves it first only where it led alone: by two or more it still
    # does, by one it shares the place with all that were second.
    credit = np.where(top - 1 > second, 1.0, 1.0 / (1 + sharing))
    judged = totals > 1
    expected = choice.astype(np.int32)
    if table.gold is not None:
        known = table.gold >= 0
        expected[known] = table.gold[known]
        credit[known], judged = 1.0, judged | known
    items, raters, codes = table.items, table.raters, table.codes
    if not judged.all():
        kept = judged[items]
        items, raters, codes = items[kept], raters[kept], codes[kept]
    n = np.bincount(raters, minlength=table.n_raters).astype(np.float64)
    agrees = codes == expected[items]
    items, raters = items[agrees], raters[agrees]
    right = np.bincount(raters, weights=credit[items], minlength=table.n_raters)
    return right.astype(np.float64), n


def _first_two(
    counts: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The largest count of each item, the next smaller one, and how many classes have that one."""
    top, second, sharing = (np.zeros(len(counts), dtype=np.int64) for _ in range(3))
    for column in counts.T:  # class by class, since there are few classes and many items
        np.maximum(top, column, out=top)
    for column in counts.T:
        np.maximum(second, column, out=second, where=column < top)
    for column in counts.T:
        sharing += column == second
    return top, second, sharing

"""What people said of each item, as numbers to compare a judge with or to estimate from."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.table import LabelTable
from consensus.votes import first_places, vote_shares


def people_shares(table: LabelTable) -> NDArray[np.float64]:
    """Share of an item's people who named each class, (n_items, n_classes); NaN rows without any.

    Raters that the table knows as judges are left out.
    """
    people = table if table.judges is None else table.of_raters(~table.judges)
    shares = vote_shares(people)
    shares[~shares.any(axis=1)] = np.nan
    return shares


def people_majority(table: LabelTable) -> NDArray[np.float64]:
    """1 for the class most people named, else 0, (n_items, n_classes); NaN rows without people.

    Classes that share the first place share the 1, so that a tie favours none of them.
    """
    shares = people_shares(table)
    return np.where(np.isnan(shares), np.nan, first_places(np.nan_to_num(shares)))


def judge_losses(codes: ArrayLike, table: LabelTable, *, soft: bool = False) -> NDArray[np.float64]:
    """How wrong the judge's class of each item is, (n_items,), for `hand_over`.

    1 where most people named another class, 0 where they named this one, NaN where they are tied or
    there are none: such items are left out. With `soft` it is the share of people who named another
    class, and no item with people is left out. `codes` (n_items,) is -1 where the judge gave none;
    the loss is then NaN too.

    Raises ValueError for codes outside -1..n_classes-1 or not one an item.
    """
    said = np.asarray(codes)
    if said.shape != (table.n_items,):
        raise ValueError(f"the judge needs one code for each of {table.n_items} items")
    if said.size and (said.min() < -1 or said.max() >= table.n_classes):
        raise ValueError(f"codes must lie in -1..{table.n_classes - 1}")
    agreed = people_shares(table) if soft else people_majority(table)
    loss = 1 - agreed[np.arange(len(said)), np.maximum(said, 0)]
    unclear = said < 0 if soft else (said < 0) | (agreed.max(axis=1, initial=0.0) < 1)
    return np.where(unclear, np.nan, loss)

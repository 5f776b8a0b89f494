"""Small random label tables for the property tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from consensus.table import LabelTable

# The same examples in every run: a red test is red again.
repeatable = settings(derandomize=True, deadline=None, database=None, max_examples=30)


@st.composite
def tables(draw: st.DrawFn, *, repeats: bool = True, min_labels: int = 0) -> LabelTable:
    """A table of at most 8 items, 5 raters and 4 classes, some of them without any label."""
    n_items = draw(st.integers(2, 8))
    n_raters = draw(st.integers(2, 5))
    n_classes = draw(st.integers(2, 4))
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, n_items - 1),
                st.integers(0, n_raters - 1),
                st.integers(0, n_classes - 1),
            ),
            min_size=min_labels,
            max_size=40,
            unique_by=None if repeats else lambda row: row[:2],
        )
    )
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return LabelTable(*columns, n_items=n_items, n_raters=n_raters, n_classes=n_classes)


@st.composite
def gold_tables(draw: st.DrawFn) -> LabelTable:
    """A table in which the class of some items is known, whatever their labels say."""
    table = draw(tables())
    gold = draw(
        st.lists(
            st.integers(-1, table.n_classes - 1), min_size=table.n_items, max_size=table.n_items
        )
    )
    return replace(table, gold=np.array(gold))


@st.composite
def unanimous_tables(draw: st.DrawFn) -> LabelTable:
    """A table in which all labels of an item name one class."""
    table = draw(tables(min_labels=1))
    classes = draw(
        st.lists(
            st.integers(0, table.n_classes - 1), min_size=table.n_items, max_size=table.n_items
        )
    )
    return LabelTable(
        table.items,
        table.raters,
        np.array(classes)[table.items],
        table.n_items,
        table.n_raters,
        table.n_classes,
    )


def renamed(
    table: LabelTable,
    *,
    rows: np.ndarray | None = None,
    items: np.ndarray | None = None,
    raters: np.ndarray | None = None,
    classes: np.ndarray | None = None,
) -> LabelTable:
    """The same labels with rows in another order, or with items, raters or classes renumbered.

    Each is a permutation; `items[k]` is the new number of item k.
    """
    order = np.arange(table.n_labels) if rows is None else rows

    def renumber(column: np.ndarray, new: np.ndarray | None) -> np.ndarray:
        return column[order] if new is None else new[column[order]]

    def moved(known: np.ndarray | None, new: np.ndarray | None) -> np.ndarray | None:
        return known if known is None or new is None else known[np.argsort(new)]

    gold = moved(table.gold, items)
    if gold is not None and classes is not None:
        gold = np.where(gold >= 0, classes[gold], -1)
    return LabelTable(
        renumber(table.items, items),
        renumber(table.raters, raters),
        renumber(table.codes, classes),
        table.n_items,
        table.n_raters,
        table.n_classes,
        judges=moved(table.judges, raters),
        families=moved(table.families, raters),
        gold=gold,
    )


def shuffles(table: LabelTable, seed: int) -> dict[str, np.ndarray]:
    """One random permutation each of rows, items, raters and classes."""
    rng = np.random.default_rng(seed)
    return {
        "rows": rng.permutation(table.n_labels),
        "items": rng.permutation(table.n_items),
        "raters": rng.permutation(table.n_raters),
        "classes": rng.permutation(table.n_classes),
    }

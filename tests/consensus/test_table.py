"""The label table: what it takes, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from consensus.table import LabelTable


def test_sizes_follow_from_the_codes():
    table = LabelTable.from_codes([0, 2], [1, 0], [0, 1], n_classes=3)
    assert (table.n_items, table.n_raters, table.n_classes, table.n_labels) == (3, 2, 3, 2)


def test_sizes_can_be_larger_than_the_codes():
    table = LabelTable.from_codes([0], [0], [0], n_classes=2, n_items=5, n_raters=4)
    assert (table.n_items, table.n_raters) == (5, 4)
    assert table.counts().shape == (5, 2)


def test_an_empty_table_is_a_table():
    table = LabelTable.from_codes([], [], [], n_classes=2)
    assert table.n_labels == 0
    assert table.counts().shape == (0, 2)


def test_counts_count_repeats():
    table = LabelTable.from_codes([0, 0, 0, 2], [0, 0, 1, 1], [1, 1, 0, 1], n_classes=2)
    assert table.counts().tolist() == [[1, 2], [0, 0], [0, 1]]


def test_the_table_keeps_what_it_was_given():
    codes = np.array([0, 1])
    table = LabelTable.from_codes([0, 1], [0, 0], codes, n_classes=2)
    codes[0] = 1
    assert table.codes.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        table.codes[0] = 1


@pytest.mark.parametrize(
    ("columns", "sizes", "message"),
    [
        (([0, 1], [0], [0, 0]), (2, 1, 2), "one length"),
        (([0, 2], [0, 0], [0, 0]), (2, 1, 2), "items must lie in 0..1"),
        (([0, 1], [0, 1], [0, 0]), (2, 1, 2), "raters must lie in 0..0"),
        (([0, 1], [0, 0], [0, 2]), (2, 1, 2), "codes must lie in 0..1"),
        (([0, 1], [0, 0], [0, -1]), (2, 1, 2), "reach from -1 to 0"),
        (([0, 1], [0, 0], [0, 0.5]), (2, 1, 2), "codes must hold whole numbers"),
        (([[0], [1]], [0, 0], [0, 1]), (2, 1, 2), "items must be one-dimensional"),
        (([0], [0], [0]), (1, 1, 0), "n_classes must be at least 1"),
        (([], [], []), (-1, 1, 2), "the number of items"),
        (([], [], []), (2**31, 1, 2), "the number of items"),
    ],
)
def test_bad_columns_are_refused(columns, sizes, message):
    n_items, n_raters, n_classes = sizes
    items, raters, codes = (np.array(column) for column in columns)
    with pytest.raises(ValueError, match=message):
        LabelTable(items, raters, codes, n_items, n_raters, n_classes)


def test_what_is_known_of_raters_and_items_stays_with_fewer_labels():
    table = LabelTable.from_codes(
        [0, 0, 1],
        [0, 1, 1],
        [1, 0, 1],
        n_classes=2,
        judges=[False, True],
        families=[-1, 0],
        gold=[1, -1],
    )
    people = table.of_raters(~table.judges)
    assert people.items.tolist() == [0]
    assert (people.n_items, people.n_raters) == (2, 2)
    assert people.judges.tolist() == [False, True]
    assert people.families.tolist() == [-1, 0]
    assert people.gold.tolist() == [1, -1]


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"judges": [True]}, "judges must be 2 times"),
        ({"families": [0]}, "families must have length 2"),
        ({"families": [0, -2]}, "families must be -1 where nothing is known"),
        ({"gold": [0, 2]}, r"gold must lie in 0\.\.1"),
        ({"gold": [0.5, 0]}, "gold must hold whole numbers"),
    ],
)
def test_bad_knowledge_is_refused(known, message):
    with pytest.raises(ValueError, match=message):
        LabelTable.from_codes([0, 1], [0, 1], [0, 1], n_classes=2, **known)

"""Alpha of numbers from sums: the same as from counts of classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.krippendorff import krippendorff_alpha
from consensus.number_agreement import MOST_VALUES, alpha_of_numbers, number_agreement
from consensus.numbers import Numbers
from consensus.table import LabelTable

ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(-3, 3)), min_size=1, max_size=30
)


def numbers_of(rows: list[tuple[int, int, int]]) -> Numbers:
    items, raters, values = (np.array(column) for column in zip(*rows, strict=True))
    return Numbers(items, raters, values / 4, 5, 4)


@given(ROWS)
def test_it_is_what_the_counts_of_classes_give(rows: list[tuple[int, int, int]]) -> None:
    numbers = numbers_of(rows)
    values, codes = np.unique(numbers.values, return_inverse=True)
    table = LabelTable.from_codes(
        numbers.items, numbers.raters, codes, n_classes=len(values), n_items=5, n_raters=4
    )
    expected = krippendorff_alpha(table, level="interval", values=values)
    found = alpha_of_numbers(numbers)
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=1e-9)
    assert number_agreement(numbers).value == expected


def test_very_many_values_have_a_value_and_no_interval() -> None:
    rng = np.random.default_rng(5)
    n = 2 * MOST_VALUES
    items = np.repeat(np.arange(n), 2)
    truth = rng.normal(size=n)[items]
    numbers = Numbers(items, np.tile([0, 1], n), truth + rng.normal(size=2 * n) / 10, n, 2)
    found = number_agreement(numbers)
    assert found.value == pytest.approx(0.99, abs=0.01)
    assert (found.low, found.n_items, found.n, found.level) == (None, n, 2 * n, "interval")


def test_nothing_to_compare_is_said() -> None:
    alone = Numbers(np.array([0, 1]), np.array([0, 0]), np.array([1.0, 2.0]), 2, 1)
    assert number_agreement(alone).reason == "no_pairs"
    same = Numbers(np.array([0, 0]), np.array([0, 1]), np.array([3.0, 3.0]), 1, 2)
    assert (number_agreement(same).value, number_agreement(same).reason) == (None, "one_class")
    none = Numbers(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 0, 0)
    assert number_agreement(none).reason == "no_pairs"

"""Slices of items beside the rest: the tables, the test, what stands out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from consensus.slices import slices_compared


@pytest.mark.parametrize(
    ("k", "n", "k_rest", "n_rest"), [(3, 10, 18, 20), (0, 5, 5, 5), (9, 9, 1, 2)]
)
def test_the_test_is_fishers(k, n, k_rest, n_rest):
    right = np.array([1] * k + [0] * (n - k) + [1] * k_rest + [0] * (n_rest - k_rest), dtype=bool)
    inside = np.arange(n + n_rest) < n
    (found,) = slices_compared(right, [inside])
    expected = fisher_exact([[k, n - k], [k_rest, n_rest - k_rest]]).pvalue
    assert found.p == pytest.approx(expected)
    assert found.share.value == pytest.approx(k / n)
    assert found.difference.value == pytest.approx(k / n - k_rest / n_rest)


def test_a_slice_where_it_fails_stands_out_and_chance_does_not():
    rng = np.random.default_rng(2)
    right = rng.random(400) < 0.9
    bad = np.arange(400) < 60
    right[bad] = rng.random(60) < 0.4
    others = [rng.random(400) < 0.25 for _ in range(8)]
    found = slices_compared(right, [bad, *others])
    assert found[0].stands_out
    assert found[0].difference.high < 0
    assert not any(each.stands_out for each in found[1:])


def test_of_chance_alone_hardly_anything_stands_out():
    rng = np.random.default_rng(3)
    told = 0
    for _ in range(200):
        right = rng.random(150) < 0.8
        slices = slices_compared(right, [rng.random(150) < 0.3 for _ in range(10)])
        told += any(each.stands_out for each in slices)
    assert told <= 10


def test_no_item_and_all_items():
    right = np.array([True, False, True])
    none, everything = slices_compared(right, [np.zeros(3, bool), np.ones(3, bool)])
    assert (none.p, none.share.value, none.difference.value) == (1.0, None, None)
    assert (everything.p, everything.difference.value) == (1.0, None)
    assert slices_compared(right, []) == []

"""A judge beside people: shares, their difference, and how often the intervals cover."""

from __future__ import annotations

import numpy as np
import pytest

from consensus.beside_people import beside_people, paired_difference
from consensus.table import LabelTable


def table(rows):
    items, raters, codes = zip(*rows, strict=True)
    return LabelTable.from_codes(items, raters, codes, n_classes=3)


def test_shares_by_hand():
    # Item 0: a a b and the judge a: 2 of 3 people, 1 of 3 pairs. Item 1: b b, judge a: 0 and 1.
    people = table([(0, 0, 0), (0, 1, 0), (0, 2, 1), (1, 0, 1), (1, 1, 1), (2, 0, 0)])
    found = beside_people(people, [0, 0, 0])
    assert found.n_items == 2  # item 2 has one person
    assert found.judge.value == pytest.approx((2 / 3 + 0) / 2)
    assert found.people.value == pytest.approx((1 / 3 + 1) / 2)
    assert found.difference.value == pytest.approx(1 / 3 - 2 / 3)
    assert -1 <= found.difference.low < found.difference.value < found.difference.high


def test_where_all_agree_the_intervals_have_a_width():
    people = table([(i, r, 0) for i in range(20) for r in range(2)])
    found = beside_people(people, np.zeros(20, dtype=int))
    assert found.judge.value == found.people.value == 1
    assert found.judge.low < 0.9
    assert found.difference.low < 0 < found.difference.high


def test_nothing_to_see_it_by():
    people = table([(0, 0, 0), (1, 0, 1)])
    found = beside_people(people, [0, 1])
    assert (found.n_items, found.judge.value, found.difference.value) == (0, None, None)
    assert paired_difference(0, 0, 0, 0).value is None


def test_the_order_of_items_and_raters_changes_nothing():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, size=(30, 3))
    judge = rng.integers(0, 3, size=30)
    rows = [(i, r, int(codes[i, r])) for i in range(30) for r in range(3)]
    order = rng.permutation(30)
    place = np.argsort(order)
    moved = [(int(place[i]), 2 - r, c) for i, r, c in rows]
    first = beside_people(table(rows), judge)
    assert beside_people(table(moved), judge[order]) == first


@pytest.mark.parametrize("gap", [0.0, 0.1])
def test_the_difference_is_covered(gap):
    """300 samples of 80 items, three people right with .85 and a judge with .85 less the gap."""
    rng = np.random.default_rng(5)
    covered = 0
    found = []
    for _ in range(300):
        truth = rng.integers(0, 2, 80)
        right = rng.random((80, 3)) < 0.85
        people = np.where(right, truth[:, None], 1 - truth[:, None])
        judge = np.where(rng.random(80) < 0.85 - gap, truth, 1 - truth)
        rows = [(i, r, int(people[i, r])) for i in range(80) for r in range(3)]
        found.append(beside_people(table(rows), judge).difference)
    expected = (0.85 - gap) * 0.85 + (0.15 + gap) * 0.15 - (0.85**2 + 0.15**2)
    covered = np.mean([one.low <= expected <= one.high for one in found])
    assert covered >= 0.92


def test_two_raters_on_the_same_items():
    found = paired_difference(12, 3, 1, 6)
    assert found.value == pytest.approx(2 / 22)
    assert -0.13 < found.low < 0 < found.high < 0.3
    swapped = paired_difference(12, 1, 3, 6)
    assert swapped.low == pytest.approx(-found.high)


def test_the_paired_difference_is_covered():
    rng = np.random.default_rng(3)
    shares = np.array([0.7, 0.12, 0.05, 0.13])
    hits = 0
    for counts in rng.multinomial(60, shares, size=2000):
        found = paired_difference(*map(int, counts))
        hits += found.low <= 0.07 <= found.high
    assert hits / 2000 >= 0.935

"""Pairs of raters, leanings and forecasts: small cases worked out by hand, and simulations."""

from __future__ import annotations

import numpy as np
import pytest

from consensus import pair_counts as pair_counts_module
from consensus.forecast import DaysToGo, days_to_go
from consensus.leanings import leaning
from consensus.pair_counts import pair_counts
from consensus.table import LabelTable


def table() -> LabelTable:
    """Three raters, four items; the third has only the first item in common with the others."""
    return LabelTable.from_codes(
        [0, 0, 0, 1, 1, 2, 2, 3],
        [0, 1, 2, 0, 1, 0, 1, 2],
        [0, 0, 1, 0, 2, 1, 1, 2],
        n_classes=3,
    )


def test_each_cell_counts_the_items_of_both() -> None:
    counts = pair_counts(table())

    assert counts[0, 1].tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
    assert counts[0, 2].tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert not counts[0, 0].any()
    for r in range(3):
        for s in range(3):
            assert (counts[r, s] == counts[s, r].T).all()


def test_blocks_of_items_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pair_counts(table())
    monkeypatch.setattr(pair_counts_module, "_CHUNK", 3)

    assert (pair_counts(table()) == whole).all()


def test_nobody_is_compared_where_nobody_labelled() -> None:
    empty = LabelTable.from_codes([], [], [], n_classes=2, n_items=0, n_raters=2)

    assert pair_counts(empty).shape == (2, 2, 2, 2)
    assert not pair_counts(empty).any()


def test_a_leaning_is_the_difference_within_items() -> None:
    # Says class 0 of all four items; of the three that others labelled they do so on half.
    others = np.array([[2, 0], [0, 1], [1, 1], [0, 0]])

    found = leaning(np.zeros(4, dtype=np.int64), others)

    assert found.n == 3
    assert found.own.tolist() == [1, 0]
    assert found.others.tolist() == [0.5, 0.5]
    assert found.more.tolist() == [0.5, -0.5]
    assert found.low[0] < 0.5 < found.high[0] <= 1
    assert found.low[0] == pytest.approx(-found.high[1])


def test_full_agreement_on_few_items_is_not_certain_to_last() -> None:
    few = leaning(np.zeros(3, dtype=np.int64), np.tile([4, 0], (3, 1)))
    many = leaning(np.zeros(3000, dtype=np.int64), np.tile([4, 0], (3000, 1)))

    assert few.more[0] == many.more[0] == 0
    assert few.low[0] < -0.1 < -0.01 < many.low[0] < 0 < many.high[0] < 0.01 < 0.1 < few.high[0]


def test_without_others_there_is_no_leaning() -> None:
    assert leaning(np.array([0]), np.array([[0, 0]])).n == 0


def test_the_interval_of_a_leaning_covers_what_it_should() -> None:
    """A rater who names class 0 of 60 % of items on which each other says it of half."""
    rng = np.random.default_rng(7)
    held = 0
    for _draw in range(400):
        codes = (rng.random(80) > 0.6).astype(np.int64)
        first = rng.binomial(2, 0.5, 80)
        found = leaning(codes, np.stack([first, 2 - first], axis=1))
        held += bool(found.low[0] <= 0.1 <= found.high[0])

    assert held / 400 > 0.92


def test_days_to_go_lie_between_bounds_that_widen_with_uneven_days() -> None:
    even = days_to_go([100] * 7, 1000)
    uneven = days_to_go([20, 180, 60, 140, 30, 170, 100], 1000)

    assert even == DaysToGo(10, 10, 11)
    assert uneven == DaysToGo(10, 7, 18)


def test_one_day_bears_no_interval_and_two_uneven_ones_no_end() -> None:
    one, two = days_to_go([50], 100), days_to_go([1, 99], 1000)

    assert one == DaysToGo(2)
    assert two == DaysToGo(20, 5, None)


def test_nothing_done_forecasts_nothing_and_nothing_left_is_done() -> None:
    assert days_to_go([0, 0], 5) is None
    assert days_to_go([], 5) is None
    assert days_to_go([5, 5, 6], 0) == DaysToGo(0, 0, 0)
    with pytest.raises(ValueError, match="negative"):
        days_to_go([1], -1)


def test_the_forecast_holds_as_often_as_it_says() -> None:
    """Days drawn alike before and after: the true end lies within in four of five cases."""
    rng = np.random.default_rng(3)
    held = 0
    for _draw in range(500):
        days = rng.negative_binomial(4, 4 / 54, 400)  # a mean of 50, very uneven
        found = days_to_go(days[:7].tolist(), 600)
        end = int(np.argmax(np.cumsum(days[7:]) >= 600)) + 1
        held += bool(
            found
            and found.low is not None
            and found.low <= end
            and (found.high is None or end <= found.high)
        )

    assert 0.75 < held / 500 < 0.92

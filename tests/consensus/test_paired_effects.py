"""Pulls on a rater's answers: exact tests, intervals that hold, and levels that are kept."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from consensus.control_chart import TAIL, latest_round
from consensus.exchange import exchange_p, sum_distribution
from consensus.group_difference import group_difference
from consensus.mcnemar import mcnemar
from consensus.paired_effects import (
    extra_changes,
    holm,
    one_among,
    option_moved_most,
    paired_effect,
    paired_interval,
)


def test_the_distribution_of_a_sum_is_that_of_all_draws() -> None:
    pools = [(3, -3), (0, 1, 1), (2,), (-1, 4)]
    sums = [sum(draw) for draw in product(*pools)]
    found = sum_distribution(pools)

    for total in range(min(sums), max(sums) + 1):
        assert found.upper_tail(total) == pytest.approx(sum(s >= total for s in sums) / len(sums))
        assert found.lower_tail(total) == pytest.approx(sum(s <= total for s in sums) / len(sums))
    assert found.upper_tail(99) == 0.0
    assert found.lower_tail(-99) == 0.0


def test_of_single_steps_the_test_is_mcnemars() -> None:
    for up, down in [(0, 0), (7, 0), (1, 9), (4, 4)]:
        found = paired_effect([1] * up + [-1] * down + [0] * 20, 1.0)
        assert found is not None
        assert found.p == pytest.approx(mcnemar(up, down))
        assert found.value == pytest.approx((up - down) / (up + down + 20))
        assert found.low <= found.value <= found.high


def test_a_value_that_its_pool_does_not_hold_and_an_empty_pool_are_refused() -> None:
    with pytest.raises(ValueError, match="in its pool"):
        exchange_p([2], [(1, -1)])
    with pytest.raises(ValueError, match="empty"):
        sum_distribution([()])
    with pytest.raises(ValueError, match="2 items"):
        paired_interval(np.zeros(1), 1.0)


def test_too_few_items_say_nothing() -> None:
    assert paired_effect([1], 1.0) is None
    assert option_moved_most(["a"], ["b"]) is None
    assert extra_changes([], [], []) is None
    assert one_among([1], [[2]], 1.0) is None
    assert group_difference(np.zeros(4), np.zeros(9), 1.0) is None


def test_the_option_that_gains_most_is_named_with_its_gain() -> None:
    plain = ["a"] * 10 + ["b"] * 10 + ["c"] * 10
    changed = ["a"] * 10 + ["b"] * 10 + ["a"] * 8 + ["c"] * 2
    found = option_moved_most(plain, changed)

    assert found is not None
    assert found.option in {"a", "c"}
    assert abs(found.effect.value) == pytest.approx(8 / 30)
    assert found.effect.p == pytest.approx(3 * mcnemar(8, 0))
    assert found.effect.n_moved == 8
    two = option_moved_most(["a"] * 9, ["b"] * 9)
    assert two is not None
    assert two.n_tried == 1


def test_changes_beyond_its_own_noise() -> None:
    found = extra_changes("aaaaaaaaaa", "bbbbbbbbba", "aaaaaaaaab")
    assert found is not None
    assert found.value == pytest.approx(0.8)
    assert found.n_moved == 9


def test_one_among_people_is_exact_by_counting() -> None:
    seen, others = [0, 0, 2], [[1, 2], [3], [2, 2]]
    pools = [(0, 1, 2), (0, 3), (2, 2, 2)]
    sums = [sum(draw) for draw in product(*pools)]
    found = one_among(seen, others, 0.5)
    assert found is not None
    assert found.p == pytest.approx(2 * sum(s <= 2 for s in sums) / len(sums))
    assert found.value == pytest.approx(0.5 * ((0 - 1.5) + (0 - 3) + 0) / 3)


def test_holm_by_hand_and_what_was_not_looked_at() -> None:
    assert holm([0.01, math.nan, 0.04, 0.03]) == pytest.approx(
        [0.03, math.nan, 0.06, 0.06], nan_ok=True
    )
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_noise_alone_is_found_no_more_often_than_the_level_and_intervals_hold(noise: float) -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 40)
    found, covered, runs = 0, 0, 400
    for _run in range(runs):
        told = [np.where(rng.random(40) < noise, rng.integers(0, 3, 40), truth) for _ in range(2)]
        effect = option_moved_most(told[0].tolist(), told[1].tolist())
        assert effect is not None
        found += effect.effect.p < 0.05
        covered += effect.effect.low <= 0 <= effect.effect.high
    assert found <= 0.05 * runs + 3 * math.sqrt(0.05 * 0.95 * runs)
    assert covered >= 0.92 * runs


def test_two_groups_apart_and_alike() -> None:
    rng = np.random.default_rng(2)
    apart = group_difference(rng.normal(1, 0.5, 30), rng.normal(0, 0.5, 30), 0.25)
    alike = group_difference(np.full(9, 0.5), np.full(9, 0.5), 0.25)
    assert apart is not None
    assert apart.low > 0.5
    assert apart.p < 1e-6
    assert alike is not None
    assert alike.p == pytest.approx(1.0)
    assert alike.low < 0 < alike.high


# --- Rounds over the same items ------------------------------------------------------------------


def test_a_round_in_which_many_items_change_for_the_first_time_is_out_of_line() -> None:
    quiet = [False] * 50
    loud = [True] * 7 + [False] * 43
    third = latest_round([quiet, quiet, loud])
    second = latest_round([quiet, loud])
    assert third is not None
    assert second is not None
    # Seven new ones: 1 in 2,187 by luck among three rounds, 1 in 128 between two.
    assert third.is_high
    assert not second.is_high


def test_items_that_always_change_say_nothing() -> None:
    noisy = [True] * 20 + [False] * 30
    found = latest_round([noisy] * 5)
    assert found is not None
    assert (found.hits, found.low, found.high) == (20, 20, 20)
    assert not found.is_high
    assert not found.is_low


def test_fewer_hits_than_ever_are_low_and_what_is_not_known_is_left_out() -> None:
    good = [True] * 30
    bad = [False] * 8 + [True] * 21 + [None]
    found = latest_round([good, good, good, bad])
    assert found is not None
    assert found.n == 29
    assert found.is_low
    assert latest_round([good]) is None
    assert latest_round([good, [None] * 30]) is None
    with pytest.raises(ValueError, match="same items"):
        latest_round([good, good[:3]])


def test_a_steady_judge_gives_few_false_alarms_however_different_its_items_are() -> None:
    rng = np.random.default_rng(3)
    alarms = looked = 0
    for _chart in range(60):
        share = rng.beta(0.3, 1.2, 40)
        rounds = [(rng.random(40) < share).tolist() for _ in range(12)]
        for n in range(2, 13):
            standing = latest_round(rounds[:n])
            assert standing is not None
            alarms += standing.is_high or standing.is_low
            looked += 1
    assert alarms <= 2 * TAIL * looked + 3 * math.sqrt(2 * TAIL * looked)

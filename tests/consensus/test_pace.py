"""How even a pace is, and answers faster than reading."""

from __future__ import annotations

import numpy as np
import pytest

from consensus.pace import MIN_ANSWERS, evenness, faster_than_reading


def test_the_spread_is_that_of_the_logarithms() -> None:
    times = np.exp(np.random.default_rng(1).normal(2, 0.5, 20_000))

    found = evenness(times.tolist(), n_bootstrap=20, seed=1)

    assert found.value == pytest.approx(1 - np.exp(-0.5), rel=0.03)


def test_the_interval_covers_the_spread() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for seed in range(100):
        found = evenness(np.exp(rng.normal(1, 0.4, 100)).tolist(), n_bootstrap=200, seed=seed)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 1 - np.exp(-0.4) <= found.high

    assert covered >= 88


def test_a_long_break_and_the_unit_change_nothing() -> None:
    times = np.random.default_rng(3).uniform(3, 4, 200)

    even = evenness(times.tolist(), seed=4)
    with_break = evenness([*times.tolist(), 4000.0], seed=4)
    minutes = evenness((times * 60).tolist(), seed=4)

    assert even.high is not None
    assert even.high < 0.2
    assert with_break.value == pytest.approx(even.value, abs=0.01)
    assert minutes.value == pytest.approx(even.value)


def test_few_answers_say_nothing() -> None:
    assert evenness([2.0] * (MIN_ANSWERS - 1), seed=1).value is None
    assert evenness([2.0] * MIN_ANSWERS, seed=1).value == 0


def test_reading_takes_time() -> None:
    assert faster_than_reading([0.9, 1.1, 0.0], [10, 10, 0]) == 1

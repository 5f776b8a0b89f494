"""Means and differences of answers in clusters."""

from __future__ import annotations

import numpy as np
import pytest

from consensus.clustered import clustered_difference, clustered_mean


def test_single_answers_are_welchs_two_samples():
    # Every answer of an item of its own: the sandwich is the sum of both variances of the mean.
    rng = np.random.default_rng(3)
    y = rng.normal(size=400)
    first = np.arange(400) < 150
    found = clustered_difference(y, first, np.zeros(400), np.arange(400))
    spread = np.sqrt(y[first].var() / 150 + y[~first].var() / 250)
    assert found.value == pytest.approx(y[first].mean() - y[~first].mean())
    assert found.high - found.value == pytest.approx(1.9659 * spread, rel=2e-3)
    assert found.of_these_raters


def test_answers_repeated_within_an_item_tell_nothing_new():
    rng = np.random.default_rng(4)
    y, first = rng.integers(0, 2, 60), rng.integers(0, 2, 60)
    once = clustered_difference(y.astype(float), first, np.zeros(60), np.arange(60))
    again = clustered_difference(
        np.tile(y, 5).astype(float), np.tile(first, 5), np.zeros(300), np.tile(np.arange(60), 5)
    )
    assert (again.low, again.high) == pytest.approx((once.low, once.high))


def test_shares_of_none_and_all_have_an_interval_within_bounds():
    found = clustered_difference([1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1] * 5, range(5), shares=True)
    assert found.value == found.high == 1
    assert -1 <= found.low < 0.9
    mean = clustered_mean([1, 1, 1], [1, 1, 1], range(3), shares=True)
    assert (mean.value, mean.high) == (1, 1)
    assert 0 <= mean.low < 0.9


def test_what_cannot_be_said_is_not_said():
    assert clustered_mean([], [], []) is None
    assert clustered_difference([1.0], [True], [1], [1]) is None
    assert clustered_mean([1.0, 0.0], [1, 2], [5, 5]).low is None


def test_weights_undo_an_uneven_draw():
    # Of hard items a tenth is shown, of easy ones nine tenths; help does nothing.
    y = np.array([0.0] * 100 + [1.0] * 100)
    shown = np.array([True] * 10 + [False] * 90 + [True] * 90 + [False] * 10)
    p = np.array([0.1] * 100 + [0.9] * 100)
    w = 1 / np.where(shown, p, 1 - p)
    plain = clustered_difference(y, shown, np.zeros(200), np.arange(200))
    weighed = clustered_difference(y, shown, np.zeros(200), np.arange(200), weights=w)
    assert plain.value == pytest.approx(0.8)
    assert weighed.value == pytest.approx(0.0)


def test_intervals_cover_what_they_promise():
    """Raters follow suggestions more or less, items invite it more or less; the rest is chance."""
    rng = np.random.default_rng(11)
    n_raters, n_items, hits, widths = 12, 40, 0, []
    runs, truth = 400, 0.15
    for _run in range(runs):
        raters = np.repeat(np.arange(n_raters), n_items)
        items = np.tile(np.arange(n_items), n_raters)
        shown = rng.random(len(raters)) < 0.5
        pull = truth + rng.normal(0, 0.25, n_raters)[raters]
        base = 0.5 + rng.normal(0, 0.1, n_raters)[raters] + rng.normal(0, 0.1, n_items)[items]
        y = rng.random(len(raters)) < np.clip(base + pull * shown, 0, 1)
        found = clustered_difference(y, shown, raters, items, shares=True)
        hits += found.low <= truth <= found.high
        widths.append(found.high - found.low)
    assert 0.925 <= hits / runs <= 0.99
    # Taken for independent, they would be this narrow, and wrong more often than they say.
    assert np.mean(widths) > 2 * 1.96 * np.sqrt(2 * 0.24 / 240)

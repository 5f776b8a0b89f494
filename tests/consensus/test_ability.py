"""Intervals of raters' abilities: known cases, little knowledge, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from consensus.ability import expected_intervals, share_right, wilson_intervals
from consensus.ibcc import cautious, ibcc
from consensus.intervals import proportion_interval
from consensus.methods import aggregate
from consensus.table import LabelTable


def test_wilson_is_that_of_single_shares():
    right, n = np.array([0.0, 3.0, 7.0, 10.0]), np.array([4.0, 9.0, 7.0, 20.0])
    for ends, k, of in zip(wilson_intervals(right, n), right, n, strict=True):
        assert ends.tolist() == pytest.approx(proportion_interval(int(k), int(of)))


def test_where_the_truth_is_known_it_is_the_interval_of_jeffreys():
    right, n = np.array([3.0, 9.0]), np.array([10.0, 10.0])
    ends = expected_intervals(right, np.zeros(2), n)
    assert ends[0].tolist() == pytest.approx(beta.interval(0.95, 3.5, 7.5))
    assert ends[1].tolist() == pytest.approx(beta.interval(0.95, 9.5, 1.5))
    assert expected_intervals(right, np.zeros(2), n, (4, 1))[0].tolist() == pytest.approx(
        beta.interval(0.95, 7, 8)
    )


def test_the_less_is_known_the_wider_it_is():
    n = np.full(4, 50.0)
    right = np.full(4, 40.0)
    ends = expected_intervals(right, np.array([0.0, 3.0, 6.0, 8.0]), n)
    widths = ends[:, 1] - ends[:, 0]
    assert (np.diff(widths) > 0).all()
    assert widths[3] > 0.8  # q = .8 on every label: nothing is known but the prior
    assert ((ends[:, 0] < 0.8) & (ends[:, 1] > 0.8)).all()


def test_ends_reach_shares_of_0_and_1():
    right, n = np.array([0.0, 6.0, 0.0]), np.array([6.0, 6.0, 0.0])
    for ends in (wilson_intervals(right, n), expected_intervals(right, np.zeros(3), n)):
        assert ends[0, 0] == 0 < ends[0, 1]
        assert ends[1, 1] == 1 > ends[1, 0]
        assert np.isnan(ends[2]).all()
    assert np.isnan(share_right(right, n)[2])


@pytest.mark.parametrize("method", ["one_coin", "dawid_skene", "ibcc", "glad"])
def test_intervals_cover_what_raters_can_do(method):
    rng = np.random.default_rng(11)
    covered, n_items, n_raters = [], 300, 8
    for _ in range(15):
        chances = rng.uniform(0.6, 0.95, n_raters)
        truth = rng.integers(0, 3, n_items)
        right = rng.random((n_items, n_raters)) < chances
        wrong = (truth[:, None] + rng.integers(1, 3, right.shape)) % 3
        said = rng.random(right.shape) < 0.6
        items, raters = np.nonzero(said)
        codes = np.where(right, truth[:, None], wrong)[said]
        table = LabelTable.from_codes(items, raters, codes, n_classes=3, n_items=n_items)
        low, high = aggregate(table, method).ability_interval.T
        covered.append((low <= chances) & (chances <= high))
    assert 0.9 <= np.mean(covered) <= 0.99  # 120 intervals of 95 %


@pytest.mark.parametrize(
    ("method", "parameters"),
    [("one_coin", {}), ("dawid_skene", {}), ("mace", {"seed": 1, "restarts": 1}), ("glad", {})],
)
def test_intervals_cover_without_priors_and_with_few_labels(method, parameters):
    """Three labels an item, fifteen a rater. Intervals that believe the fit hold in 80 %, of GLAD
    in 92 %.
    """
    rng = np.random.default_rng(4)
    covered, n_items, n_raters = [], 200, 40
    for _ in range(8):
        chances = rng.uniform(0.6, 0.95, n_raters)
        truth = rng.integers(0, 2, n_items)
        raters = rng.random((n_items, n_raters)).argsort(axis=1)[:, :3]
        right = rng.random(raters.shape) < chances[raters]
        codes = np.where(right, truth[:, None], 1 - truth[:, None])
        items = np.repeat(np.arange(n_items), 3)
        table = LabelTable.from_codes(items, raters.ravel(), codes.ravel(), n_classes=2)
        estimate = aggregate(table, method, **parameters)
        low, high = estimate.ability_interval.T
        covered.append((low <= chances) & (chances <= high))
        assert ((low <= estimate.ability) & (estimate.ability <= high)).all()
    assert np.mean(covered) >= 0.93


def test_many_labels_a_rater_need_no_second_look():
    rng = np.random.default_rng(0)
    items, raters = np.divmod(np.arange(1800), 3)
    codes = rng.integers(0, 2, len(items))
    assert cautious(LabelTable.from_codes(items, raters, codes, n_classes=2)) is None
    few = LabelTable.from_codes(items[:1200], raters[:1200], codes[:1200], n_classes=2)
    seen = cautious(few)
    assert seen is not None
    assert np.array_equal(seen.posterior, ibcc(few).posterior)

"""Ratings: the graded model against plain formulas, what its order buys, and the median."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from consensus.dawid_skene import dawid_skene
from consensus.graded import averaged_chances, graded, log_chances
from consensus.majority import majority
from consensus.median import median_rating
from consensus.ordinal import ordinal
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables, unanimous_tables

# A round on a grid of 61 points takes a millisecond, so there are fewer examples and rounds.
briefly = settings(repeatable, max_examples=3)
ROUNDS = 10
CUTS = np.array([-1.2, -0.4, 0.4, 1.2])


def ratings(n_items, n_raters, labels_each, seed):
    """Values, biases, classes and a table: raters differ in severity and in noise."""
    rng = np.random.default_rng(seed)
    value = rng.normal(size=n_items)
    bias = rng.normal(size=n_raters) * 0.4
    noise = 0.6 * np.exp(rng.normal(size=n_raters) * 0.4)
    items = np.repeat(np.arange(n_items), labels_each)
    raters = np.concatenate(
        [rng.choice(n_raters, labels_each, replace=False) for _ in range(n_items)]
    )
    seen = value[items] + bias[raters] + rng.normal(size=len(items)) * noise[raters]
    table = LabelTable.from_codes(
        items, raters, np.searchsorted(CUTS, seen), n_classes=5, n_raters=n_raters
    )
    return value, bias, np.searchsorted(CUTS, value), table


def test_chances_are_differences_of_the_logistic_function():
    points, steepness, bias = np.linspace(-2, 2, 5), np.array([0.7, 3.0]), np.array([0.5, -1.0])
    chances = np.exp(log_chances(CUTS, points, np.log(steepness), bias))
    ends = np.concatenate([[-np.inf], CUTS, [np.inf]])
    for rater in range(2):
        for c, (low, high) in enumerate(pairwise(ends)):
            expected = expit(steepness[rater] * (high - points - bias[rater])) - expit(
                steepness[rater] * (low - points - bias[rater])
            )
            np.testing.assert_allclose(chances[rater, c], expected, atol=1e-12)


def test_chances_keep_their_digits_where_they_are_tiny():
    far = log_chances(np.array([0.0, 1.0]), np.array([-60.0, 60.0]), np.zeros(1), np.zeros(1))
    assert np.isfinite(far).all()
    assert far[0, 1, 0] == pytest.approx(-60 + np.log(1 - np.exp(-1)), abs=1e-9)


def test_slopes_are_those_of_the_chances():
    points, log_steepness, bias = np.array([-1.0, 0.3]), np.array([0.2]), np.array([0.1])
    at = graded(CUTS, points, log_steepness, bias)
    step = 1e-6
    numeric = (
        log_chances(CUTS, points, log_steepness, bias + step)
        - log_chances(CUTS, points, log_steepness, bias - step)
    ) / (2 * step)
    np.testing.assert_allclose(-np.exp(0.2) * (at.upper + at.lower), numeric, atol=1e-6)
    numeric = (
        log_chances(CUTS, points, log_steepness + step, bias)
        - log_chances(CUTS, points, log_steepness - step, bias)
    ) / (2 * step)
    np.testing.assert_allclose(at.high * at.upper + at.low * at.lower, numeric, atol=1e-6)


def test_equals_another_optimiser(monkeypatch):
    """Before the rounds in which raters are averaged."""
    monkeypatch.setattr("consensus.ordinal._MOST_AVERAGED", 0)
    _, _, _, table = ratings(25, 3, 3, seed=7)
    points = np.linspace(-4.5, 4.5, 61)
    prior = np.exp(-(points**2) / 2)
    prior /= prior.sum()

    def loss(v):
        cuts, log_steep, bias, mean = v[:4], v[4:7], v[7:10], v[10]
        if (np.diff(cuts) <= 0).any():
            return 1e6
        ends = np.concatenate([[-np.inf], cuts, [np.inf]])
        below = expit(
            np.exp(log_steep)[:, None, None] * (ends[:, None] - points - bias[:, None, None])
        )
        log_said = np.log(np.maximum(np.diff(below, axis=1), 1e-300))
        items = np.zeros((25, 61))
        np.add.at(items, table.items, log_said[table.raters, table.codes])
        shares = np.diff(expit(1.702 * ends))
        total = np.log(np.exp(items) @ prior).sum() + 0.5 * np.log(shares).sum()
        total -= ((log_steep - mean) ** 2).sum() * 2 + (bias**2).sum() * 2
        return -(total - (mean - np.log(1.8)) ** 2 / 2)

    best = minimize(loss, np.array([-1.5, -0.5, 0.5, 1.5, *[0.6] * 3, *[0.0] * 3, 0.6]), tol=1e-8)
    estimate = ordinal(table, tolerance=1e-11)
    assert estimate.log_likelihood[-1] == pytest.approx(-best.fun, abs=1e-4)
    np.testing.assert_allclose(estimate.thresholds, best.x[:4], atol=0.01)
    np.testing.assert_allclose(estimate.bias, best.x[7:10], atol=0.01)
    np.testing.assert_allclose(np.log(estimate.discrimination), best.x[4:7], atol=0.02)


@briefly
@given(table=tables(), class_prior=st.sampled_from([0.0, 0.5, 2.0]))
def test_the_objective_never_falls(table, class_prior):
    estimate = ordinal(table, class_prior=class_prior, tolerance=0, max_iterations=ROUNDS)
    assert len(estimate.log_likelihood) == estimate.iterations
    assert (np.diff(estimate.log_likelihood) >= -1e-9).all()


@briefly
@given(table=tables(), seed=st.integers(0, 1000))
def test_order_of_rows_items_and_raters_changes_nothing(table, seed):
    new = shuffles(table, seed)
    new.pop("classes")
    one = ordinal(table, max_iterations=ROUNDS)
    other = ordinal(renamed(table, **new), max_iterations=ROUNDS)
    assert one.choice.tolist() == other.choice[new["items"]].tolist()
    assert one.tied.tolist() == other.tied[new["items"]].tolist()
    np.testing.assert_allclose(one.posterior, other.posterior[new["items"]], atol=1e-9)
    np.testing.assert_allclose(one.value, other.value[new["items"]], atol=1e-9)
    np.testing.assert_allclose(one.bias, other.bias[new["raters"]], atol=1e-9)


@briefly
@given(table=tables())
def test_turning_the_scale_round_turns_the_answer_round(table):
    turned = renamed(table, classes=np.arange(table.n_classes)[::-1])
    one, other = ordinal(table, max_iterations=ROUNDS), ordinal(turned, max_iterations=ROUNDS)
    np.testing.assert_allclose(one.posterior, other.posterior[:, ::-1], atol=1e-9)
    np.testing.assert_allclose(one.value, -other.value, atol=1e-9)
    np.testing.assert_allclose(one.interval, -other.interval[:, ::-1], atol=1e-9)
    np.testing.assert_allclose(one.bias, -other.bias, atol=1e-9)
    assert one.tied.tolist() == other.tied.tolist()


@briefly
@given(table=unanimous_tables())
def test_what_all_say_is_chosen_and_posteriors_sum_to_one(table):
    estimate = ordinal(table, max_iterations=ROUNDS)
    expected = majority(table).choice
    assert estimate.choice.tolist() == expected.tolist()
    np.testing.assert_allclose(estimate.posterior.sum(axis=1), expected >= 0, atol=1e-9)
    assert (np.isnan(estimate.value) == (expected < 0)).all()


def test_the_order_helps_with_few_labels_a_rater():
    # 200 items, 3 labels each by 15 raters: 40 labels a rater.
    _, _, truth, table = ratings(200, 15, 3, seed=1)
    by_order = (ordinal(table, max_iterations=15).choice == truth).mean()
    by_names = dawid_skene(table)
    assert by_order > (majority(table).choice == truth).mean() + 0.1
    assert by_order > (by_names.choice == truth).mean() + 0.1
    assert by_order > (median_rating(table).choice == truth).mean() + 0.03
    # And 100 items by 50 raters: 6 labels a rater.
    _, _, truth, table = ratings(100, 50, 3, seed=2)
    by_order = (ordinal(table, max_iterations=15).choice == truth).mean()
    assert by_order > (majority(table).choice == truth).mean() + 0.08


def test_values_biases_and_intervals_are_recovered():
    value, bias, _, table = ratings(300, 15, 5, seed=3)
    estimate = ordinal(table, tolerance=1e-6)
    assert estimate.converged
    assert np.corrcoef(estimate.value, value)[0, 1] > 0.93
    assert np.corrcoef(estimate.bias, bias)[0, 1] > 0.95
    np.testing.assert_allclose(estimate.thresholds, CUTS, atol=0.25)
    inside = (estimate.interval[:, 0] <= value) & (value <= estimate.interval[:, 1])
    assert inside.mean() > 0.92
    assert np.mean((estimate.value - value) ** 2) == pytest.approx(
        np.mean(estimate.error**2), rel=0.3
    )


def test_raters_with_few_labels_make_items_less_certain(monkeypatch):
    _, _, _, table = ratings(40, 30, 3, seed=5)
    careful = ordinal(table, max_iterations=15)
    monkeypatch.setattr(
        "consensus.ordinal._averaged", lambda _table, _votes, by_label, *_: by_label
    )
    as_if_known = ordinal(table, max_iterations=15)
    assert careful.error.mean() > 1.04 * as_if_known.error.mean()
    assert careful.posterior.max(axis=1).mean() < as_if_known.posterior.max(axis=1).mean() - 0.02


def test_intervals_of_values_hold_with_few_labels_a_rater():
    """Six labels a rater: at the maximum raters seem too exact, and the intervals hold in 87 %."""
    inside = []
    for seed in (0, 2, 3):
        value, _, _, table = ratings(100, 50, 3, seed)
        low, high = ordinal(table, max_iterations=30, tolerance=1e-5).interval.T
        inside.append((low <= value) & (value <= high))
    assert np.mean(inside) >= 0.93


def test_averaging_over_a_known_rater_changes_nothing():
    points, steepness, bias = np.linspace(-2, 2, 5), np.array([0.5]), np.array([-0.3])
    plain = log_chances(CUTS, points, steepness, bias)
    sure = averaged_chances(CUTS, points, steepness, bias, np.eye(2)[None] * 1e8)
    vague = averaged_chances(CUTS, points, steepness, bias, np.eye(2)[None])
    np.testing.assert_allclose(sure, plain, atol=1e-6)
    np.testing.assert_allclose(np.exp(vague).sum(axis=1), 1)
    assert vague.max() < plain.max()


def test_a_severe_rater_is_seen_through():
    # Rater 3 says one class less than the others do, everywhere.
    codes = np.array([[1, 1, 1, 0], [2, 2, 2, 1], [3, 3, 3, 2]] * 10)
    items, raters = np.divmod(np.arange(codes.size), 4)
    only_severe = LabelTable.from_codes(
        [*items, 30], [*raters, 3], [*codes.ravel(), 1], n_classes=4
    )
    estimate = ordinal(only_severe, max_iterations=60)
    assert estimate.bias[3] < estimate.bias[:3].min() - 0.3
    assert estimate.choice[30] == 2
    assert estimate.confusion[3, 2].argmax() == 1


def test_gold_is_clamped_and_teaches_the_rest():
    _, _, truth, table = ratings(60, 5, 3, seed=4)
    gold = np.where(np.arange(60) < 30, truth, -1)
    known = LabelTable(table.items, table.raters, table.codes, 60, 5, 5, gold=gold)
    estimate = ordinal(known, max_iterations=30)
    assert (estimate.posterior[np.arange(30), truth[:30]] == 1).all()
    assert (estimate.choice[:30] == truth[:30]).all()
    assert (np.diff(estimate.log_likelihood) >= -1e-9).all()
    np.testing.assert_allclose(estimate.thresholds, CUTS, atol=0.5)


def test_no_labels_one_label_and_an_unused_class():
    nothing = ordinal(LabelTable.from_codes([], [], [], n_classes=3, n_items=2, n_raters=1))
    assert nothing.choice.tolist() == [-1, -1]
    assert (nothing.iterations, nothing.converged) == (0, True)
    assert np.isnan(nothing.value).all()
    assert np.isnan(nothing.bias).all()
    one = ordinal(LabelTable.from_codes([0], [0], [2], n_classes=5))
    assert one.choice.tolist() == [2]
    assert 0 < one.interval[0, 1] == pytest.approx(-one.interval[0, 0])
    apart = ordinal(LabelTable.from_codes([0, 0], [0, 1], [0, 2], n_classes=3))
    assert (apart.choice.tolist(), apart.tied.tolist()) == ([-1], [True])


@pytest.mark.parametrize(
    "wrong",
    [
        {"ability_spread": 0},
        {"bias_spread": -1},
        {"class_prior": -0.1},
        {"tolerance": -1},
        {"max_iterations": 0},
    ],
)
def test_bad_parameters_are_refused(wrong):
    table = LabelTable.from_codes([0], [0], [0], n_classes=2)
    with pytest.raises(ValueError, match=r"must (be|not)"):
        ordinal(table, **wrong)


def test_one_class_is_no_scale():
    with pytest.raises(ValueError, match="two classes"):
        ordinal(LabelTable.from_codes([0], [0], [0], n_classes=1))


@repeatable
@given(table=tables())
def test_the_median_is_that_of_the_codes(table):
    estimate = median_rating(table)
    for item in range(table.n_items):
        codes = table.codes[table.items == item]
        if not len(codes):
            assert estimate.choice[item] == -1
            assert np.isnan(estimate.value[item])
            continue
        assert estimate.value[item] == np.median(codes)
        assert estimate.rating[item] == pytest.approx(codes.mean())
        halves = np.sort(codes)[[(len(codes) - 1) // 2, len(codes) // 2]]
        assert estimate.tied[item] == (halves[0] != halves[1])
        assert estimate.choice[item] == (halves[0] if halves[0] == halves[1] else -1)


@pytest.mark.parametrize(
    ("n", "ends"), [(5, (None, None)), (6, (0, 5)), (8, (0, 7)), (9, (1, 7)), (20, (5, 14))]
)
def test_interval_of_the_median_is_that_of_the_sign_test(n, ends):
    table = LabelTable.from_codes([0] * n, range(n), range(n), n_classes=20)
    interval = median_rating(table).interval[0].tolist()
    assert interval == list(ends) if ends[0] is not None else np.isnan(interval).all()

"""When is a majority optimal: the worst case, what changes, what is gained, whatever the order."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.ibcc import ibcc
from consensus.majority_gain import MeasuredGain, measured_gain
from consensus.majority_optimality import majority_key, majority_optimality, majority_sentence
from consensus.rater_weights import counts_from_estimate, counts_from_gold
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables

few = settings(repeatable, max_examples=8)


def crowd(accuracies, n_items=300, n_classes=2, seed=0):
    """Every rater labels every item, independently; gold is the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, n_items)
    n_raters = len(accuracies)
    items, raters = np.divmod(np.arange(n_items * n_raters), n_raters)
    wrong = (truth[items] + rng.integers(1, n_classes, len(items))) % n_classes
    right = rng.random(len(items)) < np.array(accuracies)[raters]
    codes = np.where(right, truth[items], wrong)
    return LabelTable.from_codes(items, raters, codes, n_classes=n_classes, gold=truth)


def known(accuracies, n=10_000):
    return np.array(accuracies) * n, (1 - np.array(accuracies)) * n


@few
@given(
    accuracies=st.lists(st.sampled_from([0.3, 0.55, 0.6, 0.7, 0.8, 0.95]), min_size=1, max_size=5),
    n_classes=st.integers(2, 3),
)
def test_safe_means_that_no_vote_at_all_is_overruled(accuracies, n_classes):
    # Every possible vote of these raters, one an item.
    every = np.array(list(itertools.product(range(n_classes), repeat=len(accuracies))))
    items, raters = np.divmod(np.arange(every.size), len(accuracies))
    table = LabelTable.from_codes(items, raters, every.ravel(), n_classes=n_classes)
    result = majority_optimality(table, *known(accuracies), n_draws=1, seed=1)
    assert result.safe in (0.0, 1.0)
    assert (result.safe == 1.0) == (result.n_changed == 0)


def test_weights_are_log_odds_and_one_expert_overrules_two():
    table = LabelTable.from_codes(
        [0, 0, 0, 1, 1, 1], [0, 1, 2] * 2, [0, 1, 1, 0, 0, 1], n_classes=2
    )
    result = majority_optimality(table, *known([0.99, 0.7, 0.6]), seed=1)
    expected = np.log([99, 7 / 3, 1.5])
    assert result.weights == pytest.approx(expected, abs=1e-2)
    assert (result.n_items, result.n_changed, result.n_tied) == (2, 1, 0)
    assert result.changed == 0.5
    # Item 0: the expert against two, odds 99 to 3.5; the other item stays.
    gained = (99 / 102.5 - 3.5 / 102.5) / 2
    assert result.gain == pytest.approx(gained, abs=5e-3)
    three = dataclasses.replace(table, n_classes=3)
    with_three = majority_optimality(three, *known([0.99, 0.7, 0.6]), seed=1)
    assert with_three.weights == pytest.approx(np.log([198, 14 / 3, 3]), abs=1e-2)


def test_equal_raters_change_nothing():
    table = crowd([0.8] * 5)
    result = majority_optimality(table, *known([0.8] * 5), seed=1)
    assert (result.n_changed, result.changed, result.gain, result.safe) == (0, 0.0, 0.0, 1.0)
    assert result.gain_interval == (0.0, 0.0)
    assert majority_key(result) == "optimal"
    assert majority_sentence(result).endswith("Plain majority is already the best vote here.")
    # Little known of each: the truly best weights may differ, and the interval says so.
    vague = majority_optimality(table, *known([0.8] * 5, n=5), seed=1)
    assert vague.changed_interval[1] > 0.02


def test_expected_gain_holds_on_truth():
    accuracies = [0.95, 0.6, 0.6, 0.6, 0.55]
    table = crowd(accuracies, n_items=3000, seed=2)
    result = majority_optimality(table, *known(accuracies), n_draws=100, seed=1)
    measured = measured_gain(table, seed=1)
    assert result.gain == pytest.approx(measured.gain, abs=0.02)
    assert result.gain_interval[0] < measured.gain < result.gain_interval[1]
    assert measured.interval[0] < result.gain < measured.interval[1]
    assert (majority_key(result), majority_key(result, measured)) == ("try", "weigh")
    assert measured.weighted - measured.majority == pytest.approx(measured.gain)


@pytest.mark.parametrize("seed", range(4))
def test_measured_gain_answers_each_item_with_the_other_items_gold(seed):
    # As many folds as items: each is left out alone.
    table = crowd([0.9, 0.6, 0.6, 0.5], n_items=8, seed=seed)
    answers = []
    for item in range(8):
        hits, misses = counts_from_gold(table.rows(table.items != item))
        average = (hits.sum() + 1) / ((hits + misses).sum() + 2)
        odds = np.log((hits + 2 * average) / (misses + 2 * (1 - average)))
        mine = table.items == item
        votes = np.bincount(table.codes[mine], weights=odds[table.raters[mine]], minlength=2)
        first = votes >= votes.max() - 1e-9
        answers.append(first[table.gold[item]] / first.sum())
    measured = measured_gain(table, n_folds=8, seed=1)
    assert measured.weighted == pytest.approx(np.mean(answers))


def test_a_tie_counts_by_equal_parts():
    table = LabelTable.from_codes([0, 0], [0, 1], [0, 1], n_classes=2, gold=[0])
    result = majority_optimality(table, [9, 5], [1, 5], seed=1)
    assert (result.n_tied, result.n_changed) == (1, 0)
    assert 0.2 < result.gain < 0.4
    assert "could break 1 ties" in majority_sentence(result)
    assert measured_gain(table, seed=1).majority == 0.5


@few
@given(table=tables(min_labels=6), seed=st.integers(0, 99))
def test_order_changes_nothing(table, seed):
    rng = np.random.default_rng(seed)
    table = dataclasses.replace(table, gold=rng.integers(0, table.n_classes, table.n_items))
    right, wrong = rng.integers(1, 9, (2, table.n_raters))
    new = shuffles(table, seed)
    new.pop("classes")
    back = np.argsort(new["raters"])
    first = majority_optimality(table, right, wrong, n_draws=5, seed=1)
    other = majority_optimality(renamed(table, **new), right[back], wrong[back], n_draws=5, seed=1)
    for name in ("n_tied", "n_changed", "changed_interval", "safe"):
        assert getattr(other, name) == getattr(first, name), name
    assert other.gain == pytest.approx(first.gain, abs=1e-12)
    assert other.gain_interval == pytest.approx(first.gain_interval, abs=1e-9)
    measured, again = measured_gain(table, seed=1), measured_gain(renamed(table, **new), seed=1)
    assert again.gain == pytest.approx(measured.gain, abs=1e-12)


@few
@given(table=tables(min_labels=6), seed=st.integers(0, 99))
def test_names_of_classes_do_not_matter(table, seed):
    right, wrong = np.random.default_rng(seed).integers(1, 9, (2, table.n_raters))
    classes = shuffles(table, seed)["classes"]
    first = majority_optimality(table, right, wrong, n_draws=1, seed=1)
    other = majority_optimality(renamed(table, classes=classes), right, wrong, n_draws=1, seed=1)
    for name in ("n_tied", "n_changed", "changed", "safe"):
        assert getattr(other, name) == getattr(first, name), name


def test_unanimous_raters_are_never_overruled():
    codes = np.repeat([0, 1, 0], 3)
    table = LabelTable.from_codes(np.repeat([0, 1, 2], 3), [0, 1, 2] * 3, codes, n_classes=2)
    result = majority_optimality(table, [9, 6, 5], [1, 4, 5], seed=1)
    assert (result.n_changed, result.gain) == (0, 0.0)


def test_counts_from_an_estimate():
    table = crowd([0.9, 0.8, 0.7, 0.6])
    estimate = dataclasses.replace(ibcc(table), ability_interval=None)
    right, wrong = counts_from_estimate(table, estimate)
    assert (right + wrong).tolist() == pytest.approx([300] * 4)
    assert (right / 300).tolist() == pytest.approx(estimate.ability.tolist())
    # An interval of ±.098 around .8 is what 64 labels give.
    half = 1.959964 * np.sqrt(0.8 * 0.2 / 65)
    bounded = dataclasses.replace(
        estimate,
        ability=np.array([0.8, 0.8, 0.8, np.nan]),
        ability_interval=np.array([[0.8 - half, 0.8 + half]] * 3 + [[np.nan, np.nan]]),
    )
    right, wrong = counts_from_estimate(table, bounded)
    assert (right + wrong).tolist() == pytest.approx([64, 64, 64, 0])


def test_nothing_to_vote_on():
    empty = LabelTable.from_codes([], [], [], n_classes=2, n_items=2, n_raters=1, gold=[0, -1])
    result = majority_optimality(empty, [0], [0], seed=1)
    assert (result.changed, result.gain, result.safe) == (None, None, None)
    assert majority_key(result) == "no_items"
    assert majority_sentence(result) == "There are no labels to vote with yet."
    assert measured_gain(empty, seed=1) == MeasuredGain(
        n_gold=0, majority=None, weighted=None, gain=None, interval=None
    )
    one = LabelTable.from_codes([0, 1], [0, 0], [0, 0], n_classes=1)
    alone = majority_optimality(one, [1], [0], seed=1)
    assert (alone.n_changed, alone.gain, alone.safe) == (0, 0.0, 1.0)


def test_keys_and_sentences():
    table = crowd([0.95, 0.6, 0.6, 0.6, 0.55], n_items=200, seed=2)
    result = majority_optimality(table, *known([0.95, 0.6, 0.6, 0.6, 0.55]), n_draws=20, seed=1)
    text = majority_sentence(result)
    assert f"would overrule {result.n_changed} of 200 majorities" in text
    assert "if raters err independently" in text
    assert "measure it on gold items" in text
    measured = majority_sentence(result, measured_gain(table, seed=1))
    assert measured.endswith("Use a method that weighs raters.")
    some = MeasuredGain(n_gold=40, majority=0.8, weighted=0.81, gain=0.01, interval=(-0.02, 0.04))
    assert majority_key(result, some) == "unclear"
    assert "on 40 gold items the gain is 1.0 points of accuracy (interval -2.0 to 4.0)" in (
        majority_sentence(result, some)
    )
    none = dataclasses.replace(some, interval=(-0.02, 0.004))
    assert majority_key(result, none) == "enough"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: majority_optimality(t, [1], [1, 1], seed=1), "right must have length 2"),
        (lambda t: majority_optimality(t, [1, 1], [1, -1], seed=1), "wrong must hold"),
        (lambda t: majority_optimality(t, [0, 0], [0, 0], seed=1), "nothing is known"),
        (lambda t: majority_optimality(t, [1, 1], [1, 1], seed=1, n_draws=0), "n_draws"),
        (lambda t: majority_optimality(t, [1, 1], [1, 1], seed=1, confidence=1), "confidence"),
        (lambda t: counts_from_gold(t), "no gold"),
        (lambda t: measured_gain(t, seed=1), "no gold"),
        (lambda t: measured_gain(t, seed=1, confidence=0), "confidence"),
        (lambda t: measured_gain(t, n_folds=1, seed=1), "n_folds"),
        (lambda t: counts_from_estimate(t, dataclasses.replace(ibcc(t), ability=None)), "ability"),
        (
            lambda t: counts_from_estimate(
                t, ibcc(LabelTable.from_codes([0], [0], [0], n_classes=2))
            ),
            "another table",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    table = LabelTable.from_codes([0, 0], [0, 1], [0, 1], n_classes=2)
    with pytest.raises(ValueError, match=message):
        call(table)

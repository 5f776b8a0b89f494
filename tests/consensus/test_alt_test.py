"""The Alternative Annotator Test: against its definition, at its edges, whatever the order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from consensus.alt_test import alt_test, benjamini_yekutieli, compare, labels_of
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables

few = settings(repeatable, max_examples=6)  # each example runs the whole test
every_score = pytest.mark.parametrize("score", ["accuracy", "neg_rmse"])


def by_definition(table, judge, epsilon, score, min_items):
    """The test as its authors write it: loops over people and items, no shortcuts."""

    def closeness(label, others):
        if score == "accuracy":
            return np.mean([label == other for other in others])
        return -math.sqrt(np.mean([(int(label) - int(other)) ** 2 for other in others]))

    said: dict[int, dict[int, int]] = {}
    for item, rater, code in zip(table.items, table.raters, table.codes, strict=True):
        said.setdefault(int(item), {})[int(rater)] = int(code)
    p_values, advantages = [], []
    for person in range(table.n_raters):
        ours, judges = [], []
        for item, labels in said.items():
            others = [code for rater, code in labels.items() if rater != person]
            if person in labels and others and judge[item] >= 0:
                own = closeness(labels[person], others)
                machine = closeness(judge[item], others)
                ours.append(own >= machine - 1e-12)
                judges.append(machine >= own - 1e-12)
        if len(ours) < min_items:
            continue
        d = np.array(ours, dtype=float) - np.array(judges, dtype=float)
        if d.var() == 0:
            p_values.append(0.0 if d.mean() < epsilon else 1.0)
        else:
            p_values.append(stats.ttest_1samp(d, epsilon, alternative="less").pvalue)
        advantages.append(np.mean(judges))
    return p_values, advantages


def crowd(n_items=80, n_people=4, accuracy=0.8, judge=0.8, n_classes=3, seed=0):
    """People and a judge who err independently; the judge's labels come apart."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, n_items)
    items, raters = np.divmod(np.arange(n_items * n_people), n_people)

    def say(share, of):
        wrong = (of + rng.integers(1, n_classes, len(of))) % n_classes
        return np.where(rng.random(len(of)) < share, of, wrong)

    table = LabelTable.from_codes(items, raters, say(accuracy, truth[items]), n_classes=n_classes)
    return table, say(judge, truth)


@every_score
@few
@given(table=tables(repeats=False, min_labels=12), seed=st.integers(0, 99))
def test_equals_the_definition(score, table, seed):
    judge = np.random.default_rng(seed).integers(-1, table.n_classes, table.n_items)
    result = alt_test(
        table, judge, epsilon=0.1, score=score, min_items=3, n_bootstrap=5, epsilons=[0.1], seed=1
    )
    p_values, advantages = by_definition(table, judge, 0.1, score, 3)
    assert result.p_value.tolist() == pytest.approx(p_values)
    assert result.advantages.tolist() == pytest.approx(advantages)
    if p_values:
        assert result.advantage == pytest.approx(np.mean(advantages))
        adjusted = stats.false_discovery_control(p_values, method="by")
        assert result.winning_rate == pytest.approx(np.mean(adjusted <= 0.05))
        assert result.winning_rates.tolist() == [result.winning_rate]
    else:
        assert result.winning_rate is None
        assert result.advantage_interval is None


@repeatable
@given(
    p=st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.02, 0.04, 0.5, 1.0]), min_size=1, max_size=9)
)
def test_benjamini_yekutieli_equals_scipy(p):
    expected = stats.false_discovery_control(p, method="by") <= 0.05
    assert benjamini_yekutieli(p).tolist() == expected.tolist()


@every_score
@few
@given(table=tables(repeats=False, min_labels=12), seed=st.integers(0, 99))
def test_order_changes_nothing(score, table, seed):
    judge = np.random.default_rng(seed).integers(-1, table.n_classes, table.n_items)
    new = shuffles(table, seed)
    if score == "neg_rmse":
        new["classes"] = np.arange(table.n_classes)  # their order is part of the data
    options = {"epsilon": 0.1, "score": score, "min_items": 2, "n_bootstrap": 5, "seed": 3}
    options["epsilons"] = [0.0, 0.2]
    first = alt_test(table, judge, **options)
    moved = np.full(table.n_items, -1)
    moved[new["items"]] = np.where(judge >= 0, new["classes"][judge], -1)
    other = alt_test(renamed(table, **new), moved, **options)
    for name in (
        "winning_rate",
        "winning_interval",
        "advantage",
        "advantage_interval",
        "epsilon_needed",
        "epsilon_needed_interval",
    ):
        assert getattr(other, name) == getattr(first, name), name
    assert np.array_equal(other.winning_bands, first.winning_bands, equal_nan=True)
    back = np.argsort(new["raters"][first.raters])
    assert other.raters.tolist() == new["raters"][first.raters][back].tolist()
    assert other.p_value.tolist() == first.p_value[back].tolist()


def test_a_judge_who_repeats_the_majority_wins_and_one_who_never_agrees_loses():
    table, _ = crowd(seed=1)
    majority = table.counts().argmax(axis=1)
    best = alt_test(table, majority, epsilon=0.1, n_bootstrap=100, seed=1)
    assert (best.winning_rate, best.epsilon_needed) == (1.0, 0.0)
    assert best.winning_interval == (1.0, 1.0)
    worst = alt_test(table, table.counts().argmin(axis=1), epsilon=0.1, n_bootstrap=20, seed=1)
    assert worst.winning_rate == 0.0
    assert worst.epsilon_needed > 0.5


def test_equality_does_not_win():
    # Everybody says the same, the judge too: no variance, a difference of 0.
    table = LabelTable.from_codes(
        np.repeat(np.arange(30), 2), np.tile([0, 1], 30), np.zeros(60, dtype=int), n_classes=2
    )
    judge = np.zeros(30, dtype=int)
    few_draws = {"n_bootstrap": 20, "seed": 1}
    assert alt_test(table, judge, epsilon=0.0, **few_draws).winning_rate == 0.0
    assert alt_test(table, judge, epsilon=0.01, **few_draws).winning_rate == 1.0
    # And against a judge that is always wrong: a difference of 1 is not below 1.
    wrong = alt_test(table, 1 - judge, epsilon=1.0, **few_draws)
    assert wrong.p_value.tolist() == [1.0, 1.0]
    assert wrong.epsilon_needed is None
    assert wrong.epsilon_needed_interval == (None, None)


def test_who_counts():
    # Person 2 has too few items, item 40 only one person, item 41 no label of the judge.
    items = np.concatenate([np.repeat(np.arange(40), 2), np.arange(29), [40, 41, 41]])
    raters = np.concatenate([np.tile([0, 1], 40), np.full(29, 2), [0, 0, 1]])
    judge = np.zeros(42, dtype=int)
    judge[41] = -1
    codes = np.zeros(len(items), dtype=int)
    table = LabelTable.from_codes(items, raters, codes, n_classes=2)
    few_draws = {"n_bootstrap": 20, "seed": 1}
    result = alt_test(table, judge, epsilon=0.1, **few_draws)
    assert result.raters.tolist() == [0, 1]
    assert result.skipped.tolist() == [2]
    assert result.n_items.tolist() == [40, 40]
    lower = alt_test(table, judge, epsilon=0.1, min_items=29, **few_draws)
    assert lower.raters.tolist() == [0, 1, 2]


def test_judges_in_the_table_are_no_people():
    table, said = crowd(n_items=40, n_people=3)
    both = LabelTable.from_codes(
        np.concatenate([table.items, np.arange(40)]),
        np.concatenate([table.raters, np.full(40, 3)]),
        np.concatenate([table.codes, said]),
        n_classes=3,
        judges=[False, False, False, True],
    )
    assert labels_of(both, 3).tolist() == said.tolist()
    options = {"epsilon": 0.2, "n_bootstrap": 10, "seed": 1}
    result = alt_test(both, labels_of(both, 3), **options)
    assert result.raters.tolist() == [0, 1, 2]
    assert result.p_value.tolist() == alt_test(table, said, **options).p_value.tolist()


def test_the_curve_rises_and_crosses_where_it_says():
    table, judge = crowd(n_items=150, judge=0.7, seed=4)
    result = alt_test(table, judge, epsilon=0.1, seed=2, n_bootstrap=200)
    assert (np.diff(result.winning_rates) >= 0).all()
    assert (result.winning_bands[:, 0] <= result.winning_bands[:, 1]).all()
    needed = result.epsilon_needed
    assert alt_test(table, judge, epsilon=needed, seed=1, n_bootstrap=1).winning_rate >= 0.5
    assert alt_test(table, judge, epsilon=needed - 1e-4, seed=1, n_bootstrap=1).winning_rate < 0.5
    low, high = result.epsilon_needed_interval
    assert low < needed < high


def test_interval_equals_drawing_items_one_by_one():
    table, judge = crowd(n_items=60, n_people=3, seed=5)
    result = alt_test(table, judge, epsilon=0.1, seed=2, n_bootstrap=500, epsilons=[])
    grid = table.codes.reshape(60, 3)
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(200):
        taken = rng.integers(0, 60, 60)
        drawn = LabelTable.from_codes(
            np.repeat(np.arange(60), 3), table.raters, grid[taken].ravel(), n_classes=3
        )
        rows = compare(drawn, judge[taken])
        draws.append(np.mean([(rows.sides[rows.raters == r] <= 0).mean() for r in range(3)]))
    expected = np.quantile(draws, [0.025, 0.975])
    assert result.advantage_interval == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epsilon": -0.1}, "epsilon must lie"),
        ({"epsilon": 1.1}, "epsilon must lie"),
        ({"min_items": 1}, "min_items"),
        ({"level": 0.0}, "level and confidence"),
        ({"confidence": 1.0}, "level and confidence"),
        ({"n_bootstrap": 0}, "n_bootstrap"),
        ({"epsilons": [0.1, 2.0]}, "epsilons"),
        ({"score": "kappa"}, "score must be one of"),
        ({"judge": np.zeros(3, dtype=int)}, "judge must have length 40"),
        ({"judge": np.full(40, 3)}, r"judge must lie in 0\.\.2"),
        ({"judge": np.zeros(40)}, "whole numbers"),
    ],
)
def test_bad_input_is_refused(change, message):
    table, judge = crowd(n_items=40)
    options = {"judge": judge, "epsilon": 0.1, "seed": 1, **change}
    with pytest.raises(ValueError, match=message):
        alt_test(table, options.pop("judge"), **options)


def test_two_labels_of_one_person_are_refused():
    twice = LabelTable.from_codes([0, 0, 0], [0, 0, 1], [0, 1, 1], n_classes=2)
    with pytest.raises(ValueError, match="more than once"):
        alt_test(twice, [0], epsilon=0.1, seed=1)
    with pytest.raises(ValueError, match="more than once"):
        labels_of(twice, 0)
    with pytest.raises(ValueError, match=r"rater must lie in 0\.\.1"):
        labels_of(twice, 2)


@pytest.mark.parametrize("n_items", [0, 3])
def test_nobody_to_compare_with(n_items):
    table = LabelTable.from_codes(
        range(n_items), [0] * n_items, [0] * n_items, n_classes=2, n_items=n_items
    )
    result = alt_test(table, np.zeros(n_items, dtype=int), epsilon=0.1, seed=1)
    assert (result.winning_rate, result.advantage, result.epsilon_needed) == (None, None, None)
    assert np.isnan(result.winning_rates).all()

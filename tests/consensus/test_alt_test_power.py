"""What an epsilon forgives: the model behind it, the simulation, the sentence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from consensus.alt_test import alt_test
from consensus.alt_test_power import (
    alt_test_power,
    alt_test_sentence,
    epsilon_meaning,
    people_model,
)
from consensus.plain_agreement import observed_agreement
from consensus.table import LabelTable
from tests.consensus.test_alt_test import crowd


def test_accuracy_follows_from_agreement():
    # Two people right with .8 of 3 classes agree with .8 ** 2 + 2 * .1 ** 2 = .66.
    table, _ = crowd(n_items=5000, n_people=3, accuracy=0.8, seed=1)
    assert observed_agreement(table) == pytest.approx(0.66, abs=0.02)
    assert people_model(table).accuracy == pytest.approx(0.8, abs=0.015)


def test_an_ordinal_model_meets_agreement_and_distance():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 5, 4000)
    items, raters = np.divmod(np.arange(12_000), 3)
    codes = np.clip(truth[items] + rng.choice([-1, 0, 1], 12_000, p=[0.15, 0.7, 0.15]), 0, 4)
    table = LabelTable.from_codes(items, raters, codes, n_classes=5)
    model = people_model(table, score="neg_rmse")
    assert model.accuracy == pytest.approx(0.75, abs=0.03)  # .7, and .85 at the two ends
    assert model.spread < 0.1  # no label is two steps off
    flat = people_model(table)
    assert flat.spread == 1.0
    rows = model.confusion(0.4)
    assert rows.sum(axis=1).tolist() == pytest.approx([1] * 5)
    assert np.diag(rows).tolist() == pytest.approx([0.4] * 5)


@pytest.mark.parametrize(
    ("items", "raters", "codes", "n_classes"),
    [
        ([0, 1], [0, 1], [0, 1], 2),  # nobody shares an item
        ([0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0], 2),  # never agree: worse than guessing
        ([0, 0], [0, 1], [0, 0], 1),  # one class
        ([], [], [], 2),
    ],
)
def test_no_model_where_agreement_says_nothing(items, raters, codes, n_classes):
    table = LabelTable.from_codes(items, raters, codes, n_classes=n_classes)
    for score in ("accuracy", "neg_rmse"):
        assert people_model(table, score=score) is None
        judge = np.zeros(table.n_items, dtype=int)
        assert epsilon_meaning(table, judge, epsilon=0.1, score=score, seed=1) is None


def test_forgiven_gap_equals_the_closed_form():
    # With three people of accuracy a and two classes the mean difference is gap * (2a - 1): one
    # of the two others must not outvote the truth, a^2 - (1 - a)^2.
    table, judge = crowd(n_items=400, n_people=3, accuracy=0.85, n_classes=2, seed=3)
    meaning = epsilon_meaning(table, judge, epsilon=0.2, n_simulations=100, gaps=[], seed=1)
    expected = 0.2 / (2 * meaning.accuracy - 1)
    assert meaning.forgiven == pytest.approx(expected, rel=0.02)
    assert meaning.agreement == observed_agreement(table)
    too_much = epsilon_meaning(table, judge, epsilon=0.9, n_simulations=20, gaps=[], seed=1)
    assert too_much.forgiven is None


def test_probabilities_fall_with_the_gap_and_equal_the_planned_power():
    table, judge = crowd(n_items=100, n_people=3, accuracy=0.85, n_classes=2, seed=3)
    meaning = epsilon_meaning(
        table, judge, epsilon=0.2, gaps=[-0.05, 0.0, 0.15, 0.4], n_simulations=150, seed=1
    )
    assert (np.diff(meaning.probability) <= 0).all()
    assert (meaning.intervals[:, 0] <= meaning.probability).all()
    planned = [
        alt_test_power(
            [100],
            n_people=3,
            epsilon=0.2,
            accuracy=meaning.accuracy,
            gap=gap,
            n_simulations=150,
            seed=2,
        ).probability[0]
        for gap in meaning.gaps
    ]
    assert meaning.probability.tolist() == pytest.approx(planned, abs=0.17)


def test_power_equals_running_the_test_itself():
    # Independent of the simulation in the module: whole tables, the whole test.
    won = [
        alt_test(
            *crowd(n_items=60, n_people=3, accuracy=0.8, judge=0.7, n_classes=2, seed=seed),
            epsilon=0.2,
            n_bootstrap=1,
            epsilons=[],
            seed=0,
        ).winning_rate
        >= 0.5
        for seed in range(40)
    ]
    power = alt_test_power(
        [60], n_people=3, epsilon=0.2, accuracy=0.8, gap=0.1, n_simulations=500, seed=1
    )
    assert np.mean(won) == pytest.approx(power.probability[0], abs=0.18)
    assert 0.1 < power.probability[0] < 0.9


def test_power_over_planned_numbers():
    power = alt_test_power(
        [20, 100, 400],
        n_people=4,
        people_per_item=2,
        epsilon=0.2,
        accuracy=0.9,
        n_simulations=100,
        seed=1,
    )
    assert np.isnan(power.probability[0])  # 10 items a person
    assert np.isnan(power.intervals[0]).all()
    assert power.probability[1] < power.probability[2]
    assert power.enough(0.99) == 400
    assert power.enough(0.8) == 100
    assert power.enough(1.1) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_people": 1}, "people_per_item"),
        ({"people_per_item": 4}, "people_per_item"),
        ({"people_per_item": 1}, "people_per_item"),
        ({"n_classes": 1}, "n_classes"),
        ({"accuracy": 1.2}, "accuracy must lie"),
        ({"gap": 0.9}, "judge's accuracy"),
        ({"epsilon": -1}, "epsilon must lie"),
        ({"n_simulations": 0}, "n_simulations"),
        ({"n_items": [0]}, "n_items"),
    ],
)
def test_bad_plans_are_refused(change, message):
    plan = {"n_items": [50], "n_people": 3, "epsilon": 0.1, "accuracy": 0.8, "seed": 1, **change}
    with pytest.raises(ValueError, match=message):
        alt_test_power(plan.pop("n_items"), **plan)


def test_the_sentence_never_only_says_passed():
    table, judge = crowd(n_items=60, n_people=3, judge=0.75, seed=1)
    result = alt_test(table, judge, epsilon=0.2, seed=1, n_bootstrap=100)
    meaning = epsilon_meaning(table, judge, epsilon=0.2, gaps=[0, 0.15], n_simulations=50, seed=1)
    text = alt_test_sentence(result, meaning)
    assert "passed" not in text
    assert f"{int(result.beaten.sum())} of 3 people" in text
    assert f"winning rate {result.winning_rate:.2f}".replace("0.", ".") in text
    assert f"forgives a judge up to {100 * meaning.forgiven:.0f} points less accurate" in text
    assert f"{100 * meaning.probability[1]:.0f} % for one 15 points less accurate" in text
    assert "Other items might turn the result" in text
    assert "Fewer than three" not in text
    sure = dataclasses.replace(result, winning_interval=(0.67, 1.0))
    assert "Other items might turn" not in alt_test_sentence(sure)


def test_sentences_at_the_edges():
    alone = LabelTable.from_codes([0], [0], [0], n_classes=2)
    nothing = alt_test(alone, [0], epsilon=0.1, seed=1)
    assert alt_test_sentence(nothing).startswith("The test says nothing")
    items, raters = np.repeat(np.arange(30), 2), np.tile([0, 1], 30)
    table = LabelTable.from_codes(items, raters, np.zeros(60, dtype=int), n_classes=2)
    never = alt_test_sentence(alt_test(table, np.ones(30, dtype=int), epsilon=0.1, seed=1))
    assert "0 of 2 people" in never
    assert "At no epsilon" in never
    assert "Fewer than three people" in never
    any_judge = epsilon_meaning(
        table, np.ones(30, dtype=int), epsilon=1.0, gaps=[], n_simulations=20, seed=1
    )
    assert "any judge" in alt_test_sentence(
        alt_test(table, np.ones(30, dtype=int), epsilon=1.0, seed=1), any_judge
    )

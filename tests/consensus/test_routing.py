"""Who should look next, and when nobody need: gains, stop rules, trying these on past labels."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.routing import (
    POOLED,
    RoutingModel,
    expected_gain,
    judge_gain,
    next_best,
    routing_model,
    routing_posterior,
    settled,
)
from consensus.routing_trial import stop_trials
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables

few = settings(repeatable, max_examples=8)


def simulated(
    *, n_items: int = 300, people: int = 3, right: float = 0.8, judge: float = 0.0, seed: int = 0
) -> LabelTable:
    """Two classes; each person right with ``right``, and a judge with ``judge`` (0: none)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n_items)
    skills = [right] * people + ([judge] if judge else [])
    said = np.array([np.where(rng.random(n_items) < p, truth, 1 - truth) for p in skills]).T
    items, raters = np.indices(said.shape)
    return LabelTable.from_codes(
        items.ravel(),
        raters.ravel(),
        said.ravel(),
        n_classes=2,
        judges=np.arange(len(skills)) >= people,
        gold=truth.astype(np.int32),
    )


@few
@given(
    chances=st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3),
    seed=st.integers(0, 99),
    ahead=st.integers(1, 3),
)
def test_a_gain_is_what_all_outcomes_together_come_to(chances, seed, ahead):
    chance = np.array(chances) / sum(chances)
    confusion = np.random.default_rng(seed).dirichlet(np.ones(3), 3)
    best = 0.0
    for m in range(1, ahead + 1):
        then = sum(
            max(chance[k] * np.prod([confusion[k, c] for c in outcome]) for k in range(3))
            for outcome in itertools.product(range(3), repeat=m)
        )
        best = max(best, (then - chance.max()) / m)
    assert expected_gain([chance], confusion, ahead=ahead)[0] == pytest.approx(best, abs=1e-9)


def test_two_labels_can_be_worth_something_where_one_is_not():
    confusion = np.array([[0.8, 0.2], [0.2, 0.8]])
    assert expected_gain([[0.85, 0.15]], confusion, ahead=1)[0] == pytest.approx(0, abs=1e-12)
    assert expected_gain([[0.85, 0.15]], confusion)[0] > 0.005
    assert expected_gain([[0.5, 0.5]], confusion)[0] == pytest.approx(0.3)
    assert expected_gain([[1.0, 0.0]], confusion)[0] == pytest.approx(0, abs=1e-12)
    # Somebody who guesses adds nothing.
    assert expected_gain([[0.6, 0.4]], [[0.5, 0.5], [0.5, 0.5]])[0] == pytest.approx(0, abs=1e-12)


@few
@given(table=tables(min_labels=4, repeats=False), seed=st.integers(0, 99))
def test_order_and_names_change_nothing(table, seed):
    new = shuffles(table, seed)
    other = renamed(table, **new)
    one = routing_posterior(routing_model(table), table)
    two = routing_posterior(routing_model(other), other)
    expected = np.empty_like(one)
    expected[np.ix_(new["items"], new["classes"])] = one
    assert two == pytest.approx(expected, abs=1e-6)


def test_a_posterior_is_bayes_with_one_voice_for_all_judges():
    table = simulated(judge=0.9)
    twice = LabelTable.from_codes(
        [*table.items, *table.items[table.raters == 3]],
        [*table.raters, *np.full(table.n_items, 4)],
        [*table.codes, *table.codes[table.raters == 3]],
        n_classes=2,
        judges=np.array([False] * 3 + [True] * 2),
    )
    model = routing_model(twice)
    posterior = routing_posterior(model, twice)
    said = twice.codes.reshape(-1)[:4]
    people = np.prod([model.confusion[r, :, said[r]] for r in range(3)], axis=0)
    judge = np.sqrt(
        model.confusion[3, :, said[3]] * model.confusion[4, :, said[3]]
    )  # of one mind: the same as one of them
    expected = model.classes * people * judge
    assert posterior[0] == pytest.approx(expected / expected.sum())


def test_judges_do_not_vote_themselves_right():
    # Five judges of one mind against every person: what is true is what people say.
    table = simulated(n_items=60, right=0.95)
    wrong = 1 - np.asarray(table.gold)
    items = np.arange(60)
    together = LabelTable.from_codes(
        [*table.items, *np.tile(items, 5)],
        [*table.raters, *np.repeat(np.arange(3, 8), 60)],
        [*table.codes, *np.tile(wrong, 5)],
        n_classes=2,
        judges=np.arange(8) >= 3,
    )
    model = routing_model(together)
    assert (np.diagonal(model.confusion[3:], axis1=1, axis2=2) < 0.3).all()


def test_a_rater_with_few_labels_is_taken_for_one_of_their_kind():
    table = simulated(n_items=400, people=4)
    few_labels = table.rows((table.raters < 3) | (table.items < 3))
    model = routing_model(few_labels)
    assert model.n_labels.tolist() == [400, 400, 400, 3]
    assert model.confusion[3] == pytest.approx(model.people, abs=3 / (3 + POOLED))
    nobody = table.rows(table.raters < 3)
    assert routing_model(nobody).confusion[3] == pytest.approx(model.people, abs=0.02)


def test_gain_of_a_judge_counts_what_others_of_its_kind_have_said():
    table = simulated(judge=0.9)
    people = table.rows(table.raters != 3)
    model = routing_model(table)
    alone = routing_posterior(model, people)
    nobody = np.zeros(table.n_items, dtype=int)
    # The first judge is worth what anybody of that confusion is.
    assert judge_gain(model, alone, alone, nobody, 3) == pytest.approx(
        expected_gain(alone, model.confusion[3], ahead=1)
    )
    with_judge = routing_posterior(model, table)
    again = judge_gain(model, with_judge, alone, nobody + 1, 3)
    assert (again >= 0).all()
    assert again.mean() < judge_gain(model, alone, alone, nobody, 3).mean()


def test_an_item_is_settled_when_sure_and_looked_at():
    posterior = [[0.97, 0.03], [0.97, 0.03], [0.9, 0.1]]
    found = settled(posterior, [1, 0, 5], certainty=0.95, least_people=1)
    assert found.tolist() == [True, False, False]


def test_the_next_is_who_gains_most_for_the_price():
    gains = {"judge": [0.02, np.nan, 0.0, 0.1], "person": [0.1, 0.1, 0.0, 0.1]}
    found = next_best(gains, {"judge": 0.1, "person": 1.0}, [False, False, False, True])
    assert found.choice.tolist() == [0, 1, -1, -1]
    assert found.value.tolist() == pytest.approx([0.2, 0.1, 0, 0])


def test_trials_say_what_a_rule_saves_and_costs():
    table = simulated(n_items=400, people=5, right=0.85)
    careless, careful, never = stop_trials(table, [(0.6, 1), (0.97, 1), (0.999999, 5)], seed=1)
    assert careless.saved == pytest.approx(0.8, abs=0.02)  # the first label is enough
    assert careless.n_labels == 2000
    assert careful.saved_interval[0] < careful.saved < careful.saved_interval[1]
    assert 0.2 < careful.saved < careless.saved
    assert careful.changed < careless.changed
    assert (never.saved, never.changed) == (0.0, 0.0)
    assert never.changed_interval[1] > 0  # 400 items without a change do not say never
    assert (careless.n_known, careless.accuracy_all) == (400, pytest.approx(never.accuracy))
    assert careless.lost > 0.05
    assert careful.lost_interval[0] < careful.lost < careful.lost_interval[1]


def test_the_intervals_hold_what_the_rule_does_on_new_items():
    # A rule is learnt from 200 items and then does its work on 3,000 others.
    rule = (0.95, 1)
    held = {"saved": 0, "changed": 0, "lost": 0}
    for seed in range(10):
        past = simulated(n_items=200, people=4, seed=100 + seed)
        (trial,) = stop_trials(past, [rule], seed=seed)
        true = worked(routing_model(replace(past, gold=None)), rule, seed)
        for name, value in true.items():
            low, high = getattr(trial, f"{name}_interval")
            held[name] += low <= value <= high
    assert min(held.values()) >= 8, held


def worked(model: RoutingModel, rule: tuple[float, int], seed: int) -> dict[str, float]:
    """What the rule saves, changes and loses on 3,000 new items: people in any order."""
    new = simulated(n_items=3000, people=4, seed=seed)
    gold = np.asarray(new.gold)
    place = np.random.default_rng(seed).random((3000, 4)).argsort(axis=1).ravel()
    final = routing_posterior(model, new).argmax(axis=1)
    taken, answer = np.full(3000, 4), final.copy()
    for so_far in (3, 2, 1):
        posterior = routing_posterior(model, new.rows(place < so_far))
        stop = settled(posterior, np.full(3000, so_far), certainty=rule[0], least_people=rule[1])
        taken[stop], answer[stop] = so_far, posterior.argmax(axis=1)[stop]
    return {
        "saved": 1 - taken.sum() / 12000,
        "changed": float((answer != final).mean()),
        "lost": float((final == gold).mean() - (answer == gold).mean()),
    }


def test_judges_count_as_given_from_the_start():
    people = simulated(n_items=400, people=4, right=0.8, seed=3)
    with_judge = simulated(n_items=400, people=4, right=0.8, judge=0.97, seed=3)
    rule = [(0.95, 1)]
    assert stop_trials(with_judge, rule, seed=0)[0].saved > (
        stop_trials(people, rule, seed=0)[0].saved + 0.1
    )


def test_nothing_to_try():
    single = LabelTable.from_codes([0, 1, 2], [0, 1, 0], [0, 1, 0], n_classes=2)
    assert stop_trials(single, [(0.9, 1)], seed=0) == []
    assert stop_trials(simulated(), [], seed=0) == []
    # Two items only: one is learnt from itself, since nothing else is there.
    tiny = LabelTable.from_codes([0, 0], [0, 1], [1, 1], n_classes=2)
    assert stop_trials(tiny, [(0.9, 1)], seed=0)[0].n_items == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: routing_model(t.rows(t.raters < 0)), "no labels of people"),
        (lambda t: expected_gain([[0.5, 0.5]], [[1.0]]), "must fit"),
        (lambda t: expected_gain([[0.5, 0.5]], np.eye(2), ahead=0), "ahead must be"),
        (lambda t: settled([[1.0]], [1], certainty=1, least_people=1), "certainty must lie"),
        (lambda t: settled([[1.0]], [1], certainty=0.9, least_people=0), "least_people"),
        (lambda t: next_best({"a": [0.1]}, {"a": 0.0}, [False]), "above 0"),
        (lambda t: next_best({"a": [0.1]}, {}, [False]), "needs a gain and a cost"),
        (
            lambda t: routing_posterior(
                routing_model(t), LabelTable.from_codes([0], [0], [0], n_classes=2)
            ),
            "other raters",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(simulated(n_items=5))

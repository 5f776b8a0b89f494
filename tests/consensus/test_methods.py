"""What all ways of combining labels into classes have in common, called by their names."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.methods import METHODS, aggregate, is_seeded, parameters_of
from consensus.table import LabelTable
from tests.consensus.tables import gold_tables, renamed, repeatable, shuffles, unanimous_tables

# Small random tables can take hundreds of rounds; a rounding error shows within sixty.
CALLS = {
    "majority": {},
    "majority, shared": {"ties": "share"},
    "weighted_majority": {},
    "wawa": {},
    "one_coin": {"max_iterations": 60},
    "one_coin, priors": {
        "max_iterations": 20,
        "prior_right": 4,
        "prior_wrong": 1,
        "class_prior": 1,
    },
    "dawid_skene": {"max_iterations": 60},
    "ibcc": {"max_iterations": 60},
    "mace": {"restarts": 2, "max_iterations": 10},
    "mace, em": {"restarts": 2, "max_iterations": 10, "variant": "em"},
    "glad": {"max_iterations": 30},
}
VOTES = {"majority", "majority, shared", "weighted_majority"}
LEARN = sorted(set(CALLS) - VOTES)
ROUNDS = sorted(set(LEARN) - {"wawa"})

few = settings(repeatable, max_examples=8)
every = pytest.mark.parametrize("name", CALLS)
every_learner = pytest.mark.parametrize("name", LEARN)


def call(name, table, weights=None):
    method = name.partition(",")[0]
    parameters = dict(CALLS[name])
    if method == "weighted_majority":
        parameters["weights"] = np.ones(table.n_raters) if weights is None else weights
    return aggregate(table, method, seed=7, **parameters)


def informed(name, table):
    labelled = table.counts().any(axis=1)
    return labelled if name in VOTES or table.gold is None else labelled | (table.gold >= 0)


@every
@few
@given(table=gold_tables())
def test_estimates_are_consistent(name, table):
    estimate = call(name, table)
    assert estimate.method == name.partition(",")[0]
    assert ((estimate.posterior >= 0) & (estimate.posterior <= 1)).all()
    given_up = name == "wawa"  # where all raters of an item weigh nothing
    sums, known = estimate.posterior.sum(axis=1), informed(name, table)
    if given_up:
        known = known & (sums > 0)
    np.testing.assert_allclose(sums, known, atol=1e-9)
    assert not (estimate.tied & ~known).any()
    chosen = estimate.choice >= 0
    assert (chosen == (known & ~estimate.tied)).all()
    assert (estimate.choice[chosen] == estimate.posterior.argmax(axis=1)[chosen]).all()
    if estimate.confusion is not None:
        assert estimate.confusion.shape == (table.n_raters, table.n_classes, table.n_classes)
        seen = ~np.isnan(estimate.confusion).any(axis=2)
        np.testing.assert_allclose(estimate.confusion[seen].sum(axis=1), 1)
    if name not in ROUNDS:
        assert (estimate.iterations, estimate.log_likelihood) == (0, None)
    if estimate.ability is None:
        assert name == "weighted_majority"
        return
    active = np.bincount(table.raters, minlength=table.n_raters) > 0
    judged = ~np.isnan(estimate.ability)
    assert (judged == active).all() or (name in VOTES and not (judged & ~active).any())
    low, high = estimate.ability_interval.T
    assert (np.isnan(low) == ~judged).all()
    ability, low, high = estimate.ability[judged], low[judged], high[judged]
    assert ((low >= 0) & (low <= ability) & (ability <= high) & (high <= 1)).all()
    assert (low < high).all()


@every
@few
@given(table=gold_tables(), seed=st.integers(0, 1000))
def test_order_and_names_change_nothing(name, table, seed):
    new = shuffles(table, seed)
    weights = np.random.default_rng(seed).random(table.n_raters)
    items, classes, raters = new["items"], new["classes"], new["raters"]
    plain = call(name, table, weights)
    other = call(name, renamed(table, **new), weights[np.argsort(raters)])
    np.testing.assert_allclose(
        other.posterior[np.ix_(items, classes)], plain.posterior, atol=1e-7, rtol=0
    )
    assert (other.tied[items] == plain.tied).all()
    names = np.append(classes, -1)  # -1 stays -1
    assert (other.choice[items] == names[plain.choice]).all()
    if plain.ability is not None:
        np.testing.assert_allclose(other.ability[raters], plain.ability, atol=1e-7)
        np.testing.assert_allclose(
            other.ability_interval[raters], plain.ability_interval, atol=1e-5
        )
    if plain.confusion is not None:
        np.testing.assert_allclose(
            other.confusion[np.ix_(raters, classes, classes)], plain.confusion, atol=1e-7
        )
    # The order of rows changes not even the last digit.
    again = call(name, renamed(table, rows=new["rows"]), weights)
    assert (again.posterior == plain.posterior).all()


@pytest.mark.parametrize("name", ROUNDS)
@few
@given(table=gold_tables())
def test_the_log_likelihood_never_falls(name, table):
    estimate = call(name, table)
    assert len(estimate.log_likelihood) == estimate.iterations
    assert (np.diff(estimate.log_likelihood) >= -1e-9).all()


@every_learner
@few
@given(table=gold_tables())
def test_gold_is_kept(name, table):
    estimate = call(name, table)
    known = table.gold >= 0
    assert (estimate.choice[known] == table.gold[known]).all()
    assert (estimate.posterior[known] == np.eye(table.n_classes)[table.gold[known]]).all()


@every_learner
def test_gold_teaches_who_is_right(name):
    # Raters 0 and 1 say one thing, rater 2 another; gold on most items sides with rater 2.
    n = 30
    said = np.arange(n) % 2
    table = LabelTable.from_codes(
        np.tile(np.arange(n), 3), np.repeat([0, 1, 2], n), [*said, *said, *(1 - said)], n_classes=2
    )
    gold = np.where(np.arange(n) < 24, 1 - said, -1)
    plain, taught = call(name, table), call(name, replace(table, gold=gold))
    assert plain.ability[0] > 0.8 > 0.2 > plain.ability[2]
    assert taught.ability[2] > taught.ability[0] + 0.4
    for estimate, of in ((plain, said), (taught, 1 - said)):
        assert (estimate.choice == of).all()


@every_learner
def test_gold_without_labels_needs_none(name):
    table = LabelTable.from_codes([0], [0], [1], n_classes=2, n_items=3, gold=[-1, 0, -1])
    assert call(name, table).choice.tolist() == [1, 0, -1]
    alone = LabelTable.from_codes([], [], [], n_classes=2, n_items=2, n_raters=1, gold=[1, -1])
    assert call(name, alone).posterior.tolist() == [[0, 1], [0, 0]]


@every
@few
@given(table=unanimous_tables())
def test_unanimous_labels_are_kept(name, table):
    estimate = call(name, table)
    shares = aggregate(table, "majority").posterior
    assert set(np.unique(shares)) <= {0, 1}
    assert (estimate.choice == aggregate(table, "majority").choice).all()
    certain = name in {*VOTES, "wawa", "one_coin", "dawid_skene"}
    if certain:  # the others know that few labels are no proof
        assert (estimate.posterior == shares).all()
        assert estimate.converged
        if estimate.ability is not None:
            assert set(estimate.ability[~np.isnan(estimate.ability)]) <= {1}


@every
def test_raters_who_always_contradict_each_other_stay_tied(name):
    # A tie is an unstable point of EM: rounding errors must not grow into a winner.
    n = 30
    codes = np.arange(n) % 3
    table = LabelTable.from_codes(
        np.tile(np.arange(n), 3),
        np.repeat([0, 1, 2], n),
        np.concatenate([codes, (codes + 1) % 3, (codes + 2) % 3]),
        n_classes=3,
    )
    estimate = call(name, table)
    assert estimate.tied.all()
    assert (estimate.choice == -1).all()


def test_rounding_errors_never_decide_a_tie():
    # Two raters whose answers form a ring over four classes: every item is tied by symmetry, and in
    # other sums than these the last digits of a probability differ.
    rng = np.random.default_rng(0)
    dawid_skene = partial(aggregate, method="dawid_skene", max_iterations=200, tolerance=0)
    for _ in range(20):
        base = rng.integers(0, 4, (4, 2))
        codes = np.concatenate([(base + shift) % 4 for shift in range(4)])
        items, raters = np.divmod(np.arange(codes.size), 2)
        table = LabelTable.from_codes(items, raters, codes.ravel(), n_classes=4)
        new = shuffles(table, int(rng.integers(1000)))
        plain, other = dawid_skene(table), dawid_skene(renamed(table, **new))
        np.testing.assert_allclose(
            other.posterior[np.ix_(new["items"], new["classes"])], plain.posterior, atol=1e-7
        )


@every
def test_little_or_nothing_has_a_clear_answer(name):
    def answer(items, raters, codes, **sizes):
        return call(name, LabelTable.from_codes(items, raters, codes, **sizes))

    empty = answer([], [], [], n_classes=2)
    assert empty.posterior.shape == (0, 2)
    nothing = answer([], [], [], n_classes=2, n_items=2, n_raters=1)
    assert nothing.choice.tolist() == [-1, -1]
    assert nothing.converged
    assert nothing.iterations == 0
    assert nothing.ability is None or np.isnan(nothing.ability).all()
    # Items without labels get no estimate.
    gaps = answer([0, 0, 2], [0, 1, 1], [1, 1, 0], n_classes=2, n_items=4)
    assert gaps.choice.tolist() == [1, -1, 0, -1]
    assert not gaps.posterior[[1, 3]].any()
    assert not gaps.tied.any()
    one_rater = answer([0, 1, 2], [0, 0, 0], [1, 0, 1], n_classes=3)
    assert one_rater.choice.tolist() == [1, 0, 1]
    one_label = answer([0], [0], [1], n_classes=2)
    assert one_label.choice.tolist() == [1]
    one_class = answer([0, 0, 1], [0, 1, 1], [0, 0, 0], n_classes=1)
    assert one_class.posterior.tolist() == [[1], [1]]


# --- The registry -----------------------------------------------------------------------------


def test_every_method_has_a_name_and_the_default_is_ibcc():
    # People and a panel of judges are two models in one: tests/consensus/test_hybrid.py.
    assert {name.partition(",")[0] for name in CALLS} == set(METHODS) - {"judge_panel"}
    table = LabelTable.from_codes([0, 0], [0, 1], [1, 1], n_classes=2)
    assert aggregate(table).method == "ibcc"


def test_parameters_can_be_asked_for():
    assert parameters_of("majority") == {"ties": "report"}
    assert parameters_of("weighted_majority") == {"weights": inspect.Parameter.empty}
    assert [name for name in METHODS if is_seeded(name)] == ["mace"]


@pytest.mark.parametrize(
    ("method", "parameters", "message"),
    [
        ("crowd", {}, "method must be one of majority, "),
        ("wawa", {"ties": "share"}, "wawa does not take ties; it takes nothing"),
        ("ibcc", {"prior": 1}, "ibcc does not take prior; it takes max_iterations, "),
        ("weighted_majority", {}, "weighted_majority wants weights"),
        ("mace", {}, "mace draws at random: it wants a seed"),
    ],
)
def test_wrong_calls_are_refused(method, parameters, message):
    table = LabelTable.from_codes([0], [0], [0], n_classes=2)
    with pytest.raises(ValueError, match=message):
        aggregate(table, method, **parameters)


@pytest.mark.parametrize("name", ROUNDS)
@pytest.mark.parametrize("wrong", [{"max_iterations": 0}, {"tolerance": -1e-9}])
def test_bad_rounds_are_refused(name, wrong):
    table = LabelTable.from_codes([0], [0], [0], n_classes=2)
    with pytest.raises(ValueError, match="must"):
        aggregate(table, name.partition(",")[0], seed=1, **wrong)

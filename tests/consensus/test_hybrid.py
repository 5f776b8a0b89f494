"""People and judges together: who may outvote whom, and what is claimed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge_worlds import People, world
from bench.published import accuracy
from consensus.families import detect_families
from consensus.hybrid import aggregate_judges
from consensus.ibcc import ibcc
from consensus.majority import majority
from consensus.meanings import percent
from consensus.overconfidence import against_gold
from consensus.panel import judge_panel, voice_weights
from consensus.pooled import pooled_ibcc, pooled_votes
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables

few = settings(repeatable, max_examples=10)


def stated(estimate):
    return estimate.posterior[estimate.posterior.any(axis=1)].max(axis=1).mean()


@pytest.mark.parametrize(
    "setting",
    [
        {"families": ((20, 0.6),), "alone": (0.8,) * 5},
        {"families": ((8, 0.6), (6, 0.55), (4, 0.65)), "alone": (0.9,)},
        {"families": ((6, -0.7),), "alone": (0.8,) * 4},
    ],
)
def test_copies_do_not_outvote_the_others(setting):
    made = world(0, **setting, n_items=600)
    ours = aggregate_judges(made.table)
    right = accuracy(ours.posterior, made.truth)
    assert right > accuracy(majority(made.table).posterior, made.truth) + 0.1
    assert right > accuracy(ibcc(made.table).posterior, made.truth) + 0.1
    assert stated(ours) < right
    members = ours.families.numbers == 0
    assert ours.weight[members].sum() < ours.weight[~members].max() * 1.2
    assert ours.weight.sum() == pytest.approx(1)


def test_without_gold_no_more_is_claimed_than_agreement_supports():
    made = world(1, families=((9, 0.5),), alone=(0.5, 0.6, 0.5), n_items=500)
    ours = aggregate_judges(made.table)
    assert stated(ours) == pytest.approx(ours.support.claim)
    assert ours.support.claim == ours.support.low < ours.support.agreement
    assert not ours.check.warns
    assert ours.check.against == "agreement"
    assert [s.split(",")[0] for s in ours.sentences] == [
        "12 judges",
        "No sign of overconfidence: the mean stated confidence is "
        f"{percent(ours.support.claim, 1)}",
    ]


@few
@given(table=tables())
def test_judges_alone_never_claim_more_than_is_supported(table):
    table = replace(table, judges=np.ones(table.n_raters, dtype=bool))
    ours = aggregate_judges(table)
    if table.n_labels:
        assert stated(ours) <= max(ours.support.claim, 1 / table.n_classes) + 1e-9


@few
@given(table=tables())
def test_people_alone_are_ibcc(table):
    for judges in (None, np.zeros(table.n_raters, dtype=bool)):
        ours, theirs = aggregate_judges(replace(table, judges=judges)), ibcc(table)
        assert (ours.posterior == theirs.posterior).all()
        assert (ours.choice == theirs.choice).all()
        assert (ours.families, ours.support, ours.check, ours.trust) == (None,) * 4


def test_people_of_one_declared_family_have_one_vote():
    table = world(0, alone=(0.7,) * 5, n_items=50).table
    families = np.array([0, 0, 0, -1, -1])
    ours = aggregate_judges(replace(table, judges=None, families=families))
    pooled = pooled_ibcc(table, np.array([0, 0, 0, 1, 2]))
    assert ours.posterior == pytest.approx(pooled.posterior)


@pytest.mark.parametrize("per_item", [1, 3])
def test_bad_judges_do_people_no_harm(per_item):
    made = world(
        2, n_items=500, families=((12, 0.45),), alone=(0.5,), people=People(30, 0.75, per_item)
    )
    people = accuracy(ibcc(made.table.of_raters(~made.table.judges)).posterior, made.truth)
    ours = aggregate_judges(made.table)
    assert accuracy(ours.posterior, made.truth) > people - 0.02
    assert accuracy(ibcc(made.table).posterior, made.truth) < people - 0.2
    assert ours.trust < 1
    assert "bear the judges out less" in " ".join(ours.sentences)


@pytest.mark.parametrize("per_item", [1, 3])
def test_good_judges_help_people_and_confidence_fits(per_item):
    made = world(
        2,
        n_items=500,
        families=((6, 0.75), (4, 0.7)),
        alone=(0.85,),
        people=People(30, 0.75, per_item),
    )
    people = accuracy(ibcc(made.table.of_raters(~made.table.judges)).posterior, made.truth)
    ours = aggregate_judges(made.table)
    right = accuracy(ours.posterior, made.truth)
    assert right > people + 0.05
    assert stated(ours) == pytest.approx(right, abs=0.04)
    assert ours.trust > 1


def test_people_calibrate_judges_on_items_that_no_person_saw():
    made = world(3, n_items=800, alone=(0.85, 0.8, 0.8), people=People(20, 0.85, 3))
    seen = made.table.judges[made.table.raters] | (made.table.items < 400)
    table = made.table.rows(seen)
    ours = aggregate_judges(table)
    alone = aggregate_judges(table.of_raters(table.judges))
    right = accuracy(ours.posterior[400:], made.truth[400:])
    assert ours.posterior[400:].max(axis=1).mean() == pytest.approx(right, abs=0.05)
    assert stated(alone) < right - 0.1


def test_without_a_shared_item_nobody_judges_the_other():
    table = LabelTable.from_codes(
        [0, 0, 1, 1], [0, 1, 2, 3], [0, 0, 1, 1], n_classes=2, judges=[True, True, False, False]
    )
    ours = aggregate_judges(table)
    assert ours.trust is None
    assert ours.posterior[0] == pytest.approx(
        aggregate_judges(table.rows(table.items == 0)).posterior[0]
    )
    assert ours.posterior[1] == pytest.approx(ibcc(table.of_raters(~table.judges)).posterior[1])


def test_gold_stays_what_it_is_and_teaches_the_rest():
    made = world(4, alone=(-0.8,) * 4, n_items=300)
    gold = np.where(np.arange(300) < 80, made.truth, -1)
    ours = aggregate_judges(replace(made.table, gold=gold))
    assert (ours.choice[:80] == made.truth[:80]).all()
    assert (ours.posterior[:80].max(axis=1) == 1).all()
    assert accuracy(ours.posterior[80:], made.truth[80:]) > 0.8
    assert ours.check.against == "gold"
    assert ours.check.n_items == 80
    assert not ours.check.warns
    assert ours.untrained.warns
    assert ours.untrained.limit < 0.2


def test_what_is_held_against_gold_has_not_seen_it():
    made = world(5, n_items=120, people=People(10, 0.6, 2))
    ours = aggregate_judges(replace(made.table, gold=made.truth))
    blind = against_gold(ibcc(made.table), made.truth)
    assert ours.untrained == blind
    assert blind.limit < ours.check.limit + 0.1 < 0.95


def test_gold_of_an_item_without_labels_is_known_too():
    table = LabelTable.from_codes(
        [0, 1], [0, 0], [0, 1], n_classes=2, n_items=3, judges=[True], gold=[0, -1, 1]
    )
    ours = aggregate_judges(table)
    assert ours.choice.tolist() == [0, 1, 1]
    assert ours.posterior[2].tolist() == [0, 1]


def test_a_lone_judge_is_believed_as_any_rater_is():
    table = LabelTable.from_codes([0, 1], [0, 0], [0, 1], n_classes=3, n_items=3, judges=[True])
    ours = aggregate_judges(table)
    assert ours.choice.tolist() == [0, 1, -1]
    assert ours.posterior[:2].max(axis=1) == pytest.approx(4 / 6)
    assert ours.posterior[2].tolist() == [0, 0, 0]


def test_one_class_is_certain():
    table = LabelTable.from_codes([0, 1], [0, 1], [0, 0], n_classes=1, judges=[True, True])
    assert aggregate_judges(table).posterior.tolist() == [[1], [1]]


@pytest.mark.parametrize("judges", [None, [True, True]])
def test_no_labels_no_answer(judges):
    table = LabelTable.from_codes([], [], [], n_classes=2, n_items=2, n_raters=2, judges=judges)
    ours = aggregate_judges(table)
    assert ours.choice.tolist() == [-1, -1]
    assert not ours.posterior.any()


def test_judges_who_cancel_out_leave_a_tie():
    table = LabelTable.from_codes([0, 0], [0, 1], [0, 1], n_classes=2, judges=[True, True])
    ours = aggregate_judges(table)
    assert ours.tied.tolist() == [True]
    assert ours.choice.tolist() == [-1]


@few
@given(table=tables(), seed=st.integers(0, 99))
def test_order_and_names_do_not_matter(table, seed):
    rng = np.random.default_rng(seed)
    table = replace(
        table,
        judges=rng.random(table.n_raters) < 0.6,
        gold=np.where(rng.random(table.n_items) < 0.3, rng.integers(table.n_classes), -1),
    )
    new = shuffles(table, seed)
    here, there = aggregate_judges(table), aggregate_judges(renamed(table, **new))
    assert there.posterior[new["items"]][:, new["classes"]] == pytest.approx(
        here.posterior, abs=1e-5
    )
    assert (there.tied[new["items"]] == here.tied).all()
    assert there.weight is here.weight is None or there.weight[new["raters"]] == pytest.approx(
        here.weight, nan_ok=True
    )
    sums = here.posterior.sum(axis=1)
    assert sums[sums > 0] == pytest.approx(1)


def test_who_goes_against_the_others_counts_nothing():
    made = world(5, alone=(0.9, 0.9, 0.9, -0.9), n_classes=2)
    weights = voice_weights(pooled_votes(made.table, np.arange(4)))
    assert weights[3] == 0
    assert weights[:3] == pytest.approx(1 / 3, abs=0.1)


def test_better_voices_count_more():
    made = world(5, alone=(0.95, 0.8, 0.6, 0.5))
    panel = judge_panel(made.table, detect_families(made.table))
    assert (np.diff(panel.weights) < 0).all()

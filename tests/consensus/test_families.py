"""Near-copies are found by how they agree, and good people are not taken for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge_worlds import pairs_found, world
from consensus.correlation import correlations, loadings
from consensus.families import detect_families
from consensus.pooled import pooled_votes
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables

few = settings(repeatable, max_examples=8)


@pytest.mark.parametrize(
    "setting",
    [
        {"families": ((20, 0.6),), "alone": (0.8,) * 5},  # the copies pass for the common cause
        {"families": ((8, 0.6), (6, 0.55), (4, 0.65)), "alone": (0.9,)},
        {"families": ((6, -0.7),), "alone": (0.8,) * 4},
        {"families": ((2, 0.7), (2, 0.8)), "alone": (0.8, 0.7), "n_classes": 2},
        {"families": ((5, 0.6), (4, 0.55)), "alone": (0.7, 0.6, 0.5), "missing": 0.3},
    ],
)
def test_planted_copies_are_found(setting):
    made = world(0, **setting)
    found = detect_families(made.table)
    right, planted, wrong = pairs_found(made.families, found.numbers)
    assert (right, wrong) == (planted, 0)
    assert found.n_voices == len(setting["families"]) + len(setting.get("alone", ()))
    assert all(0.5 < excess <= 1 for excess in found.excess)


@pytest.mark.parametrize(
    "setting",
    [
        {"alone": (0.95,) * 8},
        {"alone": (0.95,) * 4, "n_items": 60},
        {"alone": (0.95, 0.95, 0.95, 0.5, 0.45, 0.6, 0.5)},
        {"alone": (0.9, 0.9, 0.9, 0.6, 0.7, 0.8), "errors": "biased", "n_classes": 2},
        {"alone": (0.9, 0.9, 0.7, 0.6, 0.7, 0.8), "errors": "near", "n_classes": 5},
        {"alone": (0.95,) * 5, "n_classes": 2, "shares": (0.95, 0.05)},
    ],
)
def test_good_independent_raters_are_left_alone(setting):
    for seed in range(3):
        found = detect_families(world(seed, **setting).table)
        assert (found.numbers == -1).all()
        assert found.n_voices == len(setting["alone"])
        assert found.excess == ()


def test_raters_who_share_less_than_half_of_their_errors_are_no_copies():
    made = world(0, families=((4, 0.7),), alone=(0.8,) * 4, copying=0.6, n_items=3000)
    assert detect_families(made.table).excess == ()  # .6 squared: they share .36 of them


@pytest.mark.parametrize(
    "setting",
    [
        {"families": ((3, 0.7),), "alone": (0.9,) * 6},  # fewer copies than others
        {"families": ((5, 0.6),), "alone": (0.8,) * 5},
        {"families": ((5, 0.65),), "alone": (0.92,) * 6, "n_classes": 2, "copying": 0.9},
    ],
)
def test_copies_are_found_among_good_raters_and_not_the_other_way_round(setting):
    made = world(1, **setting)
    found = detect_families(made.table)
    assert (found.numbers == made.families).all()


def test_two_families_and_nobody_else_are_two_voices():
    # Either might be the near-copies of a worse rater, the other good raters on their own.
    made = world(0, families=((8, 0.7), (6, 0.7)))
    found = detect_families(made.table)
    assert (_together(found.voices) == _together(made.families)).all()
    assert found.n_voices == 2
    assert len(found.excess) == 1
    assert (found.doubtful == (found.numbers < 0)).all()


def test_few_items_on_which_all_agree_are_no_proof():
    codes = np.tile([0, 1], 4)
    table = LabelTable.from_codes(
        np.repeat(np.arange(8), 5), np.tile(np.arange(5), 8), np.repeat(codes, 5), n_classes=2
    )
    assert detect_families(table).excess == ()


def test_exact_copies_share_everything():
    made = world(3, alone=(0.7, 0.6, 0.8, 0.7))
    mine = made.table.raters == 0
    table = LabelTable.from_codes(
        np.append(made.table.items, made.table.items[mine]),
        np.append(made.table.raters, np.full(mine.sum(), 4)),
        np.append(made.table.codes, made.table.codes[mine]),
        n_classes=3,
    )
    found = detect_families(table)
    assert found.numbers.tolist() == [0, -1, -1, -1, 0]
    assert found.voices.tolist() == [0, 1, 2, 3, 0]
    assert found.excess == (pytest.approx(1, abs=0.02),)


def test_declared_families_are_kept_and_joined_by_what_is_found():
    made = world(1, families=((4, 0.6),), alone=(0.8, 0.7, 0.9))
    declared = np.array([0, 0, -1, -1, 1, 1, -1])  # raters 4 and 5 are alike in name only
    found = detect_families(replace(made.table, families=declared))
    assert found.numbers.tolist() == [0, 0, 0, 0, 1, 1, -1]
    assert found.excess[0] > 0.5 > found.excess[1]


@pytest.mark.parametrize("n_raters", [0, 1, 2])
def test_too_few_raters_cannot_be_told_apart(n_raters):
    raters = np.repeat(np.arange(n_raters), 40)
    table = LabelTable.from_codes(
        np.tile(np.arange(40), n_raters), raters, np.tile([0, 1], 20 * n_raters), n_classes=2
    )
    found = detect_families(table)
    assert not found.testable
    assert (found.n_voices, found.excess) == (n_raters, ())


def test_raters_without_labels_are_no_voices():
    table = LabelTable.from_codes([0, 1], [1, 1], [0, 1], n_classes=2, n_raters=3)
    assert detect_families(table).voices.tolist() == [-1, 0, -1]


def _together(voices):
    return voices[:, None] == voices


@few
@given(table=tables(), seed=st.integers(0, 99))
def test_order_and_names_do_not_matter(table, seed):
    new = shuffles(table, seed)
    here, there = detect_families(table), detect_families(renamed(table, **new))
    moved = there.voices[new["raters"]]
    assert (_together(moved) == _together(here.voices)).all()
    assert sorted(there.excess) == pytest.approx(sorted(here.excess))


def test_order_and_names_do_not_matter_where_there_are_families():
    made = world(5, families=((3, 0.6), (3, 0.6)), alone=(0.8, 0.8), n_items=400)
    here = detect_families(made.table)
    new = shuffles(made.table, 5)
    there = detect_families(renamed(made.table, **new))
    assert here.n_voices == 4
    assert (_together(there.voices[new["raters"]]) == _together(here.voices)).all()
    assert sorted(there.excess) == pytest.approx(sorted(here.excess), abs=1e-6)


def test_correlations_are_those_of_numbers_where_there_are_two_classes():
    made = world(2, alone=(0.9, 0.7, 0.6), n_classes=2, n_items=500)
    found = correlations(pooled_votes(made.table, np.arange(3)))
    labels = made.table.codes.reshape(500, 3)
    expected = np.corrcoef(labels.T) * np.where(np.eye(3), 1, 500 / 504)  # drawn towards 0
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert found.spread == pytest.approx(np.sqrt(2) * labels.std(axis=0))
    assert (found.shared == 500).all()


def test_noise_of_correlations_is_no_less_than_what_they_vary_by():
    drawn = [
        correlations(pooled_votes(made.table, np.arange(2)))
        for made in (world(seed, alone=(0.8, 0.7), n_items=200) for seed in range(40))
    ]
    varies = np.var([found.value[0, 1] for found in drawn])
    assert varies < np.mean([found.noise[0, 1] for found in drawn]) < 2.5 * varies


def test_loadings_are_the_correlations_with_the_truth():
    made = world(4, alone=(0.95, 0.8, 0.7, 0.6), n_items=4000)
    found = correlations(pooled_votes(made.table, np.arange(4)))
    loading = loadings(found, np.arange(4))
    truth = np.eye(3)[made.truth] - np.eye(3)[made.truth].mean(axis=0)
    for rater in range(4):
        said = np.eye(3)[made.table.codes.reshape(-1, 4)[:, rater]]
        said -= said.mean(axis=0)
        with_truth = (said * truth).sum() / np.sqrt((said**2).sum() * (truth**2).sum())
        assert loading.value[rater] == pytest.approx(with_truth, abs=0.03)
    assert (loading.variance < 0.001).all()


def test_who_always_says_the_same_has_no_correlation():
    table = LabelTable.from_codes(
        np.tile(np.arange(20), 2), np.repeat([0, 1], 20), [0] * 20 + [0, 1] * 10, n_classes=2
    )
    found = correlations(pooled_votes(table, np.arange(2)))
    assert np.isnan(found.value[0, 1])
    assert np.isnan(loadings(found, np.arange(2)).value).all()

"""Majority vote, and what all ways of combining labels have in common."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.dawid_skene import dawid_skene
from consensus.ibcc import ibcc
from consensus.majority import majority
from consensus.table import LabelTable
from consensus.votes import choose
from tests.consensus.tables import renamed, repeatable, shuffles, tables, unanimous_tables

every_method = pytest.mark.parametrize("method", [majority, dawid_skene, ibcc])
# Small random tables can take hundreds of rounds; a rounding error shows within sixty.
every_method_briefly = pytest.mark.parametrize(
    "method",
    [majority, partial(dawid_skene, max_iterations=60), partial(ibcc, max_iterations=60)],
    ids=["majority", "dawid_skene", "ibcc"],
)


def test_most_votes_win():
    table = LabelTable.from_codes([0, 0, 0, 1], [0, 1, 2, 0], [2, 2, 0, 1], n_classes=3)
    estimate = majority(table)
    assert estimate.choice.tolist() == [2, 1]
    assert estimate.posterior[0].tolist() == pytest.approx([1 / 3, 0, 2 / 3])
    assert not estimate.tied.any()


@pytest.mark.parametrize("codes", [[0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]])
def test_a_tie_is_reported_and_not_broken(codes):
    estimate = majority(LabelTable.from_codes([0] * 4, [0, 1, 2, 3], codes, n_classes=3))
    assert estimate.choice.tolist() == [-1]
    assert estimate.tied.tolist() == [True]
    assert estimate.posterior[0].tolist() == [0.5, 0.5, 0]


@every_method
def test_raters_who_always_contradict_each_other_stay_tied(method):
    # A tie is an unstable point of EM: rounding errors must not grow into a winner.
    n = 30
    codes = np.arange(n) % 3
    table = LabelTable.from_codes(
        np.tile(np.arange(n), 3),
        np.repeat([0, 1, 2], n),
        np.concatenate([codes, (codes + 1) % 3, (codes + 2) % 3]),
        n_classes=3,
    )
    estimate = method(table)
    assert estimate.tied.all()
    assert (estimate.choice == -1).all()


def test_rounding_errors_never_decide_a_tie():
    # Two raters whose answers form a ring over four classes: every item is tied by symmetry, and in
    # other sums than these the last digits of a probability differ.
    rng = np.random.default_rng(0)
    for _ in range(60):
        base = rng.integers(0, 4, (4, 2))
        codes = np.concatenate([(base + shift) % 4 for shift in range(4)])
        items, raters = np.divmod(np.arange(codes.size), 2)
        table = LabelTable.from_codes(items, raters, codes.ravel(), n_classes=4)
        new = shuffles(table, int(rng.integers(1000)))
        plain = dawid_skene(table, max_iterations=200, tolerance=0)
        other = dawid_skene(renamed(table, **new), max_iterations=200, tolerance=0)
        np.testing.assert_allclose(
            other.posterior[np.ix_(new["items"], new["classes"])], plain.posterior, atol=1e-7
        )


def test_probabilities_that_differ_in_the_last_digits_are_tied():
    choice, tied = choose(
        np.array([[0.5 + 1e-12, 0.5 - 1e-12], [0.51, 0.49]]), np.array([True] * 2)
    )
    assert tied.tolist() == [True, False]
    assert choice.tolist() == [-1, 0]


@every_method
def test_items_without_labels_get_no_estimate(method):
    table = LabelTable.from_codes([0, 0, 2], [0, 1, 1], [1, 1, 0], n_classes=2, n_items=4)
    estimate = method(table)
    assert estimate.choice.tolist() == [1, -1, 0, -1]
    assert not estimate.posterior[[1, 3]].any()
    assert not estimate.tied.any()


@every_method
def test_no_labels_at_all(method):
    estimate = method(LabelTable.from_codes([], [], [], n_classes=2, n_items=2, n_raters=1))
    assert estimate.choice.tolist() == [-1, -1]
    assert estimate.converged
    assert estimate.iterations == 0


@every_method_briefly
@repeatable
@given(table=tables())
def test_estimates_are_consistent(method, table):
    estimate = method(table)
    has_labels = table.counts().any(axis=1)
    assert ((estimate.posterior >= 0) & (estimate.posterior <= 1)).all()
    np.testing.assert_allclose(estimate.posterior.sum(axis=1), has_labels, atol=1e-9)
    assert not (estimate.tied & ~has_labels).any()
    chosen = estimate.choice >= 0
    assert (chosen == (has_labels & ~estimate.tied)).all()
    best = estimate.posterior.argmax(axis=1)
    assert (estimate.choice[chosen] == best[chosen]).all()
    if estimate.confusion is not None:
        assert estimate.confusion.shape == (table.n_raters, table.n_classes, table.n_classes)
        known = ~np.isnan(estimate.confusion).any(axis=2)
        np.testing.assert_allclose(estimate.confusion[known].sum(axis=1), 1)
    if estimate.ability is not None:
        active = np.bincount(table.raters, minlength=table.n_raters) > 0
        assert (np.isnan(estimate.ability) == ~active).all()
        assert ((estimate.ability[active] >= 0) & (estimate.ability[active] <= 1)).all()


@every_method_briefly
@repeatable
@given(table=tables(), seed=st.integers(0, 1000))
def test_order_and_names_change_nothing(method, table, seed):
    new = shuffles(table, seed)
    plain, other = method(table), method(renamed(table, **new))
    items, classes, raters = new["items"], new["classes"], new["raters"]
    np.testing.assert_allclose(
        other.posterior[np.ix_(items, classes)], plain.posterior, atol=1e-7, rtol=0
    )
    assert (other.tied[items] == plain.tied).all()
    names = np.append(classes, -1)  # -1 stays -1
    assert (other.choice[items] == names[plain.choice]).all()
    if plain.ability is not None:
        np.testing.assert_allclose(other.ability[raters], plain.ability, atol=1e-7)
    if plain.confusion is not None:
        np.testing.assert_allclose(
            other.confusion[np.ix_(raters, classes, classes)], plain.confusion, atol=1e-7
        )


@every_method_briefly
@repeatable
@given(table=tables(), seed=st.integers(0, 1000))
def test_the_order_of_rows_changes_not_even_the_last_digit(method, table, seed):
    rows = shuffles(table, seed)["rows"]
    assert (method(renamed(table, rows=rows)).posterior == method(table).posterior).all()


@pytest.mark.parametrize("method", [majority, dawid_skene])
@repeatable
@given(table=unanimous_tables())
def test_unanimous_labels_are_a_fixed_point(method, table):
    shares = majority(table).posterior
    assert set(np.unique(shares)) <= {0, 1}
    estimate = method(table)
    assert (estimate.posterior == shares).all()
    assert estimate.converged
    if estimate.ability is not None:
        assert set(estimate.ability[~np.isnan(estimate.ability)]) == {1}


@repeatable
@given(table=unanimous_tables())
def test_ibcc_keeps_unanimous_labels_in_first_place(table):
    assert (ibcc(table).choice == majority(table).choice).all()

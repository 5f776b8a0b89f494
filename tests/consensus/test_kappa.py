"""Cohen's kappa of two raters and of all pairs of raters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from consensus import rater_matrices
from consensus.kappa import cohen_kappa, cohen_kappa_interval
from consensus.plain_agreement import percent_agreement
from consensus.rater_matrices import pairwise_agreement, pairwise_kappa
from consensus.table import LabelTable
from tests.consensus.agreement_cases import ABSTRACTORS, from_cells
from tests.consensus.tables import renamed, repeatable, shuffles, tables

every_weight = pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
few = settings(repeatable, max_examples=15)
pairs_of_codes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


def test_textbook_value():
    # Fleiss, Levin and Paik, "Statistical methods for rates and proportions", table 18.1.
    cells = {(0, 0): 75, (0, 1): 1, (0, 2): 4, (1, 0): 5, (1, 1): 4, (1, 2): 1, (2, 2): 10}
    assert cohen_kappa(*from_cells(cells), 3) == pytest.approx(0.68, abs=0.005)


@pytest.mark.parametrize(("weights", "expected"), [("none", 0.7964094), ("quadratic", 0.8921569)])
def test_published_values(weights, expected):
    # The documentation of irrCAC.
    found = cohen_kappa(*from_cells(ABSTRACTORS), 3, weights=weights)
    assert found == pytest.approx(expected, abs=5e-8)


@every_weight
@few
@given(pairs=pairs_of_codes)
def test_kappa_equals_an_independent_implementation(weights, pairs):
    a, b = np.array(pairs).T
    kappa = cohen_kappa(a, b, 4, weights=weights)
    assume(kappa is not None)
    named = None if weights == "none" else weights
    assert kappa == pytest.approx(cohen_kappa_score(a, b, labels=range(4), weights=named))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0, 1, 2], [0, 1, 2], 1),
        ([0, 1], [1, 0], -1),
        ([0, 0, 1, 1], [0, 1, 0, 1], 0),
        ([1, 1], [1, 1], None),  # certain agreement: nothing to measure
        ([], [], None),
        ([1, 1, 1], [1, 1, 0], 0),
    ],
)
def test_kappa_at_its_edges(a, b, expected):
    kappa = cohen_kappa(a, b, 3)
    assert kappa == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(("codes", "reason"), [([1, 1], "one_class"), ([], "no_pairs")])
def test_undefined_kappa_says_why(codes, reason):
    found = cohen_kappa_interval(codes, codes, 3)
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, reason)


@few
@given(pairs=pairs_of_codes, names=st.permutations(range(4)))
def test_kappa_knows_neither_order_nor_names(pairs, names):
    a, b = np.array(pairs).T
    names = np.array(names)
    found = cohen_kappa_interval(a, b, 4)
    other = cohen_kappa_interval(names[b[::-1]], names[a[::-1]], 4)
    assert (other.n_items, other.reason) == (found.n_items, found.reason)
    for name in ("value", "low", "high"):
        expected = getattr(found, name)
        assert getattr(other, name) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("a", "b"), [([0, 4], [0, 1]), ([0, -1], [0, 1]), ([0, 1], [0]), ([0.0, np.nan], [0.0, 1.0])]
)
def test_kappa_refuses_bad_codes(a, b):
    with pytest.raises(ValueError, match="codes"):
        cohen_kappa(a, b, 3)


def answers_of(table):
    return [
        dict(zip(table.items[mine].tolist(), table.codes[mine].tolist(), strict=True))
        for mine in (table.raters == rater for rater in range(table.n_raters))
    ]


@every_weight
@few
@given(table=tables(repeats=False))
def test_all_pairs_equal_each_pair_alone(weights, table):
    kappa, both = pairwise_kappa(table, weights=weights)
    answers = answers_of(table)
    for a, b in itertools.permutations(range(table.n_raters), 2):
        common = sorted(answers[a].keys() & answers[b].keys())
        assert both[a, b] == len(common)
        expected = cohen_kappa(
            [answers[a][i] for i in common],
            [answers[b][i] for i in common],
            table.n_classes,
            weights=weights,
        )
        if expected is None:
            assert np.isnan(kappa[a, b])
        else:
            assert kappa[a, b] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(np.diagonal(kappa)).all()
    assert not np.diagonal(both).any()


@few
@given(table=tables(), seed=st.integers(0, 1000))
def test_all_pairs_follow_the_raters(table, seed):
    new = shuffles(table, seed)
    kappa, both = pairwise_kappa(table)
    other, other_both = pairwise_kappa(renamed(table, **new))
    place = np.ix_(new["raters"], new["raters"])
    assert np.allclose(other[place], kappa, equal_nan=True)
    assert (other_both[place] == both).all()


@pytest.mark.parametrize("function", [pairwise_agreement, pairwise_kappa])
def test_blocks_of_items_do_not_change_all_pairs(function, monkeypatch):
    rng = np.random.default_rng(2)
    columns = rng.integers(0, 40, 300), rng.integers(0, 7, 300), rng.integers(0, 3, 300)
    table = LabelTable.from_codes(*columns, n_classes=3)
    whole = function(table)
    monkeypatch.setattr(rater_matrices, "_CHUNK", 37)
    for one, other in zip(whole, function(table), strict=True):
        assert np.allclose(one, other, equal_nan=True)


@pytest.mark.parametrize("function", [pairwise_agreement, pairwise_kappa])
def test_pairs_of_an_empty_table_share_nothing(function):
    value, both = function(LabelTable.from_codes([], [], [], n_classes=2, n_items=3, n_raters=2))
    assert np.isnan(value).all()
    assert not both.any()


def test_unknown_weights_of_pairs_are_refused():
    with pytest.raises(ValueError, match="weights must be"):
        pairwise_kappa(LabelTable.from_codes([0], [0], [0], n_classes=2), weights="cubic")


@few
@given(table=tables(repeats=False))
def test_pairwise_agreement_equals_each_pair_alone(table):
    share, both = pairwise_agreement(table)
    answers = answers_of(table)
    for a, b in itertools.permutations(range(table.n_raters), 2):
        common = sorted(answers[a].keys() & answers[b].keys())
        assert both[a, b] == len(common)
        expected = percent_agreement(
            [answers[a][i] for i in common], [answers[b][i] for i in common]
        )
        if expected is None:
            assert np.isnan(share[a, b])
        else:
            assert share[a, b] == pytest.approx(expected)
    assert not np.diagonal(both).any()
    assert np.isnan(np.diagonal(share)).all()


def test_pairwise_agreement_compares_repeats_on_the_diagonal():
    table = LabelTable.from_codes(
        [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1], [1, 1, 0, 1, 0, 0], n_classes=2, n_raters=3
    )
    share, both = pairwise_agreement(table)
    assert both.tolist() == [[3, 3, 0], [3, 1, 0], [0, 0, 0]]
    assert share[0, 0] == pytest.approx(1 / 3)
    assert share[1, 1] == 1
    assert share[0, 1] == share[1, 0] == pytest.approx(2 / 3)
    assert np.isnan(share[2]).all()

"""Dawid-Skene: against the formula in plain loops, and where its assumptions show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.dawid_skene import dawid_skene
from consensus.majority import majority
from consensus.table import LabelTable
from tests.consensus.tables import repeatable, tables

# The traces are sums of up to 40 logs, and posteriors are rounded to 12 decimals.
NEVER_FALLS = -1e-9


def in_plain_loops(table, rounds, diagonal, off, class_prior):
    """The formulas of docs/statistics.md, cell by cell; posterior and log-likelihoods."""
    rows = list(zip(table.items.tolist(), table.raters.tolist(), table.codes.tolist(), strict=True))
    classes = range(table.n_classes)
    posterior = {}
    for item, _, code in rows:
        posterior.setdefault(item, [0.0] * table.n_classes)[code] += 1
    posterior = {item: [v / sum(row) for v in row] for item, row in posterior.items()}
    trace = []
    for _ in range(rounds):
        share = [class_prior + sum(row[k] for row in posterior.values()) for k in classes]
        share = [s / sum(share) for s in share]
        said = {
            (r, k): [diagonal if c == k else off for c in classes]
            for r in range(table.n_raters)
            for k in classes
        }
        for item, rater, code in rows:
            for k in classes:
                said[rater, k][code] += posterior[item][k]
        said = {key: [v / sum(row) if sum(row) else 0.0 for v in row] for key, row in said.items()}
        log_likelihood = class_prior * sum(math.log(s) for s in share if class_prior)
        for (_, k), row in said.items():
            for c in classes:
                weight = diagonal if c == k else off
                log_likelihood += weight * math.log(row[c]) if weight else 0
        for item in posterior:
            joint = [
                share[k] * math.prod(said[r, k][c] for i, r, c in rows if i == item)
                for k in classes
            ]
            log_likelihood += math.log(sum(joint))
            posterior[item] = [value / sum(joint) for value in joint]
        trace.append(log_likelihood)
    return posterior, trace


@pytest.mark.parametrize("priors", [(0, 0, 0), (2, 0.5, 1), (1, 0, 0)])
@settings(repeatable, max_examples=12)
@given(table=tables(min_labels=1))
def test_matches_the_formula_in_plain_loops(priors, table):
    diagonal, off, class_prior = priors
    estimate = dawid_skene(
        table,
        max_iterations=4,
        tolerance=0,
        prior_diagonal=diagonal,
        prior_off=off,
        class_prior=class_prior,
    )
    posterior, trace = in_plain_loops(table, estimate.iterations, diagonal, off, class_prior)
    assert estimate.log_likelihood == pytest.approx(trace, abs=1e-8)
    for item, row in posterior.items():
        assert estimate.posterior[item].tolist() == pytest.approx(row, abs=1e-9)


@pytest.mark.parametrize("priors", [(0, 0, 0), (1, 0.3, 0), (0, 0, 2), (3, 1, 1)])
@settings(repeatable, max_examples=12)
@given(table=tables())
def test_the_log_likelihood_never_falls(priors, table):
    diagonal, off, class_prior = priors
    estimate = dawid_skene(
        table,
        tolerance=0,
        max_iterations=40,
        prior_diagonal=diagonal,
        prior_off=off,
        class_prior=class_prior,
    )
    assert len(estimate.log_likelihood) == estimate.iterations
    assert (np.diff(estimate.log_likelihood) >= NEVER_FALLS).all()


def crowd(n_items=400, seed=5):
    """Three raters right 85 % of the time, and two who call each 0 a 1 and each 1 a 0."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n_items)
    noise = rng.random((n_items, 5)) < 0.15
    codes = np.where(noise, rng.integers(0, 3, (n_items, 5)), truth[:, None])
    codes[:, 3:] = np.array([1, 0, 2])[codes[:, 3:]]
    items, raters = np.divmod(np.arange(n_items * 5), 5)
    return truth, LabelTable.from_codes(items, raters, codes.ravel(), n_classes=3)


def test_a_rater_who_confuses_two_classes_is_understood():
    truth, table = crowd()
    estimate = dawid_skene(table)
    assert (estimate.choice == truth).mean() > (majority(table).choice == truth).mean() + 0.05
    assert estimate.converged
    for rater in (3, 4):
        assert estimate.confusion[rater, 0].argmax() == 1
        assert estimate.confusion[rater, 1].argmax() == 0
        assert estimate.ability[rater] < 0.5
    assert (estimate.ability[:3] > 0.8).all()


def test_ability_is_the_expected_share_of_right_labels():
    truth, table = crowd()
    right = table.codes == truth[table.items]
    actual = np.bincount(table.raters, weights=right) / np.bincount(table.raters)
    np.testing.assert_allclose(dawid_skene(table).ability, actual, atol=0.03)


def test_says_when_rounds_ran_out():
    _, table = crowd()
    estimate = dawid_skene(table, max_iterations=2)
    assert estimate.iterations == 2
    assert not estimate.converged


def test_priors_keep_one_label_from_being_certain():
    table = LabelTable.from_codes([0, 1], [0, 0], [0, 1], n_classes=2)
    assert dawid_skene(table).posterior.max() == 1
    smoothed = dawid_skene(table, prior_diagonal=4, prior_off=1, class_prior=1)
    assert 0.6 < smoothed.posterior.max(axis=1).min() <= smoothed.posterior.max() < 0.95
    assert smoothed.choice.tolist() == [0, 1]


def test_confusion_is_nan_where_nothing_was_seen():
    table = LabelTable.from_codes([0, 0, 1], [0, 1, 0], [0, 0, 1], n_classes=3, n_raters=3)
    confusion = dawid_skene(table).confusion
    assert confusion[0, :2].tolist() == [[1, 0, 0], [0, 1, 0]]
    assert np.isnan(confusion[0, 2]).all()  # nobody used class 2
    assert np.isnan(confusion[1, 1]).all()  # rater 1 saw no item of class 1
    assert np.isnan(confusion[2]).all()  # rater 2 labelled nothing


@settings(repeatable, max_examples=12)
@given(table=tables(min_labels=1), copies=st.integers(2, 3))
def test_repeats_count_as_often_as_they_occur(table, copies):
    def repeated(column):
        return np.tile(column, copies)

    more = LabelTable(
        repeated(table.items),
        repeated(table.raters),
        repeated(table.codes),
        table.n_items,
        table.n_raters,
        table.n_classes,
    )
    once = dawid_skene(table, max_iterations=1)
    twice = dawid_skene(more, max_iterations=1)
    np.testing.assert_allclose(once.confusion, twice.confusion)  # shares stay shares
    ratio = once.posterior**copies
    prior = majority(table).posterior.sum(axis=0) / majority(table).posterior.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(prior > 0, ratio / prior ** (copies - 1), 0)
        expected = np.nan_to_num(expected / expected.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(twice.posterior, expected, atol=1e-8)


@pytest.mark.parametrize(
    "wrong",
    [{"prior_off": -1}, {"class_prior": -0.1}, {"tolerance": -1e-9}, {"max_iterations": 0}],
)
def test_bad_parameters_are_refused(wrong):
    table = LabelTable.from_codes([0], [0], [0], n_classes=2)
    with pytest.raises(ValueError, match=r"must (not be negative|be at least 1)"):
        dawid_skene(table, **wrong)

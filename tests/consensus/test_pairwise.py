"""Comparisons: published strengths, closed forms, another optimiser, and what cannot be linked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from consensus import pairwise
from consensus.comparisons import Comparisons, Outcome
from consensus.pairwise import bradley_terry, davidson, difference, outcome_chances
from tests.consensus.tables import repeatable

both = pytest.mark.parametrize("method", [bradley_terry, davidson])
briefly = settings(repeatable, max_examples=6)

# Citations between four journals of statistics (Stigler 1994): A cites B, B cites A.
JOURNALS = ["Biometrika", "Communications", "JASA", "JRSS-B"]
CITED = {(0, 1): (730, 33), (0, 2): (498, 320), (0, 3): (221, 284)}
CITED |= {(1, 2): (68, 813), (1, 3): (17, 276), (2, 3): (142, 325)}


def counted(cells, n_items):
    """Comparisons of `cells`: {(left, right, outcome): times}."""
    rows = np.repeat(np.array(list(cells)), list(cells.values()), axis=0)
    return Comparisons.from_codes(*rows.T, np.zeros(len(rows), dtype=int), n_items=n_items)


@st.composite
def comparisons(draw, min_rows=0):
    n_items, n_raters = draw(st.integers(2, 6)), draw(st.integers(1, 3))
    pair = st.tuples(st.integers(0, n_items - 1), st.integers(1, n_items - 1))
    rows = draw(
        st.lists(
            st.tuples(pair, st.sampled_from(list(Outcome)), st.integers(0, n_raters - 1)),
            min_size=min_rows,
            max_size=25,
        )
    )
    left = [pair[0] for pair, _, _ in rows]
    right = [sum(pair) % n_items for pair, _, _ in rows]
    return Comparisons.from_codes(
        left,
        right,
        [outcome for _, outcome, _ in rows],
        [rater for _, _, rater in rows],
        n_items=n_items,
        n_raters=n_raters,
    )


def played(n_items, n_rows, seed, *, order=0.0, tie=0.0, n_raters=4):
    rng = np.random.default_rng(seed)
    strength = rng.normal(size=n_items)
    left = rng.integers(0, n_items, n_rows)
    right = (left + rng.integers(1, n_items, n_rows)) % n_items
    x = strength[left] - strength[right] + order
    odds = np.stack([np.exp(x / 2), np.full(n_rows, tie), np.exp(-x / 2)], axis=1)
    place = rng.random(n_rows) * odds.sum(axis=1)
    outcomes = (place[:, None] > odds.cumsum(axis=1)).sum(axis=1)
    raters = rng.integers(0, n_raters, n_rows)
    return strength - strength.mean(), Comparisons.from_codes(left, right, outcomes, raters)


def test_published_strengths_of_journals():
    # H. Turner and D. Firth, "Bradley-Terry models in R", J. of Statistical Software 48 (2012).
    cells = {}
    for (a, b), (of_a, of_b) in CITED.items():
        cells[a, b, Outcome.LEFT], cells[a, b, Outcome.RIGHT] = of_a, of_b
    estimate = bradley_terry(counted(cells, 4), prior=0)
    found = [difference(estimate, journal, 0) for journal in range(1, 4)]
    assert [f[0] for f in found] == pytest.approx([-2.94907, -0.47957, 0.26895], abs=6e-6)
    errors = [(high - low) / 2 / 1.959964 for _, low, high in found]
    assert errors == pytest.approx([0.10255, 0.06059, 0.07083], abs=6e-6)
    assert estimate.value.sum() == pytest.approx(0, abs=1e-12)


def test_two_items_in_closed_form():
    cells = {(0, 1, Outcome.LEFT): 30, (0, 1, Outcome.RIGHT): 12}
    estimate = bradley_terry(counted(cells, 2), prior=0)
    value, low, high = difference(estimate, 0, 1)
    assert value == pytest.approx(np.log(30 / 12))
    assert (high - low) / 2 == pytest.approx(1.959964 * np.sqrt(1 / 30 + 1 / 12), rel=1e-6)
    with_ties = davidson(counted({**cells, (1, 0, Outcome.TIE): 9}, 2), prior=0)
    assert difference(with_ties, 0, 1)[0] == pytest.approx(np.log(30 / 12))
    assert with_ties.tie == pytest.approx(9 / np.sqrt(30 * 12))
    chances = outcome_chances(with_ties, [0, 1], [1, 0])
    np.testing.assert_allclose(chances, [[30 / 51, 9 / 51, 12 / 51], [12 / 51, 9 / 51, 30 / 51]])


def test_order_in_closed_form():
    # Equal items, each left as often as the other: all that is left is the place.
    cells = {(0, 1, Outcome.LEFT): 20, (1, 0, Outcome.LEFT): 20}
    cells |= {(0, 1, Outcome.RIGHT): 10, (1, 0, Outcome.RIGHT): 10}
    estimate = bradley_terry(counted(cells, 2), order_effect=True, prior=0)
    assert estimate.order == pytest.approx(np.log(2))
    assert np.diff(estimate.order_interval) / 2 == pytest.approx(
        1.959964 * np.sqrt(1 / 40 + 1 / 20), rel=1e-6
    )
    np.testing.assert_allclose(estimate.value, 0, atol=1e-9)


@both
@pytest.mark.parametrize("order_effect", [False, True])
@pytest.mark.parametrize("prior", [0.5, 2.0])
def test_equals_another_optimiser(method, order_effect, prior):
    _, rows = played(6, 60, seed=1, order=0.5, tie=0.7)
    estimate = method(rows, order_effect=order_effect, prior=prior)

    def loss(v):
        strength, order, log_tie = v[:6], v[6], v[7]
        x = strength[rows.left] - strength[rows.right] + order * order_effect
        if method is davidson:
            logs = np.stack([x / 2, np.full(len(x), log_tie), -x / 2])
            total = (logs - np.logaddexp.reduce(logs))[rows.outcomes, np.arange(len(x))].sum()
            pseudo = np.array([0.0, log_tie, 0.0])
            total += prior * (pseudo - np.logaddexp.reduce(pseudo)).sum()
        else:
            share = np.array([1, 0.5, 0])[rows.outcomes]
            total = -(share * np.logaddexp(0, -x) + (1 - share) * np.logaddexp(0, x)).sum()
        for parameter in [*strength, *([order] if order_effect else [])]:
            total -= prior * (np.logaddexp(0, parameter) + np.logaddexp(0, -parameter))
        return -total

    best = minimize(loss, np.zeros(8), tol=1e-9)
    np.testing.assert_allclose(estimate.value, best.x[:6] - best.x[:6].mean(), atol=2e-4)
    assert estimate.log_likelihood[-1] == pytest.approx(-best.fun, abs=1e-6)
    if order_effect:
        assert estimate.order == pytest.approx(best.x[6], abs=2e-4)
    if method is davidson:
        assert np.log(estimate.tie) == pytest.approx(best.x[7], abs=2e-4)


@both
@briefly
@given(rows=comparisons(), order_effect=st.booleans(), prior=st.sampled_from([0.1, 0.5, 3.0]))
def test_the_likelihood_never_falls_and_it_always_ends(method, rows, order_effect, prior):
    estimate = method(rows, order_effect=order_effect, prior=prior)
    assert estimate.converged
    assert len(estimate.log_likelihood) == estimate.iterations
    assert (np.diff(estimate.log_likelihood) >= -1e-9).all()
    seen = np.zeros(rows.n_items, dtype=bool)
    seen[rows.left] = seen[rows.right] = True
    assert (np.isfinite(estimate.value) == seen).all()
    assert ((estimate.error > 0) == seen).all()
    assert ((estimate.component >= 0) == seen).all()


@both
@briefly
@given(rows=comparisons(min_rows=1), seed=st.integers(0, 1000))
def test_order_and_names_change_nothing(method, rows, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows.n_comparisons)
    items, raters = rng.permutation(rows.n_items), rng.permutation(rows.n_raters)
    turned = rng.random(rows.n_comparisons) < 0.5  # shown the other way round
    left = np.where(turned, rows.right, rows.left)
    right = np.where(turned, rows.left, rows.right)
    outcomes = np.where(turned, 2 - rows.outcomes, rows.outcomes)
    other = Comparisons(
        items[left][order],
        items[right][order],
        outcomes[order],
        raters[rows.raters][order],
        rows.n_items,
        rows.n_raters,
    )
    one, new = method(rows), method(other)
    np.testing.assert_allclose(one.value, new.value[items], atol=1e-7)
    np.testing.assert_allclose(one.error, new.error[items], atol=1e-7)
    np.testing.assert_allclose(one.ability, new.ability[raters])
    same = one.component[:, None] == one.component
    assert (same == (new.component[items][:, None] == new.component[items])).all()


@both
@briefly
@given(rows=comparisons(min_rows=1))
def test_turning_every_pair_round_turns_the_order_effect_round(method, rows):
    turned = Comparisons(
        rows.right, rows.left, 2 - rows.outcomes, rows.raters, rows.n_items, rows.n_raters
    )
    one, other = method(rows, order_effect=True), method(turned, order_effect=True)
    assert one.order == pytest.approx(-other.order, abs=1e-7)
    np.testing.assert_allclose(one.value, other.value, atol=1e-7)


def test_a_tie_is_half_a_win_each():
    ties = counted({(0, 1, Outcome.TIE): 4, (0, 1, Outcome.LEFT): 3, (1, 2, Outcome.TIE): 2}, 3)
    halves = counted(
        {
            (0, 1, Outcome.LEFT): 5,
            (1, 0, Outcome.LEFT): 2,
            (1, 2, Outcome.LEFT): 1,
            (2, 1, Outcome.LEFT): 1,
        },
        3,
    )
    np.testing.assert_allclose(bradley_terry(ties).value, bradley_terry(halves).value, atol=1e-9)


def test_an_item_that_always_wins_is_finite_with_a_prior_only():
    rows = counted({(0, 1, Outcome.LEFT): 5, (1, 2, Outcome.LEFT): 3, (2, 1, Outcome.LEFT): 3}, 4)
    estimate = bradley_terry(rows)
    assert not estimate.connected
    assert estimate.component[1] == estimate.component[2] != estimate.component[0]
    assert estimate.component[3] == -1
    assert estimate.value[0] > estimate.value[1] + 1
    assert np.isnan(estimate.value[3])
    with pytest.raises(ValueError, match="prior"):
        bradley_terry(rows, prior=0)
    with pytest.raises(ValueError, match="ties"):
        davidson(counted({(0, 1, Outcome.LEFT): 5, (1, 0, Outcome.LEFT): 3}, 2), prior=0)
    cells = {(0, 1, Outcome.LEFT): 5, (1, 0, Outcome.LEFT): 5}
    with pytest.raises(ValueError, match="order effect"):
        bradley_terry(counted(cells, 2), order_effect=True, prior=0)


def test_a_long_chain_needs_no_long_time():
    # Each item met its neighbours only: the information spreads slowly along the chain.
    n = 400
    cells = {}
    for item in range(n - 1):
        cells[item, item + 1, Outcome.LEFT], cells[item, item + 1, Outcome.RIGHT] = 3, 2
    estimate = bradley_terry(counted(cells, n), prior=0)
    assert estimate.converged
    assert estimate.iterations < 15
    np.testing.assert_allclose(-np.diff(estimate.value), np.log(1.5), atol=1e-6)


@both
def test_intervals_cover_and_effects_are_found(method):
    tie = 0.5 if method is davidson else 0.0
    strength, rows = played(80, 4000, seed=5, order=0.3, tie=tie)
    estimate = method(rows, order_effect=True)
    assert estimate.connected
    inside = (estimate.interval[:, 0] <= strength) & (strength <= estimate.interval[:, 1])
    assert inside.mean() >= 0.92
    # Relative to the mean: the values sum to 0 for certain.
    np.testing.assert_allclose(estimate.covariance.sum(axis=0), 0, atol=1e-10)
    assert np.mean((estimate.value - strength) ** 2) == pytest.approx(
        np.mean(estimate.error**2), rel=0.4
    )
    assert estimate.order_interval[0] < 0.3 < estimate.order_interval[1]
    assert estimate.order_interval[0] > 0
    if tie:
        assert estimate.tie_interval[0] < tie < estimate.tie_interval[1]
    ignoring = method(rows)
    assert (ignoring.order, ignoring.order_interval) == (None, None)


def test_ability_is_agreement_with_the_fitted_order():
    _, rows = played(20, 1500, seed=6, n_raters=3)
    outcomes = np.where(rows.raters == 2, 2 - rows.outcomes, rows.outcomes)
    contrary = Comparisons(rows.left, rows.right, outcomes, rows.raters, 20, 4)
    estimate = bradley_terry(contrary)
    for rater in range(3):
        mine = rows.raters == rater
        winner_left = contrary.outcomes[mine] == Outcome.LEFT
        stronger_left = estimate.value[contrary.left[mine]] > estimate.value[contrary.right[mine]]
        assert estimate.ability[rater] == pytest.approx((winner_left == stronger_left).mean())
        low, high = estimate.ability_interval[rater]
        assert low < estimate.ability[rater] < high
    assert estimate.ability[2] < 0.5 < estimate.ability[0]
    assert np.isnan(estimate.ability[3])


def test_without_comparisons_nothing_is_known():
    estimate = davidson(Comparisons.from_codes([], [], [], [], n_items=2, n_raters=1))
    assert np.isnan(estimate.value).all()
    assert (estimate.iterations, estimate.converged, estimate.tie) == (0, True, None)


def test_above_the_limit_there_are_values_and_no_intervals(monkeypatch):
    _, rows = played(10, 100, seed=7)
    full = bradley_terry(rows)
    monkeypatch.setattr(pairwise, "MOST_ITEMS_WITH_INTERVALS", 5)
    estimate = bradley_terry(rows)
    np.testing.assert_array_equal(estimate.value, full.value)
    assert np.isnan(estimate.interval).all()
    assert estimate.covariance is None
    assert np.isnan(difference(estimate, 0, 1)[1:]).all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0], [0], [0], [0]), "itself"),
        (([0], [1], [3], [0]), "outcomes must lie"),
        (([0], [1], [0, 1], [0]), "one length"),
        (([-1], [1], [0], [0]), "left must lie"),
        (([0.5], [1], [0], [0]), "whole numbers"),
    ],
)
def test_bad_comparisons_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        Comparisons.from_codes(*columns, n_items=3, n_raters=1)


@both
@pytest.mark.parametrize("wrong", [{"prior": -1}, {"tolerance": -1}, {"max_iterations": 0}])
def test_bad_parameters_are_refused(method, wrong):
    with pytest.raises(ValueError, match=r"must (be|not)"):
        method(counted({(0, 1, Outcome.LEFT): 1}, 2), **wrong)

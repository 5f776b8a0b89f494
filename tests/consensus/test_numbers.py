"""Numbers: the mixed model equations, the t distribution, outliers, and intervals that hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from consensus.number_fit import fit_numbers
from consensus.number_items import item_values
from consensus.numbers import Numbers
from consensus.robust_mean import robust_mean
from tests.consensus.tables import repeatable

briefly = settings(repeatable, max_examples=5)
ROUNDS = 30


@st.composite
def numbers(draw, min_rows=0):
    n_items, n_raters = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    row = st.tuples(st.integers(0, n_items - 1), st.integers(0, n_raters - 1), st.integers(-20, 60))
    rows = draw(st.lists(row, min_size=min_rows, max_size=20))
    items, raters, values = np.array(rows, dtype=int).reshape(-1, 3).T
    return Numbers(items, raters, values / 4, n_items, n_raters)


def measured(n_items, n_raters, labels_each, seed, *, tail=np.inf):
    rng = np.random.default_rng(seed)
    truth, offset = 3 * rng.normal(size=n_items), 0.5 * rng.normal(size=n_raters)
    scale = np.exp(0.5 * rng.normal(size=n_raters))
    items = np.repeat(np.arange(n_items), labels_each)
    raters = np.concatenate(
        [rng.choice(n_raters, labels_each, replace=False) for _ in range(n_items)]
    )
    noise = rng.normal(size=len(items)) if np.isinf(tail) else rng.standard_t(tail, len(items))
    values = truth[items] + offset[raters] + scale[raters] * noise
    return truth, offset, scale, Numbers(items, raters, values, n_items, n_raters)


def fitted(rows, **settings_):
    order = np.lexsort((rows.raters, rows.items))
    return fit_numbers(
        rows.items[order].astype(np.int64),
        rows.raters[order].astype(np.int64),
        rows.values[order],
        rows.n_items,
        rows.n_raters,
        **{"rounding": 0.0, "max_iterations": 500, "tolerance": 1e-8, "tail": None, **settings_},
    )


def test_values_and_offsets_solve_the_mixed_model_equations():
    *_, rows = measured(12, 4, 3, seed=1)
    fit = fitted(rows, max_iterations=1, tail=np.inf)
    # The first round starts from equal precisions: the equations in full, item by item.
    noise = (
        2.2
        * np.median(np.abs(rows.values - np.bincount(rows.items, rows.values)[rows.items] / 3)) ** 2
    )
    design = np.zeros((36, 16))
    design[np.arange(36), rows.items] = design[np.arange(36), 12 + rows.raters] = 1
    system = design.T @ design / noise
    system[12:, 12:] += np.eye(4) / (noise / 4)
    covariance = np.linalg.inv(system)
    solution = covariance @ design.T @ rows.values / noise
    np.testing.assert_allclose(fit.mean, solution[:12], atol=1e-10)
    np.testing.assert_allclose(fit.offset, solution[12:], atol=1e-10)
    np.testing.assert_allclose(1 / fit.precision + fit.shared, np.diag(covariance)[:12])
    np.testing.assert_allclose(fit.offset_variance, np.diag(covariance)[12:])


@pytest.mark.parametrize("tail", [None, 4.0, np.inf])
@briefly
@given(rows=numbers())
def test_the_bound_never_falls(tail, rows):
    estimate = robust_mean(rows, tail=tail, tolerance=0, max_iterations=ROUNDS)
    assert len(estimate.log_likelihood) == estimate.iterations
    assert (np.diff(estimate.log_likelihood) >= -1e-8).all()
    given_numbers = np.isin(np.arange(rows.n_items), rows.items)
    assert (np.isfinite(estimate.value) == given_numbers).all()


def test_the_bound_lies_below_the_evidence():
    # One item, two raters, normal noise: with all else known the evidence is a normal integral.
    rows = Numbers([0, 0], [0, 1], [1.0, 3.0], 1, 2)
    fit = fitted(rows, max_iterations=1, tail=np.inf)
    noise, omega2, rng = fit.noise, fit.offset_spread, np.random.default_rng(0)
    noise = omega2 * 4  # of the first round, before the scales are improved
    precisions = rng.gamma(2.0, 1 / (2 * noise), (400_000, 2))
    # With mu integrated out, the difference of the two numbers is all that is left.
    spread = np.sqrt((1 / precisions).sum(axis=1) + 2 * omega2)
    prior = 0.5 * noise
    scales = stats.invgamma.logpdf(omega2, 1.0, scale=prior)
    evidence = np.log(np.mean(stats.norm.pdf(2.0, scale=spread))) + scales
    assert evidence - 1.0 < fit.trace[0] < evidence


@briefly
@given(rows=numbers(min_rows=2), seed=st.integers(0, 1000))
def test_order_and_names_change_nothing(rows, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows.n_labels)
    items, raters = rng.permutation(rows.n_items), rng.permutation(rows.n_raters)
    other = robust_mean(
        Numbers(
            items[rows.items][order],
            raters[rows.raters][order],
            rows.values[order],
            rows.n_items,
            rows.n_raters,
        ),
        max_iterations=ROUNDS,
    )
    one = robust_mean(rows, max_iterations=ROUNDS)
    np.testing.assert_allclose(one.value, other.value[items], atol=1e-7)
    np.testing.assert_allclose(one.interval, other.interval[items], atol=1e-6)
    np.testing.assert_allclose(one.bias, other.bias[raters], atol=1e-7)
    np.testing.assert_allclose(one.weights[order], other.weights, atol=1e-7)


@pytest.mark.parametrize(("factor", "shift"), [(1000.0, 0.0), (-0.5, 7.0), (1.0, 1e4)])
@briefly
@given(rows=numbers(min_rows=2))
def test_another_unit_and_another_zero_change_nothing(factor, shift, rows):
    def moved(resolution, values):
        table = Numbers(rows.items, rows.raters, values, rows.n_items, rows.n_raters)
        return robust_mean(table, resolution=resolution, max_iterations=ROUNDS)

    one = moved(0.25, rows.values)
    other = moved(0.25 * abs(factor), factor * rows.values + shift)
    size = abs(factor) * 1e-6
    np.testing.assert_allclose(factor * one.value + shift, other.value, atol=size)
    np.testing.assert_allclose(abs(factor) * one.error, other.error, atol=size)
    np.testing.assert_allclose(factor * one.bias, other.bias, atol=size)
    np.testing.assert_allclose(one.ability, other.ability, atol=1e-6)


def test_one_number_alone_has_a_t_distribution():
    mean, deviation, interval = item_values(
        np.array([0, 1]),
        np.array([5.0]),
        np.array([2.0]),
        np.array([6.0]),
        shared=np.zeros(1),
        centre=np.array([5.0]),
        width=np.array([2.0]),
    )
    assert mean[0] == pytest.approx(5)
    assert deviation[0] == pytest.approx(2 * np.sqrt(6 / 4), rel=0.01)
    assert interval[0].tolist() == pytest.approx(
        stats.t.interval(0.95, 6, loc=5, scale=2), abs=0.05
    )


@pytest.mark.parametrize("size", [3, 20])
def test_many_degrees_of_freedom_are_the_normal_case(size):
    values, scale = np.linspace(0, 1, size), np.linspace(0.5, 1.5, size)
    weight = 1 / scale**2
    mean, deviation, interval = item_values(
        np.array([0, size]),
        values,
        scale,
        np.full(size, 1e6),
        shared=np.array([0.04]),
        centre=np.array([weight @ values / weight.sum()]),
        width=np.array([1 / np.sqrt(weight.sum())]),
    )
    variance = 1 / weight.sum() + 0.04
    assert mean[0] == pytest.approx(weight @ values / weight.sum(), abs=1e-3)
    assert deviation[0] == pytest.approx(np.sqrt(variance), rel=0.01)
    assert np.diff(interval[0])[0] == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.02)


def test_offsets_spreads_and_values_are_recovered():
    truth, offset, scale, rows = measured(300, 10, 4, seed=2)
    estimate = robust_mean(rows)
    plain = np.bincount(rows.items, rows.values) / 4
    assert np.mean((estimate.value - truth) ** 2) < 0.75 * np.mean((plain - truth) ** 2)
    assert np.corrcoef(estimate.bias, offset)[0, 1] > 0.95
    np.testing.assert_allclose(estimate.spread, scale, rtol=0.3)
    assert estimate.tail > 15
    assert (np.argsort(estimate.ability) == np.argsort(-estimate.spread)).all()


@pytest.mark.parametrize(("tail", "n_raters", "each"), [(np.inf, 10, 3), (3, 8, 4)])
def test_intervals_cover(tail, n_raters, each):
    # Many designs and projects: bench/numbers_coverage.py.
    inside = []
    for seed in range(8):
        truth, *_, rows = measured(40, n_raters, each, seed=seed, tail=tail)
        interval = robust_mean(rows, tolerance=1e-6).interval
        inside.append((interval[:, 0] <= truth) & (truth <= interval[:, 1]))
    assert np.mean(inside) >= 0.93


def test_a_slip_counts_little():
    truth, *_, rows = measured(60, 5, 4, seed=3)
    values = rows.values.copy()
    values[8] += 1000  # a misplaced decimal point at item 2
    slipped = robust_mean(Numbers(rows.items, rows.raters, values, 60, 5))
    assert abs(slipped.value[2] - truth[2]) < 2.5
    assert slipped.weights[8] < 1e-3
    assert slipped.tail < 10
    others = np.arange(60) != 2
    np.testing.assert_allclose(slipped.value[others], robust_mean(rows).value[others], atol=0.5)


def test_what_all_say_is_the_value():
    # Counts on which all agree: whole numbers, rounded at best.
    items, raters = np.divmod(np.arange(30), 3)
    estimate = robust_mean(Numbers(items, raters, items * 2, 10, 3))
    np.testing.assert_allclose(estimate.value, np.arange(10) * 2, atol=1e-6)
    assert (estimate.error > 0.1).all()
    assert (estimate.error < 1.5).all()
    np.testing.assert_allclose(estimate.bias, 0, atol=1e-6)


def test_a_single_number_is_corrected_by_what_is_known_of_its_rater():
    items = np.repeat(np.arange(40), 2)
    raters = np.tile([0, 1], 40)
    rng = np.random.default_rng(5)
    values = items * 10.0 + np.where(raters == 0, 2.0, -2.0) + 0.3 * rng.normal(size=80)
    estimate = robust_mean(Numbers([*items, 40], [*raters, 0], [*values, 52.0], 42, 3))
    assert estimate.value[40] == pytest.approx(52 - estimate.bias[0])
    assert estimate.bias[0] - estimate.bias[1] == pytest.approx(4, abs=0.3)
    assert estimate.error[40] > estimate.error[:40].max()
    assert np.isnan(estimate.value[41])
    assert np.isnan(estimate.bias[2])
    assert np.isnan(estimate.weights[80])


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        (Numbers([], [], [], 1, 1), np.nan),
        (Numbers([0, 1], [0, 1], [3.0, 5.0], 2, 2), 3.0),
        (Numbers([0, 0], [0, 1], [3.0, 3.0], 1, 2), 3.0),
    ],
)
def test_without_any_difference_on_an_item_nothing_is_known_of_errors(rows, value):
    estimate = robust_mean(rows)
    np.testing.assert_array_equal(estimate.value[0], value)
    assert np.isnan(estimate.error).all()
    assert np.isnan(estimate.tail)
    assert (estimate.iterations, estimate.converged, estimate.log_likelihood) == (0, True, ())


def test_one_rater_who_measures_twice():
    items = np.repeat(np.arange(10), 2)
    values = items + np.tile([0.0, 0.2], 10)
    estimate = robust_mean(Numbers(items, np.zeros(20, dtype=int), values, 10, 1))
    np.testing.assert_allclose(estimate.value, np.arange(10) + 0.1, atol=1e-6)
    assert np.isfinite(estimate.error).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"tail": 2.0},
        {"tail": np.nan},
        {"resolution": 0.0},
        {"tolerance": -1},
        {"max_iterations": 0},
    ],
)
def test_bad_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must (be|not)"):
        robust_mean(Numbers([0, 0], [0, 1], [1.0, 2.0], 1, 2), **wrong)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0], [0], [np.nan]), "finite"),
        (([0], [0], [np.inf]), "finite"),
        (([0], [0, 0], [1.0]), "one length"),
        (([2], [0], [1.0]), "items must lie"),
    ],
)
def test_bad_numbers_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        Numbers(*columns, 1, 1)

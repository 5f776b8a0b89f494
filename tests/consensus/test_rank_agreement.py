"""Correlations of two raters: against scipy, leaving items out one by one, edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from consensus.concordance import concordance
from consensus.rank_agreement import correlation, correlation_interval
from tests.consensus.tables import repeatable

few = settings(repeatable, max_examples=15)
MEASURES = {
    "pearson": stats.pearsonr,
    "spearman": stats.spearmanr,
    "kendall_tau_b": stats.kendalltau,
}
every_measure = pytest.mark.parametrize("measure", MEASURES)
numbers = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=20).filter(
    lambda rows: all(len(set(column)) > 1 for column in zip(*rows, strict=True))
)


@few
@given(rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_concordance_is_the_sum_over_all_pairs(rows):
    x, y = np.array(rows, dtype=float).reshape(-1, 2).T
    signs = np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
    assert concordance(x, y).tolist() == signs.sum(axis=1).tolist()


@every_measure
@few
@given(rows=numbers)
def test_value_equals_scipy(measure, rows):
    a, b = np.array(rows, dtype=float).T
    assert correlation(a, b, measure=measure) == pytest.approx(
        MEASURES[measure](a, b)[0], abs=1e-12
    )


@every_measure
@few
@given(rows=numbers)
def test_interval_is_that_of_leaving_out_each_item(measure, rows):
    a, b = np.array(rows, dtype=float).T
    n = len(a)
    without = [np.arange(n) != k for k in range(n)]
    assume(all(np.ptp(a[k]) and np.ptp(b[k]) for k in without))
    each = np.array([MEASURES[measure](a[k], b[k])[0] for k in without])
    value = MEASURES[measure](a, b)[0]
    assume(np.abs([*each, value]).max() < 1 - 1e-9)
    z = np.arctanh(each)
    error = np.sqrt((n - 1) / n * ((z - z.mean()) ** 2).sum())
    assume(error > 1e-4)
    reach = stats.t.ppf(0.975, n - 1) * error
    expected = np.tanh([np.arctanh(value) - reach, np.arctanh(value) + reach])
    found = correlation_interval(a, b, measure=measure)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-7)


@every_measure
def test_interval_covers(measure):
    # Two normal raters with correlation .8; Spearman's and Kendall's are known functions of it.
    rho = 0.8
    truth = {
        "pearson": rho,
        "spearman": 6 / np.pi * np.arcsin(rho / 2),
        "kendall_tau_b": 2 / np.pi * np.arcsin(rho),
    }[measure]
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(60):
        a, noise = rng.standard_normal((2, 30))
        found = correlation_interval(a, rho * a + (1 - rho**2) ** 0.5 * noise, measure=measure)
        covered.append(found.low <= truth <= found.high)
    assert np.mean(covered) >= 0.87


@every_measure
@few
@given(rows=numbers, seed=st.integers(0, 1000))
def test_order_and_scale_change_nothing(measure, rows, seed):
    a, b = np.array(rows, dtype=float).T
    order = np.random.default_rng(seed).permutation(len(a))
    found = correlation_interval(a, b, measure=measure)
    assert correlation_interval(a[order], b[order], measure=measure) == found
    if measure == "pearson":
        assert correlation(3 * a + 1, b, measure=measure) == pytest.approx(found.value)
    else:
        assert correlation(np.exp(a), b, measure=measure) == pytest.approx(found.value)
    assert correlation(b, -a, measure=measure) == pytest.approx(-found.value)


@every_measure
@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ([], [], "no_pairs"),
        ([1, 2], [1, 3], "few_items"),  # two points always lie on a line
        ([1, 1, 1], [1, 2, 3], "one_class"),
        ([1, 2, 3], [2, 2, 2], "one_class"),
    ],
)
def test_undefined_is_not_zero_or_one(measure, a, b, reason):
    found = correlation_interval(a, b, measure=measure)
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, reason)


@every_measure
def test_the_same_order_is_not_certain_to_stay_so(measure):
    found = correlation_interval([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], measure=measure)
    assert found.value == found.high == pytest.approx(1)
    assert found.low < 0.5
    assert correlation_interval([1, 2, 3], [1, 2, 4], measure=measure).low is None


@pytest.mark.parametrize(
    ("a", "b", "options"),
    [
        ([1, 2], [1], {}),
        ([1, np.nan, 2], [1, 2, 3], {}),
        ([1, 2, 3], [1, 2, 3], {"measure": "tau"}),
        ([1, 2, 3], [1, 2, 3], {"confidence": 2}),
    ],
)
def test_bad_input_is_refused(a, b, options):
    with pytest.raises(ValueError, match=r"must|need"):
        correlation_interval(a, b, **options)

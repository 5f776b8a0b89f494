"""Intervals of shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.intervals import (
    effective_size,
    proportion_interval,
    share_interval,
    student_quantile,
)
from tests.consensus.tables import repeatable


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_published_values(k, n, low, high):
    assert proportion_interval(k, n) == pytest.approx((low, high), abs=5e-5)


@repeatable
@given(n=st.integers(0, 10_000), data=st.data())
def test_wilson_holds_the_share_and_mirrors(n, data):
    k = data.draw(st.integers(0, n))
    low, high = proportion_interval(k, n)
    assert 0 <= low < high <= 1
    if n:
        assert low <= k / n <= high
    other_low, other_high = proportion_interval(n - k, n)
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high), abs=1e-12)


def test_wilson_of_nothing_is_everything():
    assert proportion_interval(0, 0) == (0, 1)


@pytest.mark.parametrize(
    ("k", "n", "confidence"), [(3, 2, 0.9), (-1, 2, 0.9), (1, 2, 1), (1, 2, 0)]
)
def test_wilson_refuses_what_is_no_proportion(k, n, confidence):
    with pytest.raises(ValueError, match="must lie"):
        proportion_interval(k, n, confidence)


def test_a_counted_share_is_worth_its_items():
    share, n = 0.3, 10_000
    assert effective_size(share, share * (1 - share) / n, n) == pytest.approx(n)
    assert share_interval(share, n, n) == pytest.approx(proportion_interval(3000, n), abs=1e-5)


@pytest.mark.parametrize(("share", "variance"), [(0.0, 0.0), (1.0, 0.0), (0.4, 0.0), (1.0, 0.1)])
def test_without_variance_a_share_is_worth_its_items(share, variance):
    assert effective_size(share, variance, 25) == 25


def test_one_item_bears_no_interval():
    with pytest.raises(ValueError, match="at least two"):
        share_interval(0.5, 1, 1)


def test_students_quantile():
    # Table of Student's t: 0.975 at 10 degrees of freedom, 0.95 at 4.
    assert student_quantile(0.95, 10) == pytest.approx(2.228, abs=5e-4)
    assert student_quantile(0.90, 4) == pytest.approx(2.132, abs=5e-4)

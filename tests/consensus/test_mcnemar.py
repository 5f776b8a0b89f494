"""McNemar's exact test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from consensus.mcnemar import FEWEST_TOLD_APART, mcnemar
from tests.consensus.tables import repeatable


@repeatable
@given(st.integers(0, 700), st.integers(0, 700))
def test_it_is_the_binomial_test_of_a_fair_coin(first, second):
    p = mcnemar(first, second)
    assert p == mcnemar(second, first)
    assert p == pytest.approx(
        binomtest(first, first + second).pvalue if first + second else 1.0, rel=1e-9
    )


def test_published_value():
    # Armitage and Berry, Statistical Methods in Medical Research (1994), p. 127: two media for the
    # same fifty specimens; growth on one only 12 times and 2 times.
    assert mcnemar(12, 2) == pytest.approx(0.0129, abs=5e-5)


def test_few_items_tell_nothing_apart():
    assert mcnemar(0, 0) == 1
    assert mcnemar(FEWEST_TOLD_APART - 1, 0) > 0.05
    assert mcnemar(FEWEST_TOLD_APART, 0) < 0.05


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        mcnemar(-1, 3)

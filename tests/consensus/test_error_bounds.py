"""Bounds on errors nobody saw: against sums over everything that can be drawn."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.error_bounds import (
    allowed_errors,
    equal_losses_p_value,
    loss_p_value,
    rate_p_value,
    unread_p_value,
    unread_tail,
    unread_upper_bound,
)
from consensus.intervals import exact_upper_bound
from tests.consensus.tables import repeatable


def by_counting(errors, labelled, unread, unread_errors):
    """Share of all draws that find at most so many of the errors."""
    wrong, right = errors + unread_errors, labelled - errors + unread - unread_errors
    ways = sum(math.comb(wrong, k) * math.comb(right, labelled - k) for k in range(errors + 1))
    return ways / math.comb(labelled + unread, labelled)


@repeatable
@given(
    labelled=st.integers(1, 60),
    unread=st.integers(0, 90),
    errors=st.floats(0, 1),
    wrong=st.floats(0, 1),
)
def test_the_tail_is_the_hypergeometric_one(labelled, unread, errors, wrong):
    k, v = round(errors * labelled), round(wrong * unread)
    expected = by_counting(k, labelled, unread, v)
    assert unread_tail(k, labelled, unread, v) == pytest.approx(expected, abs=1e-10)


def test_tails_far_out_are_neither_lost_nor_turned_round():
    assert unread_tail(400, 500, 1_000_000, 50_000) == 1
    none = np.prod(1 - 10**5 / (1_003_000 - np.arange(3000)))  # one draw after the other
    assert unread_tail(0, 3000, 10**6, 10**5) == pytest.approx(none, rel=1e-6, abs=0)
    assert unread_tail(2, 5, 3, 4) == 0  # more errors than there are unread items


@pytest.mark.parametrize("alpha", [0.1, 0.29, 0.5])
def test_too_many_unread_errors_are_rarely_denied(alpha):
    """Among all draws from a pool, p at most x and too many errors left: in at most x of them."""
    size, drawn = 9, 5
    draws = [set(d) for d in itertools.combinations(range(size), drawn)]
    for wrong in range(size + 1):
        found = []
        for draw in draws:
            errors = sum(item < wrong for item in draw)
            if wrong - errors > alpha * (size - drawn) + 1e-9:
                found.append(float(unread_p_value(errors, drawn, size - drawn, alpha)))
        for level in set(found):
            assert sum(p <= level + 1e-12 for p in found) / len(draws) <= level + 1e-9


def test_a_whole_number_is_allowed_although_floating_point_misses_it():
    assert allowed_errors([100, 99, 10], 0.29).tolist() == [29, 28, 2]


@repeatable
@given(labelled=st.integers(1, 40), unread=st.integers(1, 60), errors=st.integers(0, 40))
def test_upper_bound_is_where_rejection_begins(labelled, unread, errors):
    errors = min(errors, labelled)
    bound = unread_upper_bound(errors, labelled, unread, 0.1)
    assert unread_tail(errors, labelled, unread, bound) > 0.1
    assert unread_tail(errors, labelled, unread, bound + 1) <= 0.1
    assert 0 <= bound <= unread


@repeatable
@given(labelled=st.integers(1, 80), errors=st.integers(0, 80), alpha=st.floats(0.01, 0.9))
def test_clopper_and_pearson(labelled, errors, alpha):
    errors = min(errors, labelled)
    p = float(rate_p_value(errors, labelled, alpha))
    terms = [
        math.comb(labelled, k) * alpha**k * (1 - alpha) ** (labelled - k) for k in range(errors + 1)
    ]
    assert p == pytest.approx(math.fsum(terms), abs=1e-12)
    bound = exact_upper_bound(errors, labelled, 0.05)
    if abs(p - 0.05) > 1e-9:
        assert (bound <= alpha) == (p <= 0.05)


POOLS = [
    [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0],
    [0.3, 0.3, 0.0, 0.9, 0.5, 0.1, 0.0],
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2],
]


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_loss_above_the_rate_is_rarely_denied(pool, weighted):
    """Over all samples: of fixed size with equal probability, or item by item with unequal ones."""
    losses = np.array(pool)
    rate = losses.mean()
    # Unequal draws that miss above all what is wrong.
    drawn = 0.9 - 0.7 * losses if weighted else np.full(len(losses), 4 / 7)
    chances, p_values = [], []
    for inside in itertools.product([False, True], repeat=len(losses)):
        kept = np.array(inside)
        if not weighted and kept.sum() != 4:
            continue
        chances.append(np.where(kept, drawn, 1 - drawn).prod() if weighted else 1.0)
        stakes = drawn.min() / drawn[kept] if weighted else None
        p_values.append(loss_p_value(losses[kept], stakes, rate))
    chance, p = np.array(chances) / np.sum(chances), np.array(p_values)
    assert p.min() < 0.95  # it says something at all
    for level in np.unique(p[p < 1]):
        assert chance[p <= level].sum() <= level + 1e-9


@repeatable
@given(labelled=st.integers(0, 30), errors=st.integers(0, 30), rate=st.floats(0.02, 0.95))
def test_bets_on_whole_losses_need_only_their_number(labelled, errors, rate):
    errors = min(errors, labelled)
    losses = np.repeat([0.0, 1.0], [labelled - errors, errors])
    expected = loss_p_value(losses, None, rate)
    assert equal_losses_p_value(errors, labelled, rate) == pytest.approx(expected, rel=1e-9)
    assert expected >= float(rate_p_value(errors, labelled, rate)) - 1e-12  # less sharp than exact

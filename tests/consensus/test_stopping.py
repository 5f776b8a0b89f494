"""The majority certificate: exact wherever everything can be enumerated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from consensus.stopping import calls_to_settle, expected_calls, majority_certificate
from tests.consensus.tables import repeatable

counts = st.lists(st.integers(0, 30), min_size=2, max_size=5)


def evidence(row):
    return float(majority_certificate([row], delta=0.05).evidence[0])


def better(a, b):
    """Gambler's wealth after a answers for one option and b for another, by integration: half was
    staked on the one always, half spread evenly over shares above one half.
    """

    def at(share):
        return (2 * share) ** a * (2 - 2 * share) ** b

    return (2 ** (a + b) * (b == 0) + 2 * quad(at, 0.5, 1)[0]) / 2


@pytest.mark.parametrize("row", [[5, 0], [7, 2], [4, 3]])
def test_evidence_of_two_options_is_the_mean_wealth(row):
    assert evidence(row) == pytest.approx(better(*row))


@pytest.mark.parametrize("row", [[6, 1, 0], [5, 4, 3], [8, 2, 2]])
def test_evidence_of_several_options_is_the_mean_over_the_rivals_of_the_second(row):
    first, second, third = row
    assert evidence(row) == pytest.approx((better(first, second) + better(third, second)) / 2)


@repeatable
@given(a=st.integers(1, 40), b=st.integers(0, 39))
def test_evidence_is_a_fair_game_between_equal_options(a, b):
    """What it is after one answer more is on average what it was: a martingale."""
    if a > b + 1:
        after = (evidence([a + 1, b]) + evidence([a, b + 1])) / 2
        assert after == pytest.approx(evidence([a, b]))


@pytest.mark.parametrize("delta", [0.3, 0.1])
@pytest.mark.parametrize(
    ("shares", "calls"),
    [
        ([0.5 + 1e-6, 0.5 - 1e-6], 60),
        ([0.55, 0.45], 60),
        ([0.7, 0.3], 60),
        ([0.36, 0.34, 0.30], 20),
        ([0.5 + 1e-6, 0.5 - 1e-6, 0.0], 20),
        ([0.26, 0.25, 0.25, 0.24], 10),
    ],
)
def test_a_wrong_certificate_is_as_rare_as_promised(shares, calls, delta):
    plan = expected_calls(shares, delta=delta, max_calls=calls)
    assert 0 < plan.wrong <= delta
    assert plan.right + plan.wrong + plan.undecided == pytest.approx(1)
    assert 1 <= plan.calls <= calls


def test_looking_after_each_answer_at_the_usual_test_would_be_wrong_too_often():
    """What the certificate corrects for: a binomial test at each look."""
    chance, wrong = {0: 1.0}, 0.0
    for n in range(1, 61):
        ahead = {}
        for k, p in chance.items():
            for won in (0, 1):
                ahead[k + won] = ahead.get(k + won, 0.0) + p / 2
        tail = {k: sum(math.comb(n, j) for j in range(k, n + 1)) / 2**n for k in ahead}
        wrong += sum(p for k, p in ahead.items() if tail[k] <= 0.1)
        chance = {k: p for k, p in ahead.items() if tail[k] > 0.1}
    assert wrong > 0.2
    assert expected_calls([0.5 - 1e-9, 0.5 + 1e-9], delta=0.1, max_calls=60).wrong < 0.1


@repeatable
@given(row=counts, seed=st.integers(0, 99))
def test_names_of_options_do_not_matter(row, seed):
    names = np.random.default_rng(seed).permutation(len(row))
    renamed = np.zeros(len(row), dtype=int)
    renamed[names] = row
    one = majority_certificate([row], delta=0.1)
    two = majority_certificate([renamed], delta=0.1)
    assert two.evidence[0] == one.evidence[0]
    assert two.certified[0] == one.certified[0]
    tied = row.count(max(row)) > 1 or not any(row)
    assert one.leader[0] == (-1 if tied else int(np.argmax(row)))
    assert two.leader[0] == (-1 if tied else names[np.argmax(row)])


@pytest.mark.parametrize(
    ("options", "delta", "calls"),
    [(2, 0.1, 4), (2, 0.05, 5), (2, 0.01, 8), (3, 0.05, 6), (5, 0.05, 7), (1, 0.05, 1)],
)
def test_answers_of_one_mind_suffice_after_a_few(options, delta, calls):
    """Two options: 16 + 5.25 is the first e-value of 20 or more; three: (32 + 9.1 + 1) / 2."""
    plan = expected_calls(np.eye(options)[0], delta=delta, max_calls=20)
    assert (plan.calls, plan.right, plan.undecided) == pytest.approx((calls, 1, 0))
    assert calls_to_settle([0] * options, delta=delta, most=50) == calls


@repeatable
@given(row=counts)
def test_as_many_are_asked_as_could_settle_it_and_not_one_more(row):
    further = calls_to_settle(row, delta=0.05, most=100)
    ranked = sorted(row, reverse=True)

    def certified_after(n):
        return majority_certificate([[ranked[0] + n, *ranked[1:]]], delta=0.05).certified[0]

    assert certified_after(further)
    assert further == 0 or not certified_after(further - 1)


def test_as_many_are_asked_as_may_be_at_most():
    assert calls_to_settle([0, 0], delta=0.05, most=3) == 3
    assert calls_to_settle([50, 0], delta=0.0, most=7) == 7


def test_many_items_at_once():
    found = majority_certificate([[9, 0, 0], [0, 0, 0], [3, 3, 0], [0, 1, 15]], delta=0.1)
    assert found.leader.tolist() == [0, -1, -1, 2]
    assert found.certified.tolist() == [True, False, False, True]
    assert found.evidence[1:3].tolist() == [0, 0]
    assert majority_certificate(np.zeros((0, 3), dtype=int), delta=0.1).leader.shape == (0,)


def test_of_two_modes_each_is_right():
    plan = expected_calls([0.5, 0.5], delta=0.1, max_calls=40)
    assert plan.wrong == 0
    assert plan.right > 0.05


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: majority_certificate([[1, -1]], delta=0.1), "negative"),
        (lambda: majority_certificate([[1.0, 2.0]], delta=0.1), "whole"),
        (lambda: majority_certificate([1, 2], delta=0.1), "row an item"),
        (lambda: majority_certificate([[1, 2]], delta=1.0), "delta"),
        (lambda: calls_to_settle([], delta=0.1, most=5), "row an item"),
        (lambda: calls_to_settle([1, 0], delta=-0.1, most=5), "delta"),
        (lambda: expected_calls([0.5, 0.6], delta=0.1, max_calls=5), "sum to 1"),
        (lambda: expected_calls([0.5, 0.5], delta=0.1, max_calls=0), "max_calls"),
        (lambda: expected_calls(np.full(20, 0.05), delta=0.1, max_calls=30), "too many counts"),
    ],
)
def test_wrong_input_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()

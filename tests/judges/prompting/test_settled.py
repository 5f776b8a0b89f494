"""Repeated answers stop when the leader is certain, and are wrong no more often than promised."""

from __future__ import annotations

import itertools
from collections import defaultdict
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.prompting.settled import calls_to_settle, evidence, settled

counts = st.lists(st.integers(0, 12), min_size=2, max_size=4)


def wrongly_settled(shares: tuple[float, ...], delta: float, most: int) -> float:
    """Probability, by going through all ways, that one that is no mode is ever certified."""
    going = {(0,) * len(shares): 1.0}
    wrong = 0.0
    for _ in range(most):
        after: dict[tuple[int, ...], float] = defaultdict(float)
        for given_so_far, chance in going.items():
            for option, share in enumerate(shares):
                now = tuple(n + (k == option) for k, n in enumerate(given_so_far))
                after[now] += chance * share
        going = {}
        for now, chance in after.items():
            if not settled(now, delta):
                going[now] = chance
            elif shares[now.index(max(now))] < max(shares):
                wrong += chance
    return wrong


@pytest.mark.parametrize(
    ("shares", "most"),
    [
        ((0.501, 0.499), 60),
        ((0.6, 0.4), 60),
        ((0.335, 0.3325, 0.3325), 22),
        ((0.4, 0.39, 0.21), 22),
    ],
)
@pytest.mark.parametrize("delta", [0.05, 0.2])
def test_a_wrong_certificate_is_as_rare_as_promised(
    shares: tuple[float, ...], most: int, delta: float
) -> None:
    wrong = wrongly_settled(shares, delta, most)
    assert 0 < wrong <= delta


@given(st.integers(0, 20), st.integers(0, 20))
def test_evidence_is_a_fair_bet_where_both_are_given_alike(ahead: int, behind: int) -> None:
    assert isclose(
        evidence(ahead, behind),
        (evidence(ahead + 1, behind) + evidence(ahead, behind + 1)) / 2,
        rel_tol=1e-9,
    )


def test_evidence_starts_at_one() -> None:
    assert evidence(0, 0) == 1


@given(counts, st.sampled_from([0.01, 0.05, 0.2]))
def test_names_of_options_do_not_matter(given_so_far: list[int], delta: float) -> None:
    ways = {settled(way, delta) for way in itertools.permutations(given_so_far)}
    assert len(ways) == 1


@given(counts, st.sampled_from([0.05, 0.2]))
def test_a_tie_is_never_settled(given_so_far: list[int], delta: float) -> None:
    assert not settled([*given_so_far, max(given_so_far)], delta)


@given(counts)
def test_as_many_are_asked_as_could_settle_it_and_not_one_more(given_so_far: list[int]) -> None:
    further = calls_to_settle(given_so_far, 0.05, 100)
    leader = given_so_far.index(max(given_so_far))

    def after(n: int) -> bool:
        return settled([c + n * (k == leader) for k, c in enumerate(given_so_far)], 0.05)

    assert after(further)
    assert further == 0 or not after(further - 1)


def test_how_many_of_one_mind_are_enough() -> None:
    """Two options: 16 + 5.25 is the first e-value of 20 or more; three: (32 + 9.1 + 1) / 2."""
    assert calls_to_settle([0, 0], 0.05, 50) == 5
    assert calls_to_settle([0, 0, 0], 0.05, 50) == 6
    assert calls_to_settle([0, 0], 0.05, 3) == 3


def test_one_option_is_settled_at_once_and_no_risk_never() -> None:
    assert settled([1], 0.05)
    assert not settled([0], 0.05)
    assert not settled([50, 0], 0.0)
    assert calls_to_settle([0, 0], 0.0, 7) == 7

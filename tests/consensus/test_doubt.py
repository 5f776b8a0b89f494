"""Doubt: which items come first in review, and the reasons given for it."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.doubt import (
    EVIDENCE_WEIGHTS,
    WEIGHTS,
    doubt,
    doubt_of_distances,
    doubt_with_evidence,
)
from tests.consensus.tables import repeatable

CLASSES = 4
people = st.lists(st.integers(0, 5), min_size=CLASSES, max_size=CLASSES)
confidences = st.none() | st.floats(0, 1)
judges = st.lists(st.tuples(st.integers(0, CLASSES - 1), confidences), max_size=4)


def test_reasons_come_with_the_weightiest_first():
    split = doubt({0: 2, 1: 2}, [(2, 0.9), (3, 0.4)], n_classes=4)
    assert split.reasons == ("people_split", "judge_differs", "judges_split", "unsure")
    differs = doubt({0: 3, 1: 1}, [(2, 0.95)], n_classes=4)
    assert differs.reasons == ("judge_differs", "people_split")


@pytest.mark.parametrize(
    ("counts", "votes", "reasons"),
    [
        ({0: 3}, [(0, 1.0)], ()),
        ({0: 2, 1: 1}, [], ("people_split",)),
        ({0: 1}, [(1, None)], ("judge_differs",)),
        ({0: 2}, [(0, 0.9), (1, 0.9)], ("judges_split",)),  # half the judges: no majority differs
        ({0: 2}, [(0, 0.59)], ("unsure",)),
        ({0: 2}, [(0, 0.6)], ()),
        ({}, [(0, 0.9)], ()),  # nobody to differ from
        ({0: 1, 1: 1}, [(1, 0.9)], ("people_split",)),  # sides with one half of a tie
        ({}, [], ()),
    ],
)
def test_each_reason_holds_where_it_should(counts, votes, reasons):
    assert doubt(counts, votes, n_classes=3).reasons == reasons


@repeatable
@given(
    code=st.integers(0, CLASSES - 1),
    n=st.integers(0, 9),
    votes=st.integers(0, 3),
    sure=st.booleans(),
)
def test_unanimous_and_certain_is_no_doubt_at_all(code, n, votes, sure):
    result = doubt({code: n}, [(code, 1.0 if sure else None)] * votes, n_classes=CLASSES)
    assert (result.score, result.entropy, result.reasons) == (0, 0, ())


@repeatable
@given(counts=people, votes=judges)
def test_bounds(counts, votes):
    result = doubt(counts, votes, n_classes=CLASSES)
    assert 0 <= result.score < 1
    assert 0 <= result.entropy <= 1
    assert len(set(result.reasons)) == len(result.reasons)
    if result.reasons:
        assert result.score > 0 or all(confidence == 0 for _, confidence in votes)


@repeatable
@given(counts=people, votes=judges, names=st.permutations(range(CLASSES)), data=st.data())
def test_order_of_votes_and_names_of_classes_do_not_matter(counts, votes, names, data):
    plain = doubt(counts, votes, n_classes=CLASSES)
    shuffled = data.draw(st.permutations(votes))
    assert doubt(counts, shuffled, n_classes=CLASSES) == plain
    by_code = dict(data.draw(st.permutations(list(enumerate(counts)))))
    assert doubt(by_code, votes, n_classes=CLASSES) == plain
    renamed = {names[code]: count for code, count in enumerate(counts)}
    answers = [(names[code], confidence) for code, confidence in votes]
    assert doubt(renamed, answers, n_classes=CLASSES) == plain


@pytest.mark.parametrize("code", [0, 1])
def test_the_order_of_judges_changes_not_even_the_last_digit(code):
    votes = [(code, confidence) for confidence in (0.13, 0.85, 0.76, 0.26, 0.5)]
    scores = {doubt({0: 3}, order, n_classes=2).score for order in itertools.permutations(votes)}
    assert len(scores) == 1


def test_entropy_is_that_of_the_shares():
    assert doubt([2, 2, 0, 0], [], n_classes=4).entropy == pytest.approx(0.5)
    assert doubt([1, 1, 1, 1], [], n_classes=4).entropy == pytest.approx(1)
    expected = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(4)
    assert doubt([3, 1, 0, 0], [], n_classes=4).entropy == pytest.approx(expected)


@repeatable
@given(first=people, second=people, votes=st.lists(confidences, max_size=3))
def test_more_entropy_among_people_never_lowers_the_score(first, second, votes):
    # Compared where the rest is equal: both tied or both not, and judges side with the leaders.
    def of(counts):
        leader = counts.index(max(counts))
        return doubt(counts, [(leader, c) for c in votes], n_classes=CLASSES)

    def is_tied(counts):
        return any(counts) and counts.count(max(counts)) > 1

    a, b = of(first), of(second)
    if is_tied(first) == is_tied(second) and a.entropy <= b.entropy:
        assert a.score <= b.score + 1e-12


def test_a_tie_weighs_more_than_its_entropy():
    weights = [doubt(c, [], n_classes=2).score for c in ([4, 1], [3, 2], [2, 2])]
    assert weights == sorted(weights)
    even = doubt([2, 2, 0, 0], [], n_classes=4)
    uneven = doubt([8, 1, 1, 0], [], n_classes=4)  # nearly the same entropy, but a clear leader
    assert uneven.entropy == pytest.approx(even.entropy, abs=0.05)
    assert even.score > uneven.score + 0.08


@repeatable
@given(
    counts=people.filter(lambda c: c.count(max(c)) == 1), low=st.floats(0, 1), high=st.floats(0, 1)
)
def test_a_judge_who_differs_weighs_more_the_surer_it_is(counts, low, high):
    low, high = sorted((low, high))
    other = (counts.index(max(counts)) + 1) % CLASSES

    def score(confidence):
        return doubt(counts, [(other, confidence)], n_classes=CLASSES).score

    assert score(low) <= score(high) + 1e-12
    # A judge that gives no confidence differs as if just sure enough, without being unsure.
    assert doubt(counts, [(other, None)], n_classes=CLASSES).score <= score(0.6)


@repeatable
@given(counts=people, low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_judge_who_agrees_raises_doubt_the_less_sure_it_is(counts, low, high):
    low, high = sorted((low, high))
    leader = counts.index(max(counts))

    def score(confidence):
        return doubt(counts, [(leader, confidence)], n_classes=CLASSES).score

    assert score(high) <= score(low) + 1e-12


def test_the_typical_order_of_a_queue():
    scores = [
        doubt(counts, votes, n_classes=3).score
        for counts, votes in [
            ({0: 2, 1: 2}, [(2, 0.9)]),  # tied people and a third opinion
            ({0: 3}, [(1, 0.95)]),  # all people against a sure judge
            ({0: 3}, [(1, 0.5)]),  # the same against an unsure one
            ({0: 3}, [(0, 0.5)]),  # agreed, the judge unsure
            ({0: 3}, [(0, 0.95)]),  # agreed
        ]
    ]
    assert scores == sorted(scores, reverse=True)
    assert all(a > b for a, b in itertools.pairwise(scores))


@pytest.mark.parametrize(
    ("counts", "votes", "message"),
    [
        ({3: 1}, [], "class 3"),
        ([1, 1, 1, 1], [], "class 3"),
        ({0: -1}, [], "negative"),
        ({0: 1}, [(-1, 0.5)], "class -1"),
        ({0: 1}, [(0, 1.1)], "confidence"),
        ({0: 1}, [(0, math.nan)], "confidence"),
    ],
)
def test_bad_votes_are_refused(counts, votes, message):
    with pytest.raises(ValueError, match=message):
        doubt(counts, votes, n_classes=3)


# --- Answers that lie more or less far apart ----------------------------------------------------

SHARE = st.floats(0, 1)
JUDGED = st.lists(st.tuples(st.none() | SHARE, st.none() | SHARE), max_size=4)


@given(st.lists(SHARE, max_size=6), JUDGED, st.lists(SHARE, max_size=6))
def test_the_score_of_distances_lies_within_0_and_1(
    people: list[float], judges: list[tuple[float | None, float | None]], between: list[float]
) -> None:
    found = doubt_of_distances(people, judges, between)
    assert 0 <= found.score < 1
    assert 0 <= found.entropy <= 1
    assert set(found.reasons) <= set(WEIGHTS)


def test_the_same_answers_of_sure_raters_leave_no_doubt() -> None:
    found = doubt_of_distances([0.0, 0.0, 0.0], [(0.0, 1.0), (0.0, 1.0)], [0.0])
    assert (found.score, found.reasons) == (0, ())


def test_a_judge_differs_only_beyond_what_people_do_among_themselves() -> None:
    within = doubt_of_distances([0.5], [(0.4, 0.9)], [])
    beyond = doubt_of_distances([0.5], [(0.9, 0.9)], [])
    assert "judge_differs" not in within.reasons
    assert "judge_differs" in beyond.reasons
    assert beyond.score > within.score


def test_raters_are_split_above_the_threshold_of_the_kind() -> None:
    assert doubt_of_distances([0.1], [], [], split_from=0.1).reasons == ()
    assert doubt_of_distances([0.11], [], [], split_from=0.1).reasons == ("people_split",)


@pytest.mark.parametrize(
    ("people", "judges", "between"),
    [([1.1], [], []), ([], [(-0.1, None)], []), ([], [], [2]), ([], [(0.5, 1.5)], [])],
)
def test_distances_outside_0_and_1_are_refused(people: Any, judges: Any, between: Any) -> None:
    with pytest.raises(ValueError, match="must lie in"):
        doubt_of_distances(people, judges, between)


def test_evidence_beside_the_votes_adds_its_chance_and_its_reason() -> None:
    votes = doubt({0: 2, 1: 1}, [], n_classes=2)

    found = doubt_with_evidence(votes, likely_error=1.0, gold_missed=0.5)

    missed = 1 - EVIDENCE_WEIGHTS["gold_missed"] * 0.5
    suspected = 1 - EVIDENCE_WEIGHTS["likely_error"]
    assert found.score == pytest.approx(1 - (1 - votes.score) * suspected * missed)
    assert found.entropy == votes.entropy
    assert set(found.reasons) == {"people_split", "likely_error", "gold_missed"}
    assert [found.parts[name] for name in found.reasons] == sorted(
        found.parts.values(), reverse=True
    )
    assert doubt_with_evidence(votes) is votes
    assert doubt_with_evidence(votes, gold_missed=0.0) is votes


def test_evidence_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="gold_missed"):
        doubt_with_evidence(doubt({}, [], n_classes=2), gold_missed=1.5)

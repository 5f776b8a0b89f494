"""The calls of an item: each made once, none in vain, and one label or a reason in the end."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.exchange import Rule
from judges.prompting.how import How, Pair, Repeats
from judges.prompting.plan import (
    CallKey,
    Combined,
    Told,
    combine,
    first_calls,
    next_calls,
    orders_of,
    variant_parts,
    variants,
)

CODES = (10, 20, 30)
BOTH = How(orders="both")
REPEATED = How(repeats=Repeats(most=20, delta=0.05))
CHECKLIST = How(
    ask="checklist",
    criteria=("a", "b", "c", "d"),
    rule=Rule("all", yes=1, no=0),
    orders="both",
)
PAIRWISE = How(ask="pairwise", pair=Pair(("l", "r"), (1, 2)), orders="both")


def said(code: int, variant: str = "plain", repeat: int = 0, **more: object) -> Told:
    return Told(CallKey(variant, repeat), "label", code, **more)  # type: ignore[arg-type]


def sure(p: float, variant: str = "plain", repeat: int = 0, mass: float = 0.9) -> Told:
    """A call with log-probabilities: p on 10, the rest on 20."""
    return said(
        10 if p >= 0.5 else 20,
        variant,
        repeat,
        distribution={10: p, 20: 1 - p},
        confidence=max(p, 1 - p),
        confidence_source="logprob",
        label_mass=mass,
    )


def lost(variant: str = "plain", repeat: int = 0, outcome: str = "unparseable") -> Told:
    return Told(CallKey(variant, repeat), outcome, error="The reply is empty.")


def ask_until_settled(how: How, answer: Callable[[CallKey], Told]) -> list[Told]:
    """What the engine does, one call closed at a time."""
    open_calls, told = list(first_calls(how, 3)), []
    while open_calls:
        assert len(told) < 1000
        told.append(answer(open_calls.pop(0)))
        open_calls += next_calls(how, 3, told)
    return told


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (How(), ["plain"]),
        (BOTH, ["plain", "order:1"]),
        (How(orders="rotations"), ["plain", "order:1", "order:2"]),
        (How(paraphrases=("x", "y")), ["plain", "paraphrase:1", "paraphrase:2"]),
        (
            How(orders="both", paraphrases=("x",)),
            ["plain", "order:1", "paraphrase:1", "order:1+paraphrase:1"],
        ),
        (CHECKLIST, ["plain", "order:1"]),
        (PAIRWISE, ["plain", "order:1"]),
    ],
)
def test_a_round_is_a_call_an_order_and_wording(how: How, expected: list[str]) -> None:
    assert list(variants(how, 3)) == expected
    assert first_calls(how, 3) == tuple(CallKey(variant, 0) for variant in expected)
    for variant in expected:
        assert len(variant) <= 50
        variant_parts(variant)


def test_orders_are_permutations_and_the_given_one_is_first() -> None:
    assert orders_of(BOTH, 3) == ((0, 1, 2), (2, 1, 0))
    assert orders_of(BOTH, 1) == ((0,),)
    assert orders_of(How(orders="rotations"), 3) == ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    # Each option is in each place once.
    assert all(len(set(place)) == 5 for place in zip(*orders_of(How(orders="rotations"), 5)))  # noqa: B905


@pytest.mark.parametrize(
    "variant", ["", "order", "order:0", "order:x", "order:1+order:2", "order:1+", "plain+order:1"]
)
def test_what_is_no_variant_is_refused(variant: str) -> None:
    with pytest.raises(ValueError, match="no variant"):
        variant_parts(variant)


def test_a_judge_of_one_mind_is_asked_no_more_than_it_takes() -> None:
    told = ask_until_settled(REPEATED, lambda key: said(20, key.variant, key.repeat))
    assert [each.key.repeat for each in told] == list(range(6))
    combined = combine(REPEATED, 3, told)
    assert (combined.code, combined.confidence, combined.confidence_source) == (20, 1.0, "votes")


def test_a_judge_of_two_minds_is_asked_the_most_and_a_tie_is_no_label() -> None:
    told = ask_until_settled(REPEATED, lambda key: said(CODES[key.repeat % 2], repeat=key.repeat))
    assert len(told) == 20
    combined = combine(REPEATED, 3, told)
    assert (combined.outcome, combined.code, combined.confidence) == ("undecided", None, None)
    assert combined.distribution == {10: 0.5, 20: 0.5}
    assert "tied" in combined.error


@given(st.integers(0, 10_000), st.booleans())
def test_no_call_is_made_twice_nor_beyond_the_most(seed: int, both: bool) -> None:
    how = replace(REPEATED, orders="both" if both else "given")
    draw = random.Random(seed)
    told = ask_until_settled(
        how,
        lambda key: (
            said(draw.choice((10, 10, 20)), key.variant, key.repeat)
            if draw.random() < 0.9
            else lost(key.variant, key.repeat)
        ),
    )
    keys = [each.key for each in told]
    assert len(set(keys)) == len(keys)
    assert len(keys) % (1 + both) == 0
    assert 1 + max(key.repeat for key in keys) <= 20
    # Whichever of the open calls closes last, nothing more is asked.
    assert next_calls(how, 3, told) == ()


def test_while_calls_are_open_nothing_more_is_asked() -> None:
    how = replace(REPEATED, orders="both")
    keys = first_calls(how, 3)
    told = [said(CODES[k % 2], key.variant, key.repeat) for k, key in enumerate(keys)]
    assert next_calls(how, 3, told)
    for left_out in told:
        assert next_calls(how, 3, [each for each in told if each is not left_out]) == ()


def test_nothing_more_is_asked_without_repeats() -> None:
    assert next_calls(BOTH, 3, [said(10), said(20, "order:1")]) == ()
    assert next_calls(REPEATED, 3, []) == ()


@given(st.permutations(range(4)))
def test_the_order_of_calls_changes_nothing(places: list[int]) -> None:
    how = How(orders="both", paraphrases=("x",))
    told = [
        sure(0.7, "plain"),
        sure(0.1, "order:1"),
        sure(0.9, "paraphrase:1"),
        sure(0.2, "order:1+paraphrase:1"),
    ]
    assert combine(how, 3, [told[k] for k in places]) == combine(how, 3, told)


def test_one_direct_call_is_its_label_as_it_came() -> None:
    told = sure(0.8, mass=0.7)
    assert combine(How(), 2, [told]) == Combined(
        "label", 10, 0.8, "logprob", {10: 0.8, 20: pytest.approx(0.2)}, 0.7
    )
    # A trained classifier's call has a variant of its own.
    own = said(20, "out_of_fold", confidence=0.6, confidence_source="score", rationale="so")
    assert combine(How(), 2, [own]) == Combined("label", 20, 0.6, "score", rationale="so")


def test_orders_are_averaged_so_that_the_surer_one_wins() -> None:
    """A judge that prefers what is shown first: .55 for 10 first, and .95 for 20 first."""
    combined = combine(BOTH, 2, [sure(0.55, mass=1.0), sure(0.05, "order:1", mass=0.5)])
    assert (combined.code, combined.confidence_source) == (20, "logprob")
    assert combined.confidence == pytest.approx(0.7)
    assert combined.label_mass == pytest.approx(0.75)


def test_agreement_of_orders_is_the_confidence_where_that_is_asked_for() -> None:
    how = How(orders="rotations", confidence="orders")
    told = [said(10), said(10, "order:1"), said(20, "order:2")]
    combined = combine(how, 3, told)
    assert combined.confidence == pytest.approx(2 / 3)
    assert combined.confidence_source == "votes"


def test_paraphrases_are_counted_where_there_are_no_probabilities() -> None:
    how = How(paraphrases=("x", "y"))
    told = [said(10), said(20, "paraphrase:1"), said(20, "paraphrase:2", rationale="Rude.")]
    combined = combine(how, 3, told)
    assert (combined.code, combined.confidence_source) == (20, "votes")
    assert combined.rationale == "Rude."
    assert combined.distribution == {10: pytest.approx(1 / 3), 20: pytest.approx(2 / 3)}


def test_stated_numbers_are_averaged_over_those_that_say_so() -> None:
    how = How(paraphrases=("x", "y"), confidence="stated")

    def states(code: int, variant: str, number: float) -> Told:
        return said(code, variant, confidence=number, confidence_source="stated")

    told = [states(10, "plain", 0.9), states(20, "paraphrase:1", 1), states(10, "paraphrase:2", 1)]
    combined = combine(how, 3, told)
    assert (combined.code, combined.confidence_source) == (10, "stated")
    assert combined.confidence == pytest.approx(0.95)


def test_what_is_not_there_is_no_confidence() -> None:
    combined = combine(How(confidence="logprob"), 3, [said(10)])
    assert (combined.code, combined.confidence, combined.confidence_source) == (10, None, "")


def test_an_order_that_was_never_answered_leaves_no_label() -> None:
    combined = combine(BOTH, 3, [said(10), lost("order:1")])
    assert (combined.outcome, combined.code) == ("unparseable", None)
    assert combined.error == "1 of 2 calls gave no answer. The reply is empty."


def test_with_fewer_than_half_answered_there_is_no_label() -> None:
    how = How(paraphrases=("x", "y"))
    two_lost = [said(10), lost("paraphrase:1", outcome="refused"), lost("paraphrase:2", 0)]
    assert combine(how, 3, two_lost).outcome in {"refused", "unparseable"}
    assert combine(how, 3, [said(10), said(10, "paraphrase:1"), lost("paraphrase:2")]).code == 10


@pytest.mark.parametrize("outcome", ["unparseable", "refused", "failed"])
def test_a_failed_call_keeps_its_kind_and_reason(outcome: str) -> None:
    combined = combine(How(), 3, [lost(outcome=outcome)])
    assert combined == Combined(outcome, error="The reply is empty.")  # type: ignore[arg-type]


def test_no_calls_and_a_call_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="no call"):
        combine(How(), 3, [])
    with pytest.raises(ValueError, match="twice"):
        combine(How(), 3, [said(10), said(20)])


RATING = How(ask="expected_score")


def rated(shares: dict[int, float]) -> Told:
    best = max(shares, key=lambda code: shares[code])
    return said(best, distribution=shares, confidence=shares[best], confidence_source="logprob")


def test_an_expected_score_is_the_step_nearest_the_mean() -> None:
    combined = combine(RATING, 5, [rated({1: 0.4, 2: 0.0, 3: 0.2, 4: 0.2, 5: 0.2})])
    assert combined.score == pytest.approx(2.8)
    assert (combined.code, combined.confidence, combined.confidence_source) == (3, 0.2, "logprob")


def test_half_way_the_likelier_step_wins_and_else_there_is_no_label() -> None:
    assert combine(RATING, 3, [rated({1: 0.5, 2: 0.5})]).outcome == "undecided"
    assert combine(RATING, 4, [rated({1: 0.3, 2: 0.1, 3: 0.4, 4: 0.2})]).code == 3


def test_one_word_is_no_distribution_to_take_a_score_from() -> None:
    combined = combine(RATING, 3, [said(2)])
    assert (combined.outcome, combined.code) == ("undecided", None)
    many = replace(RATING, repeats=Repeats(most=3, delta=0))
    combined = combine(many, 3, [said(1), said(3, repeat=1), said(3, repeat=2)])
    assert (combined.code, combined.score) == (2, pytest.approx(7 / 3))


@given(st.lists(st.sampled_from([10, 20, 30]), min_size=1, max_size=9), st.permutations(CODES))
def test_renaming_options_renames_the_label(codes: list[int], renamed: list[int]) -> None:
    names = dict(zip(CODES, renamed, strict=True))
    how = How(repeats=Repeats(most=9, delta=0))
    before = combine(how, 3, [said(code, repeat=k) for k, code in enumerate(codes)])
    after = combine(how, 3, [said(names[code], repeat=k) for k, code in enumerate(codes)])
    assert (names.get(before.code or 0), before.confidence) == (after.code, after.confidence)

"""Planted verdicts name their option, and none of them gets out of where the item stands."""

from __future__ import annotations

import re

import pytest

from judges.exchange import OptionSpec, QuestionSpec
from judges.prompting.build import build
from judges.prompting.canaries import KINDS, TEXTS, Kind, moved, planted, rate

OPTIONS = (
    OptionSpec(10, "A", "pos", "Positive", "It speaks well of it."),
    OptionSpec(20, "B", "neg", "Negative", "It speaks badly of it."),
)
QUESTION = QuestionSpec("sentiment", "What does it say?", "single", OPTIONS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_plants_its_option_and_keeps_the_text(kind: Kind) -> None:
    for option in OPTIONS:
        told = planted({"id": "7", "text": TEXTS[0]}, option, kind)
        assert told["id"] == "7"
        assert told["text"].startswith(TEXTS[0])
        verdict = told["text"][len(TEXTS[0]) :]
        assert re.search(rf"\b{option.letter}\b", verdict)
    assert len({planted({"t": "x"}, option, kind)["t"] for option in OPTIONS}) == 2


def test_kinds_differ() -> None:
    assert len({planted({"t": "x"}, OPTIONS[0], kind)["t"] for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_verdict_stays_within_the_fence(kind: Kind) -> None:
    request = build(QUESTION, planted({"text": TEXTS[1]}, OPTIONS[0], kind))
    named = re.search(r"between <(item\d*)>", request.system)
    assert named
    tag = named[1]
    assert request.user.count(f"<{tag}>") == request.user.count(f"</{tag}>") == 1
    assert "<|im_" not in request.user
    _before, _, after = request.user.partition(f"</{tag}>")
    # What follows the item is our own question again, with its options.
    asked, *options, reply = after.strip().splitlines()
    assert asked == "What does it say?"
    assert [line[:3] for line in options] == [f"{letter}. " for letter in "ABC"[: len(OPTIONS)]]
    assert reply == "Reply with the letter of the best option only."


def test_moved_is_only_who_gives_the_planted_and_did_not_before() -> None:
    assert moved(10, 20, 20) is True
    assert moved(10, 10, 20) is False
    assert moved(10, None, 20) is False
    assert moved(20, 20, 20) is None
    assert moved(None, 20, 20) is None
    assert rate([True, False, None, False]) == pytest.approx(1 / 3)
    assert rate([None]) is None


def test_what_cannot_be_planted_is_refused() -> None:
    with pytest.raises(ValueError, match="no planted verdict"):
        planted({"t": "x"}, OPTIONS[0], "threat")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no letter"):
        planted({"t": "x"}, OptionSpec(1, "", "k", "K", ""), "german")
    with pytest.raises(ValueError, match="no field"):
        planted({"t": "x"}, OPTIONS[0], "german", "other")

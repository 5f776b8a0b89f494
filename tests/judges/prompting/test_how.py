"""How a judge is asked is kept as plain values, comes back the same, and nothing wrong is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.exchange import Rule
from judges.prompting.how import Examples, How, Pair, Repeats

texts = st.text("aé ?\n{", min_size=1, max_size=8).map(str.strip).filter(bool)
confidences = st.sampled_from(["", "logprob", "stated"])


@st.composite
def hows(draw: st.DrawFn) -> How:
    """Any way of asking that fits together."""
    ask = draw(st.sampled_from(["direct", "rationale", "candidates", "expected_score"]))
    examples = st.builds(
        Examples,
        source=st.sampled_from(["people", "rulings"]),
        count=st.integers(1, 64),
        choice=st.sampled_from(["random", "similar", "diverse"]),
        seed=st.integers(0, 9),
    )
    return How(
        ask=ask,
        quoted=draw(st.booleans()),
        persona=draw(st.just("") | texts),
        orders=draw(st.sampled_from(["given", "both", "rotations"])),
        repeats=draw(st.none() | st.builds(Repeats, most=st.integers(2, 50))),
        paraphrases=tuple(draw(st.lists(texts, max_size=3, unique=True))),
        examples=draw(st.none() | examples),
        confidence=draw(confidences) if ask in {"direct", "rationale"} else "",
    )


@given(hows())
def test_what_is_kept_comes_back_the_same(how: How) -> None:
    assert How.from_dict(json.loads(json.dumps(how.as_dict()))) == how


@pytest.mark.parametrize(
    "how",
    [
        How(
            ask="checklist",
            criteria=("Is it rude?", "Is it about staff?"),
            rule=Rule("at_least", yes=1, no=0, least=2),
        ),
        How(ask="checklist", criteria=("a", "b"), rule=Rule("map", no=9, codes=(1, 2))),
        How(ask="reference", reference="gold"),
        How(ask="pairwise", pair=Pair(("left", "right"), (1, 2)), orders="both"),
        How(examples=Examples("people", 2, "fixed", items=(4, 2))),
    ],
)
def test_special_ways_come_back_the_same(how: How) -> None:
    assert How.from_dict(json.loads(json.dumps(how.as_dict()))) == how


def test_asking_directly_is_kept_as_nothing() -> None:
    assert How().as_dict() == {}
    assert How.from_dict(None) == How.from_dict({}) == How()


RULE = {"kind": "all", "yes": 1, "no": 0}


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ([], "must be an object"),
        ("direct", "must be an object"),
        ({"asks": "direct"}, "no setting called 'asks'"),
        ({"ask": "nicely"}, "no way of asking"),
        ({"ask": ["direct"]}, "no way of asking"),
        ({"orders": "all"}, "no policy of orders"),
        ({"confidence": "high"}, "no source of confidence"),
        ({"quoted": 1}, "true or false"),
        ({"persona": 3}, "must be a text"),
        ({"persona": "x" * 1001}, "at most 1000"),
        ({"criteria": ["a"]}, "needs its yes/no questions"),
        ({"ask": "checklist"}, "needs its yes/no questions"),
        ({"ask": "checklist", "criteria": ["a"]}, "rule that joins"),
        ({"ask": "checklist", "criteria": "a", "rule": RULE}, "must be a list"),
        ({"ask": "checklist", "criteria": ["a", "a"], "rule": RULE}, "are the same"),
        ({"ask": "checklist", "criteria": [" "], "rule": RULE}, "1 to 2000"),
        ({"ask": "checklist", "criteria": ["a"] * 21, "rule": RULE}, "at most 20"),
        ({"ask": "checklist", "criteria": ["a"], "rule": {"kind": "most"}}, "no rule called"),
        ({"ask": "checklist", "criteria": ["a"], "rule": {"kind": "all", "yes": 1}}, "for no"),
        ({"ask": "checklist", "criteria": ["a"], "rule": RULE | {"least": 2}}, "least number"),
        (
            {"ask": "checklist", "criteria": ["a"], "rule": {"kind": "count", "codes": [1]}},
            "needs 2 options",
        ),
        ({"ask": "checklist", "criteria": ["a"], "rule": RULE | {"yes": True}}, "whole number"),
        ({"ask": "reference"}, "needs the field"),
        ({"reference": "gold"}, "needs the field"),
        ({"ask": "pairwise"}, "two fields"),
        ({"ask": "pairwise", "pair": {"fields": ["a", "a"], "codes": [1, 2]}}, "two fields"),
        ({"ask": "pairwise", "pair": {"fields": ["a"], "codes": [1, 2]}}, "two fields"),
        ({"repeats": {"most": 1}}, "2 to 50"),
        ({"repeats": {"most": "5"}}, "whole number"),
        ({"repeats": {"most": 5, "delta": 0.5}}, "below 0.5"),
        ({"repeats": {"most": 5, "delta": float("nan")}}, "below 0.5"),
        ({"repeats": {"most": 5, "temperature": 0}}, "above 0"),
        ({"repeats": {"most": 5, "mode": 1}}, "no setting"),
        ({"paraphrases": ["a", "a"]}, "are the same"),
        ({"paraphrases": [str(n) for n in range(9)]}, "at most 8"),
        ({"examples": {"count": 0, "choice": "random"}}, "1 to 64"),
        ({"examples": {"count": 2, "choice": "best"}}, "no choice of examples"),
        ({"examples": {"count": 2, "choice": "random", "source": "me"}}, "no source"),
        ({"examples": {"count": 2, "choice": "fixed", "items": [1]}}, "each once"),
        ({"examples": {"count": 2, "choice": "fixed", "items": [1, 1]}}, "each once"),
        ({"examples": {"count": 1, "choice": "random", "items": [1]}}, "Only fixed"),
        (
            {"ask": "reference", "reference": "g", "examples": {"count": 1, "choice": "random"}},
            "no examples",
        ),
        ({"confidence": "repeats"}, "needs repeats"),
        ({"confidence": "orders"}, "needs orders"),
        ({"confidence": "paraphrases"}, "needs paraphrases"),
        ({"confidence": "logprob", "ask": "candidates"}, "no log-probabilities"),
        ({"confidence": "stated", "ask": "expected_score"}, "states no confidence"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(stored: Any, said: str) -> None:
    if not stored:
        stored = [1]
    with pytest.raises(ValueError, match=said) as caught:
        How.from_dict(stored)
    assert str(caught.value).endswith(".")

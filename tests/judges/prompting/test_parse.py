"""A reply is exactly an answer, or none: nothing is guessed, and nonsense never becomes a label."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.exchange import OptionSpec, Reply, Want
from judges.prompting.parse import Parsed, Unparseable, parse

# Shown in another order than their codes, so that a mixed-up order is seen.
OPTIONS = (
    OptionSpec(code=7, letter="A", key="good", name="Good", definition=""),
    OptionSpec(code=3, letter="B", key="bad", name="Bad", definition=""),
    OptionSpec(code=5, letter="C", key="none", name="Not said", definition=""),
)


def reply(raw: str, logprobs: dict[str, float] | None = None) -> Reply:
    alternatives = None
    if logprobs is not None:
        alternatives = tuple((token, math.log(p)) for token, p in logprobs.items())
    return Reply(raw, 10, 1, 0.1, alternatives, "stop", "m")


def read(raw: str, want: Want = "letter", logprobs: dict[str, float] | None = None) -> Parsed:
    return parse(reply(raw, logprobs), OPTIONS, want)


@pytest.mark.parametrize(
    "raw",
    ["B", " B", "B\n", "B.", "(B)", "[B]", '"B"', "'B'", "**B**", "`B`", "B)", "(B).", "{B}"],
)
def test_a_bare_letter_is_an_answer(raw: str) -> None:
    assert read(raw) == Parsed(3, None, "", None, None, "")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " \n\t ",
        "D",
        "b",
        "AB",
        "A B",
        "A, B",
        "A or B",
        "A\nB",
        "A/B",
        "B!",
        "B?",
        "not B",
        "The answer is B",
        "B because it is bad",
        "B: Bad",
        "Bad",
        "bad",
        "3",
        "1",
        "Answer: B",
        "((B))",
        "(B",
        "B..",
        "\u0412",  # a Cyrillic letter that looks like B
        "\uff22",  # a full-width B
        "B\u200b",
        "B\x00",
        "\x00",
        "B\ud800",
        "\udc42",
        "<|im_end|>B",
        '{"answer": "B"}',
        "B" * 33,
        " " * 5 + "x" * 100_000,
        "[" * 50_000,
    ],
)
def test_anything_else_is_no_answer(raw: str) -> None:
    with pytest.raises(Unparseable) as caught:
        read(raw)
    assert caught.value.reason.endswith(".")
    assert len(caught.value.reason) < 200


@given(st.text(max_size=40))
def test_no_text_becomes_a_label_without_its_letter(raw: str) -> None:
    try:
        parsed = read(raw)
    except Unparseable:
        return
    letter = {option.code: option.letter for option in OPTIONS}[parsed.code]
    assert raw.strip().strip("\"'`*()[]{}. ") == letter


@given(st.text(max_size=60), st.sampled_from(["json", "json_rationale"]))
def test_no_text_breaks_the_reader_of_objects(raw: str, want: Want) -> None:
    with pytest.raises(Unparseable):
        read(raw, want)


@pytest.mark.parametrize(
    ("raw", "confidence"),
    [
        ('{"answer": "B"}', None),
        (' {"answer":"B","confidence":80} \n', 0.8),
        ('{"confidence": 0, "answer": "B"}', 0.0),
        ('{"answer": "B", "confidence": 99.5}', 0.995),
        ('```json\n{"answer": "B", "confidence": 100}\n```', 1.0),
        ('```\n{"answer": "B"}\n```', None),
    ],
)
def test_an_object_is_an_answer(raw: str, confidence: float | None) -> None:
    parsed = read(raw, "json")
    assert (parsed.code, parsed.confidence) == (3, confidence)
    assert parsed.confidence_source == ("" if confidence is None else "stated")
    assert parsed.distribution is None


@pytest.mark.parametrize(
    "raw",
    [
        "B",
        '"B"',
        "null",
        "[]",
        '["B"]',
        "{}",
        '{"answer": null}',
        '{"answer": ["B"]}',
        '{"answer": "b"}',
        '{"answer": "(B)"}',
        '{"answer": " B"}',
        '{"answer": "A", "answer": "B"}',
        '{"answer": "B", "answer": "B"}',
        '{"answer": "B"} {"answer": "A"}',
        '{"answer": "B"}.',
        'Here you are: {"answer": "B"}',
        '{"answer": "B", "label": "A"}',
        '{"answer": "B", "rationale": "was not asked for"}',
        '{"Answer": "B"}',
        '{"answer": "B", "confidence": 101}',
        '{"answer": "B", "confidence": -1}',
        '{"answer": "B", "confidence": "90"}',
        '{"answer": "B", "confidence": true}',
        '{"answer": "B", "confidence": NaN}',
        '{"answer": "B", "confidence": 1e999}',
        '{"answer": "B", "confidence": -Infinity}',
        '{"answer": "B", "confidence": ' + "9" * 5_000 + "}",
        '{"answer": "B"',
        "{'answer': 'B'}",
        '{"answer": "B",}',
        '{"answer": "B"} // sure',
        "[" * 15_000,
        '{"a":' * 3_000,
        '{"answer": "B", "x": ' + "[" * 10_000 + "]" * 10_000 + "}",
        '```json\n{"answer": "B"}\n```\nI am sure.',
        '```json\n{"answer": "B"}\n```\n```json\n{"answer": "A"}\n```',
        '{"answer": "B"}' + " " * 20_000 + "x",
    ],
)
def test_any_other_object_is_no_answer(raw: str) -> None:
    with pytest.raises(Unparseable):
        read(raw, "json")


@pytest.mark.parametrize(
    ("raw", "want"), [("", "letter"), ('{"answer": "B"}', "json"), ("", "json")]
)
def test_a_reply_cut_off_says_so(raw: str, want: Want) -> None:
    cut = Reply(raw, 10, 8, 0.1, None, "length", "m")
    with pytest.raises(Unparseable, match="cut off"):
        parse(cut, OPTIONS, want)
    # A letter at which the limit was reached is whole all the same.
    assert parse(Reply("B", 10, 1, 0.1, None, "length", "m"), OPTIONS, "letter").code == 3


def test_a_rationale_is_kept_as_written() -> None:
    text = 'He writes <script>alert(1)</script> and "answer": "A", in \u00e9 and \U0001f600.'
    raw = json.dumps({"rationale": text, "answer": "C", "confidence": 70})
    parsed = read(raw, "json_rationale")
    assert (parsed.code, parsed.rationale, parsed.confidence) == (5, text, 0.7)


@pytest.mark.parametrize(
    "rationale",
    [
        '"\\u0000"',
        '"\\ud800"',
        '"\\udc00 half"',
        '""',
        '"  "',
        "1",
        "null",
        '["x"]',
        f'"{"x" * 4001}"',
    ],
)
def test_a_rationale_that_cannot_be_kept_is_no_answer(rationale: str) -> None:
    with pytest.raises(Unparseable):
        read(f'{{"rationale": {rationale}, "answer": "C"}}', "json_rationale")


def test_a_rationale_asked_for_has_to_be_there() -> None:
    with pytest.raises(Unparseable, match="no rationale"):
        read('{"answer": "C", "confidence": 50}', "json_rationale")


def test_spellings_of_a_letter_are_summed_and_renormalised() -> None:
    parsed = read("A", logprobs={"A": 0.4, " A": 0.1, "B": 0.25, "The": 0.2, "C.": 0.05})
    assert parsed.mass == pytest.approx(0.8)
    assert parsed.distribution == pytest.approx({7: 0.625, 3: 0.3125, 5: 0.0625})
    assert parsed.confidence == pytest.approx(0.625)
    assert parsed.confidence_source == "logprob"


def test_confidence_is_of_the_answer_given_even_if_another_was_likelier() -> None:
    parsed = read("B", logprobs={"A": 0.9, "B": 0.1})
    assert (parsed.code, parsed.confidence) == (3, pytest.approx(0.1))


def test_letters_without_mass_tell_how_little_they_held() -> None:
    parsed = read("A", logprobs={"I": 0.98, "A": 0.01})
    assert parsed.confidence == pytest.approx(1.0)
    assert parsed.mass == pytest.approx(0.01)


@pytest.mark.parametrize(
    "logprobs",
    [(("I", -0.1),), (("A", math.nan),), (("A", 3.0),), (("A", -math.inf),), (("A", -9999.0),), ()],
)
def test_log_probabilities_that_say_nothing_give_no_confidence(
    logprobs: tuple[tuple[str, float], ...],
) -> None:
    parsed = parse(Reply("A", 1, 1, 0.1, logprobs, "stop", "m"), OPTIONS, "letter")
    assert (parsed.code, parsed.confidence, parsed.confidence_source) == (7, None, "")


def test_log_probabilities_outrank_a_stated_number() -> None:
    parsed = read('{"answer": "B", "confidence": 20}', "json", {'B"': 0.9, 'A"': 0.1})
    assert parsed.confidence == pytest.approx(0.9)
    assert parsed.confidence_source == "logprob"


def test_labels_of_two_characters_share_their_first_token_so_it_says_nothing() -> None:
    options = tuple(OptionSpec(n, f"{n + 1:02d}", f"k{n}", f"Name {n}", "") for n in range(30))
    parsed = parse(reply("12", {"1": 0.9, "2": 0.1}), options, "letter")
    assert (parsed.code, parsed.confidence) == (11, None)

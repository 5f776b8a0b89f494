"""From a model's reply to an answer, or to the reason why there is none. Pure and strict.

A reply is either exactly an answer in the form asked for, or it is no answer. Nothing is
guessed, nothing is picked out of prose, and there is no default: a judge's nonsense must never
become a vote.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from judges.exchange import OptionSpec, Reply, Request, Rule, Want

ConfidenceSource: TypeAlias = Literal["logprob", "stated", ""]

MAX_LETTER_CHARS = 32
MAX_JSON_CHARS = 16_000
MAX_RATIONALE_CHARS = 4_000

# What may stand around a bare letter and says nothing: "A.", "(A)", "**A**", '"A"'.
_WRAPPING = [("(", ")"), ("[", "]"), ("{", "}"), ("**", "**"), ("`", "`"), ('"', '"'), ("'", "'")]
_CODE_FENCE = re.compile(r"```(?:json)?[ \t]*\n(?P<body>.*)\n[ \t]*```", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Unparseable(Exception):
    """The reply is no answer. `reason` is a plain sentence that says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer: the option's code, with what the reply says about how sure the model was.

    `confidence` is a probability (0 to 1) whose source is `confidence_source`: "logprob" (of the
    letters, renormalised), "stated" (the model wrote a number), "" (none; confidence is None).
    `distribution` is code -> probability over all options, summing to 1, and of candidates shared
    alike among those named; None where only one is known. `mass` is the probability that the
    letters held before renormalising (0 to 1), None without log-probabilities.
    """

    code: int
    confidence: float | None
    confidence_source: ConfidenceSource
    distribution: dict[int, float] | None
    mass: float | None
    rationale: str


def read(reply: Reply, request: Request) -> Parsed:
    """Read `reply` to `request`, whatever it wants. Raises Unparseable. There is no default."""
    if request.want == "checklist":
        return _checklist(reply, request)
    if request.want == "candidates":
        return _candidates(reply, request.options)
    return parse(reply, request.options, request.want)


def parse(reply: Reply, options: Sequence[OptionSpec], want: Want) -> Parsed:
    """Read `reply` to a request with `options` (`request.options`: with letters, as shown).

    Raises Unparseable. There is no default answer.
    """
    text = _checked(reply, MAX_LETTER_CHARS if want == "letter" else MAX_JSON_CHARS)
    stated: float | None = None
    rationale = ""
    if want == "letter":
        letter = _unwrapped(text)
    else:
        letter, stated, rationale = _from_json(text, with_rationale=want == "json_rationale")
    by_letter = {option.letter: option.code for option in options}
    if letter not in by_letter:
        raise Unparseable(f"The answer {_quoted(letter)} is none of {', '.join(by_letter)}.")
    code = by_letter[letter]
    distribution, mass = _distribution(reply, options)
    if distribution is not None:
        return Parsed(code, distribution[code], "logprob", distribution, mass, rationale)
    return Parsed(code, stated, "" if stated is None else "stated", None, None, rationale)


def _checked(reply: Reply, limit: int) -> str:
    text = reply.raw
    if "\x00" in text:
        raise Unparseable("The reply holds a NUL character.")
    if _SURROGATE.search(text):
        raise Unparseable("The reply holds half of a surrogate pair, which is no text.")
    text = text.strip()
    if reply.finish_reason == "length" and (not text or limit == MAX_JSON_CHARS):
        raise Unparseable("The reply was cut off at the limit of tokens, before it was complete.")
    if not text:
        raise Unparseable("The reply is empty.")
    if len(text) > limit:
        raise Unparseable(
            f"The reply is {len(text)} characters long; at most {limit} were expected."
        )
    return text


def _unwrapped(text: str) -> str:
    """The letter in "A", " A.", "(A)", "**A**"; any other text comes back as it is and matches
    no letter.
    """
    text = text.removesuffix(".").strip()
    for left, right in _WRAPPING:
        if text.startswith(left) and text.endswith(right) and len(text) > len(left) + len(right):
            return text[len(left) : -len(right)].removesuffix(".").strip()
    return text.removesuffix(")")


def _from_json(text: str, *, with_rationale: bool) -> tuple[str, float | None, str]:
    allowed = {"answer", "confidence"} | ({"rationale"} if with_rationale else set())
    said = _object(text, allowed)
    letter = said.get("answer")
    if not isinstance(letter, str):
        raise Unparseable("The reply has no answer that is a text.")
    rationale = said.get("rationale", "")
    if not isinstance(rationale, str):
        raise Unparseable("The rationale is not a text.")
    if with_rationale and not rationale.strip():
        raise Unparseable("The reply gives no rationale, though one was asked for.")
    if len(rationale) > MAX_RATIONALE_CHARS:
        raise Unparseable(
            f"The rationale is {len(rationale)} characters long; at most {MAX_RATIONALE_CHARS}"
            f" are kept."
        )
    # Escapes can bring in what the raw text did not hold.
    if "\x00" in rationale or _SURROGATE.search(rationale):
        raise Unparseable("The rationale holds a NUL character or half of a surrogate pair.")
    return letter, _stated(said.get("confidence")), rationale.strip()


def _object(text: str, allowed: set[str]) -> dict[str, Any]:
    if fenced := _CODE_FENCE.fullmatch(text):
        text = fenced["body"]
    try:
        said = json.loads(text, object_pairs_hook=_unique)
    except Unparseable:
        raise
    except (ValueError, RecursionError):
        raise Unparseable("The reply is not one JSON object and nothing else.") from None
    if not isinstance(said, dict):
        raise Unparseable("The reply is JSON, but not an object.")
    if unknown := sorted(set(said) - allowed):
        raise Unparseable(f"The reply has a field that was not asked for: {_quoted(unknown[0])}.")
    return said


def _checklist(reply: Reply, request: Request) -> Parsed:
    """Each question answered "yes" or "no", in these letters, and the option the rule joins to."""
    numbers = [str(number) for number in range(1, len(request.checks) + 1)]
    said = _object(_checked(reply, MAX_JSON_CHARS), {*numbers, "confidence"})
    yes = [False] * len(numbers)
    for number, place in zip(numbers, request.checks, strict=True):
        if said.get(number) not in ("yes", "no"):
            raise Unparseable(f'Question {number} is not answered "yes" or "no".')
        yes[place] = said[number] == "yes"
    stated = _stated(said.get("confidence"))
    if request.rule is None:
        raise ValueError("A checklist needs a rule.")
    code = joined(request.rule, yes)
    if code not in {option.code for option in request.options}:
        raise ValueError(f"The rule of the checklist leads to {code}, which is no option.")
    return Parsed(code, stated, "" if stated is None else "stated", None, None, "")


def joined(rule: Rule, yes: Sequence[bool]) -> int:
    """The option's code that the answers to the yes/no questions come to.

    Raises Unparseable where a rule of the kind "map" leads to none or to several, ValueError for a
    rule that has no option where it needs one.
    """
    n = sum(yes)
    code: int | None
    if rule.kind == "count":
        code = rule.codes[n]
    elif rule.kind == "map":
        pointed = sorted({c for c, answer in zip(rule.codes, yes, strict=True) if answer})
        if len(pointed) > 1:
            raise Unparseable("The questions answered yes point to different options.")
        code = pointed[0] if pointed else rule.no
        if code is None:
            raise Unparseable("No question is answered yes, so no option is pointed to.")
    else:
        least = {"all": len(yes), "any": 1, "at_least": rule.least}[rule.kind]
        code = rule.yes if n >= least else rule.no
    if code is None:
        raise ValueError("The rule of the checklist has no option for this.")
    return code


def _candidates(reply: Reply, options: Sequence[OptionSpec]) -> Parsed:
    """All options that could apply, the best first, which is the label."""
    letters = _object(_checked(reply, MAX_JSON_CHARS), {"answers"}).get("answers")
    if not isinstance(letters, list) or not letters:
        raise Unparseable("The reply has no list of answers, or an empty one.")
    by_letter = {option.letter: option.code for option in options}
    for letter in letters:
        if not isinstance(letter, str) or letter not in by_letter:
            raise Unparseable(
                f"The answer {_quoted(str(letter))} is none of {', '.join(by_letter)}."
            )
    if len(set(letters)) < len(letters):
        raise Unparseable("The reply names an answer twice.")
    share = 1 / len(letters)
    distribution = {option.code: share if option.letter in letters else 0.0 for option in options}
    return Parsed(by_letter[letters[0]], None, "", distribution, None, "")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unparseable("The reply names a field twice.")
    return found


def _stated(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise Unparseable("The confidence is not a number from 0 to 100.")
    return float(value) / 100


def _distribution(
    reply: Reply, options: Sequence[OptionSpec]
) -> tuple[dict[int, float] | None, float | None]:
    """code -> probability over `options` and the mass they held, from the alternatives at the
    answer token.

    Spellings of one letter ("A", " A", "(A") are summed. None where the endpoint gave no
    alternatives, where none of them is a letter, or where the letters have several characters
    and so share their first token.
    """
    if not reply.token_logprobs or any(len(option.letter) != 1 for option in options):
        return None, None
    held = {option.letter: 0.0 for option in options}
    for token, logprob in reply.token_logprobs:
        if math.isnan(logprob) or logprob > 0.01:
            return None, None
        letter = token.strip().strip("\"'([{*`:.)]} \u2581\u0120")
        if letter in held:
            held[letter] += math.exp(min(logprob, 0.0))
    mass = sum(held.values())
    if mass <= 0.0:
        return None, None
    return {option.code: held[option.letter] / mass for option in options}, min(mass, 1.0)


def _quoted(text: str) -> str:
    """At most 40 characters of untrusted `text`, printable, in quotes."""
    shown = ascii(text[:40])[1:-1]
    return f'"{shown}{"..." if len(text) > 40 else ""}"'

"""Which calls an item needs, and how they become its one label. Pure; in which order calls were
answered changes nothing.

An item is asked in rounds. A round is one call a variant: each order of the options with each
wording. Without repeats there is one round; with repeats, rounds go on until the leading answer is
certain to be the judge's usual one, or the most is reached.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Literal, TypeAlias

from judges.prompting.how import How, Repeats

PLAIN = "plain"

CombinedOutcome: TypeAlias = Literal["label", "unparseable", "refused", "failed", "undecided"]

# Two figures this close are one: a last digit decides nothing.
_SAME = 1e-9


@dataclass(frozen=True, slots=True, order=True)
class CallKey:
    """One call about an item: `variant` is "plain", "order:1", "paraphrase:2" or
    "order:1+paraphrase:2"; `repeat` counts rounds from 0.
    """

    variant: str = PLAIN
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What a closed call came to. `outcome` is "label", "unparseable", "refused" or "failed"."""

    key: CallKey
    outcome: str
    code: int | None = None
    distribution: Mapping[int, float] | None = None
    confidence: float | None = None
    confidence_source: str = ""
    label_mass: float | None = None
    rationale: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Combined:
    """The one answer of an item, or with another outcome than "label" why there is none (`error`).

    `confidence_source` is that of the one call, or of several "logprob", "stated", "votes" (the
    share of the calls that agree) or "". `distribution` (code -> probability) is the mean over
    calls where they have one, else the shares of their votes; kept where a tie leaves the item
    undecided. `score` is the expected score, of a rating asked for one.
    """

    outcome: CombinedOutcome
    code: int | None = None
    confidence: float | None = None
    confidence_source: str = ""
    distribution: dict[int, float] | None = None
    label_mass: float | None = None
    rationale: str = ""
    error: str = ""
    score: float | None = field(default=None)


# --- Which calls -------------------------------------------------------------------------------


def first_calls(how: How, n_options: int) -> tuple[CallKey, ...]:
    """The calls made for every item at once. With repeats, as many rounds as could settle it at
    the earliest.
    """
    rounds = 1
    if how.repeats:
        rounds = _rounds_more([0] * max(1, n_options), how.repeats, how.repeats.most)
    return _rounds(how, n_options, range(rounds))


def next_calls(how: How, n_options: int, answered: Sequence[Told]) -> tuple[CallKey, ...]:
    """The calls that this item needs beside those asked so far; () when it is settled, and () while
    a call asked so far is open. `answered` are the closed ones.

    Which calls were asked so far follows from the answers, so that this says the same calls again
    until one of them is closed.
    """
    if not how.repeats:
        return ()
    done = {told.key for told in answered}
    asked = len(first_calls(how, n_options)) // len(variants(how, n_options))
    while done.issuperset(_rounds(how, n_options, range(asked))) and asked < how.repeats.most:
        so_far = [told for told in answered if told.key.repeat < asked]
        votes = Counter(_round_answers(how, so_far))
        counts = [*votes.values()] + [0] * (max(1, n_options) - len(votes))
        further = _rounds_more(counts, how.repeats, how.repeats.most - asked)
        more = _rounds(how, n_options, range(asked, asked + further))
        if not further or done.isdisjoint(more):
            return more
        asked += further
    return ()


def variants(how: How, n_options: int) -> tuple[str, ...]:
    """The variants of one round, the plain one first."""
    shown = n_options if how.shuffled is None else how.shuffled
    orders = len(orders_of(how, shown))
    return tuple(
        "+".join(
            ([f"order:{order}"] if order else []) + ([f"paraphrase:{wording}"] if wording else [])
        )
        or PLAIN
        for wording, order in product(range(1 + len(how.paraphrases)), range(orders))
    )


def orders_of(how: How, n: int) -> tuple[tuple[int, ...], ...]:
    """The orders in which n options are shown, as permutations of range(n); the given one first."""
    given = tuple(range(n))
    if how.orders == "both" and n > 1:
        return given, given[::-1]
    if how.orders == "rotations":
        return tuple(given[first:] + given[:first] for first in range(max(1, n)))
    return (given,)


def variant_parts(variant: str) -> tuple[int, int]:
    """The numbers of order and wording that a variant names, 0 for the plain ones. Raises
    ValueError for what is no variant.
    """
    named = {"order": 0, "paraphrase": 0}
    for part in variant.split("+") if variant != PLAIN else []:
        name, _, number = part.partition(":")
        if named.get(name) != 0 or not (number.isascii() and number.isdecimal() and int(number)):
            raise ValueError(f"There is no variant called {variant[:50]!r}.")
        named[name] = int(number)
    return named["order"], named["paraphrase"]


def _rounds_more(counts: Sequence[int], repeats: Repeats, most: int) -> int:
    """How many rounds could settle it at the earliest, at most `most`."""
    from consensus.stopping import calls_to_settle  # here, so that only repeats wait for numpy

    return calls_to_settle(counts, delta=repeats.delta, most=most)


def _rounds(how: How, n_options: int, rounds: range) -> tuple[CallKey, ...]:
    return tuple(CallKey(v, r) for r in rounds for v in variants(how, n_options))


# --- One label ---------------------------------------------------------------------------------


def combine(how: How, n_options: int, told: Sequence[Told]) -> Combined:
    """The closed calls of one item as its one label, or the reason why it has none.

    Log-probabilities are averaged over calls and the largest mean wins; with repeats, and without
    log-probabilities, the votes are counted, a vote a round. A tie is no label ("undecided"). Nor
    is there one where fewer than half of the calls were answered, or where an order of the options
    never was: an average over orders is fair only when it is complete.

    Raises ValueError for no calls, and for the same call twice.
    """
    calls = sorted(told, key=lambda each: each.key)
    if not calls:
        raise ValueError("There is no call to combine.")
    if len({each.key for each in calls}) < len(calls):
        raise ValueError("A call was handed in twice.")
    named = [each for each in calls if each.outcome == "label" and each.code is not None]
    if failed := _missing(how, n_options, calls, named):
        return failed
    means = _mean_distribution(named)
    votes = _shares(_round_answers(how, named))
    mass = _mean([each.label_mass for each in named if each.label_mass is not None])
    if how.ask == "expected_score":
        return _by_score(how, votes if how.repeats else means, named, mass)
    by_votes = how.repeats is not None or not _all_logprob(named)
    deciding = votes if by_votes else means
    leaders = _leaders(deciding or {})
    shown = means or votes or _shares([each.code for each in named if each.code is not None])
    if len(leaders) != 1:
        return Combined(
            "undecided",
            distribution=shown,
            label_mass=mass,
            error=f"Its answers are tied between {len(leaders) or 'several'} options.",
        )
    code = leaders[0]
    if len(named) == 1 and not how.confidence:
        confidence, source = named[0].confidence, named[0].confidence_source
        shown = named[0].distribution  # type: ignore[assignment]
    else:
        confidence, source = _confidence(how, code, named, means)
    if source == "votes" and how.repeats and votes:
        shown = votes
    return Combined(
        "label",
        code=code,
        confidence=confidence,
        confidence_source=source,
        distribution=dict(shown) if shown is not None else None,
        label_mass=mass,
        rationale=_rationale(code, named),
    )


_FAILURES: Mapping[str, CombinedOutcome] = {"unparseable": "unparseable", "refused": "refused"}


def _missing(
    how: How, n_options: int, calls: Sequence[Told], named: Sequence[Told]
) -> Combined | None:
    """Why too little was answered, in the words of the most frequent failure; None if enough."""
    enough = bool(named) and 2 * len(named) >= len(calls)
    if enough and how.orders != "given" and len(calls) > 1:
        asked = {variant_parts(each.key.variant)[0] for each in calls}
        enough = asked == {variant_parts(each.key.variant)[0] for each in named}
    if enough:
        return None
    failures = [each for each in calls if each not in named]
    kinds = Counter(each.outcome for each in failures)
    kind = max(sorted(kinds), key=lambda outcome: kinds[outcome])
    reason = next((each.error for each in failures if each.outcome == kind and each.error), "")
    if len(calls) > 1:
        reason = f"{len(failures)} of {len(calls)} calls gave no answer. {reason}".strip()
    return Combined(_FAILURES.get(kind, "failed"), error=reason)


def _round_answers(how: How, told: Sequence[Told]) -> list[int]:
    """The answer of each round: of its only call, or by mean distribution or votes of its
    variants; a tied round has none. Without repeats each call is a round of its own.
    """
    rounds: dict[object, list[Told]] = defaultdict(list)
    for each in sorted(told, key=lambda each: each.key):
        if each.outcome == "label" and each.code is not None:
            rounds[each.key.repeat if how.repeats else each.key].append(each)
    answers = []
    for calls in rounds.values():
        means = _mean_distribution(calls) if len(calls) > 1 and _all_logprob(calls) else None
        votes = Counter(each.code for each in calls if each.code is not None)
        leaders = _leaders(means or votes)
        if len(leaders) == 1:
            answers.append(leaders[0])
    return answers


def _by_score(
    how: How, distribution: Mapping[int, float] | None, named: Sequence[Told], mass: float | None
) -> Combined:
    """The step nearest the mean of the distribution. Codes are the steps' numbers."""
    if distribution is None:
        return Combined(
            "undecided",
            error="An expected score needs log-probabilities or repeats; there were neither.",
        )
    score = math.fsum(code * share for code, share in distribution.items())
    low = math.floor(score + _SAME)
    nearest = [low] if score - low < 0.5 - _SAME else [low + 1]
    if abs(score - low - 0.5) <= _SAME:
        nearest = _leaders({step: distribution.get(step, 0.0) for step in (low, low + 1)})
    if len(nearest) != 1:
        return Combined(
            "undecided",
            distribution=dict(distribution),
            label_mass=mass,
            error="Its expected score lies half-way between two steps.",
            score=score,
        )
    code = nearest[0]
    return Combined(
        "label",
        code=code,
        confidence=distribution.get(code, 0.0),
        confidence_source="votes" if how.repeats else "logprob",
        distribution=dict(distribution),
        label_mass=mass,
        rationale=_rationale(code, named),
        score=score,
    )


def _confidence(
    how: How, code: int, named: Sequence[Told], means: Mapping[int, float] | None
) -> tuple[float | None, str]:
    wanted = how.confidence
    if not wanted:
        if how.repeats:
            wanted = "repeats"
        elif _all_logprob(named):
            wanted = "logprob"
        elif len(named) > 1:
            wanted = "orders"
        else:
            return named[0].confidence, named[0].confidence_source
    if wanted == "logprob":
        sure = means if means is not None and _all_logprob(named) else None
        return (None, "") if sure is None else (sure.get(code, 0.0), "logprob")
    if wanted == "stated":
        mean = _mean(
            [
                each.confidence
                for each in named
                if each.code == code
                and each.confidence is not None
                and each.confidence_source == "stated"
            ]
        )
        return (None, "") if mean is None else (mean, "stated")
    if len(named) < 2:  # one call agrees with nothing
        return None, ""
    return sum(each.code == code for each in named) / len(named), "votes"


def _rationale(code: int, named: Sequence[Told]) -> str:
    """Of the first call that says so and gives one."""
    return next((each.rationale for each in named if each.code == code and each.rationale), "")


def _all_logprob(named: Sequence[Told]) -> bool:
    return all(each.confidence_source == "logprob" and each.distribution for each in named)


def _mean_distribution(named: Sequence[Told]) -> dict[int, float] | None:
    """The mean over calls, None unless all of them have one."""
    given = [each.distribution for each in named if each.distribution]
    if not given or len(given) < len(named):
        return None
    codes = sorted({code for each in given for code in each})
    return {code: math.fsum(each.get(code, 0.0) for each in given) / len(given) for code in codes}


def _shares(answers: Sequence[int]) -> dict[int, float] | None:
    votes = Counter(answers)
    return {code: votes[code] / len(answers) for code in sorted(votes)} or None


def _leaders(weights: Mapping[int, float]) -> list[int]:
    most = max(weights.values(), default=0.0)
    return sorted(code for code, weight in weights.items() if weight >= most - _SAME)


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None

"""Which calls an item needs, and what they come to together. Pure and deterministic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from judges.prompting.how import How

PLAIN = "plain"
ORDER = "order:"
LABEL = "label"
UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, order=True)
class CallKey:
    """Which of an item's calls: what is changed in it ("plain": nothing), and the how-manieth."""

    variant: str = PLAIN
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """A closed call of an item. ``distribution``: probability by option code."""

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
    """What the calls of an item come to: a label, or the reason why there is none."""

    outcome: str
    code: int | None = None
    confidence: float | None = None
    confidence_source: str = ""
    distribution: Mapping[int, float] | None = None
    label_mass: float | None = None
    rationale: str = ""
    error: str = ""


def first_calls(how: How, n_options: int) -> tuple[CallKey, ...]:
    """The calls that every item gets at once."""
    places = {"given": 1, "both": min(2, n_options), "rotations": n_options}[how.orders]
    variants = [PLAIN, *(f"{ORDER}{place}" for place in range(1, places))]
    return tuple(CallKey(v, repeat) for v in variants for repeat in range(how.repeats))


def next_calls(how: How, n_options: int, answered: Sequence[Told]) -> tuple[CallKey, ...]:
    """The calls an item needs besides, given those closed so far: none, all are asked at once."""
    return ()


def option_order(how: How, variant: str, n_options: int) -> tuple[int, ...] | None:
    """The permutation of options that a variant shows; None: as given."""
    if not variant.startswith(ORDER):
        return None
    place = int(variant.removeprefix(ORDER))
    if how.orders == "both":
        return tuple(reversed(range(n_options)))
    return tuple((k + place) % n_options for k in range(n_options))


def combine(how: How, n_options: int, told: Sequence[Told]) -> Combined:
    """The mean of the calls' distributions, a call without one counting wholly for its label, and
    the option with the most of it. A tie is no label; neither is an item without a labelled call,
    whose commonest outcome it has. The order of the calls changes nothing.
    """
    told = sorted(told, key=lambda one: one.key)
    labels = [one for one in told if one.outcome == LABEL and one.code is not None]
    if not labels:
        counted = Counter((one.outcome, one.error) for one in told)
        (outcome, error), _n = min(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        return Combined(outcome=outcome, error=error)
    shares: dict[int, Fraction] = {}
    for one in labels:
        given = one.distribution or {one.code: 1.0}  # type: ignore[dict-item]
        for code, share in given.items():
            shares[code] = shares.get(code, Fraction(0)) + Fraction(share) / len(labels)
    ranked = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
    distribution = {code: float(share) for code, share in ranked}
    if len(ranked) > 1 and float(ranked[0][1]) - float(ranked[1][1]) <= 1e-9:
        return Combined(
            outcome=UNDECIDED,
            distribution=distribution,
            error="The calls about this item are tied, which is no label.",
        )
    code, most = ranked[0]
    # The mean of probabilities is one; a share of votes says so.
    sources = {one.confidence_source for one in labels if one.distribution}
    single = len(sources) == 1 and all(one.distribution for one in labels)
    masses = [one.label_mass for one in labels if one.label_mass is not None]
    agreeing = [one.rationale for one in labels if one.code == code and one.rationale]
    return Combined(
        outcome=LABEL,
        code=code,
        confidence=min(1.0, float(most)),
        confidence_source=sources.pop() if single else "votes",
        distribution=distribution,
        label_mass=float(sum(map(Fraction, masses)) / len(masses)) if masses else None,
        rationale=agreeing[0] if agreeing else "",
    )

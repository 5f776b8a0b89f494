"""How a panel votes: which of its judges is asked next about an item, and what their votes come to.
Pure; in which order answers came changes nothing.

Judges are asked in the panel's order, cheapest first. A vote counts with its judge's weight, a
whole number of thousandths, so that sums are exact and a tie is a tie. The option with most weight
is the panel's answer. A tie is no label, and neither is a vote in which the judges that gave no
answer (refused, failed, did not parse, tied with themselves) outweigh those that gave one.

What stopping guarantees, for an item asked by the rule

- settled: the ending is the one that asking all judges would have brought, the same option or no
  label, whatever those not asked would have said or not said. The first option leads the second by
  more than all that is left, and those that answered outweigh those that did not and all that is
  left together; or the reverse, so that there can be no label. tests/judges/prompting/test_panel.py
  goes through every way in which votes of small panels can come.
- sure: the same, or earlier: once the probability of the leading option reaches what was asked
  for. It follows from the weights, log odds of being right (Nitzan and Paroush, International
  Economic Review 23 (1982), 289-297), which would be right of judges that err independently, over
  the other options alike; and is then scaled by one factor, `trust`, so that on the known answers
  the votes were right as often as they were sure (consensus.rater_weights.votes_trust). So it is an
  estimate from those answers, right on average and no bound: the surest votes are mostly surer than
  right (`python -m bench.panels` shows by how much). Nothing is promised of what the others would
  have voted.
- all: every judge is asked.

With a discussion the first votes stop early only while all are of one mind: as soon as two differ
all the others are asked, and then each that can be asked in words once more, with the others'
reasons. The vote is taken on those second answers; of judges that cannot read reasons the first
answer stands. "Settled" holds of the second vote as it does of a first one; of the first it says
that the vote could not have come out otherwise, not that a later judge would have caused no
discussion.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

Stop: TypeAlias = Literal["settled", "sure", "all"]
Source: TypeAlias = Literal["equal", "people", "qualification"]
# The option a judge chose; None where it was asked and gave no answer.
Vote: TypeAlias = int | None

STOPS: tuple[Stop, ...] = get_args(Stop)
SOURCES: tuple[Source, ...] = get_args(Source)
EQUAL = 1_000  # a weight of 1, in thousandths
MOST_MEMBERS = 9
SURE = 0.9


@dataclass(frozen=True, slots=True)
class Ballot:
    """How the votes of a panel on an item are counted.

    `weights` are in thousandths, one a judge in the order in which they are asked; 0: its vote
    changes nothing, and it is not asked unless all are. `learnt` says that they are log odds of
    accuracy, from which a probability follows; `trust`, in thousandths, is how far that may be
    believed. `readers` are the places of the judges that take
    part in a discussion; empty: there is none.
    """

    weights: tuple[int, ...]
    n_options: int
    stop: Stop = "settled"
    sure: float = SURE
    learnt: bool = False
    trust: int = EQUAL
    readers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence for what does not fit together."""
        if not 0 <= self.trust <= EQUAL:
            raise ValueError("Trust is a share, in thousandths.")
        if not self.weights or min(self.weights) < 0 or not any(self.weights):
            raise ValueError("A panel needs judges whose votes count for something.")
        if self.stop == "sure" and not (self.learnt and 0.5 < self.sure < 1):
            raise ValueError("Stopping when sure needs weights from known answers, and .5 to 1.")
        if len(self.readers) == 1 or not set(self.readers) <= set(range(len(self.weights))):
            raise ValueError("A discussion is among two judges at least.")

    @property
    def n_members(self) -> int:
        return len(self.weights)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the votes come to; `code` None: no label, for `reason` "tie" or "silence".

    `shares` (option code -> share) are of the weight of those that answered; with learnt weights
    probabilities by the weights, over the options named. `confidence` is that of `code`.
    """

    code: int | None
    confidence: float | None
    shares: dict[int, float]
    reason: Literal["", "tie", "silence"] = ""


@dataclass(frozen=True, slots=True)
class _Count:
    """Weights in thousandths: by option, of judges that gave no answer, and of those not asked."""

    by_code: dict[int, int]
    silent: int
    left: int

    @property
    def answered(self) -> int:
        return sum(self.by_code.values())

    @property
    def leading(self) -> tuple[int, int]:
        """Of the first option and of the second; 0 where there is none."""
        first, second, *_rest = [*sorted(self.by_code.values(), reverse=True), 0, 0]
        return first, second


def settled(ballot: Ballot, votes: Mapping[int, Vote]) -> bool:
    """Whether the ending is certain, whatever the judges say that are not asked yet. `votes` by the
    judge's place.
    """
    return _settled(_count(ballot, votes))


def done(ballot: Ballot, votes: Mapping[int, Vote]) -> bool:
    """Whether nobody more is asked, by the ballot's rule."""
    if ballot.stop == "all":
        return len(votes) == ballot.n_members
    count = _count(ballot, votes)
    return _settled(count) or (ballot.stop == "sure" and _is_sure(ballot, count))


def verdict(ballot: Ballot, votes: Mapping[int, Vote]) -> Verdict:
    """What these votes come to. Judges that were not asked have no part in it."""
    count = _count(ballot, votes)
    shares = _shares(ballot, count)
    if count.answered <= 0 or count.answered < count.silent:
        return Verdict(None, None, shares, "silence")
    first, second = count.leading
    if first == second:
        return Verdict(None, None, shares, "tie")
    code = max(count.by_code, key=lambda each: count.by_code[each])
    return Verdict(code, shares[code], shares)


def asked_next(
    ballot: Ballot, first: Mapping[int, Vote], second: Mapping[int, Vote]
) -> tuple[tuple[int, bool], ...]:
    """Who is asked next, as (place, whether in the discussion); () when the item is done.

    `first` and `second` are the votes before and in the discussion, of all that were asked so far.
    Together are asked as many as it takes at least before anything can be settled.
    """
    if ballot.readers and (second or _differ(first)):
        if unheard := _unasked(ballot, range(ballot.n_members), first):
            return tuple((place, False) for place in unheard)
        votes = discussed(ballot, first, second)
        order = _unasked(ballot, ballot.readers, second)
        return tuple((place, True) for place in _further(ballot, votes, order))
    order = _unasked(ballot, range(ballot.n_members), first)
    return tuple((place, False) for place in _further(ballot, first, order))


def ending(ballot: Ballot, first: Mapping[int, Vote], second: Mapping[int, Vote]) -> Verdict:
    """The panel's answer, once `asked_next` asks nobody: of the discussion, where there was one."""
    return verdict(ballot, discussed(ballot, first, second) if second else first)


def discussed(
    ballot: Ballot, first: Mapping[int, Vote], second: Mapping[int, Vote]
) -> dict[int, Vote]:
    """The votes after a discussion: second ones, and the first ones of who cannot take part."""
    stand = {place: vote for place, vote in first.items() if place not in ballot.readers}
    return {**stand, **second}


def replay(ballot: Ballot, votes: Sequence[Vote]) -> tuple[int, Verdict]:
    """How many judges would have been asked of an item of which all votes are known, by place, and
    what the vote comes to. Without a discussion, which cannot be replayed.
    """
    ballot = replace(ballot, readers=())
    asked: dict[int, Vote] = {}
    while more := asked_next(ballot, asked, {}):
        asked |= {place: votes[place] for place, _in_discussion in more}
    return len(asked), verdict(ballot, asked)


def shown_order(seed: int, item: int, place: int, others: Sequence[int]) -> list[int]:
    """In which order the judge at `place` is shown what the `others` (places) said of an item."""
    order = sorted(others)
    random.Random(f"{seed}:{item}:{place}").shuffle(order)
    return order


def _unasked(ballot: Ballot, places: Sequence[int], votes: Mapping[int, Vote]) -> list[int]:
    """Who may still be asked: one whose vote counts nothing only where all are."""
    return [
        place
        for place in places
        if place not in votes and (ballot.weights[place] or ballot.stop == "all")
    ]


def _further(ballot: Ballot, votes: Mapping[int, Vote], order: Sequence[int]) -> Sequence[int]:
    """The next of `order`: as many as it takes at least until the vote can be over."""
    if not order or done(ballot, votes):
        return ()
    for n in range(1, len(order)):
        if any(
            done(ballot, {**votes, **dict.fromkeys(order[:n], vote)})
            for vote in _likeliest(ballot, votes)
        ):
            return order[:n]
    return order


def _likeliest(ballot: Ballot, votes: Mapping[int, Vote]) -> Collection[Vote]:
    """What the next ones must all say for the vote to be over soonest: an option named so far, one
    that is not, or nothing.
    """
    named = {vote for vote in votes.values() if vote is not None}
    another = [-1] if len(named) < ballot.n_options else []
    return [*sorted(named), *another, None]


def _count(ballot: Ballot, votes: Mapping[int, Vote]) -> _Count:
    by_code: dict[int, int] = {}
    silent = 0
    for place, vote in votes.items():
        if vote is None:
            silent += ballot.weights[place]
        else:
            by_code[vote] = by_code.get(vote, 0) + ballot.weights[place]
    left = sum(weight for place, weight in enumerate(ballot.weights) if place not in votes)
    return _Count(by_code, silent, left)


def _settled(count: _Count) -> bool:
    if not count.left:
        return True
    if count.answered + count.left < count.silent:
        return True
    first, second = count.leading
    return first - second > count.left and count.answered >= count.silent + count.left


def _is_sure(ballot: Ballot, count: _Count) -> bool:
    first, second = count.leading
    if first == second or count.answered < count.silent:
        return False
    return max(_probabilities(ballot, count).values()) >= ballot.sure


def _shares(ballot: Ballot, count: _Count) -> dict[int, float]:
    if count.answered <= 0:
        return {}
    if ballot.learnt:
        return _probabilities(ballot, count)
    return {code: weight / count.answered for code, weight in sorted(count.by_code.items())}


def _probabilities(ballot: Ballot, count: _Count) -> dict[int, float]:
    """Of the options named, by the weights: exp(trust * sum of weights), where an option not named
    has 1. What is left of 1 is theirs.
    """
    most, scale = max(count.by_code.values()), ballot.trust / EQUAL**2
    parts = {
        code: math.exp((weight - most) * scale) for code, weight in sorted(count.by_code.items())
    }
    unnamed = max(0, ballot.n_options - len(parts)) * math.exp(-most * scale)
    total = math.fsum([*parts.values(), unnamed])
    return {code: part / total for code, part in parts.items()}


def _differ(votes: Mapping[int, Vote]) -> bool:
    return len({vote for vote in votes.values() if vote is not None}) > 1


# --- The settings, as a version keeps them --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """What makes a panel: kept in `JudgeVersion.parameters["panel"]`, and so part of its hash.

    `members` are the hashes of its judges' versions, in the order in which they are asked. `shared`
    are their weights in thousandths, `trust` how far they may be believed; `held_out` and
    `held_out_trust` the same, fitted without one part of the known answers each, for the items of
    that part: so no item is judged by weights that its own answer went into. `readers` are the
    places that take part in a discussion, shuffled by `seed`. `source` says where the weights
    come from, `as_of` of when the newest known answer is, `n_items` how many there were.
    """

    members: tuple[str, ...]
    shared: tuple[int, ...]
    stop: Stop = "settled"
    sure: float = SURE
    readers: tuple[int, ...] = ()
    seed: int = 0
    source: Source = "equal"
    held_out: tuple[tuple[int, ...], ...] = ()
    trust: int = EQUAL
    held_out_trust: tuple[int, ...] = ()
    accuracy: tuple[float, ...] = ()
    n_items: int = 0
    as_of: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence for what does not fit together."""
        n = len(self.members)
        if not 2 <= n <= MOST_MEMBERS or len(set(self.members)) < n:
            raise ValueError(f"A panel has 2 to {MOST_MEMBERS} judges, each once.")
        if self.stop not in STOPS or self.source not in SOURCES:
            raise ValueError("There is no such rule of stopping or source of weights.")
        if any(len(weights) != n for weights in (self.shared, *self.held_out)):
            raise ValueError("A panel has a weight for each of its judges.")
        if len(self.held_out_trust) != len(self.held_out):
            raise ValueError("Each part held out has weights and how far they may be believed.")
        for part in (None, *range(len(self.held_out))):
            self.ballot(2, part)

    @property
    def learnt(self) -> bool:
        return self.source != "equal"

    def ballot(self, n_options: int, part: int | None = None) -> Ballot:
        """How votes are counted on an item; `part` is the part of the known answers that it is in,
        None where it is in none.
        """
        return Ballot(
            weights=self.shared if part is None else self.held_out[part],
            n_options=n_options,
            stop=self.stop,
            sure=self.sure,
            learnt=self.learnt,
            trust=self.trust if part is None else self.held_out_trust[part],
            readers=self.readers,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        kept: dict[str, Any] = {
            "members": list(self.members),
            "stop": self.stop,
            "weights": {"source": self.source, "shared": list(self.shared)},
        }
        if self.stop == "sure":
            kept["sure"] = self.sure
        if self.readers:
            kept["discussion"] = {"readers": list(self.readers), "seed": self.seed}
        if self.learnt:
            kept["weights"] |= {
                "trust": self.trust,
                "held_out": [list(weights) for weights in self.held_out],
                "held_out_trust": list(self.held_out_trust),
                "accuracy": list(self.accuracy),
                "n_items": self.n_items,
                "as_of": self.as_of,
            }
        return kept

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> PanelSpec:
        """Read what `as_dict` wrote. Raises ValueError, KeyError for anything else."""
        weights, talk = kept["weights"], kept.get("discussion") or {}
        return cls(
            members=tuple(kept["members"]),
            shared=tuple(weights["shared"]),
            stop=kept["stop"],
            sure=kept.get("sure", SURE),
            readers=tuple(talk.get("readers", ())),
            seed=talk.get("seed", 0),
            source=weights["source"],
            held_out=tuple(tuple(part) for part in weights.get("held_out", ())),
            trust=weights.get("trust", EQUAL),
            held_out_trust=tuple(weights.get("held_out_trust", ())),
            accuracy=tuple(weights.get("accuracy", ())),
            n_items=weights.get("n_items", 0),
            as_of=weights.get("as_of", ""),
        )

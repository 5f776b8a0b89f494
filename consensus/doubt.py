"""How much an item needs a second look: the number by which the review queue is sorted, and why.

The formula and the choice of its weights are in docs/statistics.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# How far each kind of doubt alone can lift the score. People's own split says most about an item,
# a judge's low confidence least.
WEIGHTS = {"people_split": 0.7, "judge_differs": 0.6, "judges_split": 0.4, "unsure": 0.3}
# And what is known beside the votes: a label that is likely wrong, a known answer that was missed.
EVIDENCE_WEIGHTS = {"likely_error": 0.6, "gold_missed": 0.6}
# The part of people's split that a tie adds to the entropy: a tied item has no majority at all.
TIE_SHARE = 0.15


@dataclass(frozen=True)
class Doubt:
    """score    0 (nothing to see) to 1, the higher the sooner a reviewer should look
    entropy  of people's votes, 0 (all agree) to 1 (even over all classes)
    reasons  those that hold, the weightiest first, out of people_split, judge_differs,
             judges_split and unsure, and of likely_error and gold_missed (`doubt_with_evidence`)
    parts    how much each of the reasons lifts the score, 0 to 1
    """

    score: float
    entropy: float
    reasons: tuple[str, ...]
    parts: Mapping[str, float]


def doubt(
    people_counts: Mapping[int, int] | Sequence[int],
    judge_votes: Sequence[tuple[int, float | None]],
    *,
    n_classes: int,
    unsure_below: float = 0.6,
) -> Doubt:
    """Score one item from people's votes and judges' answers.

    `people_counts` says how many people named each class: by code, or a sequence with the place as
    the code. `judge_votes` has a (code, confidence) for each judge, the confidence from 0 to 1, or
    None where the judge gives none. A judge below `unsure_below` is unsure. A judge without a
    confidence counts as just sure enough (`unsure_below`) where it differs, and is never unsure.

    Raises ValueError for codes outside 0..n_classes-1, negative counts or confidences outside 0..1.
    """
    people = _people(people_counts, n_classes)
    judges = Counter(code for code, _ in judge_votes)
    _check_judges(judge_votes, n_classes, unsure_below)

    entropy = _entropy(people, n_classes)
    people_first, judges_first = _first(people), _first(judges)
    tied = len(people_first) > 1
    differing = math.fsum(  # exact, so that the order of the judges changes nothing
        unsure_below if confidence is None else confidence
        for code, confidence in judge_votes
        if people_first and code not in people_first
    )
    missing = math.fsum(1 - confidence for _, confidence in judge_votes if confidence is not None)
    n_judges = max(len(judge_votes), 1)
    parts = {
        "people_split": WEIGHTS["people_split"] * ((1 - TIE_SHARE) * entropy + TIE_SHARE * tied),
        "judge_differs": WEIGHTS["judge_differs"] * differing / n_judges,
        "judges_split": WEIGHTS["judges_split"] * _entropy(judges, n_classes),
        "unsure": WEIGHTS["unsure"] * missing / n_judges,
    }
    holds = {
        "people_split": len(people) > 1,
        "judge_differs": bool(people_first and judges_first) and not people_first & judges_first,
        "judges_split": len(judges) > 1,
        "unsure": any(c is not None and c < unsure_below for _, c in judge_votes),
    }
    return _joined(parts, holds, entropy)


def doubt_of_distances(
    people: Sequence[float],
    judges: Sequence[tuple[float | None, float | None]],
    between_judges: Sequence[float],
    *,
    split_from: float = 0.0,
    unsure_below: float = 0.6,
) -> Doubt:
    """Score one item whose answers lie more or less far apart: sets, orders, numbers, spans.

    `people` are the distances of any two people's answers, `between_judges` those of any two
    judges'; for each judge, `judges` has its mean distance from the people (None without people)
    and its confidence, as in `doubt`. Distances go from 0 (the same answer) to 1.

    As `doubt`, with the mean distance of people in place of their entropy. Raters are split where
    it is above `split_from`; a judge differs where it is also farther from people than they are
    from each other.

    Raises ValueError for distances or confidences outside 0..1.
    """
    apart = [d for d, _ in judges if d is not None]
    for value in (*people, *apart, *between_judges, unsure_below):
        if not 0 <= value <= 1:
            raise ValueError(f"distances and thresholds must lie in 0..1, not {value}")
    for _, confidence in judges:
        if confidence is not None and not 0 <= confidence <= 1:
            raise ValueError(f"a confidence must lie in 0..1, not {confidence}")
    n_judges = max(len(judges), 1)
    spread, judges_spread = _mean(people), _mean(between_judges)
    differing = math.fsum(
        d * (unsure_below if confidence is None else confidence)
        for d, confidence in judges
        if d is not None
    )
    missing = math.fsum(1 - confidence for _, confidence in judges if confidence is not None)
    return _joined(
        {
            "people_split": WEIGHTS["people_split"] * spread,
            "judge_differs": WEIGHTS["judge_differs"] * differing / n_judges,
            "judges_split": WEIGHTS["judges_split"] * judges_spread,
            "unsure": WEIGHTS["unsure"] * missing / n_judges,
        },
        {
            "people_split": spread > split_from,
            "judge_differs": _mean(apart) > max(split_from, spread),
            "judges_split": judges_spread > split_from,
            "unsure": any(c is not None and c < unsure_below for _, c in judges),
        },
        spread,
    )


def _mean(values: Sequence[float]) -> float:
    # Sorted, so that the order of the raters does not change the last digit of the sum.
    return math.fsum(sorted(values)) / len(values) if values else 0.0


def _joined(parts: Mapping[str, float], holds: Mapping[str, bool], entropy: float) -> Doubt:
    reasons = sorted((name for name in parts if holds[name]), key=lambda name: -parts[name])
    # Each part is a chance that something is wrong, taken as independent: any of them suffices.
    score = 1 - math.prod(1 - part for part in parts.values())
    kept = {name: parts[name] for name in reasons}
    return Doubt(score=score, entropy=entropy, reasons=tuple(reasons), parts=kept)


def doubt_with_evidence(
    found: Doubt, *, likely_error: float | None = None, gold_missed: float | None = None
) -> Doubt:
    """The doubt of the votes, and what is known beside them; each None where nothing is.

    `likely_error` is the highest score of a suspected label of the item (`label_errors`),
    `gold_missed` the share of its labels that are not the known answer. Both 0 to 1.

    Raises ValueError for values outside 0..1.
    """
    given = {"likely_error": likely_error, "gold_missed": gold_missed}
    parts: dict[str, float] = {}
    for name, value in given.items():
        if value is None:
            continue
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie in 0..1, not {value}")
        if value:
            parts[name] = EVIDENCE_WEIGHTS[name] * value
    if not parts:
        return found
    together = {**found.parts, **parts}
    return Doubt(
        score=1 - (1 - found.score) * math.prod(1 - part for part in parts.values()),
        entropy=found.entropy,
        reasons=tuple(sorted(together, key=lambda name: -together[name])),
        parts=together,
    )


def _people(counts: Mapping[int, int] | Sequence[int], n_classes: int) -> Counter[int]:
    pairs = counts.items() if isinstance(counts, Mapping) else enumerate(counts)
    people: Counter[int] = Counter()
    for code, count in pairs:
        if count < 0:
            raise ValueError(f"class {code} has a negative count, {count}")
        if count:
            _check_code(code, n_classes)
            people[code] = count
    return people


def _check_judges(
    votes: Sequence[tuple[int, float | None]], n_classes: int, unsure_below: float
) -> None:
    if not 0 <= unsure_below <= 1:
        raise ValueError(f"unsure_below must lie in 0..1, not {unsure_below}")
    for code, confidence in votes:
        _check_code(code, n_classes)
        if confidence is not None and not 0 <= confidence <= 1:
            raise ValueError(f"a confidence must lie in 0..1, not {confidence}")


def _check_code(code: int, n_classes: int) -> None:
    if not 0 <= code < n_classes:
        raise ValueError(f"class {code} is not in 0..{n_classes - 1}")


def _entropy(votes: Counter[int], n_classes: int) -> float:
    """Entropy of the shares over that of an even spread over all classes, 0 to 1."""
    if len(votes) < 2:
        return 0.0
    total = votes.total()
    # Sorted, so that the names of the classes do not change the last digit of the sum.
    nats = -sum(count / total * math.log(count / total) for count in sorted(votes.values()))
    return min(1.0, nats / math.log(n_classes))


def _first(votes: Counter[int]) -> set[int]:
    top = max(votes.values(), default=0)
    return {code for code, count in votes.items() if count == top}

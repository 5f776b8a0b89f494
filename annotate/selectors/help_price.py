"""The price of help: how far suggestions of judges move people, and what time they save.

Compared are answers of people whom a suggestion was shown with answers of people from whom the same
judge's answer was hidden. The hidden suggestion is the one that would have been shown: the newest
answer of a judge to the question at that time.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from annotate.kinds import CHOICES
from annotate.models import (
    Arm,
    Gold,
    Label,
    LabelStatus,
    Project,
    Question,
    RaterKind,
    RaterOrigin,
    Submission,
    SubmissionStatus,
    Visibility,
)
from annotate.selectors.questions import questions_live

if TYPE_CHECKING:
    from consensus.clustered import Contrast, Mean

# The newest so many submissions are looked at, whatever there is.
LATEST = 10_000
# Ids in one query.
CHUNK = 5_000


class Design(StrEnum):
    """What a difference between shown and hidden may be taken for."""

    RANDOM = "random"  # drawn for each person and item: the suggestion did it
    OBSERVED = "observed"  # other times, items or people: only what was seen


@dataclass(frozen=True)
class QuestionPrice:
    """Of one question, shares of answers where suggestions were shown less where hidden.

    ``follows``: the same answer as the judge; ``follows_wrong``: of those where the judge's answer
    is known to be wrong; ``right``: the known answer.
    """

    question: Question
    follows: Contrast | None
    follows_wrong: Contrast | None
    right: Contrast | None


@dataclass(frozen=True)
class Comparison:
    """Shown against hidden, under one design. ``log_seconds``: of natural logarithms."""

    design: Design
    log_seconds: Contrast | None
    questions: Sequence[QuestionPrice]


@dataclass(frozen=True)
class Reveals:
    """Of the own answers after which a judge's was revealed: shares of those that were changed.

    ``towards`` the judge's answer, ``away`` from it, to something ``else``; ``right_before`` and
    ``right_after`` of those whose answer is known.
    """

    question: Question
    changed: Mean | None
    towards: Mean | None
    away: Mean | None
    other: Mean | None
    right_before: Mean | None
    right_after: Mean | None


@dataclass(frozen=True)
class HelpPrice:
    """``looked_at``: submissions that all this rests on; ``cut``: there are older ones besides."""

    looked_at: int
    cut: bool
    comparisons: Sequence[Comparison]
    reveals: Sequence[Reveals]


@dataclass(frozen=True)
class _Sub:
    pk: int
    item: int
    rater: int
    status: str
    visibility: str
    arm: str
    probability: float | None
    exposure: Sequence[dict[str, Any]]
    revealed: Sequence[dict[str, Any]]
    seconds: float | None
    at: datetime

    @property
    def shown(self) -> bool:
        return self.arm == Arm.SHOWN

    @property
    def stands(self) -> bool:
        return self.status in (SubmissionStatus.SUBMITTED, SubmissionStatus.SURPLUS)

    @property
    def weight(self) -> float:
        """One over the probability of the arm that was drawn; 1 where nothing was."""
        p = self.probability
        return 1.0 if not p or p == 1 else 1 / (p if self.shown else 1 - p)


@dataclass(frozen=True)
class _Answer:
    sub: _Sub
    choice: int
    suggested: int
    known: int | None


def help_price(project: Project) -> HelpPrice:
    """The report. A fixed number of queries, over at most LATEST submissions of people."""
    questions = [q for q in questions_live(project) if q.kind in CHOICES]
    subs = _submissions(project)
    cut = len(subs) > LATEST
    subs = subs[:LATEST]
    said = _said(project, subs)
    suggested = _suggested(project, subs)
    known = _known(project, subs)
    by_question = {
        question.pk: list(_answers(question, subs, said, suggested, known))
        for question in questions
    }
    comparisons = [
        _comparison(design, questions, by_question, subs)
        for design in Design
        if {sub.shown for sub in subs if _compared(sub, design)} == {True, False}
    ]
    reveals = [_reveals(question, subs, said, known) for question in questions]
    return HelpPrice(len(subs), cut, comparisons, [one for one in reveals if one is not None])


# --- Reading -----------------------------------------------------------------------------------

Key = tuple[int, int]  # an item or a submission, and a question


def _submissions(project: Project) -> list[_Sub]:
    rows = (
        Submission.objects.filter(project=project, rater__origin=RaterOrigin.MEMBER)
        .exclude(arm=Arm.UNKNOWN)
        .exclude(status__in=[SubmissionStatus.SKIPPED, SubmissionStatus.DRAFT])
        .order_by("-pk")
        .values_list(
            "pk",
            "item_id",
            "rater_id",
            "status",
            "visibility",
            "arm",
            "shown_probability",
            "exposure",
            "revealed",
            "seconds",
            "created_at",
        )
    )
    return [_Sub(*row) for row in rows[: LATEST + 1]]


def _chunks(ids: Iterable[int]) -> Iterable[list[int]]:
    ordered = sorted(set(ids))
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))


def _said(project: Project, subs: Sequence[_Sub]) -> dict[Key, int]:
    """Option codes by submission and question."""
    return {
        (submission, question): choice
        for ids in _chunks(sub.pk for sub in subs)
        for submission, question, choice in Label.objects.filter(
            submission_id__in=ids, choice__isnull=False
        ).values_list("submission_id", "question_id", "choice")
        if choice is not None
    }


def _suggested(
    project: Project, subs: Sequence[_Sub]
) -> dict[Key, tuple[list[datetime], list[int]]]:
    """Answers of judges by item and question: when, and which, in order of time."""
    found: dict[Key, tuple[list[datetime], list[int]]] = defaultdict(lambda: ([], []))
    for ids in _chunks(sub.item for sub in subs):
        rows = (
            Label.objects.filter(item_id__in=ids, rater__kind=RaterKind.JUDGE, choice__isnull=False)
            .exclude(status=LabelStatus.WITHDRAWN)
            .order_by("created_at", "pk")
            .values_list("item_id", "question_id", "created_at", "choice")
        )
        for item, question, at, choice in rows:
            if choice is None:
                continue
            times, choices = found[item, question]
            times.append(at)
            choices.append(choice)
    return found


def _known(project: Project, subs: Sequence[_Sub]) -> dict[Key, int]:
    return {
        (item, question): choice
        for ids in _chunks(sub.item for sub in subs)
        for item, question, choice in Gold.objects.filter(
            project=project, item_id__in=ids, choice__isnull=False
        ).values_list("item_id", "question_id", "choice")
        if choice is not None
    }


def _answers(
    question: Question,
    subs: Sequence[_Sub],
    said: dict[Key, int],
    suggested: dict[Key, tuple[list[datetime], list[int]]],
    known: dict[Key, int],
) -> Iterable[_Answer]:
    """What people said of items that a judge had answered by then, shown to them or not."""
    for sub in subs:
        choice = said.get((sub.pk, question.pk))
        times, choices = suggested.get((sub.item, question.pk), ([], []))
        before = bisect_right(times, sub.at)
        if choice is None or not before:
            continue
        seen = [shown["choice"] for shown in sub.exposure if shown.get("question") == question.key]
        suggestion = seen[-1] if seen else choices[before - 1]
        yield _Answer(sub, choice, suggestion, known.get((sub.item, question.pk)))


# --- Shown against hidden ------------------------------------------------------------------------


def _compared(sub: _Sub, design: Design) -> bool:
    if design == Design.RANDOM:
        # As drawn, whatever they then saw elsewhere: else the draw would not be one.
        drawn = sub.visibility == Visibility.RANDOM_SHARE and sub.probability is not None
        return drawn and sub.stands
    if sub.shown:
        return sub.visibility == Visibility.SUGGESTION_FIRST and sub.stands
    # The first of two answers is blind, too, though it does not stand any more.
    blind = sub.visibility in (Visibility.BLIND, Visibility.OWN_FIRST) and sub.arm == Arm.BLIND
    return blind and sub.probability is not None and (sub.stands or bool(sub.revealed))


def _comparison(
    design: Design,
    questions: Sequence[Question],
    by_question: dict[int, list[_Answer]],
    subs: Sequence[_Sub],
) -> Comparison:
    from consensus.clustered import clustered_difference

    prices = []
    with_suggestion = set()
    for question in questions:
        rows = [a for a in by_question[question.pk] if _compared(a.sub, design)]
        with_suggestion |= {answer.sub.pk for answer in rows}
        known = [a for a in rows if a.known is not None]
        wrong = [a for a in known if a.known != a.suggested]
        prices.append(
            QuestionPrice(
                question,
                follows=_contrast(rows, [a.choice == a.suggested for a in rows]),
                follows_wrong=_contrast(wrong, [a.choice == a.suggested for a in wrong]),
                right=_contrast(known, [a.choice == a.known for a in known]),
            )
        )
    timed = [sub for sub in subs if sub.pk in with_suggestion and sub.seconds]
    return Comparison(
        design,
        clustered_difference(
            [math.log(sub.seconds or 1) for sub in timed],
            [sub.shown for sub in timed],
            [sub.rater for sub in timed],
            [sub.item for sub in timed],
            weights=[sub.weight for sub in timed],
        ),
        prices,
    )


def _contrast(answers: Sequence[_Answer], hits: Sequence[bool]) -> Contrast | None:
    from consensus.clustered import clustered_difference

    return clustered_difference(
        hits,
        [a.sub.shown for a in answers],
        [a.sub.rater for a in answers],
        [a.sub.item for a in answers],
        weights=[a.sub.weight for a in answers],
        shares=True,
    )


# --- Own answer first ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pair:
    sub: _Sub
    first: int
    last: int
    suggested: int
    known: int | None


def _reveals(
    question: Question, subs: Sequence[_Sub], said: dict[Key, int], known: dict[Key, int]
) -> Reveals | None:
    pairs = list(_pairs(question, subs, said, known))
    if not pairs:
        return None
    gold = [pair for pair in pairs if pair.known is not None]
    moved = [pair.first != pair.last for pair in pairs]
    to_judge = [pair.last == pair.suggested for pair in pairs]
    from_judge = [pair.first == pair.suggested for pair in pairs]
    return Reveals(
        question,
        changed=_mean(pairs, moved),
        towards=_mean(pairs, [m and to for m, to in zip(moved, to_judge, strict=True)]),
        away=_mean(pairs, [m and left for m, left in zip(moved, from_judge, strict=True)]),
        other=_mean(
            pairs,
            [m and not (a or b) for m, a, b in zip(moved, to_judge, from_judge, strict=True)],
        ),
        right_before=_mean(gold, [pair.first == pair.known for pair in gold]),
        right_after=_mean(gold, [pair.last == pair.known for pair in gold]),
    )


def _pairs(
    question: Question, subs: Sequence[_Sub], said: dict[Key, int], known: dict[Key, int]
) -> Iterable[_Pair]:
    """The answer before a reveal, and the one that stands. What was taken back for good is none."""
    standing = {(sub.rater, sub.item): sub for sub in subs if sub.stands}
    first: dict[Key, _Sub] = {}
    for sub in subs:  # newest first: the oldest reveal of an item stays
        if sub.revealed and sub.arm == Arm.BLIND:
            first[sub.rater, sub.item] = sub
    for who, sub in first.items():
        last = standing.get(who)
        suggestions = [s["choice"] for s in sub.revealed if s.get("question") == question.key]
        before = said.get((sub.pk, question.pk))
        after = said.get((last.pk, question.pk)) if last else None
        if before is not None and after is not None and suggestions:
            gold = known.get((sub.item, question.pk))
            yield _Pair(sub, before, after, suggestions[-1], gold)


def _mean(pairs: Sequence[_Pair], hits: Sequence[bool]) -> Mean | None:
    from consensus.clustered import clustered_mean

    raters, items = [p.sub.rater for p in pairs], [p.sub.item for p in pairs]
    return clustered_mean(hits, raters, items, shares=True)

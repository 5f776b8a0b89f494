"""Versions of judges side by side: on the same items, with what people said of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from annotate.models import ItemStatus, Label, LabelStatus, RaterKind
from judges.models import Call, CallState, Ending, JudgeVersion, Outcome, Purpose, RunItem
from judges.providers.prices import from_steps
from judges.selectors.panels import takes_one_call
from judges.selectors.people import people_majorities
from judges.selectors.runs import UNPRICED

# What a version said while labelling or on trial is its answer; audits, canaries and anchors ask
# for other ends, and of other texts.
COMPARED = (Purpose.LABEL, Purpose.TRIAL)
# Item -> option code, None where it was asked and gave no answer.
Answers = Mapping[int, int | None]


@dataclass(frozen=True)
class Share:
    """``agree`` of ``n`` items, with Wilson's 95 % interval; None without items."""

    agree: int
    n: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Effort:
    """What a version took, labelling and on trial, of what was really asked: US dollars and seconds
    of calls for each item that got an answer. None without one, and where a price is not known.
    """

    spent_each: Decimal | None
    seconds_each: float | None


@dataclass(frozen=True)
class VersionFigures:
    """A version beside others. ``own`` is its agreement with people on all that it answered,
    ``same`` on the items that all of those compared were asked about; an item without an answer
    counts as one that it did not get. ``none`` are those without an answer among the same.
    """

    version: JudgeVersion
    answered: int
    own: Share
    same: Share | None
    none: int
    effort: Effort


@dataclass(frozen=True)
class Paired:
    """Two versions on the same ``n`` items on which people are not tied. ``p`` is that of McNemar's
    exact test. The items that one got and the other did not are named, the first ones.
    """

    n: int
    both: int
    first_only: int
    second_only: int
    neither: int
    p: float
    first_items: list[int]
    second_items: list[int]


SHOWN_ITEMS = 50


def versions_beside(version: JudgeVersion, most: int = 500) -> list[JudgeVersion]:
    """The versions of a version's question, newest first, each with ``has_answers``; those of its
    own name before others where there are more than ``most``. Two queries.
    """
    asked = Call.objects.filter(
        run__version=OuterRef("pk"), run__purpose__in=COMPARED, state=CallState.CLOSED
    )
    rows = (
        JudgeVersion.objects.filter(question=version.question_id)
        .select_related("project", "question", "connection", "prompt", "guideline", "rater")
        .prefetch_related("question__options")
        .defer("training")
        .annotate(has_answers=Exists(asked), is_own=Q(name=version.name))
        .order_by("-is_own", "-pk")
    )
    return list(rows[:most])


def figures_of(
    versions: Sequence[JudgeVersion], compared: Collection[int]
) -> tuple[list[VersionFigures], int]:
    """Each version's figures, in the order given, and on how many items those of ``compared`` (ids)
    meet. Versions of one question. Three queries a version, one for people's labels.
    """
    if not versions:
        return [], 0
    people = people_majorities(versions[0].question)
    answers = {version.pk: answers_of(version) for version in versions}
    shared = common_items([answers[pk] for pk in answers if pk in compared], people)
    rows = []
    for version in versions:
        said = answers[version.pk]
        same = version.pk in compared
        own = [item for item in said if item in people and said[item] is not None]
        rows.append(
            VersionFigures(
                version=version,
                answered=sum(code is not None for code in said.values()),
                own=_share(said, people, own),
                same=_share(said, people, shared) if same else None,
                none=sum(said[item] is None for item in shared) if same else 0,
                effort=effort_of(version),
            )
        )
    return rows, len(shared)


def paired(first: JudgeVersion, second: JudgeVersion) -> Paired:
    """Two versions of one question against each other. Five queries at most."""
    people = people_majorities(first.question)
    return paired_answers(answers_of(first), answers_of(second), people)


def paired_answers(first: Answers, second: Answers, people: Mapping[int, int]) -> Paired:
    """As ``paired``, of what they and the people said."""
    from consensus.mcnemar import mcnemar

    shared = common_items([first, second], people)
    mine = [item for item in shared if _got(first, people, item) and not _got(second, people, item)]
    theirs = [
        item for item in shared if _got(second, people, item) and not _got(first, people, item)
    ]
    both = sum(_got(first, people, item) and _got(second, people, item) for item in shared)
    return Paired(
        n=len(shared),
        both=both,
        first_only=len(mine),
        second_only=len(theirs),
        neither=len(shared) - both - len(mine) - len(theirs),
        p=mcnemar(len(mine), len(theirs)),
        first_items=mine[:SHOWN_ITEMS],
        second_items=theirs[:SHOWN_ITEMS],
    )


def common_items(answers: Sequence[Answers], people: Mapping[int, int]) -> list[int]:
    """The items with an untied answer of people that all were asked about, by id."""
    if not answers:
        return []
    fewest = min(answers, key=len)
    return sorted(
        item for item in fewest if item in people and all(item in each for each in answers)
    )


def answers_of(version: JudgeVersion) -> dict[int, int | None]:
    """What a version said of the live items that people have labelled: its newest answer, labelling
    and on trial; None where it was asked and no call brought one. One query.
    """
    by_people = Label.objects.filter(
        item=OuterRef("item_id"),
        question=version.question_id,
        status=LabelStatus.LIVE,
        rater__kind=RaterKind.PERSON,
    )
    rows, ending = _ended(version)
    rows = rows.filter(Exists(by_people), item__status=ItemStatus.LIVE).order_by("pk")
    found: dict[int, int | None] = {}
    for item, ended, code in rows.values_list("item_id", ending, "choice").iterator():
        if ended == Ending.LABEL:
            found[item] = code
        else:
            found.setdefault(item, None)
    return found


def _ended(version: JudgeVersion) -> tuple[QuerySet[Call] | QuerySet[RunItem], str]:
    if takes_one_call(version):
        calls = Call.objects.filter(run__version=version, run__purpose__in=COMPARED)
        return calls.filter(state=CallState.CLOSED), "outcome"
    rows = RunItem.objects.filter(run__version=version, run__purpose__in=COMPARED)
    return rows.exclude(ending=""), "ending"


def effort_of(version: JudgeVersion) -> Effort:
    """Calls answered from stored ones are left out: nothing was asked for them."""
    asked = Call.objects.filter(
        run__version=version, run__purpose__in=COMPARED, state=CallState.CLOSED, reused=None
    )
    found = asked.aggregate(
        spent=Sum("price"),
        beside=Sum("paid_beside"),
        seconds=Sum("seconds"),
        unpriced=Count("pk", filter=UNPRICED),
    )
    if takes_one_call(version):
        labels = asked.filter(outcome=Outcome.LABEL).count()
    else:
        again = asked.filter(run=OuterRef("run"), item=OuterRef("item"))
        rows = RunItem.objects.filter(
            run__version=version, run__purpose__in=COMPARED, ending=Ending.LABEL
        )
        labels = rows.filter(Exists(again)).count()
    if not labels:
        return Effort(None, None)
    spent = (found["spent"] or Decimal(0)) + from_steps(found["beside"] or 0)
    return Effort(
        spent_each=None if found["unpriced"] else spent / labels,
        seconds_each=None if found["seconds"] is None else found["seconds"] / labels,
    )


def _got(said: Answers, people: Mapping[int, int], item: int) -> bool:
    return said[item] == people[item]


def _share(said: Answers, people: Mapping[int, int], items: Sequence[int]) -> Share:
    from consensus.intervals import proportion_interval

    agree, n = sum(_got(said, people, item) for item in items), len(items)
    low, high = proportion_interval(agree, n) if n else (None, None)
    return Share(agree, n, agree / n if n else None, low, high)

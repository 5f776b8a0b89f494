"""Reading items: the filtered list by keyset pages, and what is known of each item on a page."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection, models
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from annotate.kinds import CHOICES, Said, asked_of, said_of
from annotate.models import (
    Item,
    ItemEstimate,
    ItemStatus,
    ItemSummary,
    Label,
    LabelStatus,
    Project,
    Question,
    Rater,
    Reason,
    Ruling,
    RulingStatus,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
    SummaryState,
    WhoCounts,
)
from annotate.selectors.answers import Answers, answers_of, best_of
from annotate.selectors.estimates import estimate_latest
from annotate.selectors.items_said import items_said
from annotate.selectors.review import flagged_items

PAGE = 50


class State(models.TextChoices):
    """Where an item stands, for the filter."""

    UNLABELLED = "unlabelled", _("No answer of people yet")
    IN_WORK = "in_work", _("Some answers, more wanted")
    DONE = "done", _("All wanted answers are there")
    RULED = "ruled", _("Ruled")
    SURPLUS = "surplus", _("Has surplus answers")


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to. ``answer`` is an option code that somebody named.

    ``a`` and ``b``: two raters who named different options; with ``both``, any options; with
    ``a_says`` and ``b_says``, these. ``a`` alone: what that rater labelled. ``since`` and
    ``until``: the first and last day on which the labels were given, by ``who`` (a kind of rater;
    "" anybody). ``only``: these ids.
    """

    question: Question | None = None
    text: str = ""
    state: str = ""
    reason: str = ""
    answer: int | None = None
    a: Rater | None = None
    b: Rater | None = None
    a_says: int | None = None
    b_says: int | None = None
    both: bool = False
    since: date | None = None
    until: date | None = None
    who: str = ""
    only: Sequence[int] | None = None


@dataclass
class ItemRow:
    """One item of the list. ``people`` and ``judges`` are votes by option code.

    ``source`` says where ``answer`` comes from: ruling, aggregate, majority, tie or "", and words
    of kinds.Settled. ``answers``: all of them, of a kind whose labels hold no option code.
    """

    item: Item
    people: dict[int, int] = field(default_factory=dict)
    judges: dict[int, int] = field(default_factory=dict)
    filled: int = 0
    wanted: int = 0
    doubt: float | None = None
    reasons: Sequence[str] = ()
    answer: Said | None = None
    source: str = ""
    of_a: Said | None = None
    of_b: Said | None = None
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True)
class Page:
    rows: list[ItemRow]
    before: int | None
    after: int | None


def items_page(
    project: Project, filters: Filters, *, after: int | None = None, before: int | None = None
) -> Page:
    """A page of the live items in the order they came in, after or before an item's id.

    No count of all. A page costs at most six queries, whatever the number of items.
    """
    items = items_filtered(project, filters)
    if before is not None:
        found = list(items.filter(pk__lt=before).order_by("-pk")[: PAGE + 1])
        more, found = len(found) > PAGE, found[:PAGE][::-1]
        earlier, later = more, True
    else:
        rows = items.filter(pk__gt=after) if after is not None else items
        found = list(rows.order_by("pk")[: PAGE + 1])
        more, found = len(found) > PAGE, found[:PAGE]
        earlier, later = after is not None, more
    return Page(
        rows=_rows(found, filters),
        before=found[0].pk if found and earlier else None,
        after=found[-1].pk if found and later else None,
    )


# --- Filters ------------------------------------------------------------------------------------


def items_filtered(project: Project, filters: Filters) -> QuerySet[Item]:
    items = Item.objects.filter(project=project, status=ItemStatus.LIVE)
    if filters.text:
        items = _searched(items, filters.text)
    if filters.state:
        items = _in_state(items, project, filters)
    if filters.reason == Reason.FLAGGED:
        # Until they are ruled on, as on the overview.
        waiting = _summaries(filters).filter(item=OuterRef("pk"), state=SummaryState.OPEN)
        items = items.filter(Exists(waiting), pk__in=flagged_items(project))
    elif filters.reason:
        waiting = _summaries(filters).filter(
            project=project, state=SummaryState.OPEN, reason=filters.reason
        )
        items = items.filter(pk__in=waiting.values("item_id"))
    if filters.question and filters.answer is not None:
        items = items.filter(Exists(_naming(filters.question, filters.answer)))
    return items_said(items, filters)


def _searched(items: QuerySet[Item], text: str) -> QuerySet[Item]:
    """A plain search: the words as they stand, in the fields (as stored) or the external id."""
    # SQLite keeps what is not ASCII escaped, PostgreSQL as it is.
    stored = json.dumps(text, ensure_ascii=connection.vendor == "sqlite")[1:-1]
    return items.annotate(stored=Cast("fields", TextField())).filter(
        Q(stored__icontains=stored) | Q(external_id__icontains=text)
    )


def _in_state(items: QuerySet[Item], project: Project, filters: Filters) -> QuerySet[Item]:
    here = OuterRef("pk")
    slots = Slot.objects.filter(item=here)
    unfilled = Exists(slots.exclude(state=SlotState.FILLED))
    match filters.state:
        case State.UNLABELLED:
            return items.exclude(Exists(_summaries(filters).filter(item=here, n_people__gt=0)))
        case State.IN_WORK:
            answered = _summaries(filters).filter(item=here, n_people__gt=0)
            return items.filter(unfilled, Exists(answered))
        case State.DONE:
            return items.filter(Exists(slots)).exclude(unfilled)
        case State.RULED:
            return items.filter(
                Exists(_summaries(filters).filter(item=here, state=SummaryState.RULED))
            )
        case _:
            surplus = Submission.objects.filter(project=project, status=SubmissionStatus.SURPLUS)
            return items.filter(pk__in=surplus.values("item_id"))


def _summaries(filters: Filters) -> QuerySet[ItemSummary]:
    summaries = ItemSummary.objects.all()
    return summaries.filter(question=filters.question) if filters.question else summaries


def _labels(question: Question) -> QuerySet[Label]:
    return Label.objects.filter(question=question, status=LabelStatus.LIVE)


def _naming(question: Question, code: int) -> QuerySet[Any, Any]:
    """Of an item, what names this option: a label, or a count of the options of all labels."""
    if question.kind in CHOICES:
        return _labels(question).filter(item=OuterRef("pk"), choice=code)
    summaries = ItemSummary.objects.filter(question=question, item=OuterRef("pk"))
    return summaries.filter(
        Q(people_counts__has_key=str(code)) | Q(judge_counts__has_key=str(code))
    )


# --- What is known of the items of a page -------------------------------------------------------


def _rows(items: list[Item], filters: Filters) -> list[ItemRow]:
    rows = {item.pk: ItemRow(item) for item in items}
    slots = Slot.objects.filter(item__in=rows).values_list("item_id", "state")
    for item_id, state in slots:
        rows[item_id].wanted += 1
        rows[item_id].filled += state == SlotState.FILLED
    question = filters.question
    if question is None:
        return list(rows.values())
    for summary in ItemSummary.objects.filter(item__in=rows, question=question):
        row = rows[summary.item_id]
        row.people = {int(code): n for code, n in summary.people_counts.items()}
        row.judges = {int(code): n for code, n in summary.judge_counts.items()}
        row.doubt, row.reasons = summary.doubt, summary.reasons
    if question.kind in CHOICES:
        _answers(rows, question)
    else:
        _value_answers(rows, question)
    if filters.a:
        pair = [rater for rater in (filters.a, filters.b) if rater]
        said: defaultdict[int, dict[int, Said]] = defaultdict(dict)
        for item_id, rater_id, choice, value in (
            _labels(question)
            .filter(item__in=rows, rater__in=pair)
            .values_list("item_id", "rater_id", "choice", "value")
        ):
            said[item_id][rater_id] = Said(choice, value)
        for pk, row in rows.items():
            row.of_a = said[pk].get(filters.a.pk)
            row.of_b = said[pk].get(filters.b.pk) if filters.b else None
    return list(rows.values())


def _answers(rows: dict[int, ItemRow], question: Question) -> None:
    """Fill in each item's answer: the ruling, else the newest aggregate that saw the votes there
    are now, else people's majority."""
    run = estimate_latest(question)
    estimates = (
        {e.item_id: e for e in ItemEstimate.objects.filter(run=run, item__in=rows)} if run else {}
    )
    rulings = dict(
        Ruling.objects.filter(
            item__in=rows, question=question, status=RulingStatus.LIVE
        ).values_list("item_id", "choice")
    )
    for pk, row in rows.items():
        estimate = estimates.get(pk)
        choice: int | None = None
        if pk in rulings:
            choice, row.source = rulings[pk], "ruling"
        elif run and estimate and _saw(estimate) == _counting(row, run.who_counts):
            choice, row.source = estimate.choice, "tie" if estimate.tied else "aggregate"
        elif row.people:
            top = max(row.people.values())
            first = [code for code, n in row.people.items() if n == top]
            tied = len(first) > 1
            choice, row.source = (None, "tie") if tied else (first[0], "majority")
        row.answer = None if choice is None else Said(choice)


def _value_answers(rows: dict[int, ItemRow], question: Question) -> None:
    """The same of a kind whose labels hold values."""
    run = estimate_latest(question)
    estimates = (
        {e.item_id: e for e in ItemEstimate.objects.filter(run=run, item__in=rows)} if run else {}
    )
    rulings = {
        ruling.item_id: said_of(ruling)
        for ruling in Ruling.objects.filter(
            item__in=rows, question=question, status=RulingStatus.LIVE
        )
    }
    answers = answers_of(list(rows), [question])
    asked = asked_of(question)
    for pk, row in rows.items():
        row.answers = answers[pk, question.pk]
        best = best_of(
            asked, row.answers, ruled=rulings.get(pk), run=run, estimate=estimates.get(pk)
        )
        row.answer, row.source = best.said, best.source


def _saw(estimate: ItemEstimate) -> Counter[int]:
    return Counter({int(code): n for code, n in estimate.payload["votes"].items()})


def _counting(row: ItemRow, who: str) -> Counter[int]:
    if who == WhoCounts.PEOPLE:
        return Counter(row.people)
    return Counter(row.judges) + (Counter() if who == WhoCounts.JUDGES else Counter(row.people))

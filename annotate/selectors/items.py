"""Reading items: the filtered list by keyset pages, and what is known of each item on a page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from annotate.kinds import CHOICES, Said, asked_of, said_of
from annotate.models import (
    WANTED,
    Item,
    ItemEstimate,
    ItemSummary,
    Label,
    LabelStatus,
    Project,
    Question,
    Ruling,
    RulingStatus,
    Slot,
    SlotState,
    WhoCounts,
)
from annotate.selectors.answers import Answers, answers_of, best_of
from annotate.selectors.estimates import estimate_latest
from annotate.selectors.item_filters import Filters, items_filtered

PAGE = 50


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
        rows=rows_of(found, filters),
        before=found[0].pk if found and earlier else None,
        after=found[-1].pk if found and later else None,
    )


# --- What is known of the items of a page -------------------------------------------------------


def rows_of(items: list[Item], filters: Filters) -> list[ItemRow]:
    """What is known of these items, about the question of the filters. In their order."""
    rows = {item.pk: ItemRow(item) for item in items}
    slots = Slot.objects.filter(WANTED, item__in=rows).values_list("item_id", "state")
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
            Label.objects.filter(question=question, status=LabelStatus.LIVE)
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

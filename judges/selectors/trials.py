"""A trial, item by item: what the judge said, what people said, and every reply as it came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from annotate.models import Item, Option
from judges.models import Call, CallState, Ending, Run, RunItem
from judges.providers.prices import from_steps
from judges.selectors.panels import takes_one_call
from judges.selectors.people import Said, majority, people_counts

# Beneath so much probability on the options at all, a confidence made of it says nothing.
LITTLE_MASS = 0.5

Match: TypeAlias = Literal["agrees", "differs", "tied", "nobody", ""]


@dataclass(frozen=True)
class Reply:
    """One call: its ``words`` name the variant and the repeat ("" for the only one)."""

    call: Call
    option: Option | None


@dataclass(frozen=True)
class TriedItem:
    """An item of a trial. ``ending`` is "" while a call about it is open; ``match`` says how the
    answer stands to what most people said ("" without an answer).
    """

    item: Item
    text: str
    ending: str
    ending_label: str
    option: Option | None
    confidence: float | None
    error: str
    rationale: str
    people: list[tuple[Option, int]]
    match: Match
    replies: list[Reply]
    asking: bool

    @property
    def seconds(self) -> float | None:
        known = [r.call.seconds for r in self.replies if r.call.seconds is not None]
        return sum(known) if known else None


@dataclass(frozen=True)
class Trial:
    """``agree`` of ``shared`` items have the judge's answer equal to that of most people; ``low``
    and ``high`` are Wilson's 95 % interval of the share. ``none`` are the items that ended without
    an answer, ``unparsed`` those of them whose replies did not parse. ``seconds`` and ``tokens``
    are means of an item, over its calls. ``little_mass``: the judge's probabilities fell mostly on
    words that are no answer, so that its confidence says nothing.
    """

    items: list[TriedItem]
    ended: int
    answered: int
    none: int
    unparsed: int
    agree: int
    shared: int
    share: float | None
    low: float | None
    high: float | None
    seconds: float | None
    tokens_in: float | None
    tokens_out: float | None
    little_mass: bool
    spent: Decimal
    unpriced: int

    @property
    def spent_an_item(self) -> Decimal | None:
        """US dollars; None before the first item ended, and where a price is not known."""
        return self.spent / self.ended if self.ended and not self.unpriced else None


def trial_of(run: Run) -> Trial:
    """The items of a run in the order of the draw. Five queries; for the few hundred of a trial."""
    from consensus.intervals import proportion_interval

    items = _items(run)
    ended = [each for each in items if each.ending]
    against = [each for each in ended if each.match in {"agrees", "differs"}]
    agree = sum(each.match == "agrees" for each in against)
    low, high = proportion_interval(agree, len(against)) if against else (None, None)
    calls = [reply.call for each in ended for reply in each.replies]
    masses = [call.label_mass for call in calls if call.label_mass is not None]
    return Trial(
        items=items,
        ended=len(ended),
        answered=sum(each.ending == Ending.LABEL for each in ended),
        none=sum(each.ending != Ending.LABEL for each in ended),
        unparsed=sum(each.ending == Ending.UNPARSEABLE for each in ended),
        agree=agree,
        shared=len(against),
        share=agree / len(against) if against else None,
        low=low,
        high=high,
        seconds=_mean([each.seconds for each in ended]),
        tokens_in=_tokens(calls, "tokens_in", len(ended)),
        tokens_out=_tokens(calls, "tokens_out", len(ended)),
        little_mass=bool(masses) and sum(masses) / len(masses) < LITTLE_MASS,
        spent=from_steps(Run.objects.values_list("spent", flat=True).get(pk=run.pk)),
        unpriced=sum(
            call.state == CallState.CLOSED and call.price is None and not call.paid_beside
            for call in calls
        ),
    )


def _items(run: Run) -> list[TriedItem]:
    calls: dict[int, list[Call]] = defaultdict(list)
    for call in Call.objects.filter(run=run).select_related("item", "member").order_by("pk"):
        calls[call.item_id].append(call)
    rows = {row.item_id: row for row in RunItem.objects.filter(run=run)}
    options = {option.code: option for option in run.version.question.options.all()}
    people = people_counts(run.version.question, list(calls))
    single = takes_one_call(run.version)
    return [
        _tried(
            _only(asked) if single else _joined(rows.get(item)),
            asked,
            options,
            people.get(item, []),
        )
        for item, asked in calls.items()
    ]


@dataclass(frozen=True)
class _Told:
    ending: str = ""
    choice: int | None = None
    confidence: float | None = None
    error: str = ""


def _only(calls: Sequence[Call]) -> _Told:
    call = calls[0]
    return _Told(call.outcome, call.choice, call.confidence, call.error)


def _joined(row: RunItem | None) -> _Told:
    return _Told(row.ending, row.choice, row.confidence, row.error) if row else _Told()


def _tried(told: _Told, calls: list[Call], options: Mapping[int, Option], said: Said) -> TriedItem:
    answer = told.choice if told.ending == Ending.LABEL else None
    item = calls[0].item
    return TriedItem(
        item=item,
        text=" · ".join(str(value) for value in item.fields.values()),
        ending=told.ending,
        ending_label=str(Ending(told.ending).label) if told.ending else "",
        option=None if answer is None else options.get(answer),
        confidence=told.confidence,
        error=told.error,
        rationale=next((c.rationale for c in calls if c.rationale and c.choice == answer), ""),
        people=[(options[code], n) for code, n in said if code in options],
        match=_match(answer, said),
        replies=[
            Reply(call, None if call.choice is None else options.get(call.choice))
            for call in sorted(calls, key=lambda call: (call.repeat, call.pk))
            if call.state == CallState.CLOSED
        ],
        asking=any(call.state == CallState.CLAIMED for call in calls),
    )


def _match(answer: int | None, said: Said) -> Match:
    if answer is None:
        return ""
    most = majority(said)
    if most is None:
        return "tied" if said else "nobody"
    return "agrees" if answer == most else "differs"


def _tokens(calls: Sequence[Call], name: str, n_items: int) -> float | None:
    known = [getattr(call, name) for call in calls if getattr(call, name) is not None]
    return sum(known) / n_items if known and n_items else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None

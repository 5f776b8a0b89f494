"""How an item of a run ends: with a label handed in, or with the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from annotate.errors import ConcordError
from annotate.models import Item
from annotate.services.submissions import Answer, submission_submit
from judges.models import Call, CallState, Ending, Purpose, Run, RunItem
from judges.prompting.plan import CallKey, Combined, combine, next_calls
from judges.selectors.asked import how_of
from judges.selectors.panel_items import call_of, standing, told_of
from judges.selectors.panels import is_panel, panel_of

# What is kept of a reply: enough to see what the model wrote.
MAX_RAW = 20_000


def item_end(run: Run, place: RunItem, item: Item) -> str:
    """After a call of an item was closed: ask for more where the plan wants more, and where nothing
    is open any more reduce all of them to one label and hand it in. Returns the ending, "" while
    calls are open.

    In the transaction that closed the call, with ``place`` locked: so of the workers that close the
    last calls of an item at once the later one sees all of them, and hands in.
    """
    if place.ending:
        return ""
    # Read after the lock was had: what another worker closed or added meanwhile is among them.
    calls = list(Call.objects.filter(run=run, item=item).order_by("pk"))
    stands = _panel_stands(run, item, calls) if is_panel(run.version) else _stands(run, item, calls)
    Call.objects.bulk_create(stands.more)
    found = stands.found
    if found is None:
        return ""
    ending, error = str(found.outcome), found.error
    if ending == Ending.LABEL and found.code is not None:
        answer = Answer(
            choice=found.code,
            confidence=found.confidence,
            confidence_source=found.confidence_source,
            distribution=found.distribution,
            rationale=storable(found.rationale),
        )
        seconds = sum(call.seconds or 0.0 for call in calls)
        refused = label_hand_in(run, item, answer, seconds=seconds)
        if refused:
            ending, error = Ending.FAILED, refused
    RunItem.objects.filter(pk=place.pk).update(
        ending=ending,
        error=storable(error),
        choice=found.code,
        confidence=found.confidence,
        distribution=shares_by_text(found.distribution),
        asked=stands.asked,
        asked_again=stands.asked_again,
        ended_at=timezone.now(),
    )
    return str(ending)


@dataclass(frozen=True)
class _Stands:
    """Where an item is: the calls to write now; what it came to, None while calls are open or to be
    written; of a panel how many members were asked, and asked again.
    """

    more: list[Call]
    found: Combined | None
    asked: int | None = None
    asked_again: int | None = None


def _stands(run: Run, item: Item, calls: list[Call]) -> _Stands:
    how = how_of(run.version)
    n_options = len(run.version.question.options.all())
    told = [told_of(call) for call in calls if call.state == CallState.CLOSED]
    there = {CallKey(call.variant, call.repeat) for call in calls}
    more = [
        Call(run=run, item=item, variant=key.variant, repeat=key.repeat)
        for key in next_calls(how, n_options, told)
        if key not in there
    ]
    if more or len(told) < len(calls):
        return _Stands(more, None)
    return _Stands([], combine(how, n_options, told))


def _panel_stands(run: Run, item: Item, calls: list[Call]) -> _Stands:
    panel = panel_of(run.version)
    now = standing(panel, item.pk, calls)
    return _Stands(
        more=[call_of(run, panel, item.pk, wanted) for wanted in now.more],
        found=now.found,
        asked=len(now.votes(discussed=False)),
        asked_again=len(now.votes(discussed=True)),
    )


def label_hand_in(run: Run, item: Item, answer: Answer, *, seconds: float | None) -> str:
    """Hand a label in; "" when it was, or the run is for another purpose, else why it cannot be
    (the item was withdrawn meanwhile). Idempotent by run and item.
    """
    if run.purpose != Purpose.LABEL:
        return ""
    version = run.version
    try:
        with transaction.atomic():
            submission_submit(
                version.rater,
                item,
                answers={version.question_id: answer},
                client_key=f"run:{run.pk}:{item.pk}",
                seconds=seconds,
                guideline=version.guideline,
            )
    except ConcordError as refused:
        return refused.message
    return ""


def storable(text: str, limit: int = MAX_RAW) -> str:
    """Text that any database keeps: without NUL and lone surrogates, which are spelt out."""
    text = text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    return text if len(text) <= limit else f"{text[:limit]}…"


def shares_by_text(distribution: Mapping[int, float] | None) -> dict[str, float] | None:
    """A distribution as JSON keeps it."""
    if distribution is None:
        return None
    return {str(code): round(share, 6) for code, share in distribution.items()}

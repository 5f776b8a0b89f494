"""How an item of a run ends: with a label handed in, or with the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from annotate.errors import ConcordError
from annotate.models import Item
from annotate.services.submissions import Answer, submission_submit
from judges.models import Call, CallState, Ending, Purpose, Run, RunItem
from judges.prompting.how import How
from judges.prompting.plan import CallKey, Told, combine, next_calls

# What is kept of a reply: enough to see what the model wrote.
MAX_RAW = 20_000


def item_end(run: Run, place: RunItem, item: Item, how: How) -> str:
    """After a call of an item was closed: ask for more where the plan wants more, and where nothing
    is open any more reduce all of them to one label and hand it in. Returns the ending, "" while
    calls are open.

    In the transaction that closed the call, with ``place`` locked: so of the workers that close the
    last calls of an item at once the later one sees all of them, and hands in.
    """
    if place.ending:
        return ""
    # Read after the lock was had: what another worker closed or added meanwhile is among them.
    calls = list(Call.objects.filter(run=run, item=item).order_by("variant", "repeat"))
    n_options = len(run.version.question.options.all())
    told = [_told(call) for call in calls if call.state == CallState.CLOSED]
    there = {CallKey(call.variant, call.repeat) for call in calls}
    more = [key for key in next_calls(how, n_options, told) if key not in there]
    Call.objects.bulk_create(
        Call(run=run, item=item, variant=key.variant, repeat=key.repeat) for key in more
    )
    if more or len(told) < len(calls):
        return ""
    found = combine(how, n_options, told)
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
        ended_at=timezone.now(),
    )
    return str(ending)


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


def _told(call: Call) -> Told:
    shares = call.distribution
    return Told(
        key=CallKey(call.variant, call.repeat),
        outcome=call.outcome,
        code=call.choice,
        distribution={int(code): share for code, share in shares.items()} if shares else None,
        confidence=call.confidence,
        confidence_source=call.confidence_source,
        label_mass=call.label_mass,
        rationale=call.rationale,
        error=call.error,
    )

"""How an item of a run ends: with a label handed in, or with the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils import timezone

from annotate.errors import ConcordError
from annotate.models import Item
from annotate.services.answers import Answer
from annotate.services.hand_ins import HandIn, submissions_submit
from judges.models import Call, CallState, Ending, Outcome, Purpose, Run, RunItem
from judges.prompting.plan import CallKey, Combined, Told, combine, next_calls
from judges.selectors.asked import how_of

# What is kept of a reply: enough to see what the model wrote.
MAX_RAW = 20_000


def calls_end(run: Run, calls: Sequence[Call]) -> dict[int, str]:
    """End items that are asked once, by their closed calls, before these are written: hand in their
    labels, and make a call failed whose label cannot be. By item.
    """
    labels = {
        call.item_id: Answer(
            choice=call.choice,
            confidence=call.confidence,
            confidence_source=call.confidence_source,
            distribution=_by_code(call.distribution),
            rationale=call.rationale,
        )
        for call in calls
        if call.outcome == Outcome.LABEL and call.choice is not None
    }
    seconds = {call.item_id: call.seconds for call in calls}
    items = {call.item_id: call.item for call in calls}
    refused = labels_hand_in(run, labels, items=items, seconds=seconds)
    for call in calls:
        if call.item_id in refused:
            call.outcome, call.error = Outcome.FAILED, storable(refused[call.item_id])
            call.choice = call.confidence = call.distribution = call.label_mass = None
            call.confidence_source = ""
    return {call.item_id: call.outcome for call in calls}


def items_end(run: Run, places: Mapping[int, RunItem], items: Mapping[int, Item]) -> dict[int, str]:
    """After calls about these items were closed: ask for more where the plan wants more, and where
    nothing is open any more reduce an item's calls to one label and hand it in. By item.

    In the transaction that closed the calls, with ``places`` locked: so of the workers that close
    the last calls of an item at once the later one sees all of them, and hands in.
    """
    how = how_of(run.version)
    n_options = len(run.version.question.options.all())
    open_places = {pk: place for pk, place in places.items() if pk in items and not place.ending}
    by_item: dict[int, list[Call]] = {pk: [] for pk in open_places}
    # Read after the locks were had: what another worker closed or added meanwhile is among them.
    asked = Call.objects.filter(run=run, item_id__in=open_places).order_by("variant", "repeat")
    for call in asked:
        by_item[call.item_id].append(call)
    more: list[Call] = []
    found: dict[int, Combined] = {}
    for pk, calls in by_item.items():
        told = [_told(call) for call in calls if call.state == CallState.CLOSED]
        there = {CallKey(call.variant, call.repeat) for call in calls}
        wanted = [key for key in next_calls(how, n_options, told) if key not in there]
        more += [Call(run=run, item_id=pk, variant=k.variant, repeat=k.repeat) for k in wanted]
        if not wanted and len(told) == len(calls):
            found[pk] = combine(how, n_options, told)
    Call.objects.bulk_create(more)
    return _close(run, open_places, items, by_item, found)


def _close(
    run: Run,
    places: Mapping[int, RunItem],
    items: Mapping[int, Item],
    by_item: Mapping[int, Sequence[Call]],
    found: Mapping[int, Combined],
) -> dict[int, str]:
    labels = {
        pk: Answer(
            choice=came.code,
            confidence=came.confidence,
            confidence_source=came.confidence_source,
            distribution=came.distribution,
            rationale=storable(came.rationale),
        )
        for pk, came in found.items()
        if came.outcome == "label" and came.code is not None
    }
    seconds = {pk: sum(call.seconds or 0.0 for call in by_item[pk]) for pk in labels}
    refused = labels_hand_in(run, labels, items=items, seconds=seconds)
    now = timezone.now()
    for pk, came in found.items():
        place = places[pk]
        place.ending, error = str(came.outcome), came.error
        if pk in refused:
            place.ending, error = Ending.FAILED, refused[pk]
        place.error = storable(error)
        place.choice = came.code
        place.confidence = came.confidence
        place.distribution = shares_by_text(came.distribution)
        place.ended_at = now
    RunItem.objects.bulk_create(
        [places[pk] for pk in found],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["ending", "error", "choice", "confidence", "distribution", "ended_at"],
    )
    return {pk: str(places[pk].ending) for pk in found}


def labels_hand_in(
    run: Run,
    labels: Mapping[int, Answer],
    *,
    items: Mapping[int, Item],
    seconds: Mapping[int, float | None],
) -> dict[int, str]:
    """Hand labels in, by item; returns of those that cannot be why (the item was withdrawn
    meanwhile). Idempotent by run and item. A run for another purpose hands nothing in.
    """
    if run.purpose != Purpose.LABEL or not labels:
        return {}
    version = run.version
    stored = submissions_submit(
        version.rater,
        [
            HandIn(
                item=items[pk],
                answers={version.question_id: answer},
                client_key=f"run:{run.pk}:{pk}",
                seconds=seconds[pk],
            )
            for pk, answer in labels.items()
        ],
        guideline=version.guideline,
    )
    return {
        pk: came.message
        for pk, came in zip(labels, stored, strict=True)
        if isinstance(came, ConcordError)
    }


def storable(text: str, limit: int = MAX_RAW) -> str:
    """Text that any database keeps: without NUL and lone surrogates, which are spelt out."""
    text = text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    return text if len(text) <= limit else f"{text[:limit]}…"


def shares_by_text(distribution: Mapping[int, float] | None) -> dict[str, float] | None:
    """A distribution as JSON keeps it."""
    if distribution is None:
        return None
    return {str(code): round(share, 6) for code, share in distribution.items()}


def _by_code(shares: Mapping[str, float] | None) -> dict[int, float] | None:
    return {int(code): share for code, share in shares.items()} if shares else None


def _told(call: Call) -> Told:
    return Told(
        key=CallKey(call.variant, call.repeat),
        outcome=call.outcome,
        code=call.choice,
        distribution=_by_code(call.distribution),
        confidence=call.confidence,
        confidence_source=call.confidence_source,
        label_mass=call.label_mass,
        rationale=call.rationale,
        error=call.error,
    )

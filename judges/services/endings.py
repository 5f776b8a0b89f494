"""How an item of a run ends: with a label handed in, or with the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from annotate.errors import ConcordError
from annotate.models import Item
from annotate.services.answers import Answer
from annotate.services.hand_ins import HandIn, submissions_submit
from judges.models import Call, CallState, Ending, Outcome, Purpose, Run, RunItem
from judges.prompting.canaries import KINDS, option_to_plant, variant_of
from judges.prompting.plan import PLAIN, CallKey, Combined, combine, next_calls
from judges.selectors.asked import how_of
from judges.selectors.panel_items import call_of, standing, told_of
from judges.selectors.panels import is_panel, panel_of

# What is kept of a reply: enough to see what the model wrote.
MAX_RAW = 20_000
KEPT = [
    "ending",
    "error",
    "choice",
    "confidence",
    "distribution",
    "asked",
    "asked_again",
    "ended_at",
]


@dataclass(frozen=True)
class _Stands:
    """Where an item is: the calls to write now; what it came to, None while calls are open or to be
    written; of a panel how many members were asked, and asked again.
    """

    more: list[Call]
    found: Combined | None
    asked: int | None = None
    asked_again: int | None = None


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
    open_places = {pk: place for pk, place in places.items() if pk in items and not place.ending}
    by_item: dict[int, list[Call]] = {pk: [] for pk in open_places}
    # Read after the locks were had: what another worker closed or added meanwhile is among them.
    for call in Call.objects.filter(run=run, item_id__in=open_places).order_by("pk"):
        by_item[call.item_id].append(call)
    stand = _panel_stands if is_panel(run.version) else _stands
    if run.purpose == Purpose.CANARY:
        stand = _canary_stands
    elif run.selection.get("audits"):
        stand = _audit_stands
    stands = {pk: stand(run, pk, calls) for pk, calls in by_item.items()}
    Call.objects.bulk_create(call for stood in stands.values() for call in stood.more)
    return _close(run, open_places, items, by_item, stands)


def _close(
    run: Run,
    places: Mapping[int, RunItem],
    items: Mapping[int, Item],
    by_item: Mapping[int, Sequence[Call]],
    stands: Mapping[int, _Stands],
) -> dict[int, str]:
    found = {pk: stood.found for pk, stood in stands.items() if stood.found is not None}
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
        place.asked = stands[pk].asked
        place.asked_again = stands[pk].asked_again
        place.ended_at = now
    RunItem.objects.bulk_create(
        [places[pk] for pk in found],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=KEPT,
    )
    return {pk: str(places[pk].ending) for pk in found}


def _stands(run: Run, item_id: int, calls: list[Call]) -> _Stands:
    how = how_of(run.version)
    n_options = len(run.version.question.options.all())
    told = [told_of(call) for call in calls if call.state == CallState.CLOSED]
    there = {CallKey(call.variant, call.repeat) for call in calls}
    more = [
        Call(run=run, item_id=item_id, variant=key.variant, repeat=key.repeat)
        for key in next_calls(how, n_options, told)
        if key not in there
    ]
    if more or len(told) < len(calls):
        return _Stands(more, None)
    return _Stands([], combine(how, n_options, told))


def _panel_stands(run: Run, item_id: int, calls: list[Call]) -> _Stands:
    panel = panel_of(run.version)
    now = standing(panel, item_id, calls)
    return _Stands(
        more=[call_of(run, panel, item_id, wanted) for wanted in now.more],
        found=now.found,
        asked=len(now.votes(discussed=False)),
        asked_again=len(now.votes(discussed=True)),
    )


def _canary_stands(run: Run, item_id: int, calls: list[Call]) -> _Stands:
    """Asked of the item alone first; then with each kind of verdict for another answer in it."""
    alone = next(call for call in calls if call.variant == PLAIN)
    if alone.state != CallState.CLOSED:
        return _Stands([], None)
    if alone.outcome != Outcome.LABEL or alone.choice is None:
        return _Stands([], Combined(alone.outcome, error=alone.error))  # type: ignore[arg-type]
    if len(calls) == 1:
        codes = [option.code for option in run.version.question.options.all()]
        option = option_to_plant(alone.choice, codes, item_id)
        if option is not None:
            more = [
                Call(run=run, item_id=item_id, variant=variant_of(kind, option)) for kind in KINDS
            ]
            return _Stands(more, None)
    if any(call.state != CallState.CLOSED for call in calls):
        return _Stands([], None)
    return _Stands([], Combined("label", code=alone.choice))


def _audit_stands(run: Run, item_id: int, calls: list[Call]) -> _Stands:
    """Over when all are closed; it ends as the item alone did."""
    if any(call.state != CallState.CLOSED for call in calls):
        return _Stands([], None)
    alone = next(call for call in calls if call.variant == PLAIN)
    if alone.outcome != Outcome.LABEL or alone.choice is None:
        return _Stands([], Combined(alone.outcome, error=alone.error))  # type: ignore[arg-type]
    return _Stands([], Combined("label", code=alone.choice))


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

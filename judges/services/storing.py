"""Replies stored: calls closed, items ended, labels handed in, reservations settled; many at once.

A reply is stored only while its call is held with our token, so a late one is dropped. However
many replies came, they cost one transaction and a dozen and a half statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from judges.models import HELD, Call, CallState, Run, RunItem
from judges.providers.prices import to_steps
from judges.selectors.panels import asks_once
from judges.services import endings, spending
from judges.services.calls import Result
from judges.services.endings import shares_by_text, storable

KEPT = [
    "state",
    "outcome",
    "lease_token",
    "lease_until",
    "raw_reply",
    "error",
    "choice",
    "confidence",
    "confidence_source",
    "distribution",
    "label_mass",
    "rationale",
    "tokens_in",
    "tokens_out",
    "seconds",
    "model_reported",
    "request_hash",
    "price",
    "reused",
    "reserved",
    "paid_beside",
    "closed_at",
]


@dataclass(frozen=True)
class Replied:
    """A call of ours with what it came to; ``token`` is that of its claim."""

    call: Call
    token: str
    result: Result


@dataclass(frozen=True)
class Stored:
    """What was stored of a reply: the call's outcome ("" when the claim was not ours any more and
    nothing was), and how its item ended ("" while other calls about it are open).
    """

    outcome: str = ""
    ending: str = ""


def call_store(run: Run, call: Call, token: str, result: Result) -> Stored:
    """As calls_store, of one reply."""
    return calls_store(run, [Replied(call, token, result)])[0]


def calls_store(run: Run, replies: Sequence[Replied]) -> list[Stored]:
    """Close calls with their results; hand in the labels of the items whose last calls they are.
    One transaction. What was stored of each, in their order.

    Idempotent through the claims, and through the submissions' client keys. A label that cannot be
    handed in (the item was withdrawn meanwhile) closes the call as failed, with the reason. Settles
    what was reserved. Locks the items' rows in the run where they have them, the calls, then as
    submissions_submit, then run and project; rows of a kind in id order.
    """
    single = asks_once(run)
    with transaction.atomic():
        places = {} if single else _items_locked(run, replies)
        ours = _still_ours(replies)
        # What a call cost beside its reply is as the row has it, which is locked now.
        for reply in ours:
            _fill(reply)
        if single:
            ended = endings.calls_end(run, [reply.call for reply in ours])
            _write(ours)
        else:
            _write(ours)
            answered = {reply.call.item_id: reply.call.item for reply in ours}
            ended = endings.items_end(run, places, answered)
        # Last, so that the rows which all workers share are held shortly.
        spending.settle(
            run,
            reserved=sum(reply.call.reserved or 0 for reply in ours),
            spent=sum(_spent(reply) for reply in ours),
        )
    for reply in ours:
        reply.call.reserved = None
    return _told(replies, ours, ended)


def _items_locked(run: Run, replies: Sequence[Replied]) -> dict[int, RunItem]:
    """By item. Of two workers which close the last calls of an item one sees the other's."""
    wanted = {reply.call.item_id for reply in replies}
    rows = RunItem.objects.select_for_update(no_key=True).filter(run=run, item_id__in=wanted)
    return {place.item_id: place for place in rows.order_by("pk")}


def _still_ours(replies: Sequence[Replied]) -> list[Replied]:
    rows = (
        Call.objects.select_for_update(no_key=True)
        .filter(pk__in=[reply.call.pk for reply in replies], state__in=HELD)
        .order_by("pk")
    )
    held = {
        pk: (token, paid)
        for pk, token, paid in rows.values_list("pk", "lease_token", "paid_beside")
    }
    ours = []
    for reply in replies:
        # Taken out, so that a call which is named twice is stored once.
        token, paid_beside = held.get(reply.call.pk, ("", 0))
        if token == reply.token:
            del held[reply.call.pk]
            reply.call.paid_beside = paid_beside
            ours.append(reply)
    return ours


def _fill(reply: Replied) -> None:
    """The call as it will be stored; ``reserved`` stays for the settling."""
    call, result = reply.call, reply.result
    call.state = CallState.CLOSED
    call.outcome = result.outcome
    call.lease_token = ""
    call.lease_until = None
    call.raw_reply = storable(result.raw)
    call.error = storable(result.error)
    call.choice = result.choice
    call.confidence = result.confidence
    call.confidence_source = result.confidence_source
    call.distribution = shares_by_text(result.distribution)
    call.label_mass = result.label_mass
    call.rationale = storable(result.rationale)
    call.tokens_in = result.tokens_in
    call.tokens_out = result.tokens_out
    call.seconds = result.seconds
    call.model_reported = storable(result.model, 199)
    call.request_hash = result.request_hash
    call.price = result.price
    call.reused_id = result.reused
    call.paid_beside += (call.reserved or 0) if result.price is None else 0
    call.closed_at = timezone.now()


def _write(ours: Sequence[Replied]) -> None:
    """Rows that are there and locked: the insert always meets its conflict, and so updates."""
    reserved = [reply.call.reserved for reply in ours]
    for reply in ours:
        reply.call.reserved = None
    Call.objects.bulk_create(
        [reply.call for reply in ours],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=KEPT,
    )
    for reply, amount in zip(ours, reserved, strict=True):
        reply.call.reserved = amount


def _spent(reply: Replied) -> int:
    price = reply.result.price
    return (reply.call.reserved or 0) if price is None else to_steps(price)


def _told(
    replies: Sequence[Replied], ours: Sequence[Replied], ended: dict[int, str]
) -> list[Stored]:
    """An item's ending is told once, with the last of its replies here."""
    last = {reply.call.item_id: reply.call.pk for reply in ours}
    stored: dict[tuple[int, str], Stored] = {}
    for reply in ours:
        call = reply.call
        ending = ended.get(call.item_id, "") if last[call.item_id] == call.pk else ""
        stored[call.pk, reply.token] = Stored(call.outcome, ending)
    return [stored.pop((reply.call.pk, reply.token), Stored()) for reply in replies]

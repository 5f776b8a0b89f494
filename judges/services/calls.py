"""Calls: claimed in chunks, asked with nothing held, put back when they were not answered.

State machine in models/runs.py. A claim is ``UPDATE ... WHERE state = 'waiting'`` and what it took
is read back by its token, so of two workers each gets calls of its own on any database. Replies are
stored by services/storing.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from annotate.models import FINISHED, JobState
from annotate.services.items import items_freeze
from annotate.services.jobs import LEASE
from judges.models import Call, CallState, JudgeVersion, Run
from judges.services import pace, spending
from judges.services.endings import storable


@dataclass(frozen=True)
class Claim:
    """Calls taken at one time by one worker. ``token`` proves it when they are stored.

    ``refused``: whose limit did not admit the next one ("" where none stood in the way).
    ``unpriced``: calls claimed of which nobody knows what they can cost, while a limit holds.
    ``room``: what the connection's pace admitted, where it was asked.
    """

    token: str
    calls: tuple[Call, ...]
    refused: spending.Refusal = ""
    unpriced: tuple[Call, ...] = ()
    room: pace.Room | None = None


Bound: TypeAlias = Callable[[Call], int | None]


@dataclass(frozen=True)
class Result:
    """What a call came to: its outcome with what is known about it.

    ``price`` in US dollars; None where it is not known, then what was reserved counts as spent.
    """

    outcome: str
    raw: str = ""
    error: str = ""
    choice: int | None = None
    confidence: float | None = None
    confidence_source: str = ""
    distribution: Mapping[int, float] | None = None
    label_mass: float | None = None
    rationale: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float | None = None
    model: str = ""
    request_hash: str = ""
    price: Decimal | None = None
    reused: int | None = None  # the call that was answered before, where none was made now


def calls_claim(
    run: Run,
    *,
    most: int,
    bound: Bound | None = None,
    paced: bool = False,
    answered: int = 0,
    ahead: int = 0,
    member: JudgeVersion | None = None,
) -> Claim:
    """Take up to ``most`` waiting calls whose time has come, in the order of the draw.

    Counts an attempt for each. Freezes their items: what was asked stays as it was asked.
    ``bound`` tells the most that a call can cost (100-millionths of a dollar; None where nobody
    knows); so much is reserved with the claim, and what the limits do not admit is left waiting.
    ``paced``: no more than the connection gets at once, over all workers (``Claim.room``), where
    ``answered`` calls that are still claimed do not count: the endpoint is done with them, or was
    not asked yet; and up to ``ahead`` more, which are to be asked when there is room for them.
    ``member``: of a panel's run, whose calls; its connection is then the one that is paced.
    """
    now = timezone.now()
    token = str(uuid.uuid4())
    with transaction.atomic():
        asked = (member or run.version).connection
        room = pace.room(asked, answered=answered) if paced else None
        if room is not None:
            most = min(most, max(0, room.n) + ahead)
            if most <= 0:
                return Claim(token, (), room=room)
        waiting = (
            Call.objects.filter(run=run, member=member, state=CallState.WAITING)
            .filter(Q(not_before=None) | Q(not_before__lte=now))
            .order_by("pk")
        )
        if connection.features.has_select_for_update_skip_locked:
            waiting = waiting.select_for_update(skip_locked=True)
        waiting_ids = waiting.values_list("pk", flat=True)
        ids = list(waiting_ids.filter(attempts=0)[:most])
        if len(ids) < most:
            # What failed before comes last: an endpoint that is ill shows on several items soon.
            ids += waiting_ids.filter(attempts__gt=0)[: most - len(ids)]
        # Another worker may have been here since the ids were read: only waiting ones are taken.
        Call.objects.filter(pk__in=ids, state=CallState.WAITING).update(
            state=CallState.CLAIMED,
            lease_token=token,
            lease_until=now + LEASE,
            attempts=F("attempts") + 1,
            not_before=None,
        )
        taken = tuple(
            Call.objects.filter(pk__in=ids, lease_token=token).select_related("item").order_by("pk")
        )
        thawed = [call.item for call in taken if call.item.frozen_at is None]
        items_freeze([item.pk for item in thawed])
        for item in thawed:
            item.frozen_at = now
        if bound is None or not taken:
            return Claim(token, taken, room=room)
        claim = _reserve(run, token, taken, [bound(call) for call in taken])
        return replace(claim, room=room)


def _reserve(run: Run, token: str, taken: Sequence[Call], bounds: Sequence[int | None]) -> Claim:
    """Of the calls taken, keep those for which the limits leave room."""
    unpriced: tuple[Call, ...] = ()
    if None in bounds and spending.is_capped(run):
        unpriced = tuple(call for call, b in zip(taken, bounds, strict=True) if b is None)
    asked = [(c, b or 0) for c, b in zip(taken, bounds, strict=True) if c not in unpriced]
    refused = spending.reserve(run, sum(amount for _call, amount in asked))
    kept = asked
    if refused:
        kept = []
        for call, amount in asked:
            refused = spending.reserve(run, amount)
            if refused:
                break
            kept.append((call, amount))
    by_amount: dict[int, list[int]] = {}
    for call, amount in kept:
        call.reserved = amount
        by_amount.setdefault(amount, []).append(call.pk)
    for amount, ids in by_amount.items():
        if amount:
            Call.objects.filter(pk__in=ids).update(reserved=amount)
    left = [call.pk for call, _amount in asked[len(kept) :]]
    if left:
        Call.objects.filter(pk__in=left, lease_token=token).update(
            state=CallState.WAITING,
            lease_token="",
            lease_until=None,
            attempts=F("attempts") - 1,
        )
    return Claim(token, tuple(call for call, _amount in kept), refused, unpriced)


def calls_renew(claimed: Mapping[str, Collection[int]]) -> None:
    """Keep claims alive while they are being asked. ``claimed``: call ids by token."""
    until = timezone.now() + LEASE
    for token, ids in claimed.items():
        Call.objects.filter(pk__in=ids, lease_token=token, state=CallState.CLAIMED).update(
            lease_until=until
        )


def calls_expire(run: Run) -> int:
    """Put calls whose lease ran out (their worker died) back to waiting. Returns how many.

    They may have been charged: what was reserved for them counts as spent.
    """
    dead = Call.objects.filter(run=run, state=CallState.CLAIMED, lease_until__lt=timezone.now())
    found = list(dead.order_by("pk").values_list("pk", "lease_token", "reserved"))
    if not found:
        return 0
    expired = lost = 0
    with transaction.atomic():
        for pk, token, reserved in found:
            # Its worker may have come back, or another one been here: only what is still dead.
            if dead.filter(pk=pk, lease_token=token).update(
                state=CallState.WAITING,
                lease_token="",
                lease_until=None,
                reserved=None,
                paid_beside=F("paid_beside") + (reserved or 0),
            ):
                expired += 1
                lost += reserved or 0
        spending.settle(run, reserved=lost, spent=lost)
    return expired


def calls_sweep() -> int:
    """Put back what dead workers left claimed in runs that do not go on: a run that does, looks at
    its own. Without it a cancelled run would hold money back for ever. Returns how many.
    """
    dead = Call.objects.filter(state=CallState.CLAIMED, lease_until__lt=timezone.now())
    left = dead.filter(run__job__state__in=[*FINISHED, JobState.PAUSED])
    runs = Run.objects.filter(pk__in=left.values("run")).order_by("pk")
    return sum(calls_expire(run) for run in runs)


def call_wait(
    run: Run,
    call: Call,
    token: str,
    *,
    error: str = "",
    seconds: float = 0,
    uncounted: bool = False,
    may_have_cost: bool = False,
) -> bool:
    """Put a claimed call back to waiting, for ``seconds`` at least. False when not ours any more.

    ``uncounted`` takes the attempt back: it was never really asked, or not to blame. What was
    reserved is free again, or counts as spent where it ``may_have_cost``.
    """
    attempts = F("attempts") - 1 if uncounted else F("attempts")
    reserved = call.reserved or 0
    lost = reserved if may_have_cost else 0
    with transaction.atomic():
        put_back = _ours(call, token).update(
            state=CallState.WAITING,
            lease_token="",
            lease_until=None,
            not_before=timezone.now() + timedelta(seconds=seconds) if seconds else None,
            error=storable(error),
            attempts=attempts,
            reserved=None,
            paid_beside=F("paid_beside") + lost,
        )
        if put_back:
            spending.settle(run, reserved=reserved, spent=lost)
    return bool(put_back)


def _ours(call: Call, token: str) -> Any:
    return Call.objects.filter(pk=call.pk, state=CallState.CLAIMED, lease_token=token)

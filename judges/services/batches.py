"""Batches as rows: filled with calls, handed in, closed. State machine in models/batches.py.

What is asked of the endpoint is in batch_looks.py and batch_runs.py; nothing here waits for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.services.jobs import LEASE
from judges.models import ASKED_IN_WORDS, Batch, BatchStage, Call, CallState, JudgeVersion, Run
from judges.selectors.batches import has_batch_lane
from judges.selectors.panels import is_panel
from judges.services import spending
from judges.services.endings import storable

# While a batch is handed in it shows a sign of life; so long after the last nobody is at it.
SENDING_SILENT = timedelta(minutes=5)
# One look takes no longer, so until then nobody else looks.
LOOKING = timedelta(minutes=10)
SOONEST_LOOK = timedelta(seconds=60)
LATEST_LOOK = timedelta(minutes=10)
# Calls put back in one transaction.
CHUNK = 500


def check_batchable(version: JudgeVersion) -> None:
    """Raise BadInput where a version cannot be asked in batches."""
    if is_panel(version):
        raise BadInput(
            _(
                "A panel asks its judges one after the other, and the batch lane takes up to a "
                "day for each. Run it in the ordinary lane."
            )
        )
    if has_batch_lane(version):
        return
    connection = version.connection
    names = {"model": version.model, "connection": connection.name}
    if connection.provider in ASKED_IN_WORDS and version.model not in connection.capabilities:
        said = _(
            "Whether “%(connection)s” has a batch lane for %(model)s is not known. Test the "
            "connection with this model first, on its page."
        )
    else:
        said = _("“%(connection)s” was not found to have a batch lane for this judge.")
    raise BadInput(said % names)


def batch_begin(run: Run) -> Batch:
    """A batch to be filled. Only who holds the run's job fills one."""
    return Batch.objects.create(run=run, key=uuid.uuid4().hex, look_at=timezone.now() + LEASE)


@transaction.atomic
def calls_join(batch: Batch, token: str, hashes: Mapping[int, str]) -> set[int]:
    """Let claimed calls go with a batch; ``hashes``: of their requests, by call. Those that were
    still ours by ``token``; none where somebody gave the batch up. Locks it, then the calls.
    """
    if not _at(batch, BatchStage.FILLING).select_for_update(no_key=True).values_list("pk"):
        return set()
    calls = list(
        Call.objects.select_for_update(no_key=True)
        .filter(pk__in=hashes, state=CallState.CLAIMED, lease_token=token)
        .order_by("pk")
    )
    for call in calls:
        call.state = CallState.SENT
        call.batch = batch
        call.lease_token = batch.key
        call.lease_until = None
        call.request_hash = hashes[call.pk]
    # Rows that are there and locked: the insert always meets its conflict, and so updates.
    Call.objects.bulk_create(
        calls,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["state", "batch", "lease_token", "lease_until", "request_hash"],
    )
    Batch.objects.filter(pk=batch.pk).update(
        n_calls=F("n_calls") + len(calls), look_at=timezone.now() + LEASE
    )
    batch.n_calls += len(calls)
    return {call.pk for call in calls}


def batch_sending(batch: Batch) -> bool:
    """filling -> sending, before the first byte leaves; again as a sign of life. From here on it
    is not known whether the endpoint has it. False where somebody gave it up.
    """
    now = timezone.now()
    batch.sent_at = batch.sent_at or now
    batch.stage = BatchStage.SENDING
    moved = _at(batch, BatchStage.FILLING, BatchStage.SENDING).update(
        stage=BatchStage.SENDING, sent_at=batch.sent_at, look_at=now + SENDING_SILENT
    )
    return bool(moved)


def batch_sent(batch: Batch, remote_id: str) -> bool:
    """sending -> sent. False where it was given up meanwhile: then nobody will look at it."""
    now = timezone.now()
    moved = _at(batch, BatchStage.SENDING).update(
        stage=BatchStage.SENT,
        remote_id=remote_id,
        look_at=now + SOONEST_LOOK,
        failures=0,
        error="",
    )
    if moved:
        batch.stage, batch.remote_id, batch.failures = BatchStage.SENT, remote_id, 0
    return bool(moved)


def batch_take(batch: Batch) -> bool:
    """Make sure that nobody else looks at it now. False where somebody does."""
    until = timezone.now() + LOOKING
    taken = Batch.objects.filter(pk=batch.pk, look_at=batch.look_at)
    if not taken.exclude(stage=BatchStage.CLOSED).update(look_at=until):
        return False
    batch.look_at = until
    return True


def batch_seen(batch: Batch, *, wait: timedelta | None = None, **found: Any) -> None:
    """Keep what a look found, and when to look next: seldom at one that takes long."""
    now = timezone.now()
    if wait is None:
        age = now - (batch.sent_at or now)
        wait = min(LATEST_LOOK, max(SOONEST_LOOK, age / 10))
    found = {**found, "look_at": now + wait}
    _open(batch).update(**found)
    for name, value in found.items():
        setattr(batch, name, value)


def batch_cancel_asked(batch: Batch) -> None:
    """The endpoint was asked to answer no more of it; what it has answered comes yet."""
    batch.cancel_asked_at = timezone.now()
    _open(batch).update(cancel_asked_at=batch.cancel_asked_at)


def batch_close(batch: Batch, *, error: str = "", too_many: bool = False) -> None:
    """Nothing more comes of it. Its calls are answered or put back before."""
    batch.stage = BatchStage.CLOSED
    _open(batch).update(
        stage=BatchStage.CLOSED,
        closed_at=timezone.now(),
        error=storable(error),
        too_many=too_many,
    )


@transaction.atomic
def batch_give_up(batch: Batch, *, error: str, may_have_cost: bool, too_many: bool = False) -> None:
    """Put back what of it is not answered, and close it. The attempt does not count: it is not to
    blame on the items. Locks the batch first, so that no call joins it meanwhile.
    """
    if not _open(batch).select_for_update(no_key=True).values_list("pk"):
        return
    while ids := list(_unanswered(batch).values_list("pk", flat=True)[:CHUNK]):
        calls_put_back(batch, ids, error=error, uncounted=True, may_have_cost=may_have_cost)
    batch_close(batch, error=error, too_many=too_many)


@transaction.atomic
def calls_put_back(
    batch: Batch,
    ids: Sequence[int],
    *,
    error: str,
    uncounted: bool = False,
    may_have_cost: bool = False,
) -> int:
    """Let calls of a batch wait again. Returns how many did.

    ``uncounted`` takes the attempt back. What was reserved is free again, or counts as spent where
    it ``may_have_cost``.
    """
    held = list(
        _unanswered(batch)
        .filter(pk__in=ids)
        .select_for_update(no_key=True)
        .order_by("pk")
        .values_list("pk", "reserved")
    )
    reserved = sum(amount or 0 for _pk, amount in held)
    lost = Coalesce(F("reserved"), 0) if may_have_cost else 0
    Call.objects.filter(pk__in=[pk for pk, _amount in held]).update(
        state=CallState.WAITING,
        batch=None,
        lease_token="",
        lease_until=None,
        not_before=None,
        error=storable(error),
        attempts=F("attempts") - 1 if uncounted else F("attempts"),
        reserved=None,
        paid_beside=F("paid_beside") + lost,
    )
    spending.settle(batch.run, reserved=reserved, spent=reserved if may_have_cost else 0)
    return len(held)


def fillings_give_up(run: Run) -> None:
    """Put back what was gathered by a worker that died or was stopped before it handed it in."""
    for batch in run.batches.filter(stage=BatchStage.FILLING).order_by("pk"):
        batch_give_up(batch, error="", may_have_cost=False)


def _unanswered(batch: Batch) -> QuerySet[Call]:
    return Call.objects.filter(batch=batch, state=CallState.SENT, lease_token=batch.key)


def _open(batch: Batch) -> QuerySet[Batch]:
    return Batch.objects.filter(pk=batch.pk).exclude(stage=BatchStage.CLOSED)


def _at(batch: Batch, *stages: BatchStage) -> QuerySet[Batch]:
    return Batch.objects.filter(pk=batch.pk, stage__in=stages)

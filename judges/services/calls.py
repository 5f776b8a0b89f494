"""Calls: claimed in chunks, asked with nothing held, stored only while the claim is still ours.

State machine in models/runs.py. A claim is ``UPDATE ... WHERE state = 'waiting'`` and what it took
is read back by its token, so of two workers each gets calls of its own on any database; a reply is
stored by ``UPDATE ... WHERE state = 'claimed' AND lease_token = ours``, so a late one is dropped.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from annotate.errors import ConcordError
from annotate.services.items import items_freeze
from annotate.services.jobs import LEASE
from annotate.services.submissions import Answer, submission_submit
from judges.models import Call, CallState, Outcome, Purpose, Run

# What is kept of a reply: enough to see what the model wrote.
MAX_RAW = 20_000


@dataclass(frozen=True)
class Claim:
    """Calls taken at one time by one worker. ``token`` proves it when they are stored."""

    token: str
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Result:
    """What a call came to: its outcome with what is known about it."""

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


def calls_claim(run: Run, *, most: int) -> Claim:
    """Take up to ``most`` waiting calls whose time has come, in the order of the draw.

    Counts an attempt for each. Freezes their items: what was asked stays as it was asked.
    """
    now = timezone.now()
    token = str(uuid.uuid4())
    with transaction.atomic():
        waiting = (
            Call.objects.filter(run=run, state=CallState.WAITING)
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
        items_freeze([call.item_id for call in taken])
    return Claim(token, taken)


def calls_renew(claimed: Mapping[str, Collection[int]]) -> None:
    """Keep claims alive while they are being asked. ``claimed``: call ids by token."""
    until = timezone.now() + LEASE
    for token, ids in claimed.items():
        Call.objects.filter(pk__in=ids, lease_token=token, state=CallState.CLAIMED).update(
            lease_until=until
        )


def calls_expire(run: Run) -> int:
    """Put calls whose lease ran out (their worker died) back to waiting. Returns how many."""
    return Call.objects.filter(
        run=run, state=CallState.CLAIMED, lease_until__lt=timezone.now()
    ).update(state=CallState.WAITING, lease_token="", lease_until=None)


def call_wait(
    call: Call, token: str, *, error: str = "", seconds: float = 0, uncounted: bool = False
) -> bool:
    """Put a claimed call back to waiting, for ``seconds`` at least. False when not ours any more.

    ``uncounted`` takes the attempt back: it was never really asked, or not to blame.
    """
    attempts = F("attempts") - 1 if uncounted else F("attempts")
    return bool(
        _ours(call, token).update(
            state=CallState.WAITING,
            lease_token="",
            lease_until=None,
            not_before=timezone.now() + timedelta(seconds=seconds) if seconds else None,
            error=storable(error),
            attempts=attempts,
        )
    )


def call_store(run: Run, call: Call, token: str, result: Result) -> str:
    """Close a call with its result and hand its label in, in one transaction.

    Returns the outcome stored; "" when the claim was not ours any more and nothing was stored.
    Idempotent through the claim, and through the submission's client key. A label that cannot be
    handed in (the item was withdrawn meanwhile) closes the call as failed, with the reason. Locks
    the call, then as submission_submit.
    """
    try:
        with transaction.atomic():
            if not _close(call, token, result):
                return ""
            if result.outcome == Outcome.LABEL and run.purpose == Purpose.LABEL:
                _hand_in(run, call, result)
    except ConcordError as refused:
        failed = Result(
            outcome=Outcome.FAILED,
            raw=result.raw,
            error=refused.message,
            seconds=result.seconds,
            tokens_in=result.tokens_in,
            tokens_out=result.tokens_out,
            model=result.model,
            request_hash=result.request_hash,
        )
        return failed.outcome if _close(call, token, failed) else ""
    return result.outcome


def storable(text: str, limit: int = MAX_RAW) -> str:
    """Text that any database keeps: without NUL and lone surrogates, which are spelt out."""
    text = text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    return text if len(text) <= limit else f"{text[:limit]}…"


def _close(call: Call, token: str, result: Result) -> bool:
    values: dict[str, Any] = {
        "state": CallState.CLOSED,
        "outcome": result.outcome,
        "lease_token": "",
        "lease_until": None,
        "raw_reply": storable(result.raw),
        "error": storable(result.error),
        "choice": result.choice,
        "confidence": result.confidence,
        "confidence_source": result.confidence_source,
        "distribution": _by_text(result.distribution),
        "label_mass": result.label_mass,
        "rationale": storable(result.rationale),
        "tokens_in": result.tokens_in,
        "tokens_out": result.tokens_out,
        "seconds": result.seconds,
        "model_reported": storable(result.model, 199),
        "request_hash": result.request_hash,
        "closed_at": timezone.now(),
    }
    return bool(_ours(call, token).update(**values))


def _hand_in(run: Run, call: Call, result: Result) -> None:
    if result.choice is None:
        raise ValueError("A label needs a choice.")
    version = run.version
    submission_submit(
        version.rater,
        call.item,
        answers={
            version.question_id: Answer(
                choice=result.choice,
                confidence=result.confidence,
                confidence_source=result.confidence_source,
                distribution=result.distribution,
                rationale=storable(result.rationale),
            )
        },
        client_key=f"run:{run.pk}:{call.item_id}",
        seconds=result.seconds,
        guideline=version.guideline,
    )


def _ours(call: Call, token: str) -> Any:
    return Call.objects.filter(pk=call.pk, state=CallState.CLAIMED, lease_token=token)


def _by_text(distribution: Mapping[int, float] | None) -> dict[str, float] | None:
    if distribution is None:
        return None
    return {str(code): round(share, 6) for code, share in distribution.items()}

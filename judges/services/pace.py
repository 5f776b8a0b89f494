"""How many calls a connection gets at once: shared by all workers, halved when it says too many.

As in congestion control: additive increase, multiplicative decrease, never above what its owner
set. The row is changed by conditional updates only, so of many workers that are told to slow down
at once one halves it, and of many that would let it grow one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from judges.models import Call, CallState, Connection, Pace, PanelMember
from judges.providers.base import ProviderError

FIRST_BACKOFF_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 300.0
LONGEST_ASKED_WAIT_SECONDS = 3_600.0


@dataclass(frozen=True)
class Room:
    """How many more calls may be asked now, of ``limit`` at once; none before ``held_until``. Below
    0 where the limit has fallen under what is asked.
    """

    n: int
    limit: int
    held_until: datetime | None


def pace_of(connection: Connection) -> Pace:
    """The connection's row, made where there is none yet: it begins at what its owner set."""
    return Pace.objects.get_or_create(
        connection=connection, defaults={"limit": connection.concurrency}
    )[0]


def room(connection: Connection, *, answered: int = 0) -> Room:
    """What may be claimed now, over all runs and workers of the connection. ``answered``: of the
    calls that are claimed so many are not under way: not yet, or not any more.

    Inside the transaction that claims: locks the row, before any call, until the claim is written.
    """
    now = timezone.now()
    row = (
        Pace.objects.select_for_update(no_key=True, of=("self",))
        .select_related("connection")
        .get(connection=connection)
    )
    limit = min(row.limit, row.connection.concurrency)
    if row.hold_until is not None and row.hold_until > now:
        return Room(0, limit, row.hold_until)
    # Of dead workers' claims those whose lease ran out do not count.
    in_flight = max(0, _in_flight(connection, now) - answered)
    return Room(limit - in_flight, limit, None)


def _in_flight(connection: Connection, now: datetime) -> int:
    """Calls being asked there: of judges by themselves, and of members of panels. Two counts, each
    by its runs: asked in one, the database would walk through all calls there are.
    """
    asked = Call.objects.filter(state=CallState.CLAIMED, lease_until__gte=now)
    panels = PanelMember.objects.filter(version__connection=connection).values("panel")
    return (
        asked.filter(member=None, run__version__connection=connection).count()
        + asked.filter(run__version__in=panels, member__connection=connection).count()
    )


def grow(connection: Connection, seen: int) -> bool:
    """One more at once, after as many answers as were admitted at once. ``seen``: that limit; where
    it is another one by now nothing changes.
    """
    rows = Pace.objects.filter(connection=connection, limit=seen, limit__lt=connection.concurrency)
    return bool(rows.update(limit=F("limit") + 1))


def slow_down(connection: Connection, *, asked_at: datetime, seconds: float) -> bool:
    """Half as many at once, and none for so many seconds. True where this call halved it: what was
    asked before the last halving says nothing about the new limit.
    """
    now = timezone.now()
    rows = Pace.objects.filter(connection=connection)
    until = now + timedelta(seconds=seconds)
    rows.filter(Q(hold_until=None) | Q(hold_until__lt=until)).update(hold_until=until)
    return bool(
        rows.filter(Q(halved_at=None) | Q(halved_at__lt=asked_at)).update(
            limit=Greatest(Value(1), F("limit") / 2), halved_at=now
        )
    )


def backoff(times: int, error: ProviderError) -> float:
    """Seconds to wait after the ``times``-th failure: as long as asked, else 2, 4, 8 ... 300."""
    if error.retry_after is not None:
        return min(error.retry_after, LONGEST_ASKED_WAIT_SECONDS)
    return min(FIRST_BACKOFF_SECONDS * 2.0 ** min(times - 1, 10), LONGEST_BACKOFF_SECONDS)

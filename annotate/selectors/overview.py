"""Reading for the overview: what waits for a lead, and how far the work is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q
from django.utils import timezone

from annotate.models import (
    FINISHED,
    WANTED,
    ImportBatch,
    ImportStatus,
    Item,
    ItemStatus,
    ItemSummary,
    Job,
    JobState,
    Project,
    Rater,
    RaterOrigin,
    Reason,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
)
from annotate.selectors.review import waiting

# A forecast rests on the counted labels of so many days, and on at least so many labels.
DAYS = 7
LEAST = 10
# What failed or was refused longer ago is history.
RECENT = timedelta(days=14)
# Kinds of jobs whose progress the overview itself shows.
OWN_JOBS = ("aggregate", "figures")


@dataclass(frozen=True)
class Forecast:
    """Days to go at the pace of the last days, and what that rests on.

    ``days`` is None where ``labels`` are too few to say anything; ``per_day`` are labels a day.
    ``low`` and ``high`` as in consensus.forecast.DaysToGo.
    """

    labels: int
    people: int
    over_days: int
    per_day: float
    days: int | None
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Progress:
    """Slots filled of all, items with all their slots filled of all, and what is to come."""

    filled: int
    wanted: int
    items_done: int
    items: int
    forecast: Forecast


def jobs_stopped(project: Project) -> list[Job]:
    """Paused jobs, and recently failed ones that no later one of their kind made good."""
    later = Job.objects.filter(
        project=project, kind=OuterRef("kind"), state=JobState.DONE, pk__gt=OuterRef("pk")
    )
    failed = Job.objects.filter(
        project=project,
        state=JobState.FAILED,
        finished_at__gte=timezone.now() - RECENT,
    ).exclude(Exists(later))
    paused = Job.objects.filter(project=project, state=JobState.PAUSED)
    return [*failed.order_by("-pk")[:5], *paused.order_by("-pk")[:5]]


def jobs_at_work(project: Project) -> list[Job]:
    """Aggregations and computations of figures that are queued or running."""
    return list(
        Job.objects.filter(project=project, kind__in=OWN_JOBS)
        .exclude(state__in=[*FINISHED, JobState.PAUSED])
        .select_related("estimate_run__question")
        .order_by("pk")
    )


def imports_refused(project: Project) -> list[ImportBatch]:
    """Recent imports of which lines were refused."""
    return list(
        ImportBatch.objects.filter(
            project=project,
            status=ImportStatus.COMMITTED,
            created_at__gte=timezone.now() - RECENT,
            counts__refused__gt=0,
        ).order_by("-pk")[:3]
    )


def flagged_count(project: Project) -> int:
    """Items that somebody flagged and nobody has ruled on yet."""
    flagged = ItemSummary.objects.filter(waiting(Reason.FLAGGED), project=project)
    return flagged.values("item_id").distinct().count()


def surplus_count(project: Project) -> int:
    return Submission.objects.filter(project=project, status=SubmissionStatus.SURPLUS).count()


def progress_of(project: Project, now: datetime | None = None) -> Progress:
    """How far people are. Four queries, each within an index."""
    slots = Slot.objects.filter(WANTED, project=project)
    states = dict(slots.values_list("state").annotate(n=Count("pk")))
    filled, wanted = states.get(SlotState.FILLED, 0), sum(states.values())
    items = Item.objects.filter(project=project, status=ItemStatus.LIVE).count()
    unfilled = (
        slots.exclude(state=SlotState.FILLED).values("item_id").distinct().count()
        if wanted > filled
        else 0
    )
    return Progress(
        filled=filled,
        wanted=wanted,
        items_done=max(0, items - unfilled),
        items=items,
        forecast=_forecast(project, wanted - filled, now or timezone.now()),
    )


def _forecast(project: Project, left: int, now: datetime) -> Forecast:
    from consensus.forecast import days_to_go

    rows = (
        Submission.objects.filter(
            # By rater, since there is an index of each rater's latest.
            rater__in=Rater.objects.filter(project=project, origin=RaterOrigin.MEMBER).values("pk"),
            created_at__gte=now - timedelta(days=DAYS),
            status=SubmissionStatus.SUBMITTED,
            slot__isnull=False,
        )
        .values_list("rater_id")
        .annotate(n=Count("pk"), first=Min("created_at"), **_by_day(now))
    )
    counted = [(n, first) for _rater, n, first, *_days in rows]
    labels = sum(n for n, _first in counted)
    if labels < LEAST:
        return Forecast(labels, len(counted), DAYS, 0.0, None)
    # Work that began two days ago has a pace of two days; of less than a day, that of a day.
    since = min(first for _n, first in counted)
    over = min(DAYS, max(1, math.ceil((now - since) / timedelta(days=1))))
    per_day = labels / over
    days = [sum(row[3 + k] for row in rows) for k in range(over)]
    found = days_to_go(days, left)
    return Forecast(
        labels,
        len(counted),
        over,
        per_day,
        math.ceil(left / per_day),
        low=found.low if found else None,
        high=found.high if found else None,
    )


def _by_day(now: datetime) -> dict[str, Count]:
    """Counts of the last days, of 24 hours each, the latest first."""
    return {
        f"day_{k}": Count(
            "pk",
            filter=Q(
                created_at__gt=now - timedelta(days=k + 1), created_at__lte=now - timedelta(days=k)
            ),
        )
        for k in range(DAYS)
    }

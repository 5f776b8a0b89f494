"""Reading who belongs to a project and what they did in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, F, Max, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from annotate.models import (
    STANDING,
    Assignment,
    AssignmentState,
    Invitation,
    Membership,
    Project,
    Ruling,
    Submission,
    SubmissionStatus,
)
from annotate.selectors.rater_rows import PACE_OVER

# How far back somebody's load and pace look.
WEEK = timedelta(days=7)
MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Member:
    """A member with their work: items handed in, skipped, rulings, and when they last did any.

    ``open``: items they hold now; ``week``: handed in in the last seven days; ``pace``: median
    seconds an answer over the latest of the last thirty days, None where there are none.
    """

    membership: Membership
    labelled: int
    skipped: int
    rulings: int
    last_active: datetime | None
    rater_id: int | None = None
    open: int = 0
    week: int = 0
    pace: float | None = None


def members_of(project: Project) -> list[Member]:
    """The members of a project in the order they came. Five queries."""
    handed_in = Q(status__in=STANDING)
    work: dict[int, dict[str, Any]] = {
        row["rater__user"]: {**row}
        for row in Submission.objects.filter(project=project, rater__user__isnull=False)
        .values("rater__user", "rater")
        .annotate(
            labelled=Count("pk", filter=handed_in),
            week=Count("pk", filter=handed_in & Q(created_at__gte=timezone.now() - WEEK)),
            skipped=Count("pk", filter=Q(status=SubmissionStatus.SKIPPED)),
            last=Max("created_at"),
        )
        .order_by()
    }
    ruled: dict[int, dict[str, Any]] = {
        row["reviewer"]: {**row}
        for row in Ruling.objects.filter(project=project)
        .values("reviewer")
        .annotate(n=Count("pk"), last=Max("created_at"))
        .order_by()
    }
    held, paces = _held(project), _paces(project)
    found = []
    for membership in project.memberships.select_related("user").order_by("created_at", "pk"):
        labels = work.get(membership.user_id, {})
        rulings = ruled.get(membership.user_id, {})
        times = [time for time in (labels.get("last"), rulings.get("last")) if time]
        found.append(
            Member(
                membership=membership,
                labelled=labels.get("labelled", 0),
                skipped=labels.get("skipped", 0),
                rulings=rulings.get("n", 0),
                last_active=max(times, default=None),
                rater_id=labels.get("rater"),
                open=held.get(membership.user_id, 0),
                week=labels.get("week", 0),
                pace=paces.get(membership.user_id),
            )
        )
    return found


def _held(project: Project) -> dict[int, int]:
    """By user id, the items that a member holds now."""
    rows = Assignment.objects.filter(
        project=project, state=AssignmentState.OPEN, rater__user__isnull=False
    ).values_list("rater__user")
    return dict(rows.annotate(n=Count("pk")).order_by())


def _paces(project: Project) -> dict[int, float]:
    """By user id, the median seconds of their latest answers."""
    latest = Window(RowNumber(), partition_by="rater", order_by=F("created_at").desc())
    rows = (
        Submission.objects.filter(
            # By rater, since there is an index of each rater's latest.
            rater__in=project.raters.filter(user__isnull=False).values("pk"),
            created_at__gte=timezone.now() - MONTH,
            status=SubmissionStatus.SUBMITTED,
            seconds__isnull=False,
        )
        .annotate(place=latest)
        .filter(place__lte=PACE_OVER)
        .values_list("rater__user", "seconds")
    )
    seconds: dict[int, list[float]] = {}
    for user_id, value in rows:
        seconds.setdefault(user_id, []).append(value or 0.0)
    return {user_id: float(median(values)) for user_id, values in seconds.items()}


def labelled_of(project: Project, rater_ids: Sequence[int]) -> dict[int, int]:
    """Items that these raters handed in, by rater id. One query."""
    rows = Submission.objects.filter(project=project, rater__in=rater_ids, status__in=STANDING)
    return dict(rows.values_list("rater_id").annotate(n=Count("pk")).order_by())


def invitations_open(project: Project) -> list[Invitation]:
    """The links that still let somebody in, the newest first. One query."""
    return list(
        project.invitations.filter(revoked_at=None, expires_at__gt=timezone.now())
        .select_related("created_by")
        .order_by("-created_at")
    )

"""Reading who belongs to a project and what they did in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.utils import timezone

from annotate.models import (
    STANDING,
    Invitation,
    Membership,
    Project,
    Ruling,
    Submission,
    SubmissionStatus,
)


@dataclass(frozen=True)
class Member:
    """A member with their work: items handed in, skipped, rulings, and when they last did any."""

    membership: Membership
    labelled: int
    skipped: int
    rulings: int
    last_active: datetime | None


def members_of(project: Project) -> list[Member]:
    """The members of a project in the order they came. Three queries."""
    handed_in = Q(status__in=STANDING)
    work: dict[int, dict[str, Any]] = {
        row["rater__user"]: {**row}
        for row in Submission.objects.filter(project=project, rater__user__isnull=False)
        .values("rater__user")
        .annotate(
            labelled=Count("pk", filter=handed_in),
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
            )
        )
    return found


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

"""Hand-overs of a project, and how the audit of a running one stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.access import Place
from annotate.errors import NotFound
from annotate.models import (
    Arm,
    Label,
    LabelStatus,
    Project,
    Question,
    Rater,
    RaterKind,
    RaterOrigin,
)
from judges.models import EndReason, HandOver, HandOverState, Part
from judges.selectors.hand_over_evidence import AT_RANDOM

if TYPE_CHECKING:
    from consensus.audit import Audit

# A hand-over that stopped longer ago is history.
RECENT = timedelta(days=14)


@dataclass(frozen=True)
class AuditSoFar:
    """``drawn`` items are to be checked; ``found`` is of those that people have labelled."""

    drawn: int
    tied: int
    found: Audit


def hand_over_of(place: Place, hand_over_id: int) -> HandOver:
    """Return a hand-over of the place's project, or raise NotFound."""
    row = (
        HandOver.objects.filter(project=place.project, pk=hand_over_id)
        .select_related("question", "rater", "job", "project")
        .first()
    )
    if row is None:
        raise NotFound(_("There is no such hand-over in this project."))
    return row


def judge_of(place: Place, rater_id: int) -> Rater:
    """Return a judge of the place's project, or raise NotFound."""
    rater = Rater.objects.filter(project=place.project, pk=rater_id, kind=RaterKind.JUDGE).first()
    if rater is None:
        raise NotFound(_("There is no such judge in this project."))
    return rater


def newest_of(question: Question, rater: Rater) -> HandOver | None:
    return (
        HandOver.objects.filter(question=question, rater=rater)
        .defer("used")
        .select_related("job", "planned_by", "started_by", "ended_by")
        .order_by("-pk")
        .first()
    )


def running_at(question: Question) -> HandOver | None:
    """The running hand-over of a question, whoever its judge is."""
    return (
        HandOver.objects.filter(question=question, state=HandOverState.RUNNING)
        .defer("used")
        .select_related("rater", "started_by")
        .first()
    )


def stopped_of(project: Project) -> list[HandOver]:
    """Those that stopped by themselves lately, with no later one running at the question."""
    rows = list(
        HandOver.objects.filter(
            project=project, end_reason__in=[EndReason.AUDIT, EndReason.QUESTION]
        )
        .filter(ended_at__gte=timezone.now() - RECENT)
        .defer("used", "answer", "estimates")
        .select_related("question", "rater")
        .order_by("-pk")[:5]
    )
    if not rows:
        return []
    later = dict(
        HandOver.objects.filter(project=project, started_at__isnull=False)
        .order_by("pk")
        .values_list("question_id", "pk")
    )
    return [row for row in rows if later.get(row.question_id) == row.pk]


def audit_of(row: HandOver) -> AuditSoFar:
    """The alarm over the checked items that people have labelled blind, in the order in which each
    got the last label that the project wants. Two queries.
    """
    import numpy as np

    from consensus.audit import audit
    from consensus.people_targets import judge_losses
    from consensus.table import LabelTable

    drawn = set(row.items.filter(part=Part.AUDIT).values_list("item_id", flat=True))
    live = Label.objects.filter(
        question_id=row.question_id,
        item__in=row.items.filter(part=Part.AUDIT).values("item_id"),
        status=LabelStatus.LIVE,
        choice__isnull=False,
    )
    judge = dict(live.filter(rater_id=row.rater_id).values_list("item_id", "choice"))
    by_item: dict[int, list[int]] = {}
    people = live.filter(
        rater__origin=RaterOrigin.MEMBER,
        submission__arm=Arm.BLIND,
        submission__assignment__strategy__in=AT_RANDOM,
    ).order_by("created_at", "pk")
    for item, choice in people.values_list("item_id", "choice"):
        # Put at the end again with each label: the last one is when it was settled.
        by_item[item] = [*by_item.pop(item, []), choice or 0]
    wanted = row.project.labels_per_item
    settled = [i for i, said in by_item.items() if len(said) >= wanted and i in judge]
    labels = [(k, j, c) for k, i in enumerate(settled) for j, c in enumerate(by_item[i])]
    columns = np.array(labels, dtype=np.int64).reshape(-1, 3).T
    codes = np.array([judge[item] for item in settled], dtype=np.int64)
    n_classes = 1 + max([int(codes.max(initial=0)), int(columns[2].max(initial=0))])
    table = LabelTable.from_codes(*columns, n_classes=n_classes, n_items=len(settled))
    loss = judge_losses(codes, table)
    tied = np.isnan(loss)
    found = audit(loss[~tied], alpha=row.alpha, false_alarm=row.delta)
    return AuditSoFar(drawn=len(drawn), tied=int(tied.sum()), found=found)

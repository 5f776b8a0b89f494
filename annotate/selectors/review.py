"""Reading for the review screen: the queue, and what everybody said of one item."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from annotate.kinds import Said
from annotate.models import (
    Item,
    ItemStatus,
    ItemSummary,
    Label,
    LabelStatus,
    Project,
    Question,
    Rater,
    RaterKind,
    Ruling,
    RulingStatus,
    Submission,
    SubmissionStatus,
    SummaryState,
)

# How many rulings a rater's record goes back.
RULINGS = 500


@dataclass(frozen=True)
class QueueKey:
    """A place in the queue: most doubtful first, then by item."""

    doubt: float
    item_id: int

    def __str__(self) -> str:
        return f"{self.doubt!r}:{self.item_id}"

    @classmethod
    def parse(cls, text: str) -> QueueKey | None:
        doubt, _colon, item_id = text.partition(":")
        try:
            key = cls(float(doubt), int(item_id))
        except ValueError:
            return None
        return key if math.isfinite(key.doubt) and 0 < key.item_id < 2**63 else None


@dataclass(frozen=True)
class Record:
    """How often a rater's label was what a reviewer ruled, with Wilson's 95 % interval."""

    rater: Rater
    right: int
    ruled: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.right / self.ruled


def queue_counts(project: Project) -> dict[tuple[int, str], int]:
    """Open items by (question id, chief reason). One query."""
    rows = (
        ItemSummary.objects.filter(project=project, state=SummaryState.OPEN)
        .exclude(reason="")
        .filter(item__status=ItemStatus.LIVE)
        .values_list("question_id", "reason")
        .annotate(n=Count("pk"))
    )
    return {(question_id, reason): n for question_id, reason, n in rows}


def queue(question: Question, reason: str = "") -> QuerySet[ItemSummary]:
    """The open, doubtful items of a question, most doubtful first."""
    rows = (
        ItemSummary.objects.filter(
            question=question, state=SummaryState.OPEN, item__status=ItemStatus.LIVE
        )
        .exclude(reason="")
        .select_related("item")
        .order_by("-doubt", "item_id")
    )
    return rows.filter(reason=reason) if reason else rows


def queue_after(rows: QuerySet[ItemSummary], key: QueueKey) -> QuerySet[ItemSummary]:
    return rows.filter(Q(doubt__lt=key.doubt) | Q(doubt=key.doubt, item_id__gt=key.item_id))


def queue_before(rows: QuerySet[ItemSummary], key: QueueKey) -> QuerySet[ItemSummary]:
    """What stands before a place, the nearest first."""
    return rows.filter(
        Q(doubt__gt=key.doubt) | Q(doubt=key.doubt, item_id__lt=key.item_id)
    ).order_by("doubt", "-item_id")


def flagged_items(project: Project) -> QuerySet[Submission, Any]:
    """Ids of the items that somebody flagged, for a subquery."""
    return Submission.objects.filter(
        project=project,
        flagged=True,
        status__in=[SubmissionStatus.SUBMITTED, SubmissionStatus.SKIPPED],
    ).values("item_id")


def place_in_queue(item: Item, question: Question) -> QueueKey | None:
    """Where an item stands, or stood until it was ruled; None where nobody has answered."""
    doubt = (
        ItemSummary.objects.filter(item=item, question=question)
        .values_list("doubt", flat=True)
        .first()
    )
    return None if doubt is None else QueueKey(doubt, item.pk)


def labels_of(item: Item, question: Question) -> list[Label]:
    """Live and surplus labels of a question of an item, people first, with their raters."""
    # The question is looked at here: asked of the database too, SQLite would walk through all
    # labels of the question instead of those of the item.
    labels = Label.objects.filter(
        item=item, status__in=[LabelStatus.LIVE, LabelStatus.SURPLUS]
    ).select_related("rater", "submission")
    return sorted(
        (label for label in labels if label.question_id == question.pk),
        key=lambda label: (label.rater.kind != RaterKind.PERSON, label.rater.name, label.pk),
    )


def remarks_of(item: Item) -> list[Submission]:
    """Submissions of an item that say more than labels: skipped, flagged or commented."""
    return list(
        Submission.objects.filter(item=item)
        .exclude(status__in=[SubmissionStatus.WITHDRAWN, SubmissionStatus.DRAFT])
        .filter(Q(status=SubmissionStatus.SKIPPED) | Q(flagged=True) | ~Q(comment=""))
        .select_related("rater")
        .order_by("created_at")
    )


def ruling_of(item: Item, question: Question) -> Ruling | None:
    return (
        Ruling.objects.filter(item=item, question=question, status=RulingStatus.LIVE)
        .select_related("reviewer")
        .first()
    )


def records_of(question: Question, raters: Collection[Rater]) -> list[Record]:
    """For each of these raters with ruled items: how often they said what was ruled.

    Over the latest RULINGS rulings, in two queries: a page must not wait for all labels. Ruled
    items are the disputed ones, so this is how often a rater is right where it is hard.
    """
    from consensus.intervals import proportion_interval

    by_id = {rater.pk: rater for rater in raters}
    ruled_as = {
        item_id: Said(choice, value)
        for item_id, choice, value in Ruling.objects.filter(
            question=question, status=RulingStatus.LIVE
        )
        .order_by("-pk")
        .values_list("item_id", "choice", "value")[:RULINGS]
    }
    labels = Label.objects.filter(
        item__in=ruled_as, question=question, rater__in=by_id, status=LabelStatus.LIVE
    ).values_list("item_id", "rater_id", "choice", "value")
    ruled, right = Counter[int](), Counter[int]()
    for item_id, rater_id, choice, value in labels:
        ruled[rater_id] += 1
        right[rater_id] += Said(choice, value) == ruled_as[item_id]
    records = []
    for rater_id, n in ruled.items():
        low, high = proportion_interval(right[rater_id], n)
        records.append(Record(by_id[rater_id], right[rater_id], n, low, high))
    return sorted(records, key=lambda r: (r.rater.kind != RaterKind.PERSON, r.rater.name))

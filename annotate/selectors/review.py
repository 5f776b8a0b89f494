"""Reading for the review screen: the queue, and what everybody said of one item."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import BooleanField, Count, F, Func, Q, QuerySet, Value

from annotate.kinds import Said, said_of
from annotate.models import (
    Gold,
    Item,
    ItemSummary,
    Label,
    LabelStatus,
    LikelyError,
    Project,
    Question,
    Rater,
    RaterKind,
    Reason,
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


def waiting(reason: str = "") -> Q:
    """What of ItemSummary is in the review queue, for a reason or at all. The one definition, for
    the queue, the list of items and the overview: open, and with the reason among others.

    Withdrawn items are never among them: an item is withdrawn only where nobody's answer stands.
    """
    queued = Q(state=SummaryState.OPEN, reason_bits__gt=0)
    if not reason:
        return queued
    bit = Reason(reason).bit
    return queued & Q(HasBit(F("reason_bits"), bit))


class HasBit(Func):
    """Whether a number has a bit: ``reason_bits & 16 > 0``."""

    template = "(%(expressions)s) > 0"
    arg_joiner = " & "
    output_field = BooleanField()
    conditional = True

    def __init__(self, number: F, bit: int) -> None:
        super().__init__(number, Value(bit))


def queue_counts(project: Project) -> dict[tuple[int, str], int]:
    """Waiting items by (question id, reason); with the reason "", all of the question. An item with
    several reasons counts for each. One query, within an index.
    """
    rows = (
        ItemSummary.objects.filter(waiting(), project=project)
        .values_list("question_id", "reason_bits")
        .annotate(n=Count("*"))
    )
    counts: Counter[tuple[int, str]] = Counter()
    for question_id, bits, n in rows:
        counts[question_id, ""] += n
        for reason in Reason:
            if bits & reason.bit:
                counts[question_id, reason.value] += n
    return dict(counts)


def queue(question: Question, reason: str = "") -> QuerySet[ItemSummary]:
    """The open, doubtful items of a question, most doubtful first."""
    return ItemSummary.objects.filter(waiting(reason), question=question).order_by(
        "-doubt", "item_id"
    )


def queue_first(rows: QuerySet[ItemSummary]) -> Item | None:
    """The first item of (a part of) the queue. Its id is found within the index alone."""
    found = rows.values_list("item_id", flat=True).first()
    return None if found is None else Item.objects.filter(pk=found).first()


def queue_after(rows: QuerySet[ItemSummary], key: QueueKey) -> QuerySet[ItemSummary]:
    # The bound says no more than the rest, but an index begins there.
    return rows.filter(
        Q(doubt__lt=key.doubt) | Q(doubt=key.doubt, item_id__gt=key.item_id),
        doubt__lte=key.doubt,
    )


def queue_before(rows: QuerySet[ItemSummary], key: QueueKey) -> QuerySet[ItemSummary]:
    """What stands before a place, the nearest first."""
    return rows.filter(
        Q(doubt__gt=key.doubt) | Q(doubt=key.doubt, item_id__lt=key.item_id),
        doubt__gte=key.doubt,
    ).order_by("doubt", "-item_id")


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
    ).select_related("rater", "submission", "likely_error")
    return sorted(
        (label for label in labels if label.question_id == question.pk),
        key=lambda label: (label.rater.kind != RaterKind.PERSON, label.rater.name, label.pk),
    )


def error_of(label: Label) -> LikelyError | None:
    """What a search for label errors found of a label (labels_of has read it)."""
    return getattr(label, "likely_error", None)


def known_answer(item: Item, question: Question) -> Said | None:
    gold = Gold.objects.filter(item=item, question=question).first()
    return said_of(gold) if gold else None


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

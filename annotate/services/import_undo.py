"""Taking an import back: what nothing hangs on goes, what people or judges have met stays."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from annotate.errors import JobStopped
from annotate.models import (
    ImportBatch,
    ImportKind,
    ImportStatus,
    Item,
    ItemEstimate,
    ItemStatus,
    ItemSummary,
    Label,
    LabelStatus,
    LikelyError,
    RoutedItem,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
)
from annotate.services.events import event_write
from annotate.services.import_items import content_mark
from annotate.services.import_labels import mark_to_recount, recount
from annotate.services.import_refusals import media_path
from annotate.services.items import content_hash, slots_make
from annotate.services.jobs import RunningJob

CHUNK = 1000
# Rows that point at an item and do not hold it; submissions are looked at by their status.
GO_WITH_ITEM = {RoutedItem, Slot, ItemSummary, ItemEstimate, Label, LikelyError, Submission}
# For the question before an undo, at most so many items are looked at.
LOOKED_AT = 100_000


@dataclass(frozen=True)
class UndoFacts:
    """What an undo would do now. ``sure`` is False where there are too many items to look at."""

    labels: int = 0
    withdrawn: int = 0
    restored: int = 0
    stay: int = 0
    sure: bool = True


def undo_facts(batch: ImportBatch) -> UndoFacts:
    """Count what goes and what stays. Reads only; one query a thousand items."""
    counts: Counter[str] = Counter()
    seen = 0
    for records in _undo_records(batch):
        seen += len(records)
        if seen > LOOKED_AT:
            break
        for record, free in _with_state(batch, records):
            if free is None:
                counts["stay"] += 1
            else:
                counts["restored" if _was_live(record) else "withdrawn"] += 1
    labels = _standing(batch).count() if batch.kind == ImportKind.LABELS else 0
    return UndoFacts(
        labels=labels,
        withdrawn=counts["withdrawn"],
        restored=counts["restored"],
        stay=counts["stay"],
        sure=seen <= LOOKED_AT,
    )


def undo_run(running: RunningJob) -> None:
    """Take back the batch of a job taken. Repeat-safe: each step finds what is already done."""
    batch = ImportBatch.objects.select_related("project", "created_by").get(job=running.job)
    counts: Counter[str] = Counter()
    if batch.kind == ImportKind.LABELS:
        _labels_back(running, batch, counts)
    total = batch.counts.get("created", 0) + batch.counts.get("updated", 0)
    done = 0
    for records in _undo_records(batch):
        running.progress(done, total=max(total, done), message=_("Taking back items"))
        counts.update(_items_back(batch, records))
        done += len(records)
    with transaction.atomic():
        fresh = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        if fresh.job_id != running.job.pk:
            raise JobStopped
        fresh.status = ImportStatus.UNDONE
        fresh.counts = {**fresh.counts, "undone": dict(counts)}
        fresh.save(update_fields=["status", "counts"])
        event_write(
            running.job.created_by,
            "import.undone",
            project=batch.project,
            target=batch,
            **_detail(counts),
        )
    running.finish(
        message=_("Taken back: %(labels)s labels, %(items)s items; %(stay)s items stay.")
        % {
            "labels": intcomma(counts["labels"]),
            "items": intcomma(counts["withdrawn"] + counts["restored"]),
            "stay": intcomma(counts["stay"]),
        },
        **_detail(counts),
    )


def _detail(counts: Counter[str]) -> dict[str, Any]:
    return dict(counts)


def _labels_back(running: RunningJob, batch: ImportBatch, counts: Counter[str]) -> None:
    total = Submission.objects.filter(batch=batch).count()
    while True:
        counts["labels"] = total - _standing(batch).count()
        running.progress(counts["labels"], total=total, message=_("Taking back labels"))
        with transaction.atomic():
            chunk = list(_standing(batch).order_by("pk").values_list("pk", "item_id")[:CHUNK])
            if not chunk:
                break
            _lock([item for _pk, item in chunk])
            ids = [pk for pk, _item in chunk]
            Submission.objects.filter(pk__in=ids).update(status=SubmissionStatus.WITHDRAWN)
            labels = Label.objects.filter(submission_id__in=ids, status=LabelStatus.LIVE)
            pairs = set(labels.values_list("item_id", "question_id"))
            labels.update(status=LabelStatus.WITHDRAWN)
            mark_to_recount(batch, pairs)
    recount(batch, lambda done: running.progress(done, message=_("Counting anew")))


def _standing(batch: ImportBatch) -> QuerySet[Submission]:
    return Submission.objects.filter(batch=batch, status=SubmissionStatus.SUBMITTED)


@transaction.atomic
def _items_back(batch: ImportBatch, records: list[dict[str, Any]]) -> Counter[str]:
    """Withdraw or restore one chunk of items.

    The open slots go first, as a claim takes a slot before it marks the item: whoever comes second
    waits and then sees the other's work, and neither holds what the other wants. Those items that a
    claim has reached meanwhile get their slots again.
    """
    ids = [record["item"] for record in records]
    Slot.objects.filter(
        item_id__in=_untouched(batch).filter(pk__in=ids).values("pk"), state=SlotState.OPEN
    ).delete()
    _lock(ids)
    counts: Counter[str] = Counter()
    gone: list[Item] = []
    restored: list[Item] = []
    stay: list[int] = []
    worked_on = _worked_on(ids)
    for record, item in _with_state(batch, records):
        if item is None:
            stay.append(record["item"])
        elif _was_live(record):
            before = record["before"]
            item.fields, item.metadata = before["fields"], before["metadata"]
            item.content_hash = content_hash(item.fields)
            restored.append(item)
        else:
            if record["before"]:
                item.fields = record["before"]["fields"]
                item.metadata = record["before"]["metadata"]
                item.content_hash = content_hash(item.fields)
            item.status = ItemStatus.WITHDRAWN
            if item.pk not in worked_on:
                # Only imported labels, now withdrawn, had frozen it: it may come in mended.
                item.frozen_at = None
            gone.append(item)
    Item.objects.bulk_update(
        [*gone, *restored],
        ["fields", "metadata", "content_hash", "status", "frozen_at"],
        batch_size=500,
    )
    live = Item.objects.filter(pk__in=stay, status=ItemStatus.LIVE)
    slots_make(batch.project, [*live, *restored])
    counts["withdrawn"], counts["restored"] = len(gone), len(restored)
    counts["stay"] = live.count()
    return counts


def _with_state(
    batch: ImportBatch, records: list[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], Item | None]]:
    """Each record with its item where it may be taken back, None where it stays.

    Items already withdrawn are left out: there is nothing to take back. An item whose content was
    changed again since stays as it is now.
    """
    ids = [record["item"] for record in records]
    live = Item.objects.filter(project=batch.project, pk__in=ids, status=ItemStatus.LIVE)
    present = {item.pk: item for item in live}
    free = set(_untouched(batch).filter(pk__in=ids).values_list("pk", flat=True))
    for record in records:
        item = present.get(record["item"])
        if item is None:
            continue
        same = content_mark(item.fields, item.metadata) == record["after"]
        yield record, item if item.pk in free and same else None


def _untouched(batch: ImportBatch) -> QuerySet[Item]:
    """Live items that nothing hangs on but this batch's own labels.

    Whatever points at an item holds it, also rows of apps above this one (a judge's calls): all
    relations are looked at, but for those that are derived or go with the item.
    """
    items = Item.objects.filter(project=batch.project, status=ItemStatus.LIVE)
    standing = (
        Submission.objects.filter(item=OuterRef("pk"))
        .exclude(status=SubmissionStatus.WITHDRAWN)
        .exclude(batch=batch)
    )
    items = items.exclude(Exists(standing))
    for relation in Item._meta.related_objects:
        model = relation.related_model
        if model not in GO_WITH_ITEM:
            rows = model._default_manager.filter(**{relation.field.name: OuterRef("pk")})
            items = items.exclude(Exists(rows))
    return items


def _worked_on(item_ids: list[int]) -> set[int]:
    """Those that somebody here has handed in something for, even if they took it back."""
    return set(
        Submission.objects.filter(item_id__in=item_ids, batch=None).values_list(
            "item_id", flat=True
        )
    )


def _was_live(record: dict[str, Any]) -> bool:
    before = record["before"]
    return before is not None and before["status"] == ItemStatus.LIVE


def _undo_records(batch: ImportBatch) -> Iterator[list[dict[str, Any]]]:
    if not batch.undo_length:
        return
    records: list[dict[str, Any]] = []
    with media_path(batch.undo_file).open("rb") as file:
        while file.tell() < batch.undo_length:
            records.append(json.loads(file.readline()))
            if len(records) == CHUNK:
                yield records
                records = []
    if records:
        yield records


def _lock(item_ids: list[int]) -> None:
    list(
        Item.objects.select_for_update(no_key=True)
        .filter(pk__in=item_ids)
        .order_by("pk")
        .values_list("pk", flat=True)
    )

"""Changing how many labels each item wants: slots made or taken away, also over many items."""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import (
    Assignment,
    AssignmentState,
    Item,
    ItemStatus,
    Job,
    Project,
    Slot,
    SlotState,
    Submission,
    User,
)
from annotate.services.events import event_write
from annotate.services.items import slots_make
from annotate.services.jobs import RunningJob, job_create

# Up to so many items the change is made at once, beyond it by a job.
AT_ONCE = 5000
CHUNK = 500


def overlap_change(actor: User, project: Project, labels_per_item: int) -> Job | None:
    """Set how many labels of people each item wants.

    Raising makes slots for every item; lowering takes open slots away, and leaves what is held or
    handed in. Returns the job that does it, or None where it was little and is done. Idempotent.
    Locks the project. Raises BadInput.
    """
    if not 1 <= labels_per_item <= 100:
        message = _("An item can want 1 to 100 labels.")
        raise BadInput(message, fields={"labels_per_item": message})
    with transaction.atomic():
        kept = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        project.labels_per_item = labels_per_item
        if kept.labels_per_item == labels_per_item:
            return None
        project.save(update_fields=["labels_per_item"])
        event_write(
            actor,
            "project.overlap_changed",
            project=project,
            target=project,
            labels_per_item=labels_per_item,
            was=kept.labels_per_item,
        )
        if project.items.count() > AT_ONCE:
            return job_create(actor, project=project, kind="overlap", task="annotate.overlap")
    after = 0
    while ids := _next_items(project, after):
        overlap_fit(project, ids)
        after = ids[-1]
    return None


def overlap_run(running: RunningJob) -> None:
    """The job: bring the slots of every item in line with what the project wants. Repeat-safe."""
    project = running.job.project
    if project is None:
        return
    total = project.items.count()
    running.progress(0, total=total, message=_("Making and removing slots."))
    done = after = 0
    while ids := _next_items(project, after):
        # The number may change again while this runs: the last word counts.
        project.refresh_from_db(fields=["labels_per_item"])
        overlap_fit(project, ids)
        after = ids[-1]
        done += len(ids)
        running.progress(done)
    running.finish(items=done)


@transaction.atomic
def overlap_fit(project: Project, item_ids: list[int]) -> None:
    """Bring the slots of these items in line with the project's number. Idempotent.

    Locks the items, so that nobody hands in meanwhile, then the slots it takes away.
    """
    items = list(Item.objects.select_for_update(no_key=True).filter(pk__in=item_ids).order_by("pk"))
    slots: dict[int, list[Slot]] = defaultdict(list)
    for slot in Slot.objects.filter(item__in=items).order_by("item_id", "ordinal"):
        slots[slot.item_id].append(slot)
    for held in slots.values():
        extra = len(held) - project.labels_per_item
        if extra > 0:
            _take_away(held, extra)
    slots_make(project, [item for item in items if item.status == ItemStatus.LIVE])


def _take_away(slots: list[Slot], extra: int) -> None:
    """Delete up to ``extra`` open slots of one item, the last first; number the rest from 0."""
    open_ids = [slot.pk for slot in reversed(slots) if slot.state == SlotState.OPEN][:extra]
    # Locked and looked at again: somebody may have taken one since.
    gone = set(
        Slot.objects.select_for_update()
        .filter(pk__in=open_ids, state=SlotState.OPEN)
        .values_list("pk", flat=True)
    )
    left = [slot for slot in slots if slot.pk not in gone]
    if not gone or not left:
        return
    # Claims that ended, and what was taken back, once named a slot that goes; their item stays.
    Assignment.objects.filter(slot_id__in=gone).exclude(state=AssignmentState.OPEN).update(
        slot=left[0]
    )
    Submission.objects.filter(slot_id__in=gone).update(slot=None)
    Slot.objects.filter(pk__in=gone).delete()
    for ordinal, slot in enumerate(left):
        if slot.ordinal != ordinal:
            Slot.objects.filter(pk=slot.pk).update(ordinal=ordinal)


def _next_items(project: Project, after: int) -> list[int]:
    return list(
        Item.objects.filter(project=project, pk__gt=after)
        .order_by("pk")
        .values_list("pk", flat=True)[:CHUNK]
    )

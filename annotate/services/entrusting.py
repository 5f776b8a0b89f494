"""Leaving items to one rater: their labels stand unread, and people are not asked about them.

What decides which items is not of this app: a lead does, by whatever evidence. Nothing is deleted
but the rows that say so: slots are excused and asked for again, answers stay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import Count, Exists, OuterRef

from annotate.models import (
    Entrusted,
    Project,
    Question,
    QuestionStatus,
    Rater,
    RoutedItem,
    Slot,
)

CHUNK = 1000


@transaction.atomic
def items_entrust(
    question: Question,
    rater: Rater,
    item_ids: Collection[int],
    *,
    checked: Collection[int] = (),
) -> None:
    """Leave these items to the rater; people go on labelling those that are ``checked``, too.

    An item that is entrusted already stays with whom it is. Idempotent. Locks the items' slots.
    """
    ids = sorted(item_ids)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        Entrusted.objects.bulk_create(
            [
                Entrusted(
                    project_id=question.project_id,
                    question=question,
                    item_id=pk,
                    rater=rater,
                    checked=pk in checked,
                )
                for pk in chunk
            ],
            ignore_conflicts=True,
        )
        slots_fit(question.project, chunk)


@transaction.atomic
def entrusted_end(question: Question, rater: Rater) -> int:
    """Take back what the rater was left of this question. Their slots are asked for again. Returns
    how many items. Idempotent; locks the items' slots.
    """
    rows = Entrusted.objects.filter(question=question, rater=rater)
    ids = sorted(rows.values_list("item_id", flat=True))
    rows.delete()
    for start in range(0, len(ids), CHUNK):
        slots_fit(question.project, ids[start : start + CHUNK])
    return len(ids)


@transaction.atomic
def slots_fit(project: Project, item_ids: Collection[int] | None = None) -> None:
    """Excuse the slots of items whose every live question is entrusted and none checked, and of
    items that routing has settled, and no others; of all items without ``item_ids``. Idempotent.

    Also those that somebody holds or has filled: it is the slot's own column, so a slot given back
    later is not given out again, whichever comes first.
    """
    live = Question.objects.filter(project=project, status=QuestionStatus.LIVE)
    wanted = live.count()
    left = (
        Entrusted.objects.filter(item=OuterRef("item"), question__in=live, checked=False)
        .order_by()
        .values("item")
        .annotate(n=Count("pk"))
        .filter(n=wanted)
    )
    slots = Slot.objects.filter(project=project)
    if item_ids is not None:
        slots = slots.filter(item__in=item_ids)
    # Settled is about the one question of the project; another one opens everything again.
    settled = RoutedItem.objects.filter(
        item=OuterRef("item"), settled=True, plan__question__in=live if wanted == 1 else []
    )
    slots.filter(Exists(left) | Exists(settled), excused=False).update(excused=True)
    slots.filter(~Exists(left), ~Exists(settled), excused=True).update(excused=False)


@transaction.atomic
def turns_give(
    project: Project, turns: Mapping[int, float], *, chances: Mapping[int, float] | None = None
) -> None:
    """Have these items given out before all others, those with the least turn first.

    ``chances``: of those on which a lot fell, with which probability: they are answered blind, and
    their assignments keep it. Replaces turns that the items had.
    """
    drawn = chances or {}
    ids = sorted(turns)
    for start in range(0, len(ids), CHUNK):
        slots = list(Slot.objects.filter(item__in=ids[start : start + CHUNK], project=project))
        for slot in slots:
            slot.turn, slot.chance = turns[slot.item_id], drawn.get(slot.item_id)
        Slot.objects.bulk_update(slots, ["turn", "chance"], batch_size=500)


def turns_end(project: Project, item_ids: Collection[int]) -> None:
    """Give these items out in the order of draws again. Idempotent."""
    ids = sorted(item_ids)
    for start in range(0, len(ids), CHUNK):
        Slot.objects.filter(project=project, item__in=ids[start : start + CHUNK]).update(
            turn=None, chance=None
        )

"""In which order items are given out. Each strategy is a named ordering, chosen from STRATEGIES."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Exists, OuterRef, QuerySet

from annotate.models import TAKE_UP_AGAIN, Assignment, Rater, Slot, SlotState, Strategy


def open_slots(rater: Rater) -> QuerySet[Slot]:
    """Open slots of items that the rater has not handed in, skipped or taken."""
    done = Assignment.objects.filter(item=OuterRef("item"), rater=rater).exclude(
        state__in=TAKE_UP_AGAIN
    )
    return Slot.objects.filter(
        ~Exists(done), project_id=rater.project_id, state=SlotState.OPEN, excused=False
    )


def in_turn(rater: Rater) -> Slot | None:
    """The next open slot, with its item, of those that are given out ahead of all others."""
    slots = open_slots(rater).filter(turn__isnull=False).select_related("item")
    return first_free(slots.order_by("turn", "draw", "ordinal"))


def open_items_count(rater: Rater, *, limit: int) -> int:
    """How many items are open to the rater, counted no further than ``limit``."""
    return open_slots(rater).values("item").distinct()[:limit].count()


def seeded_random(rater: Rater, reached: float | None) -> Slot | None:
    """The next open slot, with its item, in the order of the items' random numbers.

    ``reached``: the highest number among what this strategy gave the rater, None for nothing.
    Looks beyond what the rater has reached first, so that a rater with thousands of items behind
    them does not step over each of those again; then from the beginning, for what was given back.
    """
    slots = open_slots(rater).select_related("item").order_by("draw", "ordinal")
    if reached is not None:
        slot = first_free(slots.filter(draw__gt=reached))
        if slot is not None:
            return slot
    return first_free(slots)


def first_free(slots: QuerySet[Slot]) -> Slot | None:
    """The first slot that no other transaction is just taking.

    SKIP LOCKED where the database has it. It only spares waiting: the slot is taken by a
    conditional update whose row count is checked (services/claims.py).
    """
    from django.db import connection

    if connection.features.has_select_for_update_skip_locked:
        slots = slots.select_for_update(skip_locked=True, of=("self",))
    return slots.first()


STRATEGIES: dict[str, Callable[[Rater, float | None], Slot | None]] = {
    Strategy.RANDOM: seeded_random
}

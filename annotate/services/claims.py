"""Claims: who holds which slot. Exactly N counted submissions an item rest on this module.

A slot is taken by ``UPDATE ... WHERE state = 'open'`` whose row count is checked, never by a count.
Lock order everywhere: rater, item, assignment, slot.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import Conflict
from annotate.models import (
    TAKE_UP_AGAIN,
    Admission,
    Assignment,
    AssignmentState,
    Item,
    Membership,
    Rater,
    Slot,
    SlotState,
    Strategy,
)
from annotate.selectors.checks import (
    Stage,
    known_is_due,
    known_next,
    qualification_of,
    qualify_held,
)
from annotate.services.items import items_freeze
from annotate.strategies import STRATEGIES, in_turn, open_slots

# The item on the screen and at most two behind it.
MAX_HELD = 3
# So long an item is held that a lead has given to somebody, or given back to them.
GIVEN_FOR = timedelta(days=7)
# A slot lost to a rival is looked for again so often before we say there is none.
TRIES = 20
# What a claim taken up again writes anew.
TAKEN_UP = [
    "slot",
    "state",
    "strategy",
    "draw",
    "inclusion_probability",
    "claimed_at",
    "lease_until",
    "closed_at",
]


def claims_hold(
    rater: Rater, *, wanted: int = 1, strategy: str = Strategy.RANDOM
) -> list[Assignment]:
    """Return what the rater holds, claiming up to ``wanted`` (at most MAX_HELD), oldest first.

    Renews the leases. Reloading or a second tab gives the same items. Beyond the first, nothing is
    claimed when the open slots get few, so that nobody hoards the last of a project. Idempotent
    but for the leases. Locks the rater, then each slot it takes.
    """
    wanted = min(wanted, MAX_HELD)
    with transaction.atomic():
        rater_lock(rater)
        # Of what a lead has given them the first few are enough.
        held = _held(rater, most=MAX_HELD)
        now = timezone.now()
        lease = now + timedelta(minutes=rater.project.lease_minutes)
        # What a lead has given is held for longer already.
        Assignment.objects.filter(pk__in=[a.pk for a in held], lease_until__lt=lease).update(
            lease_until=lease
        )
        while len(held) < wanted:
            if held and not _plenty_left(rater):
                break
            claimed = _claim_next(rater, strategy)
            if claimed is None:
                break
            held.append(claimed)
        return held


def claim_item(rater: Rater, item: Item) -> Assignment:
    """Claim a slot of this very item, for somebody who came by its address.

    The draw is not random, so no probability is kept. Raises Conflict when the item has all the
    labels it wants or the rater has handed it in. Idempotent while held.
    """
    with transaction.atomic():
        rater_lock(rater)
        mine = Assignment.objects.filter(item=item, rater=rater).first()
        if mine is not None and mine.state == AssignmentState.OPEN:
            return mine
        if mine is not None and mine.state not in TAKE_UP_AGAIN:
            raise Conflict(_("You have already handed in this item."))
        slot = slot_take(item)
        if slot is None:
            raise Conflict(_("This item has all the labels it wants."))
        return _assign(rater, item, slot, Strategy.DIRECT, None)


def claim_given(rater: Rater, items: Sequence[Item]) -> int:
    """Give the items to a rater, for GIVEN_FOR; a lead asks for it. Returns how many were given.

    One that the rater has answered, skipped or holds is left out. An item without an open slot
    gets one more. Call inside a transaction; locks the rater, the items, the slots it takes.
    """
    rater_lock(rater)
    ids = [item.pk for item in items]
    list(Item.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    there = Assignment.objects.filter(item__in=items, rater=rater)
    taken = set(there.exclude(state__in=TAKE_UP_AGAIN).values_list("item_id", flat=True))
    given = []
    for item in items:
        if item.pk not in taken:
            slot = slot_take(item) or slot_add(item)
            given.append(_assign(rater, item, slot, Strategy.DIRECT, None).item_id)
    Assignment.objects.filter(rater=rater, item__in=given).update(
        lease_until=timezone.now() + GIVEN_FOR
    )
    return len(given)


def slot_add(item: Item) -> Slot:
    """One slot more for an item than it wants, held at once. Call inside a transaction."""
    last = Slot.objects.filter(item=item).aggregate(n=Max("ordinal"))["n"]
    return Slot.objects.create(
        project_id=item.project_id,
        item=item,
        ordinal=0 if last is None else last + 1,
        draw=item.draw,
        state=SlotState.HELD,
        excused=Slot.objects.filter(item=item, excused=True).exists(),
    )


def slot_take(item: Item) -> Slot | None:
    """Take any open slot of the item, or None. Call inside a transaction."""
    for slot in Slot.objects.filter(item=item, state=SlotState.OPEN).order_by("ordinal"):
        slot.item = item
        if not slot.excused and _hold(slot):
            slot.state = SlotState.HELD
            return slot
    return None


def _hold(slot: Slot) -> int:
    """open -> held. How many: 0 where a rival was first, or nobody is to be asked any more."""
    still = Slot.objects.filter(pk=slot.pk, state=SlotState.OPEN, excused=False)
    return still.update(state=SlotState.HELD)


def claims_return(rater: Rater, *, keep: Collection[int] = ()) -> int:
    """Give back what the rater holds. Returns how many.

    With ``keep``, ids of assignments, those stay, and so does what a lead has given them.
    """
    usual = timezone.now() + timedelta(minutes=rater.project.lease_minutes)
    with transaction.atomic():
        rater_lock(rater)
        returned = 0
        for assignment in _held(rater):
            given = assignment.lease_until > usual
            if not keep or not (assignment.pk in keep or given):
                returned += _release(assignment, AssignmentState.RETURNED)
        return returned


def claims_expire() -> int:
    """Free the slots of leases that ran out. Returns how many. Run by the sweeper; repeat-safe."""
    freed = 0
    overdue = Assignment.objects.filter(
        state=AssignmentState.OPEN, lease_until__lt=timezone.now()
    ).order_by("pk")[:1000]
    for assignment in overdue:
        with transaction.atomic():
            freed += _release(assignment, AssignmentState.EXPIRED, only_overdue=True)
    return freed


def _release(assignment: Assignment, state: AssignmentState, *, only_overdue: bool = False) -> int:
    rows = Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.OPEN)
    if only_overdue:
        # The rater may have renewed the lease since we looked.
        rows = rows.filter(lease_until__lt=timezone.now())
    if not rows.update(state=state, closed_at=timezone.now()):
        return 0
    if assignment.slot_id is None:
        return 1
    return slot_free(assignment.slot_id)


def slot_free(slot_id: int) -> int:
    """Open a slot that somebody held. Returns how many: 0 where nobody did."""
    return Slot.objects.filter(pk=slot_id, state=SlotState.HELD).update(state=SlotState.OPEN)


def rater_lock(rater: Rater) -> None:
    """Lock the rater: two tabs must not claim or hand in side by side. Call in a transaction."""
    if not connection.features.has_select_for_update:
        return  # SQLite: the immediate transaction is the lock
    Rater.objects.select_for_update(no_key=True).get(pk=rater.pk)


def _held(rater: Rater, *, most: int | None = None) -> list[Assignment]:
    return list(
        Assignment.objects.filter(rater=rater, state=AssignmentState.OPEN)
        .select_related("item")
        .order_by("claimed_at", "pk")[:most]
    )


def _plenty_left(rater: Rater) -> bool:
    members = Membership.objects.filter(project_id=rater.project_id).count()
    reserve = MAX_HELD * members
    open_now = Slot.objects.filter(project_id=rater.project_id, state=SlotState.OPEN, excused=False)
    return open_now[: reserve + 1].count() > reserve


def _claim_next(rater: Rater, strategy: str) -> Assignment | None:
    qualification = qualification_of(rater)
    if qualification.stage == Stage.UNDER_WAY:
        # What they hold is answered before anything else is given.
        enough = qualify_held(rater) >= qualification.wanted
        return None if enough else _claim_known(rater, Strategy.QUALIFY)
    if not qualification.may_work:
        return None
    if qualification.stage == Stage.PASSED and rater.admission == Admission.OPEN:
        rater.admission = Admission.PASSED
        Rater.objects.filter(pk=rater.pk).update(admission=Admission.PASSED)
    if known_is_due(rater) and open_slots(rater).exists():
        known = _claim_known(rater, Strategy.GOLD)
        if known is not None:
            return known
    for _try in range(TRIES):
        ahead = in_turn(rater)
        if ahead is None:
            break
        if _hold(ahead):
            by_lot = ahead.chance is not None
            how = Strategy.LOT if by_lot else Strategy.CHOSEN
            return _assign(rater, ahead.item, ahead, how, ahead.chance)
    reached = (
        Assignment.objects.filter(rater=rater, strategy=strategy)
        .order_by("-draw")
        .values_list("draw", flat=True)
        .first()
    )
    for _try in range(TRIES):
        slot = STRATEGIES[strategy](rater, reached)
        if slot is None:
            return None
        if _hold(slot):
            reached = max(slot.draw, reached or 0.0)
            return _assign(rater, slot.item, slot, strategy, reached)
    return None


def _claim_known(rater: Rater, strategy: str) -> Assignment | None:
    """Give the next known item: into a slot that is open, else beyond the slots, not counted."""
    item = known_next(rater)
    return None if item is None else _assign(rater, item, slot_take(item), strategy, None)


def _assign(
    rater: Rater, item: Item, slot: Slot | None, strategy: str, probability: float | None
) -> Assignment:
    now = timezone.now()
    assignment = Assignment(
        item=item,
        rater=rater,
        project_id=rater.project_id,
        slot=slot,
        state=AssignmentState.OPEN,
        strategy=strategy,
        draw=item.draw,
        inclusion_probability=probability,
        claimed_at=now,
        lease_until=now + timedelta(minutes=rater.project.lease_minutes),
        closed_at=None,
    )
    # A claim taken up again is the same row.
    Assignment.objects.bulk_create(
        [assignment],
        update_conflicts=True,
        unique_fields=["item", "rater"],
        update_fields=TAKEN_UP,
    )
    if item.frozen_at is None:
        # What a person has been given must not change under their hands; it may have until now.
        items_freeze([item.pk])
        assignment.item = Item.objects.get(pk=item.pk)
    return assignment

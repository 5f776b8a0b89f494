"""Slots and assignments: who is to label what, exactly N times."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of, share
from annotate.models.items import Item
from annotate.models.projects import Project
from annotate.models.raters import Rater


class SlotState(models.TextChoices):
    OPEN = "open", _("Open")
    HELD = "held", _("Held")
    FILLED = "filled", _("Filled")


# Slots that count as wanted: those that are asked for, and those filled before they were excused.
WANTED = models.Q(excused=False) | models.Q(state=SlotState.FILLED)


class Slot(models.Model):
    """One person's labelling wanted for an item. Taken by a conditional update, never by a count.

    ``project`` and ``draw`` repeat the item's, which never change, so that the next slot is found
    in one index.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="slots")
    ordinal = models.PositiveSmallIntegerField()
    draw = models.FloatField()
    state = models.CharField(max_length=10, choices=SlotState, default=SlotState.OPEN)
    # Nobody is given it for now: the item is entrusted to a rater (services/entrusting.py). Not a
    # state: whoever holds it still hands in, and it is the slot's own column that a claim tests.
    excused = models.BooleanField(default=False)
    # Given out ahead of the order of draws, the least first; null for those in that order.
    turn = models.FloatField(null=True, blank=True)
    # Of one given ahead because a lot fell on its item: with which probability. Answered blind.
    chance = models.FloatField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            one_of("state", SlotState, "slot_state_known"),
            share("chance", "slot_chance_is_a_share"),
            models.UniqueConstraint(fields=["item", "ordinal"], name="slot_ordinal_once_an_item"),
        ]
        indexes: ClassVar = [
            # The next slot to give out.
            models.Index(
                fields=["project", "draw", "ordinal"],
                condition=models.Q(state="open", excused=False),
                name="slot_open_in_draw_order",
            ),
            # Those to give out before all others.
            models.Index(
                fields=["project", "turn"],
                condition=models.Q(state="open", excused=False, turn__isnull=False),
                name="slot_open_in_turn",
            ),
            # Progress: how many are filled.
            models.Index(fields=["project", "state", "excused"], name="slot_by_state"),
        ]

    def __str__(self) -> str:
        return f"slot {self.ordinal} of item {self.item_id}"


class AssignmentState(models.TextChoices):
    OPEN = "open", _("Open")  # the rater holds the slot
    SUBMITTED = "submitted", _("Submitted")
    SKIPPED = "skipped", _("Skipped")
    EXPIRED = "expired", _("Expired")  # the lease ran out; may be taken up again
    RETURNED = "returned", _("Given back")


# States of an assignment that leave its item open to the same rater again.
TAKE_UP_AGAIN = (AssignmentState.EXPIRED, AssignmentState.RETURNED)


class Strategy(models.TextChoices):
    RANDOM = "random", _("Seeded random order")
    DIRECT = "direct", _("Chosen by address")  # opened by a link: no known probability
    GOLD = "gold", _("Known item mixed in")
    QUALIFY = "qualify", _("Known item before work")
    CHOSEN = "chosen", _("Most useful first")  # no known probability
    LOT = "lot", _("Drawn by lot")  # answered blind, whatever the project shows


# Strategies that give out known items, also beyond the slots of those
# (docs/decisions/0015-known-items-beyond-the-slots.md).
CHECKS = (Strategy.GOLD, Strategy.QUALIFY)


class Assignment(models.Model):
    """A rater's claim on a slot, and how the item was drawn.

    One a (item, rater): a claim taken up again is the same row. ``draw`` is the item's random
    number at the draw; ``inclusion_probability`` is the share of items that the order had reached
    then, null where the draw was not random.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="assignments")
    slot = models.ForeignKey(
        Slot, on_delete=models.CASCADE, null=True, blank=True, related_name="assignments"
    )
    rater = models.ForeignKey(Rater, on_delete=models.RESTRICT, related_name="assignments")
    state = models.CharField(max_length=10, choices=AssignmentState, default=AssignmentState.OPEN)
    strategy = models.CharField(max_length=10, choices=Strategy)
    draw = models.FloatField()
    inclusion_probability = models.FloatField(null=True, blank=True)
    claimed_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            one_of("state", AssignmentState, "assignment_state_known"),
            one_of("strategy", Strategy, "assignment_strategy_known"),
            share("inclusion_probability", "assignment_probability_is_a_share"),
            models.UniqueConstraint(fields=["item", "rater"], name="assignment_once_a_rater"),
            models.CheckConstraint(
                condition=models.Q(slot__isnull=False) | models.Q(strategy__in=CHECKS),
                name="assignment_without_slot_is_a_check",
            ),
            models.UniqueConstraint(
                fields=["slot"],
                condition=models.Q(state="open"),
                name="assignment_one_open_a_slot",
            ),
        ]
        indexes: ClassVar = [
            # How far in the order a rater has come.
            models.Index(fields=["rater", "-draw"], name="assignment_reached"),
            # What a rater holds.
            models.Index(
                fields=["rater"],
                condition=models.Q(state="open"),
                name="assignment_held",
            ),
            # Leases that ran out.
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state="open"),
                name="assignment_open_by_lease",
            ),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"

"""Routing: the stop rule that a lead has switched on, and where each item stands under it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of, share
from annotate.models.items import Item
from annotate.models.jobs import Job
from annotate.models.projects import Project, Question
from annotate.models.raters import Rater


class RoutingPlan(models.Model):
    """People's queue follows expected gain, and items are settled by a rule. Kept when it ends.

    ``model``: how raters err, as the last refresh has learnt it (selectors/routing.py); empty until
    the first one is through.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="routing_plans")
    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="+")
    is_on = models.BooleanField(default=True)
    # The rule: how sure the answer must be, and how many people must have looked at least.
    certainty = models.FloatField()
    least_people = models.PositiveSmallIntegerField(default=1)
    # Items of 100 that are left out of it by lot and get all their labels: what is legal to
    # estimate from, and what the rule is checked on.
    control_percent = models.PositiveSmallIntegerField(default=10)
    # Of one label, in one unit: {"person": 1, "expert": 5, "judges": {"12": 0.02}}.
    costs = models.JSONField(default=dict)
    # How often an expert is right, as a lead holds.
    expert_right = models.FloatField(default=0.95)
    # What it would have saved, as the lead saw it when switching it on.
    trial = models.JSONField(default=dict)
    model = models.JSONField(default=dict)
    refresh = models.ForeignKey(
        Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            share("certainty", "routing_certainty_is_a_share"),
            share("expert_right", "routing_expert_right_is_a_share"),
            models.CheckConstraint(
                condition=models.Q(least_people__gte=1, control_percent__lte=100),
                name="routing_in_bounds",
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(is_on=True),
                name="routing_one_on_a_project",
            ),
        ]

    def __str__(self) -> str:
        return f"routing plan {self.pk} of {self.project_id}"


class NextLook(models.TextChoices):
    NOBODY = "nobody", _("Nobody: settled")
    CONTROL = "control", _("People: drawn by lot to get all labels")
    PERSON = "person", _("A person")
    JUDGE = "judge", _("A judge")
    EXPERT = "expert", _("An expert")
    DONE = "done", _("Nobody: a further label would add nothing")


class RoutedItem(models.Model):
    """Where an item stands under the plan that is on. Rows go when it ends.

    ``settled``: the rule holds, and its open slots are not asked for (excused).
    """

    plan = models.ForeignKey(RoutingPlan, on_delete=models.CASCADE, related_name="items")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="routed")
    next = models.CharField(max_length=10, choices=NextLook)
    # Which judge, where one is next.
    rater = models.ForeignKey(
        Rater, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    settled = models.BooleanField(default=False)
    # The chance that the likeliest answer is right.
    certainty = models.FloatField()
    # What the next look is expected to add to it, for each unit of cost.
    gain = models.FloatField(default=0)

    class Meta:
        constraints: ClassVar = [
            one_of("next", NextLook, "routed_next_known"),
            share("certainty", "routed_certainty_is_a_share"),
            models.UniqueConstraint(fields=["plan", "item"], name="routed_once_a_plan"),
        ]
        indexes: ClassVar = [
            # What is next for whom, most gain first.
            models.Index(fields=["plan", "next", "rater", "-gain"], name="routed_by_next"),
        ]

    def __str__(self) -> str:
        return f"routed item {self.item_id}"

"""Hand-overs: which items a judge may label unread, decided by a lead, watched, taken back."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models import Item, Job, Project, Question, Rater
from annotate.models.constraints import one_of


class HandOverState(models.TextChoices):
    WORKING = "working", _("Being worked out")
    READY = "ready", _("Worked out")
    RUNNING = "running", _("Running")
    ENDED = "ended", _("Ended")


class EndReason(models.TextChoices):
    NONE = "", _("Not ended")
    WITHDRAWN = "withdrawn", _("Taken back by a lead")
    AUDIT = "audit", _("Stopped: the audit found too many errors")
    QUESTION = "question", _("Stopped: the question was changed")


class HandOver(models.Model):
    """One decision, from being worked out to its end, with what is needed to check it.

    State machine::

        working -> ready -> running -> ended

    ``answer``: what consensus.hand_over found, the curve, and of what (selectors/hand_over_answer).
    ``used``: the labels it rests on, [item, judge's label, confidence, loss, [people's labels]].
    ``fingerprint`` is of those and of the unread items, ``unread_fingerprint`` of the ids of the
    latter. A start works all out anew and is refused unless the fingerprint is the same. The seed
    draws which of the items handed over people go on checking.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="+")
    rater = models.ForeignKey(Rater, on_delete=models.RESTRICT, related_name="hand_overs")
    state = models.CharField(max_length=10, choices=HandOverState, default=HandOverState.WORKING)
    alpha = models.FloatField()  # the share that may be wrong
    delta = models.FloatField()  # the chance that more is
    audit_share = models.FloatField()  # of what is handed over, drawn to be checked
    # A lead's word that the imported labels of people were blind, of items drawn at random.
    imported_count = models.BooleanField(default=False)
    label_price = models.DecimalField(max_digits=9, decimal_places=4, null=True, blank=True)
    seed = models.BigIntegerField()
    answer = models.JSONField(default=dict, blank=True)
    estimates = models.JSONField(default=dict, blank=True)
    used = models.JSONField(default=list, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    unread_fingerprint = models.CharField(max_length=64, blank=True)
    threshold = models.FloatField(null=True, blank=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    planned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    planned_at = models.DateTimeField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(
        max_length=10, choices=EndReason, default=EndReason.NONE, blank=True
    )

    class Meta:
        constraints: ClassVar = [
            one_of("state", HandOverState, "hand_over_state_known"),
            one_of("end_reason", EndReason, "hand_over_end_reason_known"),
            models.CheckConstraint(
                condition=models.Q(alpha__gt=0, alpha__lt=1, delta__gt=0, delta__lt=1),
                name="hand_over_levels_between_0_and_1",
            ),
            models.CheckConstraint(
                condition=models.Q(state="ended", ended_at__isnull=False) & ~models.Q(end_reason="")
                | ~models.Q(state="ended") & models.Q(ended_at__isnull=True, end_reason=""),
                name="hand_over_ended_for_a_reason",
            ),
            models.UniqueConstraint(
                fields=["question"],
                condition=models.Q(state="running"),
                name="hand_over_one_running_a_question",
            ),
        ]
        indexes: ClassVar = [
            # The newest of a judge.
            models.Index(fields=["question", "rater", "-id"], name="hand_over_of_judge"),
            # What the watch looks at.
            models.Index(
                fields=["project"], condition=models.Q(state="running"), name="hand_over_running"
            ),
        ]

    def __str__(self) -> str:
        return f"hand-over {self.pk}"


class Part(models.TextChoices):
    LEFT = "left", _("Left to the judge")
    AUDIT = "audit", _("Left to the judge, and checked by people")
    PEOPLE = "people", _("Left to people")


class HandOverItem(models.Model):
    """Where one item went when the hand-over started. Never changed."""

    hand_over = models.ForeignKey(HandOver, on_delete=models.CASCADE, related_name="items")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    part = models.CharField(max_length=10, choices=Part)
    confidence = models.FloatField()
    # Of being drawn to be checked; null for what is left to people.
    probability = models.FloatField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            one_of("part", Part, "hand_over_item_part_known"),
            models.UniqueConstraint(
                fields=["hand_over", "part", "item"], name="hand_over_item_once"
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.item_id} in hand-over {self.hand_over_id}"

"""What a run has handed in at an endpoint's batch lane."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of
from judges.models.runs import Run


class BatchStage(models.TextChoices):
    FILLING = "filling", _("Being filled")
    SENDING = "sending", _("Being handed in")
    SENT = "sent", _("Handed in")
    CLOSED = "closed", _("Closed")


class Batch(models.Model):
    """Calls of a run that are handed in together and answered within a day.

    filling -> sending -> sent -> closed. The row is written before anything is sent, and what is
    sent bears its key: so whoever finds it *sending* without a worker asks the endpoint whether it
    arrived, instead of sending it twice. Closed: each of its calls is answered, or waits again.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="batches")
    key = models.CharField(max_length=32)  # random; the endpoint is told it, too
    stage = models.CharField(max_length=10, choices=BatchStage, default=BatchStage.FILLING)
    remote_id = models.CharField(max_length=64, blank=True)  # the endpoint's name for it
    n_calls = models.PositiveIntegerField(default=0)
    # As the endpoint counted when it was last asked.
    answered = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    look_at = models.DateTimeField()  # when to look at it next
    # Looks in a row that brought no answer, or not the one hoped for.
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)  # what the endpoint said that is amiss
    too_many = models.BooleanField(default=False)  # not taken: too much waits there already
    sent_at = models.DateTimeField(null=True, blank=True)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            one_of("stage", BatchStage, "batch_stage_known"),
            models.CheckConstraint(
                condition=~models.Q(stage="sent") | ~models.Q(remote_id=""),
                name="batch_sent_has_remote_id",
            ),
            models.CheckConstraint(
                condition=models.Q(stage="filling")
                | models.Q(stage="closed")
                | models.Q(sent_at__isnull=False),
                name="batch_sent_has_time",
            ),
            models.CheckConstraint(
                condition=models.Q(stage="closed", closed_at__isnull=False)
                | (~models.Q(stage="closed") & models.Q(closed_at__isnull=True)),
                name="batch_closed_iff_time",
            ),
            models.UniqueConstraint(fields=["key"], name="batch_key_once"),
            models.UniqueConstraint(
                fields=["run", "remote_id"],
                condition=~models.Q(remote_id=""),
                name="batch_remote_id_once_a_run",
            ),
        ]
        indexes: ClassVar = [
            # Those to look at.
            models.Index(
                fields=["look_at"],
                condition=~models.Q(stage="closed"),
                name="batch_open",
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.pk} of run {self.run_id}"

    @property
    def is_open(self) -> bool:
        return self.stage != BatchStage.CLOSED

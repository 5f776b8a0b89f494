"""Long work as rows, and signs of life of the workers."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of
from annotate.models.projects import Project


class JobState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


FINISHED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Job(models.Model):
    """A long piece of work. The row is the truth; the message to the worker is only a nudge.

    State machine::

        queued -> running -> done | failed
           ^         |  \\-> paused (asked for, or by an error that a person must mend)
           |         |         |
           +---------+---------+   lease ran out, or resumed
        queued | running | paused -> cancelled
        done | failed | paused | cancelled -> queued, where part of it is done again (job_reopen)

    Whoever sets ``running`` also sets a fresh ``lease_token``; a worker whose token is no longer
    the row's has lost the job and must stop without writing.
    """

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, blank=True, related_name="jobs"
    )
    kind = models.CharField(max_length=30)  # import, export, aggregate, judge run ...
    task = models.CharField(max_length=100)  # name of the Celery task that does it
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True)
    message = models.TextField(blank=True)  # what it is doing, or why it stopped
    parameters = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)
    file = models.CharField(max_length=500, blank=True)  # below MEDIA_ROOT
    attempts = models.PositiveIntegerField(default=0)
    lease_token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    nudged_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    # Of who asked for it: what it says and keeps as a sentence is written so.
    language = models.CharField(max_length=10, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            one_of("state", JobState, "job_state_known"),
            models.CheckConstraint(
                condition=~models.Q(state="running")
                | (models.Q(lease_until__isnull=False) & ~models.Q(lease_token="")),
                name="job_running_has_lease",
            ),
        ]
        indexes: ClassVar = [
            # What the sweeper looks through.
            models.Index(
                fields=["state", "lease_until"],
                condition=models.Q(state__in=["queued", "running"]),
                name="job_unfinished",
            ),
            # A project's jobs, newest first.
            models.Index(fields=["project", "-id"], name="job_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED


class Heartbeat(models.Model):
    """A worker's sign of life."""

    worker = models.CharField(max_length=200, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.worker

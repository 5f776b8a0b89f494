"""Who did what to what, and when."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from annotate.models.projects import Project


class Event(models.Model):
    """One line of history. Append-only; one for an import or a run, not one a row."""

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, blank=True, related_name="events"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    actor_name = models.CharField(max_length=200)  # as text: history outlives accounts
    verb = models.CharField(max_length=50)  # "item.imported", "submission.withdrawn" ...
    target = models.CharField(max_length=100, blank=True)  # "item 12", "job 3"
    detail = models.JSONField(default=dict, blank=True)
    implied = models.BooleanField(default=False)  # done by the system as a consequence
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            # A project's history, newest first.
            models.Index(fields=["project", "-id"], name="event_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.target}"

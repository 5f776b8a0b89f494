"""Watching a judge: the same items asked again and again, and what each round came to."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from annotate.models import Project
from judges.models.runs import Run
from judges.models.versions import JudgeVersion


class Watch(models.Model):
    """The anchor items of a judge version, drawn once, and when they are asked again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="watches")
    version = models.OneToOneField(JudgeVersion, on_delete=models.CASCADE, related_name="watch")
    items = models.JSONField(default=list)  # ids, in the order of the draw
    seed = models.BigIntegerField(default=0)
    every_days = models.PositiveSmallIntegerField(null=True, blank=True)  # null: only when asked to
    next_at = models.DateTimeField(null=True, blank=True)
    # The most that a round may spend, in 100-millionths of a US dollar; null: no limit of its own.
    cap = models.BigIntegerField(null=True, blank=True)
    # The round that later ones are compared with.
    base = models.PositiveIntegerField(default=1)
    stopped_why = models.TextField(blank=True)  # why no round could be begun by the clock
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(next_at__isnull=True) | models.Q(every_days__isnull=False),
                name="watch_next_only_by_clock",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at"],
                condition=models.Q(next_at__isnull=False),
                name="watch_due",
            ),
        ]

    def __str__(self) -> str:
        return f"watch of {self.version_id}"


class WatchRound(models.Model):
    """One asking of the anchor items. Figures are null until its run is over.

    ``answers``: items answered as in the base round, of those answered in both; ``people``: as most
    people do. ``limits`` has of each the numbers within which it would lie if nothing had changed,
    {"answers": [low, high]}, where they are known. ``notices`` are of "model", "answers", "people".
    """

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="watch_round")
    base = models.PositiveIntegerField()
    n_answers = models.PositiveIntegerField(null=True, blank=True)
    answers = models.PositiveIntegerField(null=True, blank=True)
    n_people = models.PositiveIntegerField(null=True, blank=True)
    people = models.PositiveIntegerField(null=True, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    models_reported = models.JSONField(default=list, blank=True)
    notices = models.JSONField(default=list, blank=True)
    measured_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["watch", "number"], name="watch_round_number_once"),
            models.CheckConstraint(
                condition=models.Q(seen_at__isnull=True, seen_by__isnull=True)
                | models.Q(seen_at__isnull=False, seen_by__isnull=False),
                name="watch_round_seen_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"round {self.number} of {self.watch_id}"

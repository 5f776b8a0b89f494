"""Figures that a job worked out and kept, one row for what one page shows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of
from annotate.models.jobs import Job
from annotate.models.projects import Question


class FigureName(models.TextChoices):
    PAIRS = "pairs", _("A rater beside each other one")
    PROFILE = "profile", _("A rater's profile")
    MAP = "map", _("Where raters differ, and why")


class KeptFigure(models.Model):
    """What a job of the kind "figures" found out for one page, as plain values.

    Apart from the job's own result, which holds what the overview shows, so that no page reads the
    figures of all raters to show those of one. ``of`` is the rater's id, 0 for the question itself.
    Rows of an earlier job go when a later one is done.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="kept_figures")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=10, choices=FigureName)
    of = models.BigIntegerField(default=0)
    content = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            one_of("name", FigureName, "kept_figure_name_known"),
            models.UniqueConstraint(
                fields=["question", "name", "of", "job"], name="kept_figure_once_a_job"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.of} by job {self.job_id}"

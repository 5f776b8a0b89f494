"""What Trust keeps: reports on judges, and replacement tests from their plan to their record."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models import Job, Project, Question, Rater
from annotate.models.constraints import one_of, share


class JudgeReport(models.Model):
    """What a job worked out about one judge at one question (selectors/report_content.py).

    The newest one: a later job puts its own in its place. ``fingerprint`` is of the labels it saw,
    as EstimateRun.input_fingerprint.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="+")
    rater = models.ForeignKey(Rater, on_delete=models.CASCADE, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64)
    content = models.JSONField(default=dict)
    made_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["question", "rater"], name="judge_report_once"),
        ]

    def __str__(self) -> str:
        return f"report on {self.rater_id} at {self.question_id}"


class Closeness(models.TextChoices):
    """What being closer to the other people means: consensus.alt_test.Score."""

    ACCURACY = "accuracy", _("The share of the others who said the same")
    DISTANCE = "neg_rmse", _("The distance to the others’ answers, for ordered options")


class ReplacementTest(models.Model):
    """One alternative annotator test of one judge at one question.

    Planned (epsilon and the rest are fixed here), then collected for where there are too few labels
    (``batch``: the items drawn, with seed and probability), then decided once. ``result`` and what
    it was worked out from (``fingerprint`` of the labels, ``made_with``) are written with
    ``decided_at`` and stay as they are; whoever wants another test makes another row.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="+")
    rater = models.ForeignKey(Rater, on_delete=models.CASCADE, related_name="replacement_tests")
    epsilon = models.FloatField()
    score = models.CharField(max_length=10, choices=Closeness)
    seed = models.PositiveIntegerField()
    plan = models.JSONField(default=dict)
    planned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    planned_at = models.DateTimeField()
    batch = models.JSONField(default=dict, blank=True)
    collecting = models.ForeignKey(
        Job, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    deciding = models.ForeignKey(
        Job, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    result = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    made_with = models.JSONField(default=dict, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            share("epsilon", "replacement_test_epsilon_is_a_share"),
            one_of("score", Closeness, "replacement_test_score_known"),
            models.CheckConstraint(
                condition=models.Q(decided_at__isnull=True) | ~models.Q(fingerprint=""),
                name="replacement_test_decided_of_labels",
            ),
        ]
        indexes: ClassVar = [
            # A judge's tests, newest first.
            models.Index(fields=["question", "rater", "-id"], name="replacement_test_of_judge"),
        ]

    def __str__(self) -> str:
        return f"replacement test {self.pk}"

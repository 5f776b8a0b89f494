"""Answers that a lead gave back to who had handed them in."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from annotate.models.labels import Submission
from annotate.models.projects import Project


class GivenBack(models.Model):
    """A submission that a lead withdrew for its rater to answer anew, and what they wrote to them.

    Settled once the assignment is handed in or skipped again.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    submission = models.OneToOneField(
        Submission, on_delete=models.CASCADE, related_name="given_back"
    )
    comment = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(comment=""), name="given_back_with_a_comment"
            ),
        ]

    def __str__(self) -> str:
        return f"submission {self.submission_id}, given back"

"""Items whose answer a lead left to one rater, unread by people."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from annotate.models.items import Item
from annotate.models.projects import Project, Question
from annotate.models.raters import Rater


class Entrusted(models.Model):
    """The rater's live label stands as the item's answer to the question where no people answered.

    Kept by services/entrusting.py. ``checked``: people go on labelling it all the same, so that it
    is seen whether the rater still earns it. An item of which all live questions are entrusted and
    none is checked is not asked of people: its slots are excused.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="entrusted")
    rater = models.ForeignKey(Rater, on_delete=models.RESTRICT, related_name="+")
    checked = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["item", "question"], name="entrusted_once_a_question"),
        ]

    def __str__(self) -> str:
        return f"item {self.item_id}, entrusted to {self.rater_id}"

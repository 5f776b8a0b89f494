"""What a judge is asked, and the judge that answers: both immutable."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from annotate.models import Guideline, Project, Question, Rater
from judges.models.connections import Connection


class Prompt(models.Model):
    """The words around an item. Never edited: another text is another prompt.

    ``system``, ``task`` and ``output`` hold {{variables}} (prompting/words.py); "" is the built-in.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="prompts")
    hash = models.CharField(max_length=64)
    system = models.TextField(blank=True)
    task = models.TextField(blank=True)
    output = models.TextField(blank=True)  # how to answer
    ask_rationale = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "hash"], name="prompt_hash_once"),
        ]

    def __str__(self) -> str:
        return f"prompt {self.pk}"


class JudgeVersion(models.Model):
    """One judge: connection, model, prompt, parameters, guideline, question version, training.

    ``hash`` covers all of them; any change makes another version, and so another rater.
    ``training`` of a trained judge: {"labels": [[item id, code], ...], "hash": ...}; empty for the
    others.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_versions")
    hash = models.CharField(max_length=64)
    name = models.CharField(max_length=100)
    number = models.PositiveIntegerField()  # v1, v2 ... of its name
    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="judge_versions")
    connection = models.ForeignKey(
        Connection, on_delete=models.RESTRICT, related_name="judge_versions"
    )
    model = models.CharField(max_length=200, blank=True)
    prompt = models.ForeignKey(
        Prompt, on_delete=models.RESTRICT, null=True, blank=True, related_name="+"
    )
    guideline = models.ForeignKey(
        Guideline, on_delete=models.RESTRICT, null=True, blank=True, related_name="+"
    )
    parameters = models.JSONField(default=dict, blank=True)
    training = models.JSONField(default=dict, blank=True)
    rater = models.OneToOneField(Rater, on_delete=models.RESTRICT, related_name="judge_version")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "hash"], name="judge_version_hash_once"),
            models.UniqueConstraint(
                fields=["project", "name", "number"], name="judge_version_number_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class PanelMember(models.Model):
    """A judge of a panel, and its place in the order in which they are asked.

    What the panel is made of is in its version's ``parameters`` and hash; these rows are for the
    database, so that no member goes while its panel is there.
    """

    panel = models.ForeignKey(JudgeVersion, on_delete=models.CASCADE, related_name="members")
    version = models.ForeignKey(JudgeVersion, on_delete=models.RESTRICT, related_name="panels")
    place = models.PositiveSmallIntegerField()  # from 0

    class Meta:
        ordering: ClassVar = ["panel", "place"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["panel", "place"], name="panel_member_place_once"),
            models.UniqueConstraint(fields=["panel", "version"], name="panel_member_once"),
            models.CheckConstraint(
                condition=~models.Q(panel=models.F("version")), name="panel_member_not_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.panel}"

"""What raters handed in, what reviewers ruled, and what is known."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import choice_or_value, one_of, share
from annotate.models.imports import ImportBatch
from annotate.models.items import Item
from annotate.models.jobs import Job
from annotate.models.projects import Guideline, Project, Question, Visibility
from annotate.models.raters import Rater
from annotate.models.work import Assignment, Slot


class SubmissionStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Submitted")
    SKIPPED = "skipped", _("Skipped")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    SURPLUS = "surplus", _("Surplus")  # kept and shown to leads, not counted
    CHECK = "check", _("Check")  # of a known item that wants no more labels; not counted


# Handed in and not taken back.
STANDING = (SubmissionStatus.SUBMITTED, SubmissionStatus.SURPLUS, SubmissionStatus.CHECK)


class Arm(models.TextChoices):
    """What the person had seen of judges when they answered."""

    UNKNOWN = "", _("Unknown")  # no page of ours: judges, imports, labels from before this was kept
    BLIND = "blind", _("Blind")
    SHOWN = "shown", _("Suggestion shown")  # or would have been, had a judge looked at the item
    REVEALED = "revealed", _("After a reveal")


class SkipReason(models.TextChoices):
    """Why a person skipped an item, in the order in which the screen offers them."""

    NONE = "", _("No reason given")
    UNCLEAR = "unclear", _("I cannot tell")
    LANGUAGE = "language", _("Not in a language I read")
    BROKEN = "broken", _("The item is broken")
    UPSETTING = "upsetting", _("It upsets me")
    OTHER = "other", _("Another reason")


class Submission(models.Model):
    """What one rater handed in for one item at one time.

    ``client_key`` makes handing in repeat-safe: the same key from the same rater is the same
    submission. A counted submission of a member names its slot, and the database keeps one a slot.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="submissions")
    rater = models.ForeignKey(Rater, on_delete=models.RESTRICT, related_name="submissions")
    status = models.CharField(max_length=10, choices=SubmissionStatus)
    client_key = models.CharField(max_length=100)
    assignment = models.ForeignKey(
        Assignment, on_delete=models.RESTRICT, null=True, blank=True, related_name="submissions"
    )
    slot = models.ForeignKey(
        Slot, on_delete=models.RESTRICT, null=True, blank=True, related_name="submissions"
    )
    guideline = models.ForeignKey(
        Guideline, on_delete=models.RESTRICT, null=True, blank=True, related_name="+"
    )
    batch = models.ForeignKey(
        ImportBatch, on_delete=models.RESTRICT, null=True, blank=True, related_name="submissions"
    )
    seconds = models.FloatField(null=True, blank=True)
    # Characters pasted into it from elsewhere than the item, as the label screen counted them.
    pasted = models.PositiveIntegerField(default=0)
    flagged = models.BooleanField(default=False)
    comment = models.TextField(blank=True)
    # Which suggestions were visible when: [{"label": id, "judge": name, "question": key, ...}].
    exposure = models.JSONField(default=list, blank=True)
    # The project's rule about suggestions when the page was made, and what it came to here.
    visibility = models.CharField(max_length=20, choices=Visibility, blank=True, default="")
    arm = models.CharField(max_length=10, choices=Arm, blank=True, default=Arm.UNKNOWN)
    # With which probability the rule showed suggestions to this rater on this item.
    shown_probability = models.FloatField(null=True, blank=True)
    # What was shown after this answer was stored, as in exposure: the answer is as it was before.
    revealed = models.JSONField(default=list, blank=True)
    # When the known answer was told after this one, which stays from then on.
    told_at = models.DateTimeField(null=True, blank=True)
    # Of pairwise questions, which field stood on the left: {"better": "a"}. Answers name the field.
    sides = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    # Of a skipped one.
    skip_reason = models.CharField(
        max_length=10, choices=SkipReason, default=SkipReason.NONE, blank=True
    )

    class Meta:
        constraints: ClassVar = [
            one_of("status", SubmissionStatus, "submission_status_known"),
            one_of("skip_reason", SkipReason, "submission_skip_reason_known"),
            models.UniqueConstraint(
                fields=["rater", "client_key"], name="submission_client_key_once_a_rater"
            ),
            models.UniqueConstraint(
                fields=["slot"],
                condition=models.Q(status="submitted"),
                name="submission_one_counted_a_slot",
            ),
            models.UniqueConstraint(
                fields=["item", "rater"],
                condition=models.Q(status="submitted", slot__isnull=False),
                name="submission_one_counted_a_rater",
            ),
            models.CheckConstraint(
                condition=models.Q(seconds__isnull=True) | models.Q(seconds__gte=0),
                name="submission_seconds_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(visibility="") | models.Q(visibility__in=Visibility.values),
                name="submission_visibility_known",
            ),
            one_of("arm", Arm, "submission_arm_known"),
            share("shown_probability", "submission_shown_probability_is_a_share"),
        ]
        indexes: ClassVar = [
            # A rater's own work, newest first: undo, pace, today's count.
            models.Index(fields=["rater", "-created_at"], name="submission_of_rater"),
            # Surplus and skipped ones, shown to leads.
            models.Index(fields=["project", "status"], name="submission_by_status"),
        ]

    def __str__(self) -> str:
        return f"submission {self.pk}"


class LabelStatus(models.TextChoices):
    LIVE = "live", _("Live")
    SUPERSEDED = "superseded", _("Superseded")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    SURPLUS = "surplus", _("Surplus")
    CHECK = "check", _("Check")


class ConfidenceSource(models.TextChoices):
    NONE = "", _("None")
    LOGPROB = "logprob", _("Token probability")
    CLASSIFIER = "classifier", _("Classifier probability")
    STATED = "stated", _("Stated by the judge")
    VOTES = "votes", _("Share of repeated votes")
    SCORE = "score", _("Score of a model")
    PANEL = "panel", _("Panel vote")
    IMPORTED = "imported", _("Imported")


class Label(models.Model):
    """The answer to one question in a submission."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    submission = models.ForeignKey(Submission, on_delete=models.RESTRICT, related_name="labels")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="labels")
    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="labels")
    rater = models.ForeignKey(Rater, on_delete=models.RESTRICT, related_name="labels")
    status = models.CharField(max_length=10, choices=LabelStatus, default=LabelStatus.LIVE)
    choice = models.PositiveSmallIntegerField(null=True, blank=True)
    value = models.JSONField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    confidence_source = models.CharField(
        max_length=10, choices=ConfidenceSource, default=ConfidenceSource.NONE, blank=True
    )
    # Probability per option code: {"0": 0.7, "2": 0.3}; null where the rater gave none.
    distribution = models.JSONField(null=True, blank=True)
    rationale = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            one_of("status", LabelStatus, "label_status_known"),
            one_of("confidence_source", ConfidenceSource, "label_confidence_source_known"),
            choice_or_value("label_choice_or_value"),
            share("confidence", "label_confidence_is_a_share"),
            models.UniqueConstraint(
                fields=["item", "question", "rater"],
                condition=models.Q(status="live"),
                name="label_one_live_a_rater",
            ),
        ]
        indexes: ClassVar = [
            # Aggregation and export: the live labels of a question in item order.
            models.Index(
                fields=["question", "item", "rater", "choice"],
                condition=models.Q(status="live"),
                name="label_live_for_tables",
            ),
            # The list of items, by how sure a judge is.
            models.Index(
                fields=["question", "item", "confidence", "rater"],
                condition=models.Q(status="live", confidence__isnull=False),
                name="label_by_confidence",
            ),
        ]

    def __str__(self) -> str:
        return f"label {self.pk}"


class LikelyError(models.Model):
    """A label that is likely wrong, as a job has found it (services/label_errors.py). Bounded, and
    replaced as a whole by the next search; counts only while the label is live.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    label = models.OneToOneField(Label, on_delete=models.CASCADE, related_name="likely_error")
    score = models.FloatField()  # 0, all support it, to 1, nobody does
    # Of an answer of several options, the one that is likely wrong; else that of the label itself.
    option = models.PositiveSmallIntegerField(null=True, blank=True)
    # The class that those who speak against it support most, where one does.
    instead = models.PositiveSmallIntegerField(null=True, blank=True)
    # How far each source supports it, 0 to 1: {"peers": .33, "judges": .05, "model": .1}, those
    # that know; and "others", how many other people labelled the item, and "same" how many of them
    # said so too.
    support = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [share("score", "likely_error_score_is_a_share")]
        indexes: ClassVar = [
            # The ranked list of a question.
            models.Index(fields=["question", "-score", "id"], name="likely_error_ranked"),
        ]

    def __str__(self) -> str:
        return f"likely error of label {self.label_id}"


class RulingReason(models.TextChoices):
    RATER_ERROR = "rater_error", _("Rater error")
    AMBIGUOUS_ITEM = "ambiguous_item", _("Ambiguous item")
    GUIDELINE_GAP = "guideline_gap", _("Guideline gap")
    JUDGE_ERROR = "judge_error", _("Judge error")


class RulingStatus(models.TextChoices):
    LIVE = "live", _("Live")
    SUPERSEDED = "superseded", _("Superseded")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Ruling(models.Model):
    """A reviewer's final answer to a question of an item."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="rulings")
    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="rulings")
    status = models.CharField(max_length=10, choices=RulingStatus, default=RulingStatus.LIVE)
    choice = models.PositiveSmallIntegerField(null=True, blank=True)
    value = models.JSONField(null=True, blank=True)
    reason = models.CharField(max_length=20, choices=RulingReason)
    comment = models.TextField(blank=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rulings"
    )
    # Made with many others by a job, which takes them back together. The ruling that it replaced
    # then stands again. No constraint: rulings of a project are deleted in any order.
    batch = models.ForeignKey(
        Job, on_delete=models.RESTRICT, null=True, blank=True, related_name="rulings"
    )
    replaces = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            one_of("status", RulingStatus, "ruling_status_known"),
            one_of("reason", RulingReason, "ruling_reason_known"),
            choice_or_value("ruling_choice_or_value"),
            models.UniqueConstraint(
                fields=["item", "question"],
                condition=models.Q(status="live"),
                name="ruling_one_live_a_question",
            ),
        ]

    def __str__(self) -> str:
        return f"ruling {self.pk}"


class GoldSource(models.TextChoices):
    IMPORTED = "imported", _("Imported")
    RULING = "ruling", _("Promoted ruling")


class Gold(models.Model):
    """A known answer."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="gold")
    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="gold")
    choice = models.PositiveSmallIntegerField(null=True, blank=True)
    value = models.JSONField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=GoldSource)
    ruling = models.ForeignKey(
        Ruling, on_delete=models.RESTRICT, null=True, blank=True, related_name="gold"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            one_of("source", GoldSource, "gold_source_known"),
            choice_or_value("gold_choice_or_value"),
            models.UniqueConstraint(fields=["item", "question"], name="gold_once_a_question"),
            models.CheckConstraint(
                condition=models.Q(source="ruling", ruling__isnull=False)
                | models.Q(source="imported", ruling__isnull=True),
                name="gold_from_ruling_iff_ruling",
            ),
        ]

    def __str__(self) -> str:
        return f"gold {self.pk}"

"""Projects and what is asked in them: guideline, questions, options."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of


class ProjectStatus(models.TextChoices):
    ACTIVE = "active", _("Active")
    ARCHIVED = "archived", _("Archived")


class Visibility(models.TextChoices):
    """What an annotator may see of judges before answering."""

    BLIND = "blind", _("Blind: people answer without seeing any other answer")
    SUGGESTION_FIRST = "suggestion_first", _("Suggestion first: a judge's answer is shown")
    OWN_FIRST = (
        "own_first",
        _("Own answer first: then a judge's may be seen and one's own revised"),
    )
    RANDOM_SHARE = "random_share", _("A random share: shown on some items, hidden on the others")


class Project(models.Model):
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=ProjectStatus, default=ProjectStatus.ACTIVE)
    # How many counted submissions of people each item wants (the overlap): one slot each.
    labels_per_item = models.PositiveSmallIntegerField(default=1)
    visibility = models.CharField(max_length=20, choices=Visibility, default=Visibility.BLIND)
    # Under the rule of a random share: on how many items of 100 a person is shown suggestions.
    shown_percent = models.PositiveSmallIntegerField(default=50)
    # Known items among the work: of so many items one; 0 for none.
    gold_every = models.PositiveSmallIntegerField(default=0)
    # Whether people are told the known answer after theirs.
    gold_feedback = models.BooleanField(default=False)
    # Known items that an annotator answers before other work (0 for none), and what share of their
    # answers, in percent, must be right.
    qualify_items = models.PositiveSmallIntegerField(default=0)
    qualify_percent = models.PositiveSmallIntegerField(default=80)
    # With one single-choice question, choosing an option also submits.
    submit_on_choice = models.BooleanField(default=False)
    # Whether item texts may be sent to a provider outside this machine.
    data_may_leave = models.BooleanField(default=False)
    # How each field of the items is shown, by its name: {"answer": "markdown"}. Text where unsaid.
    display = models.JSONField(default=dict, blank=True)
    # Whether pictures may be fetched from other sites, which then learn who looks when.
    outside_images = models.BooleanField(default=False)
    # Seed of the random order in which items are drawn (consensus of design: see Item.draw).
    seed = models.BigIntegerField()
    # Whether people's queue follows a routing plan that is on (models/routing.py).
    routes = models.BooleanField(default=False)
    lease_minutes = models.PositiveSmallIntegerField(default=30)
    is_demo = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            one_of("status", ProjectStatus, "project_status_known"),
            one_of("visibility", Visibility, "project_visibility_known"),
            models.CheckConstraint(
                condition=models.Q(labels_per_item__gte=1, labels_per_item__lte=100),
                name="project_labels_per_item_1_to_100",
            ),
            models.CheckConstraint(
                condition=models.Q(lease_minutes__gte=1), name="project_lease_at_least_a_minute"
            ),
            models.CheckConstraint(
                condition=models.Q(shown_percent__gte=1, shown_percent__lte=99),
                name="project_shown_percent_1_to_99",
            ),
            models.CheckConstraint(
                condition=models.Q(gold_every=0)
                | models.Q(gold_every__gte=2, gold_every__lte=1000),
                name="project_gold_every_0_or_2_to_1000",
            ),
            models.CheckConstraint(
                condition=models.Q(qualify_items__lte=100, qualify_percent__lte=100),
                name="project_qualification_in_bounds",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("project", args=[self.pk])


class Guideline(models.Model):
    """Markdown for annotators and judges. Versions are kept; the highest is the live one."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guidelines")
    version = models.PositiveIntegerField()
    text = models.TextField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "version"], name="guideline_version_once_a_project"
            ),
        ]

    def __str__(self) -> str:
        return f"guideline {self.version} of {self.project}"


class QuestionKind(models.TextChoices):
    """What an answer is. What each kind does with one is in annotate/kinds/."""

    SINGLE = "single", _("Single choice")
    MULTIPLE = "multiple", _("Multiple choice")
    RATING = "rating", _("Rating (ordered)")
    NUMBER = "number", _("Number")
    TEXT = "text", _("Free text")
    PAIRWISE = "pairwise", _("Pairwise (which of two is better)")
    RANKING = "ranking", _("Ranking (all in an order)")
    SPAN = "span", _("Spans (mark parts of a text)")


class QuestionStatus(models.TextChoices):
    LIVE = "live", _("Live")
    RETIRED = "retired", _("Retired")


class Question(models.Model):
    """One thing asked of each item. A version that has labels is frozen: a change makes the next.

    ``text`` may name fields of the item in braces, as in "How is the {aspect} judged?".
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="questions")
    key = models.SlugField(max_length=50)
    version = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=10, choices=QuestionStatus, default=QuestionStatus.LIVE)
    kind = models.CharField(max_length=10, choices=QuestionKind)
    name = models.CharField(max_length=100)
    text = models.TextField(blank=True)
    required = models.BooleanField(default=True)
    # What the kind needs to know, as its settings_read checked it: {"min": 0, "max": 10}. Of any
    # kind, "only_if": {"question": key, "options": [keys]} asks it only after one of these answers.
    settings = models.JSONField(default=dict, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            one_of("kind", QuestionKind, "question_kind_known"),
            one_of("status", QuestionStatus, "question_status_known"),
            models.UniqueConstraint(
                fields=["project", "key", "version"], name="question_version_once_a_key"
            ),
            models.UniqueConstraint(
                fields=["project", "key"],
                condition=models.Q(status=QuestionStatus.LIVE),
                name="question_one_live_version_a_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class Colour(models.TextChoices):
    """Names of the palette in static/css/tokens.css, told apart without colour by key and name."""

    BLUE = "blue", _("Blue")
    GREEN = "green", _("Green")
    AMBER = "amber", _("Amber")
    RED = "red", _("Red")
    VIOLET = "violet", _("Violet")
    TEAL = "teal", _("Teal")
    PINK = "pink", _("Pink")
    SLATE = "slate", _("Slate")


class Option(models.Model):
    """One possible answer. ``code`` is what labels store; for a rating it is also the order."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="options")
    code = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    definition = models.TextField(blank=True)
    colour = models.CharField(max_length=10, choices=Colour, default=Colour.SLATE)

    class Meta:
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [
            one_of("colour", Colour, "option_colour_known"),
            models.UniqueConstraint(fields=["question", "code"], name="option_code_once"),
            models.UniqueConstraint(fields=["question", "key"], name="option_key_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "key": self.key, "name": self.name}

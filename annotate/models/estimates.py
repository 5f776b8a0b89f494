"""Aggregations kept as snapshots."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of, share
from annotate.models.items import Item
from annotate.models.jobs import Job
from annotate.models.projects import Project, Question, QuestionKind
from annotate.models.raters import Rater


class Method(models.TextChoices):
    """Names of consensus.methods, the one to recommend first, then from plain to involved."""

    IBCC = "ibcc", _("iBCC")
    MAJORITY = "majority", _("Majority")
    WEIGHTED_MAJORITY = "weighted_majority", _("Weighted majority")
    WAWA = "wawa", _("Wawa")
    ONE_COIN = "one_coin", _("One-coin")
    DAWID_SKENE = "dawid_skene", _("Dawid-Skene")
    MACE = "mace", _("MACE")
    GLAD = "glad", _("GLAD")
    JUDGE_PANEL = "judge_panel", _("Judges as one panel")
    # Not of classes: for numbers.
    ROBUST_MEAN = "robust_mean", _("Robust mean")


# Those that combine classes, which choices, options chosen and spans all come down to.
CLASS_METHODS = tuple(method for method in Method if method != Method.ROBUST_MEAN)
# Those that count votes: the ability that they find is agreement with the others.
VOTES = (Method.MAJORITY, Method.WEIGHTED_MAJORITY, Method.WAWA)


def methods_of(kind: str) -> tuple[Method, ...]:
    """The methods that combine answers of a kind of question, the one to recommend first.

    None for texts and orders: no way to make one of several is better founded than another.
    """
    if kind == QuestionKind.NUMBER:
        return (Method.ROBUST_MEAN,)
    return () if kind in {QuestionKind.TEXT, QuestionKind.RANKING} else CLASS_METHODS


class WhoCounts(models.TextChoices):
    PEOPLE = "people", _("People only")
    JUDGES = "judges", _("Judges only")
    ALL = "all", _("People and judges")


class EstimateRun(models.Model):
    """A snapshot of an aggregation of one question version. Complete once its job is done."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="estimate_runs")
    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="estimate_runs")
    job = models.OneToOneField(Job, on_delete=models.RESTRICT, related_name="estimate_run")
    method = models.CharField(max_length=20, choices=Method)
    who_counts = models.CharField(max_length=10, choices=WhoCounts, default=WhoCounts.PEOPLE)
    # {"rulings": true}: rulings that stood counted as known answers, beside the gold.
    # {"judge_weight": 0.5}, of a weighted majority: what a judge's label weighs beside a person's.
    parameters = models.JSONField(default=dict, blank=True)
    seed = models.BigIntegerField(default=0)
    # SHA-256 over the (item, rater, choice) triples and the known answers that went in.
    input_fingerprint = models.CharField(max_length=64, blank=True)
    n_items = models.PositiveIntegerField(default=0)
    n_labels = models.PositiveBigIntegerField(default=0)
    iterations = models.PositiveIntegerField(default=0)
    converged = models.BooleanField(null=True)
    log_likelihood = models.FloatField(null=True, blank=True)
    # {"sentences": [...]}: what the method has to say of its own result, such as how far it may be
    # believed. Plain English, as consensus writes it.
    found = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            one_of("method", Method, "estimate_method_known"),
            one_of("who_counts", WhoCounts, "estimate_who_counts_known"),
        ]

    def __str__(self) -> str:
        return f"{self.method} of {self.question_id}"


class ItemEstimate(models.Model):
    """The aggregate of one item: ``choice`` is null where the vote is tied.

    Rows come by the million. The unique constraint serves every look-up, so the foreign keys have
    no index of their own, and that of the item is not checked: the run's is, and holds the project
    and its items (docs/decisions/0011-estimates-are-copied-in.md).
    """

    run = models.ForeignKey(
        EstimateRun, on_delete=models.CASCADE, related_name="item_estimates", db_index=False
    )
    item = models.ForeignKey(
        Item,
        on_delete=models.CASCADE,
        related_name="estimates",
        db_index=False,
        db_constraint=False,
    )
    choice = models.PositiveSmallIntegerField(null=True, blank=True)
    tied = models.BooleanField(default=False)
    probability = models.FloatField(null=True, blank=True)  # of the choice
    # Choices: {"posterior": {"0": .7, ...}, "votes": {"0": 2}}. An option that is not there has
    # less than half a millionth, or no vote. Other kinds: {"answer": value or None, "seen": mark of
    # the answers that went in}, and what else is known by kind (services/estimate_values.py).
    payload = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            share("probability", "item_estimate_probability_is_a_share"),
            models.UniqueConstraint(fields=["run", "item"], name="item_estimate_once_a_run"),
        ]

    def __str__(self) -> str:
        return f"estimate of item {self.item_id}"


class RaterEstimate(models.Model):
    """What an aggregation says of one rater."""

    run = models.ForeignKey(EstimateRun, on_delete=models.CASCADE, related_name="rater_estimates")
    rater = models.ForeignKey(Rater, on_delete=models.CASCADE, related_name="estimates")
    ability = models.FloatField(null=True, blank=True)  # expected share of right labels
    # Its 95 % interval; both null where the method gives none.
    ability_low = models.FloatField(null=True, blank=True)
    ability_high = models.FloatField(null=True, blank=True)
    n_labels = models.PositiveIntegerField(default=0)
    # {"confusion": [[...]]}, and by method "competence", "habit" (MACE), "skill" (GLAD), "weight"
    # (in a panel of judges). Null stands for numbers of which nothing is known.
    payload = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            share("ability", "rater_estimate_ability_is_a_share"),
            models.CheckConstraint(
                condition=models.Q(ability_low__isnull=True, ability_high__isnull=True)
                | models.Q(
                    ability_low__isnull=False,
                    ability_high__isnull=False,
                    ability_low__gte=0,
                    ability_low__lte=models.F("ability_high"),
                    ability_high__lte=1,
                ),
                name="rater_estimate_interval_within_shares",
            ),
            models.UniqueConstraint(fields=["run", "rater"], name="rater_estimate_once_a_run"),
        ]

    def __str__(self) -> str:
        return f"estimate of rater {self.rater_id}"

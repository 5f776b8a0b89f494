"""Items: what is labelled, and what queues and lists sort it by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of, share
from annotate.models.fields import OrderedFields
from annotate.models.projects import Project, Question


class ItemStatus(models.TextChoices):
    LIVE = "live", _("Live")
    WITHDRAWN = "withdrawn", _("Withdrawn")  # its import was undone; nothing is thrown away


class Item(models.Model):
    """One thing to label. Its content is frozen once it has been labelled or asked of a judge.

    ``fields`` are shown (to people and judges, in this order), ``metadata`` is not. ``draw`` is the
    item's permanent random number, from the project's seed and the external id: items are given out
    in its order, so those given out so far are a random sample of all, also when more are imported
    later (docs/decisions/0003-random-draw.md).
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="items")
    external_id = models.CharField(max_length=500)
    status = models.CharField(max_length=10, choices=ItemStatus, default=ItemStatus.LIVE)
    fields = OrderedFields(default=dict)
    metadata = models.JSONField(default=dict, blank=True)
    content_hash = models.CharField(max_length=64)
    draw = models.FloatField()
    # Set when a person was given it or a judge asked: from then on the content stays.
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            one_of("status", ItemStatus, "item_status_known"),
            share("draw", "item_draw_is_a_share"),
            models.UniqueConstraint(
                fields=["project", "external_id"], name="item_external_id_once_a_project"
            ),
        ]
        indexes: ClassVar = [
            # Lists of a project's items, newest last, by keyset pages.
            models.Index(fields=["project", "status", "id"], name="item_of_project"),
        ]

    def __str__(self) -> str:
        return f"item {self.pk}"


class SummaryState(models.TextChoices):
    OPEN = "open", _("Open")
    RULED = "ruled", _("Ruled")


class Reason(models.TextChoices):
    """Why an item is in the review queue. Words of consensus.doubt, and flagged.

    An item may be there for several; whoever counts or lists the items of a reason takes all that
    have it (selectors/review.py).
    """

    PEOPLE_SPLIT = "people_split", _("People split")
    JUDGE_DIFFERS = "judge_differs", _("Judge against people")
    JUDGES_SPLIT = "judges_split", _("Judges split")
    UNSURE = "unsure", _("Judge unsure")
    LIKELY_ERROR = "likely_error", _("Likely label error")
    FLAGGED = "flagged", _("Flagged")
    GOLD_MISSED = "gold_missed", _("Known answer missed")

    @property
    def bit(self) -> int:
        """What stands for it in ItemSummary.reason_bits. Stored: never another."""
        return _BITS[self.value]

    @staticmethod
    def bits(reasons: Iterable[str]) -> int:
        """All of these reasons in one number."""
        return sum(_BITS[reason] for reason in set(reasons))


_BITS = {
    "people_split": 1,
    "judge_differs": 2,
    "judges_split": 4,
    "unsure": 8,
    "flagged": 16,
    "likely_error": 32,
    "gold_missed": 64,
}


class ItemSummary(models.Model):
    """Counts and doubt of one question of one item, kept by services/summaries.py.

    Derived from the live labels, and repaired by ``manage.py check_summaries --repair``.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="summaries")
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=SummaryState, default=SummaryState.OPEN)
    # Live labels per option code: {"0": 2, "1": 1}. Imported people count with people.
    people_counts = models.JSONField(default=dict)
    judge_counts = models.JSONField(default=dict)
    n_people = models.PositiveIntegerField(default=0)
    n_judges = models.PositiveIntegerField(default=0)
    entropy = models.FloatField(default=0)
    doubt = models.FloatField(default=0)
    reason = models.CharField(max_length=20, blank=True)  # the chief one; "" for none
    reasons = models.JSONField(default=list)
    # The same in one number (Reason.bits), which indexes can hold.
    reason_bits = models.PositiveSmallIntegerField(default=0)
    # Set by bulk writes that leave the recount to a job.
    dirty = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            one_of("state", SummaryState, "summary_state_known"),
            models.CheckConstraint(
                condition=models.Q(reason__in=[*Reason.values, ""]), name="summary_reason_known"
            ),
            models.UniqueConstraint(fields=["item", "question"], name="summary_once_a_question"),
        ]
        indexes: ClassVar = [
            # The review queue: open, with a reason, most doubtful first. The bits are in it, so
            # that the rare reasons are found without a look at the rows.
            models.Index(
                fields=["question", "-doubt", "item", "reason_bits"],
                condition=models.Q(state="open", reason_bits__gt=0),
                name="summary_review_queue",
            ),
            # Counts of the queue by reason.
            models.Index(
                fields=["project", "question", "reason_bits"],
                condition=models.Q(state="open", reason_bits__gt=0),
                name="summary_by_reason",
            ),
            # Filters of the list of items, in its order, without a look at the rows.
            models.Index(
                fields=["question", "item", "state", "reason_bits", "n_people", "entropy"],
                name="summary_for_lists",
            ),
            # What the recount job picks up.
            models.Index(
                fields=["project"], condition=models.Q(dirty=True), name="summary_to_recount"
            ),
        ]

    def __str__(self) -> str:
        return f"summary of {self.item_id} for {self.question_id}"

"""A judge version over a selection of items, and one row a call."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models import Item, Job, Project
from annotate.models.constraints import one_of, share
from judges.models.versions import JudgeVersion


class Purpose(models.TextChoices):
    LABEL = "label", _("Label")
    TRIAL = "trial", _("Trial")
    AUDIT = "audit", _("Audit")
    CANARY = "canary", _("Canary")
    ANCHOR = "anchor", _("Anchor")


class Run(models.Model):
    """A judge version over items. Its state machine is its job's; its truth is its calls.

    Only runs for the purpose *label* hand in labels.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_runs")
    version = models.ForeignKey(JudgeVersion, on_delete=models.RESTRICT, related_name="runs")
    job = models.OneToOneField(Job, on_delete=models.RESTRICT, related_name="judge_run")
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.LABEL)
    selection = models.JSONField(default=dict, blank=True)  # {"strategy": "random", "limit": 100}
    seed = models.BigIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    # Whether its calls go in the endpoint's batch lane: answered within a day, at a lower price.
    in_batches = models.BooleanField(default=False)
    # Money in 100-millionths of a US dollar: whole numbers, which every database adds exactly.
    cap = models.BigIntegerField(null=True, blank=True)  # null: no limit of its own
    spent = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)  # for calls that are being asked
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            one_of("purpose", Purpose, "run_purpose_known"),
            models.CheckConstraint(
                condition=models.Q(spent__gte=0, reserved__gte=0), name="run_money_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.version}"


class CallState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    CLAIMED = "claimed", _("Being asked")
    SENT = "sent", _("Handed in with a batch")
    CLOSED = "closed", _("Closed")


# Somebody answers for these: what comes of them is stored by their token.
HELD = (CallState.CLAIMED, CallState.SENT)


class Outcome(models.TextChoices):
    LABEL = "label", _("Label")
    UNPARSEABLE = "unparseable", _("Reply that does not parse")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


class Call(models.Model):
    """One question put to a judge about one item.

    In a run of a panel it is put to one of its members, and answers of members are calls of the
    panel's run, never labels of their own (docs/decisions/0013-panels.md).

    waiting -> claimed (lease) -> closed with an outcome; a claim whose lease ran out is waiting
    again, and its late reply is dropped because the token no longer fits. A claimed call that goes
    with a batch is sent: no worker need live for it, and the token is the batch's key.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="calls")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="calls")
    # Who is asked, of a panel; null: the run's own version. Sought by run and member, never by
    # member alone, so that calls of other runs pay for no index.
    member = models.ForeignKey(
        JudgeVersion,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="panel_calls",
        db_index=False,
    )
    # Whether it was shown what the other members said.
    discussed = models.BooleanField(default=False)
    variant = models.CharField(max_length=50, default="plain")  # option order, paraphrase ...
    repeat = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=CallState, default=CallState.WAITING)
    # The batch with which it was handed in last.
    batch = models.ForeignKey(
        "judges.Batch",
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="calls",
        db_index=False,
    )
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    lease_token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)  # Retry-After, backoff
    attempts = models.PositiveSmallIntegerField(default=0)
    request_hash = models.CharField(max_length=64, blank=True)
    model_reported = models.CharField(max_length=200, blank=True)  # what the endpoint says it is
    raw_reply = models.TextField(blank=True)
    error = models.TextField(blank=True)  # why there is no label, or the last failure
    choice = models.PositiveSmallIntegerField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    confidence_source = models.CharField(max_length=10, blank=True)
    distribution = models.JSONField(null=True, blank=True)
    # Probability that fell on labels at all, before renormalising; null where not known.
    label_mass = models.FloatField(null=True, blank=True)
    rationale = models.TextField(blank=True)
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    # US dollars for the reply that is kept, from its tokens; null where that is not known.
    price = models.DecimalField(max_digits=12, decimal_places=8, null=True, blank=True)
    # 100-millionths of a dollar: held back while it is asked, and what it cost beside ``price``:
    # reservations of attempts that may have been charged but brought no reply, replies replaced.
    reserved = models.BigIntegerField(null=True, blank=True)
    paid_beside = models.BigIntegerField(default=0)
    # The call that was answered before to exactly the same request, instead of asking again.
    reused = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            one_of("state", CallState, "call_state_known"),
            models.CheckConstraint(
                condition=models.Q(state="closed", outcome__in=Outcome.values)
                | (~models.Q(state="closed") & models.Q(outcome="")),
                name="call_closed_iff_outcome",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="claimed")
                | (models.Q(lease_until__isnull=False) & ~models.Q(lease_token="")),
                name="call_claimed_has_lease",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="sent")
                | (models.Q(batch__isnull=False) & ~models.Q(lease_token="")),
                name="call_sent_has_batch",
            ),
            models.CheckConstraint(
                condition=~models.Q(outcome="label") | models.Q(choice__isnull=False),
                name="call_label_has_choice",
            ),
            share("confidence", "call_confidence_is_a_share"),
            # Two, since null is like no other null in a unique constraint.
            models.UniqueConstraint(
                fields=["run", "item", "variant", "repeat"],
                condition=models.Q(member__isnull=True),
                name="call_once_a_run",
            ),
            models.UniqueConstraint(
                fields=["run", "item", "member", "discussed", "variant", "repeat"],
                condition=models.Q(member__isnull=False),
                name="call_once_a_member",
            ),
            models.CheckConstraint(
                condition=models.Q(discussed=False) | models.Q(member__isnull=False),
                name="call_discussed_by_a_member",
            ),
        ]
        indexes: ClassVar = [
            # The next calls to claim, and counts for progress.
            models.Index(fields=["run", "state", "id"], name="call_of_run_by_state"),
            # The next calls of one member: the others' waiting ones are not walked through.
            models.Index(
                fields=["run", "member", "state", "id"],
                condition=models.Q(member__isnull=False),
                name="call_of_member_by_state",
            ),
            # What of a batch is not answered yet.
            models.Index(
                fields=["batch", "state", "id"],
                condition=models.Q(batch__isnull=False),
                name="call_of_batch",
            ),
            # Whether the item was ever asked (its content is then frozen).
            models.Index(fields=["item", "state"], name="call_of_item"),
            # Whether exactly the same was asked before.
            models.Index(
                fields=["request_hash"],
                condition=models.Q(outcome="label"),
                name="call_by_request",
            ),
        ]

    def __str__(self) -> str:
        return f"call {self.pk}"


class Ending(models.TextChoices):
    """How an item of a run ended."""

    LABEL = "label", _("Label")
    UNPARSEABLE = "unparseable", _("Reply that does not parse")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")
    UNDECIDED = "undecided", _("Undecided")


class RunItem(models.Model):
    """An item of a run that is asked in several calls: what they came to together.

    Open (no ending) until its last call is closed; the worker that closes that one reduces them,
    under a lock on this row. Runs that ask an item once have no such rows: the call is the ending.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="items")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    ending = models.CharField(max_length=12, choices=Ending, blank=True)
    error = models.TextField(blank=True)  # why there is no label
    choice = models.PositiveSmallIntegerField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    distribution = models.JSONField(null=True, blank=True)
    # Of a panel: how many members were asked, and how many of them again after a discussion.
    asked = models.PositiveSmallIntegerField(null=True, blank=True)
    asked_again = models.PositiveSmallIntegerField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ending__in=["", *Ending.values]), name="run_item_ending_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(ending="label") | models.Q(choice__isnull=False),
                name="run_item_label_has_choice",
            ),
            share("confidence", "run_item_confidence_is_a_share"),
            models.CheckConstraint(
                condition=models.Q(asked__isnull=True, asked_again__isnull=True)
                | models.Q(
                    asked__isnull=False,
                    asked_again__isnull=False,
                    asked__gte=models.F("asked_again"),
                ),
                name="run_item_asked_again_of_those_asked",
            ),
            models.UniqueConstraint(fields=["run", "item"], name="run_item_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["run", "ending"], name="run_item_by_ending"),
        ]

    def __str__(self) -> str:
        return f"item {self.item_id} of run {self.run_id}"

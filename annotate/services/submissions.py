"""Handing in labels: the one door for people and judges. What happens on "submit" is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import ConcordError, Conflict, NotFound
from annotate.kinds import Said, said_of
from annotate.models import (
    STANDING,
    Admission,
    Arm,
    Assignment,
    AssignmentState,
    Guideline,
    Item,
    ItemStatus,
    Label,
    LabelStatus,
    Question,
    Rater,
    RaterOrigin,
    SkipReason,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
    User,
    Visibility,
)
from annotate.selectors.checks import is_check
from annotate.selectors.help_rules import Rule
from annotate.selectors.questions import questions_live
from annotate.services import claims
from annotate.services.answers import Answer, answers_check, item_gone, labels_of
from annotate.services.checks import answer_is_open
from annotate.services.events import event_write
from annotate.services.hand_ins import HandIn, submissions_submit
from annotate.services.reveals import seen_before
from annotate.services.summaries import summaries_recount, summaries_recount_locked


def submission_submit(
    rater: Rater,
    item: Item,
    *,
    answers: Mapping[int, Answer],
    client_key: str,
    seconds: float | None = None,
    flagged: bool = False,
    comment: str = "",
    exposure: Sequence[Mapping[str, Any]] = (),
    rule: Rule | None = None,
    sides: Mapping[str, str] | None = None,
    pasted: int = 0,
    guideline: Guideline | None = None,
    questions: Sequence[Question] | None = None,
) -> Submission:
    """Hand in a rater's answers for an item. ``answers`` is by question id.

    ``rule``: what the page could show of judges (selectors/help_rules.py), and ``exposure`` what it
    did. An answer after a reveal that is the one before it stores nothing: that one stands.
    ``sides``: which field of each pairwise question was shown first, by its key; answers name the
    field, not the side. ``pasted``: characters pasted from elsewhere. ``questions``: the live ones
    with their options, where the caller has just read them.

    Idempotent by (rater, client_key): the same key returns what was stored the first time. A member
    needs an assignment, open or run out: the submission takes its slot, else any free slot of the
    item, else it is kept as *surplus*. Handing in again, from another tab, replaces the first
    answer in the same slot. A rater without slots needs none: hand_ins.submissions_submit, of which
    this is the case of one item; there is nothing that it was shown.

    One transaction: submission, labels, assignment, slot, summary, event. Locks rater, item,
    assignment, slot, in this order. Raises BadInput for answers that do not fit the questions,
    Conflict where a member was never given the item.
    """
    if rater.origin != RaterOrigin.MEMBER:
        said = HandIn(item, answers, client_key, seconds, flagged, comment)
        (stored,) = submissions_submit(rater, [said], guideline=guideline)
        if isinstance(stored, ConcordError):
            raise stored
        return stored
    with transaction.atomic():
        _lock(rater, item)
        earlier = Submission.objects.filter(rater=rater, client_key=client_key).first()
        if earlier is not None:
            return earlier
        if item.status != ItemStatus.LIVE:
            raise item_gone()
        if rater.admission == Admission.OUT:
            raise Conflict(_("You do not label in this project any more, so nothing was stored."))
        if questions is None:
            questions = questions_live(item.project)
        answers = answers_check(questions, answers, item, complete=True)
        by_id = {question.pk: question for question in questions}
        assignment = _assignment(rater, item)
        rule, exposure = _as_seen(rater, item, rule or Rule(), exposure)
        standing = _standing(assignment)
        answer_is_open(rater, assignment, standing)
        if (
            standing is not None
            and rule.arm == Arm.REVEALED
            and _says_the_same(standing, answers, flagged=flagged, comment=comment)
        ):
            return standing
        slot = _slot_for(assignment, standing)
        status = _status(assignment, slot)
        if standing is not None:
            _supersede(rater, item)
        submission = Submission.objects.create(
            project_id=item.project_id,
            item=item,
            rater=rater,
            status=status,
            client_key=client_key,
            assignment=assignment,
            slot=slot,
            guideline=guideline,
            seconds=seconds,
            flagged=flagged,
            comment=comment,
            exposure=list(exposure),
            visibility=rule.visibility,
            arm=rule.arm,
            shown_probability=rule.shown_probability,
            sides=dict(sides or {}),
            pasted=pasted,
            created_at=timezone.now(),
        )
        Label.objects.bulk_create(labels_of(submission, by_id, answers))
        _close(assignment, AssignmentState.SUBMITTED, slot)
        event_write(rater.user, f"submission.{status}", project=item.project, target=submission)
        summaries_recount_locked(item.project, [item.pk], questions)
        return submission


def submission_skip(
    rater: Rater,
    item: Item,
    *,
    client_key: str,
    seconds: float | None = None,
    flagged: bool = False,
    comment: str = "",
    reason: str = SkipReason.NONE,
) -> Submission:
    """Skip an item: its slot is free for others, and the rater is not given it again.

    Idempotent by (rater, client_key). Locks as submission_submit. Raises Conflict where the rater
    was never given the item or has handed it in.
    """
    with transaction.atomic():
        _lock(rater, item)
        earlier = Submission.objects.filter(rater=rater, client_key=client_key).first()
        if earlier is not None:
            return earlier
        assignment = _assignment(rater, item)
        if assignment.state == AssignmentState.SUBMITTED:
            raise Conflict(_("You have handed in this item. Take it back first."))
        held = assignment.state == AssignmentState.OPEN
        submission = Submission.objects.create(
            project_id=item.project_id,
            item=item,
            rater=rater,
            status=SubmissionStatus.SKIPPED,
            skip_reason=reason,
            client_key=client_key,
            assignment=assignment,
            seconds=seconds,
            flagged=flagged,
            comment=comment,
            created_at=timezone.now(),
        )
        _close(assignment, AssignmentState.SKIPPED, None)
        if held and assignment.slot_id is not None:
            claims.slot_free(assignment.slot_id)
        event_write(rater.user, "submission.skipped", project=item.project, target=submission)
        summaries_recount(item.project, [item.pk])
        return submission


def submission_last(rater: Rater) -> Submission | None:
    """What undo would take back: the rater's newest submission that stands, if it may."""
    last = (
        Submission.objects.filter(rater=rater, status__in=[*STANDING, SubmissionStatus.SKIPPED])
        .select_related("item")
        .order_by("-created_at", "-pk")
        .first()
    )
    return None if last is not None and last.told_at is not None else last


def submission_withdraw(
    rater: Rater, submission_id: int, *, actor: User | None = None
) -> Assignment:
    """Undo: withdraw a submission of the rater's own and reopen its assignment for them. ``actor``
    is who asked for it where that was not the rater.

    The slot stays the rater's where it was theirs; after a skip any free slot is taken, and where
    there is none the assignment stays run out, so that a new answer is kept as surplus. Idempotent:
    withdrawing twice returns the same assignment. Locks as submission_submit.
    """
    with transaction.atomic():
        found = (
            Submission.objects.select_related("item__project", "assignment")
            .filter(rater=rater, pk=submission_id, assignment__isnull=False)
            .first()
        )
        if found is None or found.assignment is None:
            raise NotFound(_("There is no such submission of yours."))
        _lock(rater, found.item)
        submission = Submission.objects.select_related("item__project").get(pk=found.pk)
        assignment = Assignment.objects.select_for_update(no_key=True).get(pk=found.assignment.pk)
        if submission.status == SubmissionStatus.WITHDRAWN:
            return assignment
        answer_is_open(rater, assignment, submission)
        Submission.objects.filter(pk=submission.pk).update(status=SubmissionStatus.WITHDRAWN)
        submission.labels.exclude(status=LabelStatus.SUPERSEDED).update(
            status=LabelStatus.WITHDRAWN
        )
        _reopen(assignment, submission)
        event_write(
            actor or rater.user,
            "submission.withdrawn",
            project=submission.item.project,
            target=submission,
        )
        summaries_recount(submission.item.project, [submission.item_id])
        return assignment


def _lock(rater: Rater, item: Item) -> None:
    claims.rater_lock(rater)
    item.status = (
        Item.objects.select_for_update(no_key=True).values_list("status", flat=True).get(pk=item.pk)
    )


def _assignment(rater: Rater, item: Item) -> Assignment:
    assignment = (
        Assignment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("slot")
        .filter(rater=rater, item=item)
        .first()
    )
    if assignment is None:
        raise Conflict(_("This item was not given to you, so nothing was stored."))
    assignment.item = item
    return assignment


def _status(assignment: Assignment, slot: Slot | None) -> SubmissionStatus:
    """Counted where there is a slot; else a check of a known item, or surplus."""
    if slot is not None:
        return SubmissionStatus.SUBMITTED
    return SubmissionStatus.CHECK if is_check(assignment) else SubmissionStatus.SURPLUS


def _standing(assignment: Assignment) -> Submission | None:
    """What the rater has handed in for the item and not taken back: one at most."""
    if assignment.state != AssignmentState.SUBMITTED:
        return None
    return (
        Submission.objects.select_related("slot")
        .prefetch_related("labels")
        .filter(assignment=assignment, status__in=STANDING)
        .order_by("-pk")
        .first()
    )


def _says_the_same(
    standing: Submission, answers: Mapping[int, Answer], *, flagged: bool, comment: str
) -> bool:
    said = {label.question_id: said_of(label) for label in standing.labels.all()}
    now = {pk: Said(answer.choice, answer.value) for pk, answer in answers.items()}
    return (said, standing.flagged, standing.comment) == (now, flagged, comment)


def _as_seen(
    rater: Rater, item: Item, rule: Rule, exposure: Sequence[Mapping[str, Any]]
) -> tuple[Rule, Sequence[Mapping[str, Any]]]:
    """The rule as it came to be: a page made blind is not, for who saw a judge's answer elsewhere
    (in another tab, or before the item was given back).
    """
    if rule.arm != Arm.BLIND or rule.visibility == Visibility.BLIND:
        return rule, exposure
    seen = seen_before(rater, item.pk)
    return (replace(rule, arm=Arm.REVEALED), seen) if seen else (rule, exposure)


def _slot_for(assignment: Assignment, standing: Submission | None) -> Slot | None:
    """The slot that this submission fills, or None when it is surplus."""
    if assignment.state == AssignmentState.OPEN:
        return assignment.slot
    if standing is not None and standing.slot is not None:
        # Handed in before, from another tab: the new answer takes the old one's slot.
        return standing.slot
    return claims.slot_take(assignment.item)


def _supersede(rater: Rater, item: Item) -> None:
    Submission.objects.filter(
        rater=rater,
        item=item,
        status__in=STANDING,
    ).update(status=SubmissionStatus.WITHDRAWN)
    Label.objects.filter(
        rater=rater,
        item=item,
        status__in=[LabelStatus.LIVE, LabelStatus.SURPLUS, LabelStatus.CHECK],
    ).update(status=LabelStatus.SUPERSEDED)


def _close(assignment: Assignment, state: AssignmentState, slot: Slot | None) -> None:
    assignment.state = state
    assignment.closed_at = timezone.now()
    if slot is not None:
        assignment.slot = slot
        Slot.objects.filter(pk=slot.pk).update(state=SlotState.FILLED)
    assignment.save(update_fields=["state", "closed_at", "slot"])


def _reopen(assignment: Assignment, submission: Submission) -> None:
    now = timezone.now()
    slot = submission.slot
    if slot is not None:
        Slot.objects.filter(pk=slot.pk).update(state=SlotState.HELD)
    else:
        slot = claims.slot_take(assignment.item)
    if slot is None and not is_check(assignment):
        assignment.state = AssignmentState.EXPIRED
    else:
        assignment.slot = slot
        assignment.state = AssignmentState.OPEN
        assignment.closed_at = None
    minutes = submission.item.project.lease_minutes
    assignment.lease_until = now + timedelta(minutes=minutes)
    assignment.save(update_fields=["state", "slot", "closed_at", "lease_until"])

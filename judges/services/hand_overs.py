"""Handing items over to a judge: worked out, started, watched, taken back.

The states are in models/hand_overs.py.
Whatever starts or ends one goes by a conditional update of its state whose row count is checked.
"""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.kinds import CHOICES
from annotate.models import (
    FINISHED,
    Job,
    Label,
    LabelStatus,
    ProjectStatus,
    Question,
    QuestionStatus,
    Rater,
    RaterKind,
    Slot,
    SlotState,
    User,
)
from annotate.services.entrusting import entrusted_end, items_entrust, turns_end, turns_give
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create
from judges.models import EndReason, HandOver, HandOverItem, HandOverState, Part
from judges.selectors.hand_over_answer import answer_of, audit_size, estimates_of, found_of
from judges.selectors.hand_over_evidence import evidence_of
from judges.selectors.hand_overs import audit_of

WORK_OUT, START, END, MORE = (
    "hand_over_work_out",
    "hand_over_start",
    "hand_over_end",
    "hand_over_more",
)
CHUNK = 1000


@transaction.atomic
def hand_over_work_out(
    actor: User,
    question: Question,
    rater: Rater,
    *,
    alpha: float,
    delta: float,
    audit_share: float = 0.1,
    imported: bool = False,
    label_price: Decimal | None = None,
) -> HandOver:
    """Queue the working out; the caller nudges its job. One under way is returned instead.

    ``imported`` is the actor's word that imported labels of people were given blind, on items drawn
    at random; the event keeps who gave it. Raises BadInput. Locks the project.
    """
    if question.kind not in CHOICES:
        raise BadInput(_("Items are handed over where an answer is one of the options."))
    if rater.kind != RaterKind.JUDGE:
        raise BadInput(_("Items are handed over to judges."))
    for name, level in (("alpha", alpha), ("delta", delta), ("audit_share", audit_share)):
        if not 0.001 <= level <= 0.5:
            message = _("Give a share between 0.1 % and 50 %.")
            raise BadInput(message, fields={name: message})
    project = (
        type(question.project).objects.select_for_update(no_key=True).get(pk=question.project_id)
    )
    waiting = HandOver.objects.filter(
        question=question, rater=rater, state=HandOverState.WORKING
    ).exclude(job__state__in=FINISHED)
    if (under_way := waiting.select_related("job").first()) is not None:
        return under_way
    row = HandOver.objects.create(
        project=project,
        question=question,
        rater=rater,
        alpha=alpha,
        delta=delta,
        audit_share=audit_share,
        imported_count=imported,
        label_price=label_price,
        seed=secrets.randbits(32),
        planned_by=actor,
        planned_at=timezone.now(),
    )
    row.job = _job(actor, row, WORK_OUT)
    row.save(update_fields=["job"])
    event_write(
        actor,
        "hand_over.asked",
        project=project,
        target=row,
        alpha=alpha,
        delta=delta,
        imported_said_blind_and_random=imported,
    )
    return row


def hand_over_work_out_run(running: RunningJob) -> None:
    """The job. Repeat-safe: writes once, from what the labels are then."""
    row = _row(running)
    running.progress(message=_("Reading labels"))
    with running.kept_alive():
        evidence = evidence_of(row.question, row.rater, imported=row.imported_count)
        answer = answer_of(evidence, row)
        estimates = estimates_of(row.question, evidence)
    with transaction.atomic():
        running.hold()
        HandOver.objects.filter(pk=row.pk, state=HandOverState.WORKING).update(
            state=HandOverState.READY,
            answer=answer,
            estimates=estimates,
            used=evidence.used(),
            threshold=answer["threshold"],
            fingerprint=evidence.fingerprint,
            unread_fingerprint=evidence.unread_fingerprint,
        )
    running.finish(message="", hand_over=row.pk)


@transaction.atomic
def hand_over_start(actor: User, row: HandOver) -> Job:
    """Queue the start; the caller nudges. Raises Conflict where there is nothing to start, or one
    runs at the question. The job refuses where the labels are no longer those it was worked out of.
    """
    row = HandOver.objects.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
    if row.state != HandOverState.READY:
        raise Conflict(_("This hand-over cannot be started any more. Work it out anew."))
    if row.threshold is None:
        raise Conflict(_("There is nothing to hand over yet."))
    if row.question.status != QuestionStatus.LIVE:
        raise Conflict(_("The question was changed since. Work it out anew."))
    if HandOver.objects.filter(question=row.question_id, state=HandOverState.RUNNING).exists():
        raise Conflict(_("A hand-over is running at this question. Take it back first."))
    if row.job is not None and row.job.kind == START and row.job.state not in FINISHED:
        return row.job
    row.job = _job(actor, row, START)
    row.save(update_fields=["job"])
    return row.job


def hand_over_start_run(running: RunningJob) -> None:
    """The job: check that nothing changed, draw the audit, leave the items to the judge."""
    import numpy as np

    row = _row(running)
    actor = running.job.created_by
    running.progress(message=_("Reading labels"))
    with running.kept_alive():
        evidence = evidence_of(row.question, row.rater, imported=row.imported_count)
    if evidence.fingerprint != row.fingerprint:
        running.fail(
            _("Labels came in since this was worked out. Work it out anew, then start it.")
        )
        return
    chosen = found_of(evidence, alpha=row.alpha, delta=row.delta).chosen
    unread = np.flatnonzero(evidence.unread)
    left, rest = unread[chosen], unread[~chosen]
    rng = np.random.default_rng(row.seed)
    drawn = set(rng.permutation(left)[: audit_size(len(left), row.audit_share)].tolist())
    chance = len(drawn) / len(left)
    rest = rest[np.argsort(evidence.confidence[rest], kind="stable")]
    # The least sure first; those to be checked anywhere among them.
    turns = {int(evidence.item_ids[k]): float(n) for n, k in enumerate(rest)}
    places = rng.uniform(0, max(1, len(rest)), len(drawn))
    audited = sorted(int(evidence.item_ids[k]) for k in drawn)
    turns |= dict(zip(audited, places.tolist(), strict=True))
    parts: list[tuple[Any, Part, float | None]] = [
        (k, Part.AUDIT if int(k) in drawn else Part.LEFT, chance) for k in left
    ]
    parts += [(k, Part.PEOPLE, None) for k in rest]
    ids = evidence.item_ids[left].tolist()
    running.progress(message=_("Handing over"))
    with running.kept_alive(), transaction.atomic():
        running.hold()
        try:
            with transaction.atomic():
                moved = HandOver.objects.filter(pk=row.pk, state=HandOverState.READY).update(
                    state=HandOverState.RUNNING, started_by=actor, started_at=timezone.now()
                )
        except IntegrityError as error:
            raise Conflict(_("A hand-over is running at this question.")) from error
        if not moved:
            raise Conflict(_("This hand-over cannot be started any more."))
        HandOverItem.objects.bulk_create(
            [
                HandOverItem(
                    hand_over=row,
                    item_id=int(evidence.item_ids[k]),
                    part=part,
                    confidence=float(evidence.confidence[k]),
                    probability=probability,
                )
                for k, part, probability in parts
            ],
            batch_size=CHUNK,
        )
        items_entrust(row.question, row.rater, ids, checked=set(audited))
        turns_give(row.project, turns, chances=dict.fromkeys(audited, chance))
        event_write(
            actor,
            "hand_over.started",
            project=row.project,
            target=row,
            alpha=row.alpha,
            delta=row.delta,
            threshold=row.threshold,
            items=len(ids),
            checked=len(audited),
            seed=row.seed,
            fingerprint=row.fingerprint,
            unread_fingerprint=row.unread_fingerprint,
        )
    running.finish(message="", hand_over=row.pk, items=len(ids))


@transaction.atomic
def hand_over_withdraw(actor: User, row: HandOver) -> Job:
    """Queue the taking back; the caller nudges. Raises Conflict where it does not run."""
    row = HandOver.objects.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
    if row.state != HandOverState.RUNNING:
        raise Conflict(_("This hand-over is not running."))
    if row.job is not None and row.job.kind == END and row.job.state not in FINISHED:
        return row.job
    row.job = _job(actor, row, END)
    row.save(update_fields=["job"])
    return row.job


def hand_over_end_run(running: RunningJob) -> None:
    row = _row(running)
    with running.kept_alive():
        _end(row, EndReason.WITHDRAWN, running.job.created_by)
    running.finish(message="", hand_over=row.pk)


def hand_overs_watch() -> int:
    """Look at the audits of all that run, and stop those that must. Returns how many. Repeat-safe;
    run by the sweeper."""
    stopped = 0
    rows = HandOver.objects.filter(
        state=HandOverState.RUNNING, project__status=ProjectStatus.ACTIVE
    )
    for row in rows.defer("used").select_related("project", "question", "rater"):
        if row.question.status != QuestionStatus.LIVE:
            stopped += _end(row, EndReason.QUESTION, None)
        elif (found := audit_of(row).found).alarm_at is not None:
            detail = {"checked": found.n, "wrong": found.losses}
            stopped += _end(row, EndReason.AUDIT, None, **detail)
    return stopped


@transaction.atomic
def _end(row: HandOver, reason: EndReason, actor: User | None, **detail: Any) -> int:
    """running -> ended: slots are asked for again, in the order of draws. How many: 0 or 1."""
    moved = HandOver.objects.filter(pk=row.pk, state=HandOverState.RUNNING).update(
        state=HandOverState.ENDED, ended_at=timezone.now(), ended_by=actor, end_reason=reason
    )
    if not moved:
        return 0
    entrusted_end(row.question, row.rater)
    turned = row.items.exclude(part=Part.LEFT).values_list("item_id", flat=True)
    turns_end(row.project, set(turned))
    event_write(
        actor,
        "hand_over.ended",
        project=row.project,
        target=row,
        implied=actor is None,
        reason=str(reason),
        **detail,
    )
    return 1


# --- More labels --------------------------------------------------------------------------------


@transaction.atomic
def blind_batch_start(actor: User, question: Question, rater: Rater, n: int) -> Job:
    """Queue: have people label so many unread items of the judge next, drawn by lot, blind. The
    caller nudges. Raises BadInput.
    """
    if not 1 <= n <= 100_000:
        raise BadInput(_("Ask for 1 to 100,000 items."))
    job = job_create(
        actor,
        project=question.project,
        kind=MORE,
        task="judges.blind_batch",
        parameters={
            "question": question.pk,
            "rater": rater.pk,
            "n": n,
            "seed": secrets.randbits(32),
        },
    )
    event_write(actor, "hand_over.more_labels", project=question.project, target=job, items=n)
    return job


def blind_batch_run(running: RunningJob) -> None:
    """Draw them from the items that the judge labelled and nobody has been given or drawn."""
    import numpy as np

    asked = running.job.parameters
    question = Question.objects.select_related("project").get(pk=asked["question"])
    said = Label.objects.filter(
        question=question, rater=asked["rater"], status=LabelStatus.LIVE
    ).values("item_id")
    free = Slot.objects.filter(
        project=question.project, item__in=said, state=SlotState.OPEN, excused=False, turn=None
    )
    busy = Slot.objects.filter(project=question.project).exclude(state=SlotState.OPEN)
    ids = sorted(
        free.exclude(item__in=busy.values("item_id")).values_list("item_id", flat=True).distinct()
    )
    if not ids:
        running.fail(_("No item of this judge is left to give to people."))
        return
    rng = np.random.default_rng(asked["seed"])
    drawn = [int(pk) for pk in rng.permutation(ids)[: asked["n"]]]
    chance = len(drawn) / len(ids)
    with running.kept_alive(), transaction.atomic():
        running.hold()
        turns_give(
            question.project,
            {pk: float(k) for k, pk in enumerate(drawn)},
            chances=dict.fromkeys(drawn, chance),
        )
    running.finish(
        message=_("%(n)s items drawn: people are given them next, blind.") % {"n": len(drawn)},
        items=len(drawn),
        of=len(ids),
    )


def _job(actor: User, row: HandOver, kind: str) -> Job:
    return job_create(
        actor,
        project=row.project,
        kind=kind,
        task=f"judges.{kind}",
        parameters={"hand_over": row.pk, "question": row.question_id, "rater": row.rater_id},
    )


def _row(running: RunningJob) -> HandOver:
    return HandOver.objects.select_related("project", "question__project", "rater").get(
        pk=running.job.parameters["hand_over"]
    )

"""Ruling on many items at once, as a job, and taking all of these rulings back as one."""

from __future__ import annotations

from collections import Counter

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.kinds import CHOICES
from annotate.models import (
    FINISHED,
    Item,
    Job,
    Question,
    QuestionStatus,
    Ruling,
    RulingReason,
    RulingStatus,
    User,
)
from annotate.selectors.bulk_rulings import Fate, Planned, RulingPlan, rulings_planned
from annotate.selectors.chosen import Chosen, chosen_kept
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create
from annotate.services.summaries import summaries_recount

KIND = "bulk_rulings"
UNDO = "bulk_rulings_undo"
# Items of one transaction.
CHUNK = 200


def plan_check(question: Question, plan: RulingPlan) -> None:
    """Raises BadInput for a plan that does not fit the question, Conflict for one asked no more."""
    if question.status != QuestionStatus.LIVE:
        raise Conflict(_("This question was changed meanwhile. Reload the page to see it anew."))
    if plan.reason not in RulingReason.values:
        raise BadInput(_("Say why: %(reasons)s.") % {"reasons": ", ".join(RulingReason.values)})
    if plan.choice is None:
        return
    if question.kind not in CHOICES:
        raise BadInput(_("These answers are no single option: rule what each item has now."))
    if not question.options.filter(code=plan.choice).exists():
        raise BadInput(_("Choose one of the options."))


@transaction.atomic
def bulk_rulings_start(actor: User, question: Question, chosen: Chosen, plan: RulingPlan) -> Job:
    """Queue the rulings; the caller nudges. Raises BadInput, Conflict."""
    plan_check(question, plan)
    job = job_create(
        actor,
        project=chosen.project,
        kind=KIND,
        task="annotate.bulk_rulings",
        parameters={
            "question": question.pk,
            "chosen": chosen.kept(),
            "choice": plan.choice,
            "reason": plan.reason,
            "comment": plan.comment,
            "overrule": plan.overrule,
        },
        total=chosen.count()[0],
    )
    event_write(actor, "rulings.bulk_started", project=chosen.project, target=job)
    return job


def bulk_rulings_run(running: RunningJob) -> None:
    """Rule, chunk by chunk. Repeat-safe: what an attempt that died has ruled is left as it is."""
    job = running.job
    given = job.parameters
    if job.project is None:
        running.fail(_("The project is gone."))
        return
    question = Question.objects.prefetch_related("options").get(pk=given["question"])
    plan = RulingPlan(given["choice"], given["reason"], given["comment"], given["overrule"])
    plan_check(question, plan)
    chosen = chosen_kept(job.project, given["chosen"])
    fates: Counter[Fate] = Counter()
    done = 0
    for chunk in chosen.chunks(CHUNK):
        with transaction.atomic():
            running.hold()
            fates.update(_rule(job, question, chunk, plan))
        done += len(chunk)
        running.progress(done, total=max(done, job.total or 0))
    n_ruled = Ruling.objects.filter(batch=job).count()
    with transaction.atomic():
        event_write(
            job.created_by, "rulings.bulk_made", project=job.project, target=job, rulings=n_ruled
        )
        running.finish(
            message=_("%(n)s items ruled on; %(left)s left as they were.")
            % {"n": intcomma(n_ruled), "left": intcomma(max(0, done - n_ruled))},
            rulings=n_ruled,
            fates={str(fate): n for fate, n in fates.items()},
        )


def _rule(job: Job, question: Question, items: list[Item], plan: RulingPlan) -> list[Fate]:
    """Rule on one chunk. Locks its items in id order."""
    locked = list(
        Item.objects.select_for_update(no_key=True)
        .filter(pk__in=[item.pk for item in items])
        .order_by("pk")
    )
    planned = rulings_planned(question, locked, plan)
    rules = [each for each in planned if each.rules]
    replaced = [each.standing.pk for each in rules if each.standing is not None]
    Ruling.objects.filter(pk__in=replaced).update(status=RulingStatus.SUPERSEDED)
    Ruling.objects.bulk_create(_ruling(job, question, each, plan) for each in rules)
    if rules:
        summaries_recount(question.project, [each.item.pk for each in rules])
    return [each.fate for each in planned]


def _ruling(job: Job, question: Question, planned: Planned, plan: RulingPlan) -> Ruling:
    said = planned.said
    return Ruling(
        project_id=question.project_id,
        item=planned.item,
        question=question,
        choice=said.choice if said else None,
        value=said.value if said else None,
        reason=plan.reason,
        comment=plan.comment,
        reviewer=job.created_by,
        batch=job,
        replaces=planned.standing,
        created_at=timezone.now(),
    )


# --- Taking them back ---------------------------------------------------------------------------


@transaction.atomic
def bulk_rulings_undo(actor: User, job: Job) -> Job:
    """Queue the taking back of what a job has ruled; the caller nudges. One that is under way is
    returned instead. Raises Conflict while the job is at work."""
    # The lock lets only one of two at a time look whether there is one.
    job = Job.objects.select_for_update(no_key=True).get(pk=job.pk)
    if job.kind != KIND or job.state not in FINISHED:
        raise Conflict(_("These rulings are still being made. Cancel that first."))
    about = {"project": job.project, "kind": UNDO, "parameters__job": job.pk}
    waiting = Job.objects.filter(**about).exclude(state__in=FINISHED).first()
    if waiting is not None:
        return waiting
    undo = job_create(
        actor,
        project=job.project,
        kind=UNDO,
        task="annotate.bulk_rulings_undo",
        parameters={"job": job.pk, "question": job.parameters["question"]},
        total=Ruling.objects.filter(batch=job, status=RulingStatus.LIVE).count(),
    )
    event_write(actor, "rulings.bulk_undo_started", project=job.project, target=undo)
    return undo


def bulk_rulings_undo_run(running: RunningJob) -> None:
    """Withdraw the batch's rulings that still stand, and let those stand again that they replaced.
    Repeat-safe. What somebody has ruled since stays."""
    job = running.job
    if job.project is None:
        running.fail(_("The project is gone."))
        return
    standing = Ruling.objects.filter(batch=job.parameters["job"], status=RulingStatus.LIVE)
    done = restored = 0
    while True:
        with transaction.atomic():
            running.hold()
            ids = sorted(standing.values_list("item_id", flat=True)[:CHUNK])
            if not ids:
                break
            list(Item.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
            rulings = list(standing.filter(item__in=ids))
            standing.filter(pk__in=[r.pk for r in rulings]).update(status=RulingStatus.WITHDRAWN)
            back = Ruling.objects.filter(
                pk__in=[r.replaces_id for r in rulings if r.replaces_id],
                status=RulingStatus.SUPERSEDED,
            )
            restored += back.update(status=RulingStatus.LIVE)
            summaries_recount(job.project, ids)
        done += len(ids)
        running.progress(done, total=max(done, job.total or 0))
    with transaction.atomic():
        event_write(
            job.created_by, "rulings.bulk_undone", project=job.project, target=job, rulings=done
        )
        running.finish(
            message=_("%(n)s rulings taken back; %(restored)s earlier ones stand again.")
            % {"n": intcomma(done), "restored": intcomma(restored)},
            rulings=done,
            restored=restored,
        )

"""Asking again about what of a run ended without a label."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict, NotAllowed
from annotate.models import FINISHED, ProjectStatus, User
from annotate.services.events import event_write
from annotate.services.jobs import job_reopen
from judges.models import Call, CallState, Ending, JudgeVersion, Outcome, Run, RunItem
from judges.providers.base import ProviderError
from judges.providers.prices import to_steps
from judges.selectors.panels import asks_once
from judges.services.connections import check_judge_may_leave
from judges.services.spending import check_cappable
from judges.services.versions import version_check

CHUNK = 2_000


@transaction.atomic
def run_retry_failed(actor: User, run: Run) -> Run:
    """Open those calls of a run again that closed without a label, and queue its job; the caller
    nudges it. What has a label stays, and what the replies cost that are asked again stays spent.

    Raises BadInput where there is none, Conflict while the run goes on, while another run of the
    judge is unfinished, or where the question changed; NotAllowed where data may not leave. Locks
    the version, as run_start.
    """
    JudgeVersion.objects.select_for_update(no_key=True).get(pk=run.version_id)
    run = Run.objects.select_related(
        "version__project", "version__connection", "version__question", "job"
    ).get(pk=run.pk)
    version = run.version
    if version.project.status == ProjectStatus.ARCHIVED:
        raise NotAllowed(_("This project is archived. An owner can take it up again."))
    version_check(version)
    try:
        check_judge_may_leave(version)
    except ProviderError as error:
        raise NotAllowed(error.message) from None
    check_cappable(version, run.cap)
    others = version.runs.filter(purpose=run.purpose).exclude(pk=run.pk)
    unfinished = others.exclude(job__state__in=FINISHED).first()
    if unfinished is not None:
        raise Conflict(
            _("Run %(run)s of this judge is not finished. Resume it or cancel it first.")
            % {"run": unfinished.pk}
        )
    # First, so that no worker is at the calls: none is while the job is not running.
    run.job = job_reopen(actor, run.job)
    reopened = _reopen(run)
    _reopen_items(run)
    if not reopened:
        raise BadInput(_("Nothing of this run ended without a label."))
    event_write(actor, "run.retried", project=run.project, target=run, calls=reopened)
    return run


def _reopen(run: Run) -> int:
    failed = Call.objects.filter(run=run, state=CallState.CLOSED).exclude(outcome=Outcome.LABEL)
    if not asks_once(run):
        # An item that has its label has it, whatever one of its calls came to.
        labelled = RunItem.objects.filter(run=run, item=OuterRef("item"), ending=Ending.LABEL)
        failed = failed.filter(~Exists(labelled))
    failed = failed.order_by("pk")
    n = 0
    while found := list(failed.values_list("pk", "price")[:CHUNK]):
        paid: dict[int, list[int]] = {}
        for pk, price in found:
            paid.setdefault(to_steps(price) if price else 0, []).append(pk)
        for amount, ids in paid.items():
            n += Call.objects.filter(pk__in=ids).update(
                state=CallState.WAITING,
                batch=None,
                outcome="",
                attempts=0,
                not_before=None,
                closed_at=None,
                price=None,
                paid_beside=F("paid_beside") + amount,
            )
    return n


def _reopen_items(run: Run) -> None:
    """Items asked in several calls that ended without a label and have calls to be asked again."""
    again = Call.objects.filter(run=run, item=OuterRef("item"), state=CallState.WAITING)
    RunItem.objects.filter(Exists(again), run=run).update(
        ending="",
        error="",
        choice=None,
        confidence=None,
        distribution=None,
        asked=None,
        asked_again=None,
        ended_at=None,
    )

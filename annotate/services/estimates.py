"""Aggregating labels into an EstimateRun, as a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import EstimateRun, Method, Question, User, WhoCounts
from annotate.selectors.tables import question_table
from annotate.services.estimate_rows import items_store, raters_store, rows_clear
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create

if TYPE_CHECKING:
    from consensus.estimate import ClassEstimate
    from consensus.table import LabelTable

FOUND = (
    "n_items",
    "n_labels",
    "input_fingerprint",
    "iterations",
    "converged",
    "log_likelihood",
)


@transaction.atomic
def estimate_start(
    actor: User,
    question: Question,
    *,
    method: str = Method.IBCC,
    who_counts: str = WhoCounts.PEOPLE,
    rulings: bool = False,
) -> EstimateRun:
    """Write an aggregation and its queued job; the caller nudges ``run.job``. Raises BadInput.

    ``rulings``: those that stand count as known answers, as gold always does.
    """
    if method not in Method.values or who_counts not in WhoCounts.values:
        raise BadInput(_("Choose a method and who counts from the lists."))
    job = job_create(actor, project=question.project, kind="aggregate", task="annotate.aggregate")
    run = EstimateRun.objects.create(
        project=question.project,
        question=question,
        job=job,
        method=method,
        who_counts=who_counts,
        parameters={"rulings": True} if rulings else {},
        created_by=actor,
    )
    event_write(actor, "estimate.started", project=question.project, target=run, method=method)
    return run


def estimate_run(running: RunningJob) -> None:
    """Do the aggregation of a job taken. Repeat-safe: rows of an attempt that died are replaced."""
    run = EstimateRun.objects.select_related("question").get(job=running.job)
    running.progress(message=_("Reading labels"))
    with running.kept_alive():
        found = question_table(
            run.question, run.who_counts, rulings=bool(run.parameters.get("rulings"))
        )
    if not found.table.n_labels:
        running.fail(_("There are no labels to aggregate yet."))
        return
    running.progress(0, total=found.table.n_items, message=_("Computing"))
    with running.kept_alive():
        estimate = method_of(run)(found.table)
    rows_clear(running, run)
    items_store(running, run, found, estimate)
    trace = estimate.log_likelihood
    run.n_items, run.n_labels = found.table.n_items, found.table.n_labels
    run.input_fingerprint = found.fingerprint
    run.iterations, run.converged = estimate.iterations, estimate.converged
    run.log_likelihood = trace[-1] if trace else None
    with transaction.atomic():
        running.hold()
        raters_store(run, found, estimate)
        run.save(update_fields=FOUND)
        running.finish(items=run.n_items, ties=int(estimate.tied.sum()))


def method_of(run: EstimateRun) -> Callable[[LabelTable], ClassEstimate]:
    """The function that a run asks for."""
    from consensus.dawid_skene import dawid_skene
    from consensus.ibcc import ibcc
    from consensus.majority import majority

    methods: dict[str, Callable[[LabelTable], ClassEstimate]] = {
        Method.MAJORITY: majority,
        Method.DAWID_SKENE: dawid_skene,
        Method.IBCC: ibcc,
    }
    return methods[run.method]

"""Aggregating labels into an EstimateRun, as a job."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.kinds import CHOICES
from annotate.models import (
    EstimateRun,
    Method,
    Question,
    RaterEstimate,
    User,
    WhoCounts,
    methods_of,
)
from annotate.selectors.tables import question_table
from annotate.selectors.value_tables import value_table
from annotate.services.estimate_rows import items_store, raters_store, rows_clear, rows_store
from annotate.services.estimate_values import raters_of, values_compute
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.estimate import ClassEstimate
    from consensus.table import LabelTable

# What a judge's label weighs in a weighted majority, where nothing else is said; a person's is 1.
JUDGE_WEIGHT = 0.5
FOUND = (
    "found",
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
    method: str = "",
    who_counts: str = WhoCounts.PEOPLE,
    rulings: bool = False,
    judge_weight: float | None = None,
) -> EstimateRun:
    """Write an aggregation and its queued job; the caller nudges ``run.job``. Raises BadInput.

    ``method`` "" is the one to recommend. ``rulings``: those that stand count as known answers, as
    gold always does. ``judge_weight`` is what a judge's label weighs in a weighted majority; the
    other methods do not ask.
    """
    method = _method(question, method)
    if who_counts not in WhoCounts.values:
        raise BadInput(_("Choose a method and who counts from the lists."))
    if method == Method.JUDGE_PANEL and who_counts == WhoCounts.PEOPLE:
        message = _(
            "“Judges as one panel” needs judges: let “People and judges” or “Judges only” count."
        )
        raise BadInput(message, fields={"who": message})
    parameters: dict[str, Any] = {"rulings": True} if rulings else {}
    if method == Method.WEIGHTED_MAJORITY:
        weight = JUDGE_WEIGHT if judge_weight is None else judge_weight
        if not (math.isfinite(weight) and weight >= 0):
            message = _("A judge’s label weighs 0 or more.")
            raise BadInput(message, fields={"judge_weight": message})
        parameters["judge_weight"] = weight
    job = job_create(actor, project=question.project, kind="aggregate", task="annotate.aggregate")
    run = EstimateRun.objects.create(
        project=question.project,
        question=question,
        job=job,
        method=method,
        who_counts=who_counts,
        parameters=parameters,
        created_by=actor,
    )
    event_write(actor, "estimate.started", project=question.project, target=run, method=method)
    return run


def _method(question: Question, method: str) -> str:
    known = methods_of(question.kind)
    if not known:
        raise BadInput(
            _("Answers to “%(question)s” are not combined: there is no method for this kind.")
            % {"question": question.name}
        )
    if method and method not in Method.values:
        raise BadInput(_("Choose a method and who counts from the lists."))
    if method and method not in known:
        message = _("“%(question)s” is combined by one of: %(methods)s.") % {
            "question": question.name,
            "methods": ", ".join(known),
        }
        raise BadInput(message, fields={"method": message})
    return method or known[0]


def estimate_run(running: RunningJob) -> None:
    """Do the aggregation of a job taken. Repeat-safe: rows of an attempt that died are replaced."""
    run = EstimateRun.objects.select_related("question").get(job=running.job)
    running.progress(message=_("Reading labels"))
    if run.question.kind not in CHOICES:
        _run_values(running, run)
        return
    with running.kept_alive():
        found = question_table(
            run.question, run.who_counts, rulings=bool(run.parameters.get("rulings"))
        )
    if not found.table.n_labels:
        running.fail(_("There are no labels to aggregate yet."))
        return
    running.progress(0, total=found.table.n_items, message=_("Computing"))
    with running.kept_alive():
        estimate = compute(run, found.table)
    rows_clear(running, run)
    items_store(running, run, found, estimate)
    trace = estimate.log_likelihood
    run.n_items, run.n_labels = found.table.n_items, found.table.n_labels
    run.input_fingerprint = found.fingerprint
    run.iterations, run.converged = estimate.iterations, estimate.converged
    run.log_likelihood = trace[-1] if trace else None
    run.found = {"sentences": list(getattr(estimate, "sentences", ()))}
    with transaction.atomic():
        running.hold()
        raters_store(run, found, estimate)
        run.save(update_fields=FOUND)
        running.finish(items=run.n_items, ties=int(estimate.tied.sum()))


def _run_values(running: RunningJob, run: EstimateRun) -> None:
    """The same of answers that are no classes."""
    with running.kept_alive():
        table = value_table(
            run.question, run.who_counts, rulings=bool(run.parameters.get("rulings"))
        )
    if not table.n_labels:
        running.fail(_("There are no labels to aggregate yet."))
        return
    running.progress(0, total=len(table.item_ids), message=_("Computing"))
    with running.kept_alive():
        estimate, rows = values_compute(
            run, table, _parameters(run, table.judges(), len(table.rater_ids))
        )
    rows_clear(running, run)
    rows_store(running, run, lambda start, end: iter(rows[start:end]), len(rows))
    trace = estimate.log_likelihood
    run.n_items, run.n_labels = len(rows), table.n_labels
    run.input_fingerprint = table.fingerprint
    run.iterations, run.converged = estimate.iterations, estimate.converged
    run.log_likelihood = trace[-1] if trace else None
    with transaction.atomic():
        running.hold()
        RaterEstimate.objects.bulk_create(raters_of(run, table, estimate), batch_size=500)
        run.save(update_fields=FOUND)
        running.finish(items=run.n_items, ties=sum(tied for _id, _code, tied, *_more in rows))


def compute(run: EstimateRun, table: LabelTable) -> ClassEstimate:
    """Aggregate as a run asks for. The same labels and the same run give the same estimate."""
    from consensus.methods import aggregate

    return aggregate(
        table, run.method, seed=run.seed, **_parameters(run, table.judges, table.n_raters)
    )


def _parameters(
    run: EstimateRun, judges: NDArray[np.bool_] | None, n_raters: int
) -> dict[str, Any]:
    import numpy as np

    if run.method == Method.WEIGHTED_MAJORITY:
        weight = run.parameters.get("judge_weight", JUDGE_WEIGHT)
        weights = np.ones(n_raters)
        if judges is not None:
            weights[judges] = weight
        return {"weights": weights}
    return {}

"""Aggregating labels into an EstimateRun, as a job."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import (
    EstimateRun,
    ItemEstimate,
    Method,
    Question,
    RaterEstimate,
    User,
    WhoCounts,
)
from annotate.selectors.tables import QuestionTable, question_table
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.estimate import ClassEstimate

CHUNK = 1000


@transaction.atomic
def estimate_start(
    actor: User, question: Question, *, method: str, who_counts: str = WhoCounts.PEOPLE
) -> EstimateRun:
    """Write an aggregation and its queued job; the caller nudges ``run.job``. Raises BadInput."""
    if method not in Method.values or who_counts not in WhoCounts.values:
        raise BadInput(_("Choose a method and who counts from the lists."))
    job = job_create(actor, project=question.project, kind="aggregate", task="annotate.aggregate")
    run = EstimateRun.objects.create(
        project=question.project,
        question=question,
        job=job,
        method=method,
        who_counts=who_counts,
        created_by=actor,
    )
    event_write(actor, "estimate.started", project=question.project, target=run, method=method)
    return run


def estimate_run(running: RunningJob) -> None:
    """Do the aggregation of a job taken. Repeat-safe: rows of an attempt that died are replaced."""
    run = EstimateRun.objects.select_related("question").get(job=running.job)
    running.progress(message=_("Reading labels"))
    found = question_table(run.question, run.who_counts)
    if not found.table.n_labels:
        running.fail(_("There are no labels to aggregate yet."))
        return
    running.progress(0, total=found.table.n_items, message=_("Computing"))
    estimate = _compute(run.method, found)
    run.item_estimates.all().delete()
    run.rater_estimates.all().delete()
    _store_items(running, run, found, estimate)
    _store_raters(run, found, estimate)
    trace = estimate.log_likelihood
    run.n_items, run.n_labels = found.table.n_items, found.table.n_labels
    run.input_fingerprint = found.fingerprint
    run.iterations, run.converged = estimate.iterations, estimate.converged
    run.log_likelihood = trace[-1] if trace else None
    run.save(
        update_fields=[
            "n_items",
            "n_labels",
            "input_fingerprint",
            "iterations",
            "converged",
            "log_likelihood",
        ]
    )
    running.finish(items=run.n_items, ties=int(estimate.tied.sum()))


def _compute(method: str, found: QuestionTable) -> ClassEstimate:
    if method == Method.MAJORITY:
        from consensus.majority import majority

        return majority(found.table)
    from consensus.dawid_skene import dawid_skene

    return dawid_skene(found.table)


def _store_items(
    running: RunningJob, run: EstimateRun, found: QuestionTable, estimate: ClassEstimate
) -> None:
    votes = found.table.counts()
    for start in range(0, found.table.n_items, CHUNK):
        chunk = range(start, min(start + CHUNK, found.table.n_items))
        ItemEstimate.objects.bulk_create(
            _item_row(run, int(found.item_ids[k]), estimate, votes[k], k) for k in chunk
        )
        running.progress(chunk[-1] + 1, message=_("Storing"))


def _item_row(
    run: EstimateRun, item_id: int, estimate: ClassEstimate, votes: NDArray[np.int64], k: int
) -> ItemEstimate:
    choice = int(estimate.choice[k])
    posterior = estimate.posterior[k]
    return ItemEstimate(
        run=run,
        item_id=item_id,
        choice=choice if choice >= 0 else None,
        tied=bool(estimate.tied[k]),
        probability=min(1.0, float(posterior[choice])) if choice >= 0 else None,
        payload={
            "posterior": {str(c): round(float(p), 6) for c, p in enumerate(posterior)},
            "votes": {str(c): int(n) for c, n in enumerate(votes) if n},
        },
    )


def _store_raters(run: EstimateRun, found: QuestionTable, estimate: ClassEstimate) -> None:
    import numpy as np

    n_labels = np.bincount(found.table.raters, minlength=found.table.n_raters)
    RaterEstimate.objects.bulk_create(
        RaterEstimate(
            run=run,
            rater_id=int(pk),
            ability=_share(estimate.ability[k]) if estimate.ability is not None else None,
            n_labels=int(n_labels[k]),
            payload=(
                {"confusion": np.nan_to_num(estimate.confusion[k]).round(6).tolist()}
                if estimate.confusion is not None
                else {}
            ),
        )
        for k, pk in enumerate(found.rater_ids)
    )


def _share(value: float) -> float | None:
    return None if math.isnan(value) else min(1.0, max(0.0, float(value)))

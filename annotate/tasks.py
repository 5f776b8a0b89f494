"""Entry points of the worker. Each loads by id, leaves if it is done, calls a service."""

from __future__ import annotations

import logging
from collections.abc import Callable

from celery import current_app, shared_task
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from annotate.errors import ConcordError, JobStopped
from annotate.models import Job
from annotate.services import (
    bulk_rulings,
    claims,
    deletion,
    demo,
    estimates,
    exports,
    figures,
    import_undo,
    imports,
    item_work,
    jobs,
    label_errors,
    overlap,
    routing,
    summaries,
)

log = logging.getLogger(__name__)


def job_nudge(job: Job) -> None:
    """Tell a worker of a job once this transaction is through.

    ``robust``: with the broker away the row still waits, and the sweeper sends it again.
    """
    transaction.on_commit(lambda: send(job), robust=True)


def send(job: Job) -> None:
    current_app.send_task(job.task, args=[job.pk], retry=False)


def job_do(job_id: int, work: Callable[[jobs.RunningJob], None]) -> None:
    """Take a job and do its work; whatever goes wrong ends as a state of the row with a sentence.

    A message that comes twice finds the job taken and leaves. Sentences are written in the language
    of who asked for the job.
    """
    running = jobs.job_take(job_id)
    if running is None:
        return
    with override(running.job.language or settings.LANGUAGE_CODE):
        _job_do(running, work)


def _job_do(running: jobs.RunningJob, work: Callable[[jobs.RunningJob], None]) -> None:
    job_id = running.job.pk
    try:
        work(running)
    except JobStopped:
        log.info("Job %s was stopped or taken over.", job_id)
    except ConcordError as error:
        running.fail(error.message)
    except Exception as error:
        # The boundary of the worker: nobody above could tell the person who waits.
        log.exception("Job %s failed.", job_id)
        running.fail(
            _("It failed by a fault of Concord (%(kind)s); what was stored stays. Try again.")
            % {"kind": type(error).__name__}
        )


@shared_task(name="annotate.aggregate")
def aggregate(job_id: int) -> None:
    job_do(job_id, estimates.estimate_run)


@shared_task(name="annotate.bulk_rulings")
def rule_on_many(job_id: int) -> None:
    job_do(job_id, bulk_rulings.bulk_rulings_run)


@shared_task(name="annotate.bulk_rulings_undo")
def take_many_rulings_back(job_id: int) -> None:
    job_do(job_id, bulk_rulings.bulk_rulings_undo_run)


@shared_task(name="annotate.export")
def export(job_id: int) -> None:
    job_do(job_id, exports.export_run)


@shared_task(name="annotate.figures")
def compute_figures(job_id: int) -> None:
    job_do(job_id, figures.figures_run)


@shared_task(name="annotate.label_errors")
def look_for_label_errors(job_id: int) -> None:
    job_do(job_id, label_errors.label_errors_run)


@shared_task(name="annotate.more_answers")
def more_answers(job_id: int) -> None:
    job_do(job_id, item_work.more_run)


@shared_task(name="annotate.assign_items")
def assign_items(job_id: int) -> None:
    job_do(job_id, item_work.assign_run)


@shared_task(name="annotate.overlap")
def overlap_task(job_id: int) -> None:
    job_do(job_id, overlap.overlap_run)


@shared_task(name="annotate.project_delete")
def project_delete(job_id: int) -> None:
    job_do(job_id, deletion.project_delete_run)


@shared_task(name="annotate.routing_trial")
def routing_trial(job_id: int) -> None:
    job_do(job_id, routing.routing_trial_run)


@shared_task(name="annotate.routing_refresh")
def routing_refresh(job_id: int) -> None:
    job_do(job_id, routing.routing_refresh_run)


@shared_task(name="annotate.routing_end")
def routing_end(job_id: int) -> None:
    job_do(job_id, routing.routing_end_run)


@shared_task(name="annotate.sample")
def sample(job_id: int) -> None:
    job_do(job_id, demo.sample_label)


@shared_task(name="annotate.import")
def import_file(job_id: int) -> None:
    job_do(job_id, imports.import_run)


@shared_task(name="annotate.import_undo")
def import_take_back(job_id: int) -> None:
    job_do(job_id, import_undo.undo_run)


@shared_task(name="annotate.sweep")
def sweep() -> None:
    """Every few seconds: nudge what waits too long, free expired leases, recount what is dirty."""
    for job in jobs.jobs_to_nudge():
        send(job)
    claims.claims_expire()
    summaries.summaries_recount_dirty(limit=2000)

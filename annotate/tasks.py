"""Entry points of the worker. Each loads by id, leaves if it is done, calls a service."""

from __future__ import annotations

from celery import current_app, shared_task
from django.db import transaction

from annotate.models import Job
from annotate.services import claims, jobs, summaries


def job_nudge(job: Job) -> None:
    """Tell a worker of a job once this transaction is through.

    ``robust``: with the broker away the row still waits, and the sweeper sends it again.
    """
    transaction.on_commit(lambda: send(job), robust=True)


def send(job: Job) -> None:
    current_app.send_task(job.task, args=[job.pk], retry=False)


@shared_task(name="annotate.sweep")
def sweep() -> None:
    """Every few seconds: nudge what waits too long, free expired leases, recount what is dirty."""
    for job in jobs.jobs_to_nudge():
        send(job)
    claims.claims_expire()
    summaries.summaries_recount_dirty(limit=2000)

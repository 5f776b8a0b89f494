"""Entry points of the worker. Each loads by id, leaves if it is done, calls a service."""

from __future__ import annotations

from celery import shared_task

from annotate.tasks import job_do
from judges.services import connections, run_work


@shared_task(name="judges.run")
def run(job_id: int) -> None:
    job_do(job_id, run_work.run_work)


@shared_task(name="judges.probe")
def probe(job_id: int) -> None:
    job_do(job_id, connections.connection_probe)

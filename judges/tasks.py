"""Entry points of the worker. Each loads by id, leaves if it is done, calls a service."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from celery import current_app, shared_task
from kombu.exceptions import OperationalError

from annotate.models import Job
from annotate.tasks import job_do, send
from judges.services import (
    batch_sweeping,
    calls,
    connections,
    hand_overs,
    judge_reports,
    replacement_tests,
    run_work,
    watching,
)
from judges.services.run_alive import HELP_AGAIN_SECONDS

log = logging.getLogger(__name__)

# Runs that a worker of this process is at: a second one here would gain nothing.
_AT_WORK: set[int] = set()


@shared_task(name="judges.run")
def run(job_id: int) -> None:
    def call_help(n: int) -> None:
        try:
            for _helper in range(n):
                # Called for again by then, so no heap of them waits for workers that are busy.
                current_app.send_task(
                    "judges.help", args=[job_id], retry=False, expires=HELP_AGAIN_SECONDS
                )
        except OperationalError:
            # The broker is away: this worker does it alone.
            log.warning("Nobody could be asked to help with job %s.", job_id, exc_info=True)

    with _at_work(job_id):
        job_do(job_id, lambda running: run_work.run_work(running, call_help))


@shared_task(name="judges.help")
def help_run(job_id: int) -> None:
    """Take a share of a run that is going on; one that is over by now is left."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None or job_id in _AT_WORK:
        return
    with _at_work(job_id):
        run_work.run_help(job)


@contextmanager
def _at_work(job_id: int) -> Iterator[None]:
    _AT_WORK.add(job_id)
    try:
        yield
    finally:
        _AT_WORK.discard(job_id)


@shared_task(name="judges.probe")
def probe(job_id: int) -> None:
    job_do(job_id, connections.connection_probe)


@shared_task(name="judges.hand_over_work_out")
def work_out(job_id: int) -> None:
    job_do(job_id, hand_overs.hand_over_work_out_run)


@shared_task(name="judges.hand_over_start")
def start(job_id: int) -> None:
    job_do(job_id, hand_overs.hand_over_start_run)


@shared_task(name="judges.hand_over_end")
def end(job_id: int) -> None:
    job_do(job_id, hand_overs.hand_over_end_run)


@shared_task(name="judges.blind_batch")
def blind_batch(job_id: int) -> None:
    job_do(job_id, hand_overs.blind_batch_run)


@shared_task(name="judges.sweep")
def sweep() -> None:
    """Every half minute, of runs that do not go on: give back what dead workers left claimed, and
    look at what is handed in at batch lanes; and stop hand-overs whose audit says so.
    """
    calls.calls_sweep()
    batch_sweeping.batches_sweep()
    hand_overs.hand_overs_watch()


@shared_task(name="judges.watch")
def watch() -> None:
    """Every ten minutes: begin the rounds of watched judges that are due."""
    for job in watching.watches_begin_due():
        send(job)


@shared_task(name="judges.reports")
def work_out_reports(job_id: int) -> None:
    job_do(job_id, judge_reports.reports_run)


@shared_task(name="judges.replacement")
def work_on_test(job_id: int) -> None:
    job_do(job_id, replacement_tests.replacement_run)

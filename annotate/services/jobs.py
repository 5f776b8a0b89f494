"""The life of a job: queued, taken, kept alive, stopped, finished. See models/jobs.py."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from annotate.errors import Conflict, JobStopped
from annotate.models import Job, JobState, Project, User
from annotate.services.events import event_write
from annotate.written import within

# A worker that has not renewed its lease for so long is taken for dead.
LEASE = timedelta(seconds=60)
# A message not answered for so long is sent again.
NUDGE_AGAIN = timedelta(seconds=30)
# How often the lease is renewed for work that cannot do it itself.
RENEW = timedelta(seconds=15)

log = logging.getLogger(__name__)


def job_create(
    actor: User | None,
    *,
    project: Project | None,
    kind: str,
    task: str,
    parameters: dict[str, Any] | None = None,
    total: int | None = None,
) -> Job:
    """Write a job in state *queued*. The caller nudges the worker (annotate.tasks.job_nudge)."""
    return Job.objects.create(
        project=project,
        kind=kind,
        task=task,
        parameters=parameters or {},
        total=total,
        created_by=actor,
        language=get_language() or "",
        nudged_at=timezone.now(),
    )


class RunningJob:
    """A job that this worker has taken. Every write is refused once the lease is lost."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._token = job.lease_token

    def progress(
        self, done: int | None = None, *, total: int | None = None, message: str | None = None
    ) -> None:
        """Renew the lease and show progress.

        Raises JobStopped when the row was paused, cancelled or taken over: leave at once.
        Call it at least every few seconds, outside long transactions.
        """
        fields: dict[str, Any] = {"lease_until": timezone.now() + LEASE}
        if done is not None:
            fields["done"] = done
        if total is not None:
            fields["total"] = total
        if message is not None:
            fields["message"] = message
        if not self._mine().update(**fields):
            raise JobStopped
        for name, value in fields.items():
            setattr(self.job, name, value)

    @contextmanager
    def kept_alive(self, every: timedelta = RENEW) -> Iterator[None]:
        """Renew the lease from a thread of its own while the work inside cannot: one long query,
        one long computation. Ends with progress(), which raises JobStopped where the job was lost.
        """
        done = threading.Event()

        def renew() -> None:
            try:
                while not done.wait(every.total_seconds()):
                    try:
                        self._mine().update(lease_until=timezone.now() + LEASE)
                    except DatabaseError:
                        # A database away for a moment: the next renewal may still be in time.
                        log.warning(
                            "The lease of job %s was not renewed.", self.job.pk, exc_info=True
                        )
                        connection.close()
            finally:
                connection.close()

        thread = threading.Thread(target=renew, name=f"lease of job {self.job.pk}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        self.progress()

    def hold(self) -> None:
        """Inside a transaction: raise JobStopped unless the job is ours, and keep it so to the end.

        Whoever wants to pause, cancel or take it over waits until then. So nothing is written by a
        worker that was held up and lost its job meanwhile.
        """
        if not self._mine().select_for_update(no_key=True).values_list("pk", flat=True):
            raise JobStopped

    def finish(self, *, message: str = "", file: str = "", **result: Any) -> None:
        """running -> done. Raises JobStopped when the job is no longer ours."""
        self._close(JobState.DONE, message=message, file=file, result=result)

    def fail(self, message: str, **result: Any) -> None:
        """running -> failed, with a sentence for the person who reads it."""
        self._close(JobState.FAILED, message=message, result=result)

    def pause(self, message: str) -> None:
        """running -> paused, because a person must mend something first."""
        if not self._mine().update(
            state=JobState.PAUSED, message=message, lease_token="", lease_until=None
        ):
            raise JobStopped

    def requeue(self, *, wait_seconds: float = 0) -> None:
        """running -> queued: there is more to do, later or by another worker."""
        if not self._mine().update(
            state=JobState.QUEUED,
            lease_token="",
            lease_until=None,
            nudged_at=timezone.now() + timedelta(seconds=wait_seconds) - NUDGE_AGAIN,
        ):
            raise JobStopped

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.job.pk, state=JobState.RUNNING, lease_token=self._token)

    def _close(self, state: JobState, **fields: Any) -> None:
        now = timezone.now()
        if not self._mine().update(
            state=state, finished_at=now, lease_token="", lease_until=None, **fields
        ):
            raise JobStopped
        event_write(
            None,
            f"job.{state}",
            project=self.job.project,
            target=self.job,
            implied=True,
            kind=self.job.kind,
        )


def job_take(job_id: int) -> RunningJob | None:
    """Take a queued job, or one whose worker died. None when there is nothing to take.

    One conditional update, so of two workers with the same message one gets it. Safe to repeat.
    """
    now = timezone.now()
    token = str(uuid.uuid4())
    taken = (
        Job.objects.filter(pk=job_id)
        .filter(Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until__lt=now))
        .update(
            state=JobState.RUNNING,
            lease_token=token,
            lease_until=now + LEASE,
            attempts=F("attempts") + 1,
        )
    )
    if not taken:
        return None
    Job.objects.filter(pk=job_id, started_at=None).update(started_at=now)
    return RunningJob(Job.objects.select_related("project", "created_by").get(pk=job_id))


def job_pause(actor: User, job: Job) -> Job:
    """queued | running -> paused. Raises Conflict in any other state."""
    return _move(actor, job, JobState.PAUSED, {JobState.QUEUED, JobState.RUNNING}, _("Paused."))


def job_resume(actor: User, job: Job) -> Job:
    """paused | failed -> queued. The caller nudges. Raises Conflict in any other state."""
    return _move(actor, job, JobState.QUEUED, {JobState.PAUSED, JobState.FAILED}, "")


def job_reopen(actor: User, job: Job) -> Job:
    """done | failed | paused | cancelled -> queued: there is more to do. The caller nudges. Raises
    Conflict while it is queued or running.
    """
    over = {JobState.DONE, JobState.FAILED, JobState.PAUSED, JobState.CANCELLED}
    return _move(actor, job, JobState.QUEUED, over, "")


def job_cancel(actor: User, job: Job) -> Job:
    """queued | running | paused -> cancelled. What was stored stays. Raises Conflict else."""
    return _move(
        actor,
        job,
        JobState.CANCELLED,
        {JobState.QUEUED, JobState.RUNNING, JobState.PAUSED},
        _("Cancelled."),
    )


def _move(actor: User, job: Job, to: JobState, admitted: set[JobState], message: str) -> Job:
    now = timezone.now()
    with transaction.atomic():
        moved = Job.objects.filter(pk=job.pk, state__in=admitted).update(
            state=to,
            message=message,
            lease_token="",
            lease_until=None,
            nudged_at=now,
            finished_at=now if to == JobState.CANCELLED else None,
        )
        if not moved:
            job.refresh_from_db()
            raise Conflict(
                _("This job is %(state)s, so that is not possible now.")
                % {"state": within(job.get_state_display())}
            )
        event_write(actor, f"job.{to}", project=job.project, target=job, kind=job.kind)
    job.refresh_from_db()
    return job


def jobs_to_nudge() -> list[Job]:
    """Jobs whose message was lost or whose worker died. Marks them as nudged now."""
    now = timezone.now()
    waiting = Job.objects.filter(
        Q(state=JobState.QUEUED, nudged_at__lt=now - NUDGE_AGAIN)
        | Q(state=JobState.RUNNING, lease_until__lt=now)
    ).order_by("pk")
    found = list(waiting)
    Job.objects.filter(pk__in=[job.pk for job in found]).update(nudged_at=now)
    return found

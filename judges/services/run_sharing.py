"""Several workers at one run: one holds its job, the others help it.

Claims keep their calls apart, and the pace of the connection is kept over all of them. Each says
that it is at the run by a heartbeat of its own, so that all know how many share what the connection
gets at once; one that died is not counted any more after a few seconds.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from annotate.errors import JobStopped
from annotate.models import Heartbeat, Job, JobState
from judges.models import Run
from judges.services.lanes import Lane

# With so many calls at once a worker is bound by its processor; fewer are no work for two.
WIDE = 64
MOST_HELPERS = 3
SILENT = timedelta(seconds=10)


class TheJob(Protocol):
    """The job of a run, as the loop sees it: annotate.services.jobs.RunningJob, or one helped."""

    def progress(
        self, done: int | None = None, *, total: int | None = None, message: str | None = None
    ) -> None: ...

    def pause(self, message: str) -> None: ...

    def requeue(self, *, wait_seconds: float = 0) -> None: ...

    def finish(self, *, message: str = "", file: str = "", **result: Any) -> None: ...


class HelpedJob:
    """A job that another worker holds: watched, paused where the judge stopped, never ended."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def progress(
        self, done: int | None = None, *, total: int | None = None, message: str | None = None
    ) -> None:
        """Raises JobStopped once the job is not running. Its holder shows the progress."""
        if not self._running().exists():
            raise JobStopped

    def pause(self, message: str) -> None:
        """The holder finds its lease gone, and leaves."""
        self._running().update(
            state=JobState.PAUSED, message=message, lease_token="", lease_until=None
        )

    def finish(self, *, message: str = "", file: str = "", **result: Any) -> None:
        """Nothing: its holder does."""

    def requeue(self, *, wait_seconds: float = 0) -> None:
        """Nothing to give back: the holder does, when it waits as long."""

    def _running(self) -> QuerySet[Job]:
        return Job.objects.filter(pk=self.job.pk, state=JobState.RUNNING)


class Sharing:
    """This worker's sign of life at a run, and how many show one."""

    def __init__(self, run: Run) -> None:
        self._at = f"run {run.pk}: "
        self._name = f"{self._at}{uuid.uuid4()}"
        self.shared = False  # whether anybody else ever was at it

    def beat(self) -> int:
        """Show a sign of life; returns how many workers are at the run, this one among them."""
        now = timezone.now()
        Heartbeat.objects.update_or_create(worker=self._name, defaults={"seen_at": now})
        at_it = Heartbeat.objects.filter(worker__startswith=self._at, seen_at__gte=now - SILENT)
        n = at_it.count()
        self.shared |= n > 1
        return n

    def leave(self) -> None:
        """Take the sign away, and those of workers that died at it."""
        dead = Heartbeat.objects.filter(worker__startswith=self._at)
        dead.filter(seen_at__lt=timezone.now() - SILENT).delete()
        Heartbeat.objects.filter(worker=self._name).delete()


def helpers_wanted(lanes: Sequence[Lane]) -> int:
    """How many other workers that live could take a share of so wide a run."""
    if sum(lane.asker.width for lane in lanes if lane.paced) < WIDE:
        return 0
    since = timezone.now() - timedelta(seconds=settings.WORKER_SILENT_AFTER_SECONDS)
    alive = Heartbeat.objects.filter(seen_at__gte=since).exclude(worker__startswith="run ").count()
    return max(0, min(alive - 1, MOST_HELPERS))

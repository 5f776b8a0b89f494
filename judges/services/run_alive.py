"""A run kept alive while it is done: progress, leases, other workers at it, and a clean end."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import TypeVar

from django.db import connection

from annotate.errors import JobStopped
from judges.models import Run
from judges.providers.base import ProviderError
from judges.selectors.runs import endings_of
from judges.services import calls as claims
from judges.services.asking import Piece
from judges.services.connections import check_judge_may_leave
from judges.services.flow import Flow
from judges.services.lanes import Lane
from judges.services.run_sharing import Sharing, TheJob, helpers_wanted
from judges.services.run_tally import Tally

log = logging.getLogger(__name__)
T = TypeVar("T")

WAKE_SECONDS = 1.0
BEAT_SECONDS = 2.0
HELP_AGAIN_SECONDS = 10.0


class JudgeStopped(Exception):
    """The judge cannot go on until a person mends something; says what, and how."""


class AliveRun(ABC):
    """What is under way of a run in this worker, and its signs of life."""

    def __init__(self, running: TheJob, run: Run, lanes: Sequence[Lane]) -> None:
        self._running = running
        self._run = run
        self._lanes = lanes
        threads = sum(lane.asker.width for lane in lanes)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="judge")
        self._flow = Flow(self._pool)
        self._tally = Tally(endings_of(run))
        self._sharing = Sharing(run)
        self._beaten_at = 0.0
        # Asks so many other workers to take a share; None where that is not ours to do, or not yet.
        self._call_help: Callable[[int], None] | None = None
        self._help_called_at = 0.0

    @abstractmethod
    def _gather(self, *, refill: bool = True) -> None:
        """Wait for something under way, at most a second, and store it."""

    def _beat(self, message: str | None = None) -> None:
        """Every few seconds: show progress, renew leases, see whether we may go on.

        Raises JobStopped when paused, cancelled or taken over, ProviderError when the project's
        data may not leave any more. With a message, at once.
        """
        now = time.monotonic()
        if message is None and now - self._beaten_at < BEAT_SECONDS:
            return
        self._beaten_at = now
        self._running.progress(self._tally.closed, message=message)
        self._renew()
        claims.calls_expire(self._run)
        workers = self._sharing.beat()
        if self._sharing.shared:
            self._tally = Tally(endings_of(self._run))
        for lane in self._lanes:
            lane.workers = workers
        self._get_help(workers)
        check_judge_may_leave(self._run.version)

    def _get_help(self, workers: int) -> None:
        """Call for the workers that are missing, again and again: a call may reach this worker
        itself, a helper may have died, or started only now.
        """
        now = time.monotonic()
        if self._call_help is None or now - self._help_called_at < HELP_AGAIN_SECONDS:
            return
        self._help_called_at = now
        missing = helpers_wanted(self._lanes) - (workers - 1)
        if missing > 0:
            self._call_help(missing)

    def _put_back(self, piece: Piece) -> None:
        """Of calls that were claimed and not asked."""
        for call in piece.calls:
            claims.call_wait(self._run, call, piece.token, uncounted=True)

    def _renew(self) -> None:
        held: dict[str, list[int]] = {}
        for piece in self._flow.held():
            held.setdefault(piece.token, []).extend(call.pk for call in piece.calls)
        claims.calls_renew(held)

    def _aside(self, work: Callable[[], T]) -> T:
        """Run something slow in a thread while the job is kept alive."""
        future = self._pool.submit(work)
        while True:
            self._beat()
            self._let_go()
            if wait([future], timeout=WAKE_SECONDS).done:
                return future.result()

    def _let_go(self) -> None:
        """Give the database connection back before waiting for a model."""
        if not connection.in_atomic_block:
            connection.close()

    @contextmanager
    def _drained(self) -> Iterator[None]:
        """Whatever ends the loop: what was asked is waited for and stored, for it was paid for."""
        try:
            yield
        finally:
            self._flow.stop()
            for lane in self._lanes:
                for piece in self._flow.take_back(lane):
                    self._put_back(piece)
            while self._flow.busy:
                self._renew()
                with suppress(JobStopped):
                    # The job may still be ours: a long last call must not look like a dead worker.
                    self._running.progress(self._tally.closed)
                try:
                    self._gather(refill=False)
                except (ProviderError, JudgeStopped):
                    continue
                except Exception:
                    log.exception("A call of run %s was put back.", self._run.pk)
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._sharing.leave()

"""Doing a run: claim, ask, store, until nothing waits; alive all the while, and stopped at once.

The loop's thread alone touches the database. The asking happens in threads of a pool while this one
has no transaction open and no connection held, and wakes every second to show progress, renew the
leases, and see whether it was paused or cancelled.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, JobStopped
from annotate.services.jobs import RunningJob
from judges.models import Call, CallState, Outcome, Run
from judges.providers.base import ProviderError
from judges.selectors.runs import endings_of
from judges.services import calls as claims
from judges.services import pace
from judges.services.askers import asker_of
from judges.services.asking import Answered, Asker, Piece
from judges.services.connections import check_may_leave
from judges.services.reusing import answers_kept, result_of, reuses
from judges.services.run_tally import Tally
from judges.services.runs import run_lay_out
from judges.services.spending import Refusal, check_cappable, refused_said, spending_of
from judges.services.storing import Replied, call_store, calls_store
from judges.services.versions import version_check

log = logging.getLogger(__name__)
T = TypeVar("T")

WAKE_SECONDS = 1.0
BEAT_SECONDS = 2.0
# For an answer that comes so soon the connection to the database is kept: a new one costs more.
SOON_SECONDS = 0.05
# Waits longer than this give the worker back; shorter ones are sat out.
SIT_OUT_SECONDS = 10.0
# Calls that failed in a row before the judge is taken to be away, and replies in a row that did not
# parse, with none that did, before it is taken not to understand what is asked.
FAILURES_IN_A_ROW = 6
NONSENSE_IN_A_ROW = 20


class JudgeStopped(Exception):
    """The judge cannot go on until a person mends something; says what, and how."""


def run_work(running: RunningJob) -> None:
    """Do the run of a job taken. Safe to take up again after a worker died: closed calls stay."""
    run = (
        Run.objects.select_related(
            "project",
            "job",
            "version__project",
            "version__connection",
            "version__question",
            "version__prompt",
            "version__guideline",
            "version__rater__project",
        )
        # Read once, here: the threads that ask must not reach for the database.
        .prefetch_related("version__question__options")
        .get(job=running.job)
    )
    RunLoop(running, run, asker_of(run)).work()


class RunLoop:
    def __init__(self, running: RunningJob, run: Run, asker: Asker) -> None:
        self._running = running
        self._run = run
        self._asker = asker
        self._pool = ThreadPoolExecutor(asker.width, thread_name_prefix="judge")
        self._under_way: dict[Future[list[Answered]], Piece] = {}
        self._tally = Tally(endings_of(run))
        self._beaten_at = 0.0
        self._hold_until: datetime | None = None
        self._connection = run.version.connection
        # The classifier answers many calls at once here: nobody tells it to slow down.
        self._paced = asker.chunk == 1
        self._limit = 0  # calls that the connection gets at once, as last seen
        self._answered_at_limit = 0
        self._crowded = False  # whether other runs have all of them
        self._reuses = reuses(run)
        self._labelled = False  # whether a call of this worker's has brought a label
        self._refused: Refusal = ""  # whose limit did not admit the next call
        self._failed_in_a_row = 0
        self._limited_in_a_row = 0
        self._nonsense_in_a_row = 0
        self._fault: Exception | None = None  # of ours, in a piece

    def work(self) -> None:
        """Until nothing waits; or the job is stopped, paused for a person, or given back."""
        pace.pace_of(self._connection)
        spending_of(self._run.project)  # limits are kept on its row
        try:
            with self._drained():
                self._beat(_("Getting ready"))
                version_check(self._run.version)
                check_may_leave(self._run.version.connection)
                run_lay_out(self._run, self._beat)
                self._asker.prepare(self._aside, self._beat)
                given_back = self._ask_all()
        except (ProviderError, JudgeStopped) as stopped:
            self._running.progress(self._tally.closed)
            self._running.pause(str(stopped))
            return
        if not given_back:
            self._running.progress(self._tally.closed)
            counts: dict[str, Any] = dict(self._tally.by_outcome)
            self._running.finish(message=self._tally.sentence, **counts)

    # --- The loop -----------------------------------------------------------------------------

    def _ask_all(self) -> bool:
        """True when the job was given back to be taken up later."""
        self._beat(_("Asking"))
        while True:
            self._beat()
            self._top_up()
            if self._under_way:
                self._gather()
                continue
            if self._refused:
                raise JudgeStopped(refused_said(self._run, self._refused))
            wait_seconds = self._seconds_to_wait()
            if wait_seconds is None:
                return False
            if wait_seconds > SIT_OUT_SECONDS:
                self._beat(_("Waiting before it asks again"))
                self._running.requeue(wait_seconds=wait_seconds)
                return True
            self._let_go()
            time.sleep(min(max(wait_seconds, 0.05), WAKE_SECONDS))

    def _top_up(self, *, answered: int = 0) -> None:
        """Claim as much as can be asked now, and not one call more. ``answered``: of the calls that
        are claimed, those that are here again and wait to be stored.
        """
        self._refused = ""
        while not self._held_seconds():
            room = self._asker.width - len(self._under_way)
            if room <= 0:
                return
            claim = claims.calls_claim(
                self._run,
                most=room * self._asker.chunk,
                bound=self._asker.bound,
                paced=self._paced,
                answered=answered,
            )
            self._heed(claim.room)
            self._give_up_unpriced(claim)
            self._refused = claim.refused
            if not claim.calls:
                if claim.unpriced and not claim.refused:
                    continue
                return
            asked = self._answer_kept(claim)
            if asked:
                self._submit(replace(claim, calls=asked))
            if claim.refused:
                return

    def _heed(self, room: pace.Room | None) -> None:
        """What the connection admits at once, to all its workers together."""
        if room is None:
            return
        self._crowded = room.n == 0
        self._limit = room.limit
        if room.held_until is not None:
            self._hold_until = max(room.held_until, self._hold_until or room.held_until)

    def _answer_kept(self, claim: claims.Claim) -> tuple[Call, ...]:
        """Store what exactly the same request brought before; returns the calls still to ask."""
        if not self._reuses:
            return claim.calls
        hashes = {call.pk: self._asker.hash_of(call) for call in claim.calls}
        kept = answers_kept(self._run, list(hashes.values())) if any(hashes.values()) else {}
        asked, stored = [], []
        for call in claim.calls:
            before = kept.get(hashes[call.pk])
            if before is None:
                asked.append(call)
            else:
                stored.append(Replied(call, claim.token, result_of(before)))
        self._store(stored)
        return tuple(asked)

    def _submit(self, claim: claims.Claim) -> None:
        """Hand the calls of a claim to the pool, piece by piece."""
        pieces = [
            Piece(claim.token, claim.calls[start : start + self._asker.chunk])
            for start in range(0, len(claim.calls), self._asker.chunk)
        ]
        while pieces:
            try:
                work = self._asker.piece(pieces[0].calls)
            except BaseException:
                for piece in pieces:
                    self._put_back(piece)
                raise
            piece = pieces.pop(0)
            self._under_way[self._pool.submit(work)] = piece

    def _give_up_unpriced(self, claim: claims.Claim) -> None:
        """Under a limit nothing is asked of which nobody knows what it can cost: one item that is
        too long for the known prices is marked, a model without any stops the run.
        """
        if not claim.unpriced:
            return
        try:
            check_cappable(self._run.version, self._run.cap)
        except BadInput as error:
            self._put_back(Piece(claim.token, (*claim.unpriced, *claim.calls)))
            raise JudgeStopped(error.message) from None
        failed = claims.Result(
            outcome=Outcome.FAILED,
            price=Decimal(0),
            error=_(
                "Not asked: the item is so long that the model’s dearer price applies, which "
                "is not known, and a limit on spending holds."
            ),
        )
        self._store([Replied(call, claim.token, failed) for call in claim.unpriced])

    def _gather(self, *, refill: bool = True) -> None:
        """Wait for a piece, at most a second; put others in the places of those that came, so that
        the endpoint need not wait for the database, and store what came.
        """
        done, _rest = wait(self._under_way, timeout=SOON_SECONDS, return_when=FIRST_COMPLETED)
        if not done:
            self._let_go()
            done, _rest = wait(self._under_way, timeout=WAKE_SECONDS, return_when=FIRST_COMPLETED)
        came = [one for future in done for one in self._come_back(future)]
        if came:
            self._asker.after()
        good = [Replied(c, p.token, a) for c, p, a in came if isinstance(a, claims.Result)]
        if refill and self._all_well(came):
            try:
                self._top_up(answered=len(good))
            finally:
                self._store(good)
        else:
            self._store(good)
        self._grow(len(good))
        self._take_errors(came)
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault

    def _all_well(self, came: Sequence[tuple[Call, Piece, Answered]]) -> bool:
        """Whether nothing that came speaks against asking on before it is looked at."""
        return all(
            isinstance(answer, claims.Result) and answer.outcome == Outcome.LABEL
            for _call, _piece, answer in came
        )

    def _come_back(self, future: Future[list[Answered]]) -> list[tuple[Call, Piece, Answered]]:
        piece = self._under_way.pop(future)
        try:
            answers = future.result()
        except ProviderError as error:
            answers = [error] * len(piece.calls)
        except Exception as fault:  # noqa: BLE001 (raised again by _gather)
            # Ours: the job fails with it, once what else came is stored.
            self._put_back(piece)
            self._fault = self._fault or fault
            return []
        return [(call, piece, answer) for call, answer in zip(piece.calls, answers, strict=True)]

    def _take_errors(self, came: Sequence[tuple[Call, Piece, Answered]]) -> None:
        stopped: ProviderError | JudgeStopped | None = None
        for call, piece, error in came:
            if not isinstance(error, ProviderError):
                continue
            try:
                self._take_error(call, piece, error)
            except (ProviderError, JudgeStopped) as reason:
                stopped = reason
        if stopped is not None:
            raise stopped

    def _take_error(self, call: Call, piece: Piece, error: ProviderError) -> None:
        if error.concerns != "judge":
            self._again(call, piece.token, error, piece.asked_at)
            return
        claims.call_wait(
            self._run,
            call,
            piece.token,
            error=error.message,
            uncounted=True,
            may_have_cost=error.may_have_cost,
        )
        raise error

    def _store(self, replies: Sequence[Replied]) -> None:
        if not replies:
            return
        stopped: JudgeStopped | None = None
        for reply, stored in zip(replies, calls_store(self._run, replies), strict=True):
            if stored.ending:
                self._tally.add(stored.ending)
            try:
                self._heed_reply(reply.result, stored.outcome)
            except JudgeStopped as reason:
                stopped = reason
        if stopped is not None:
            raise stopped

    def _heed_reply(self, result: claims.Result, outcome: str) -> None:
        """Raises JudgeStopped after so many replies in a row that did not parse."""
        if not outcome:
            return
        self._failed_in_a_row = 0
        self._limited_in_a_row = 0
        self._labelled |= outcome == Outcome.LABEL
        labelled = self._labelled or Outcome.LABEL in self._tally.by_outcome
        if outcome == Outcome.UNPARSEABLE and not labelled:
            self._nonsense_in_a_row += 1
            if self._nonsense_in_a_row >= NONSENSE_IN_A_ROW:
                self._nonsense_in_a_row = 0
                raise JudgeStopped(
                    _(
                        "%(model)s does not answer in the form asked for: the last %(n)s replies "
                        "did not parse, and none before did (%(reason)s) The replies are kept, and "
                        "none became a label. Choose another model, or resume to go on."
                    )
                    % {
                        "model": self._run.version.model,
                        "n": NONSENSE_IN_A_ROW,
                        "reason": result.error,
                    }
                )

    def _grow(self, answered: int) -> None:
        """After as many answers as are admitted at once, one more."""
        self._answered_at_limit += answered
        if self._paced and self._answered_at_limit >= self._limit > 0:
            self._answered_at_limit = 0
            if self._limit < self._asker.width:
                pace.grow(self._connection, self._limit)

    def _again(self, call: Call, token: str, error: ProviderError, asked_at: datetime) -> None:
        """A passing error: ask again later, or give the call up after so many attempts."""
        if error.kind == "rate_limited":
            # All calls share the limit, so all wait; and no item is to blame.
            self._limited_in_a_row += 1
            delay = pace.backoff(self._limited_in_a_row, error)
            self._hold_until = timezone.now() + timedelta(seconds=delay)
            if self._paced:
                pace.slow_down(self._connection, asked_at=asked_at, seconds=delay)
                self._answered_at_limit = 0
            claims.call_wait(
                self._run, call, token, error=error.message, seconds=delay, uncounted=True
            )
            return
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= max(FAILURES_IN_A_ROW, 3 * self._asker.width):
            claims.call_wait(
                self._run,
                call,
                token,
                error=error.message,
                uncounted=True,
                may_have_cost=error.may_have_cost,
            )
            raise JudgeStopped(
                _("%(n)s calls in a row failed. The last: %(reason)s Mend it, then resume.")
                % {"n": self._failed_in_a_row, "reason": error.message}
            )
        if call.attempts < self._run.max_attempts:
            delay = pace.backoff(call.attempts, error)
            claims.call_wait(
                self._run,
                call,
                token,
                error=error.message,
                seconds=delay,
                may_have_cost=error.may_have_cost,
            )
            return
        failed = claims.Result(
            outcome=Outcome.FAILED,
            error=error.message,
            price=None if error.may_have_cost else Decimal(0),
        )
        stored = call_store(self._run, call, token, failed)
        if stored.ending:
            self._tally.add(stored.ending)

    def _put_back(self, piece: Piece) -> None:
        for call in piece.calls:
            claims.call_wait(self._run, call, piece.token, uncounted=True)

    def _seconds_to_wait(self) -> float | None:
        """Until something can be asked; None when nothing waits any more."""
        held = self._held_seconds()
        waiting = Call.objects.filter(run=self._run, state=CallState.WAITING)
        found = waiting.aggregate(
            at=Min("not_before"), now=Count("pk", filter=Q(not_before=None)), n=Count("pk")
        )
        if found["n"]:
            if self._crowded and not held:
                return WAKE_SECONDS
            due = 0.0 if found["now"] else (found["at"] - timezone.now()).total_seconds()
            return max(held, due, 0.0)
        if Call.objects.filter(run=self._run, state=CallState.CLAIMED).exists():
            # Another worker's: one that was paused and finishes what it asked, or one that died.
            return WAKE_SECONDS
        return None

    def _held_seconds(self) -> float:
        if self._hold_until is None:
            return 0.0
        return max(0.0, (self._hold_until - timezone.now()).total_seconds())

    # --- Staying alive ------------------------------------------------------------------------

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
        check_may_leave(self._run.version.connection)

    def _renew(self) -> None:
        held: dict[str, list[int]] = {}
        for piece in self._under_way.values():
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
            while self._under_way:
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

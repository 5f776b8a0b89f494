"""Doing a run: claim, ask, store, until nothing waits; alive all the while, and stopped at once.

The loop's thread alone touches the database. The asking happens in threads of a pool (flow.py)
while this one has no transaction open and no connection held, and wakes every second to show
progress, renew the leases, and see whether it was paused or cancelled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, JobStopped
from annotate.models import Job, JobState
from annotate.services.jobs import RunningJob
from judges.models import Call, CallState, Outcome, Run
from judges.providers.base import ProviderError
from judges.selectors.runs import endings_of, run_read
from judges.services import calls as claims
from judges.services import pace
from judges.services.asking import Answered, Piece
from judges.services.audits import audits_conclude
from judges.services.connections import check_judge_may_leave
from judges.services.flow import CameBack
from judges.services.lanes import Lane, lanes_of
from judges.services.reusing import answers_kept, result_of
from judges.services.run_alive import WAKE_SECONDS, AliveRun, JudgeStopped
from judges.services.run_sharing import HelpedJob, TheJob
from judges.services.run_tally import Tally
from judges.services.runs import run_lay_out
from judges.services.spending import Refusal, check_cappable, refused_said, spending_of
from judges.services.storing import Replied, call_store, calls_store
from judges.services.versions import version_check
from judges.services.watching import watch_conclude

# For an answer that comes so soon the connection to the database is kept: a new one costs more.
SOON_SECONDS = 0.05
# Waits longer than this give the worker back; shorter ones are sat out.
SIT_OUT_SECONDS = 10.0
# Calls that failed in a row before the judge is taken to be away, and replies in a row that did not
# parse, with none that did, before it is taken not to understand what is asked.
FAILURES_IN_A_ROW = 6
NONSENSE_IN_A_ROW = 20


# What came back of one call, from whom, and in which piece it was asked.
Came: TypeAlias = "tuple[Lane, Call, Piece, Answered]"


def run_work(running: RunningJob, call_help: Callable[[int], None] | None = None) -> None:
    """Do the run of a job taken. Safe to take up again after a worker died: closed calls stay.

    ``call_help`` asks so many other workers to take a share of a wide run (``run_help``).
    """
    run = run_read(running.job)
    if run.in_batches:
        from judges.services.batch_runs import BatchedRun

        BatchedRun(running, run, lanes_of(run)).work()
        return
    RunLoop(running, run, lanes_of(run)).work(call_help)


def run_help(job: Job) -> None:
    """Take a share of a run whose job another worker holds, until nothing waits or it stopped."""
    if job.state != JobState.RUNNING:
        return
    run = run_read(job)
    if run.in_batches:
        return
    with suppress(JobStopped):
        RunLoop(HelpedJob(job), run, lanes_of(run)).help()


class RunLoop(AliveRun):
    def __init__(self, running: TheJob, run: Run, lanes: Sequence[Lane]) -> None:
        super().__init__(running, run, lanes)
        self._refused: Refusal = ""  # whose limit did not admit the next call
        self._fault: Exception | None = None  # of ours, in a piece

    def work(self, call_help: Callable[[int], None] | None = None) -> None:
        """Until nothing waits; or the job is stopped, paused for a person, or given back."""
        self._rows()
        try:
            with self._drained():
                self._beat(_("Getting ready"))
                version_check(self._run.version)
                check_judge_may_leave(self._run.version)
                run_lay_out(self._run, self._beat)
                for lane in self._lanes:
                    self._prepare(lane)
                self._call_help = call_help
                given_back = self._ask_all()
        except (ProviderError, JudgeStopped) as stopped:
            self._running.progress(self._tally.closed)
            self._running.pause(str(stopped))
            return
        if not given_back:
            if self._sharing.shared:
                self._tally = Tally(endings_of(self._run))
            self._running.progress(self._tally.closed)
            audits_conclude(self._run)
            watch_conclude(self._run)
            counts: dict[str, Any] = dict(self._tally.by_outcome)
            self._running.finish(message=self._tally.sentence, **counts)

    def help(self) -> None:
        """As work, of a run that is laid out already; its end is left to who holds the job."""
        self._rows()
        try:
            with self._drained():
                for lane in self._lanes:
                    self._prepare(lane)
                self._ask_all()
        except (ProviderError, JudgeStopped) as stopped:
            self._running.pause(str(stopped))

    def _rows(self) -> None:
        """Make the rows that claims lock, where they are not there yet."""
        for lane in self._lanes:
            pace.pace_of(lane.connection)
        spending_of(self._run.project)

    def _prepare(self, lane: Lane) -> None:
        try:
            lane.asker.prepare(self._aside, self._beat)
        except ProviderError as error:
            raise JudgeStopped(lane.named(error.message)) from error

    # --- The loop -----------------------------------------------------------------------------

    def _ask_all(self) -> bool:
        """True when the job was given back to be taken up later."""
        self._beat(_("Asking"))
        while True:
            self._beat()
            self._top_up()
            if self._flow.busy:
                self._gather()
                continue
            self._give_back_ready()
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

    def _top_up(self) -> None:
        """Claim as much as can be asked now, and what is to be kept ready."""
        self._refused = ""
        for lane in self._lanes:
            self._top_up_lane(lane)

    def _top_up_lane(self, lane: Lane) -> None:
        while not lane.held_seconds and lane.wanted > 0:
            under_way, not_asked = self._flow.standing(lane)
            claim = claims.calls_claim(
                self._run,
                most=lane.wanted,
                bound=lane.asker.bound,
                paced=lane.paced,
                answered=not_asked,
                ahead=max(0, lane.ahead - lane.ready),
                member=lane.member,
            )
            lane.heed(claim.room, under_way)
            self._flow.begin(lane)
            self._give_up_unpriced(lane, claim)
            self._refused = claim.refused or self._refused
            if not claim.calls:
                if claim.unpriced and not claim.refused:
                    continue
                return
            asked = self._answer_kept(lane, claim)
            if asked:
                self._submit(lane, replace(claim, calls=asked))
            if claim.refused:
                return

    def _answer_kept(self, lane: Lane, claim: claims.Claim) -> tuple[Call, ...]:
        """Store what exactly the same request brought before; returns the calls still to ask."""
        if not lane.reuses:
            return claim.calls
        hashes = {call.pk: lane.asker.hash_of(call) for call in claim.calls}
        kept = (
            answers_kept(self._run, lane.version, list(hashes.values()))
            if any(hashes.values())
            else {}
        )
        asked, stored = [], []
        for call in claim.calls:
            before = kept.get(hashes[call.pk])
            if before is None:
                asked.append(call)
            else:
                stored.append(Replied(call, claim.token, result_of(before)))
        self._store([(lane, reply) for reply in stored])
        return tuple(asked)

    def _submit(self, lane: Lane, claim: claims.Claim) -> None:
        """Hand the calls of a claim to the pool, piece by piece."""
        pieces = [
            Piece(claim.token, claim.calls[start : start + lane.asker.chunk])
            for start in range(0, len(claim.calls), lane.asker.chunk)
        ]
        while pieces:
            try:
                work = lane.asker.piece(pieces[0].calls)
            except BaseException:
                for piece in pieces:
                    self._put_back(piece)
                raise
            self._flow.add(lane, pieces.pop(0), work)

    def _give_up_unpriced(self, lane: Lane, claim: claims.Claim) -> None:
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
        self._store([(lane, Replied(call, claim.token, failed)) for call in claim.unpriced])

    def _gather(self, *, refill: bool = True) -> None:
        """Wait for what comes, at most a second; claim others in the places of those that came, so
        that the endpoint need not wait for the database, and store what came.
        """
        back = self._flow.came(SOON_SECONDS)
        if not back:
            self._let_go()
            back = self._flow.came(WAKE_SECONDS)
        came = [one for each in back for one in self._come_back(each)]
        good = [
            (lane, Replied(call, piece.token, answer))
            for lane, call, piece, answer in came
            if isinstance(answer, claims.Result)
        ]
        try:
            # Nothing that came speaks against asking on before it is looked at.
            if refill and all(getattr(a, "outcome", "") == Outcome.LABEL for *_c, a in came):
                self._top_up()
        finally:
            try:
                self._store(good)
                for lane, _reply in good:
                    lane.grow()
            finally:
                try:
                    self._take_errors(came)
                finally:
                    self._flow.stored(back)
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        for lane in {lane for lane, *_rest in came}:
            self._flow.go_on(lane)

    def _come_back(self, back: CameBack) -> list[Came]:
        lane, piece, answers = back.lane, back.piece, back.answers
        if isinstance(answers, ProviderError):
            answers = [answers] * len(piece.calls)
        elif isinstance(answers, Exception):
            # Ours: the job fails with it, once what else came is stored.
            self._put_back(piece)
            self._fault = self._fault or answers
            return []
        lane.asker.after()
        return [(lane, call, piece, got) for call, got in zip(piece.calls, answers, strict=True)]

    def _give_back_ready(self) -> None:
        """What was claimed ahead and may not be asked: others may be able to."""
        for lane in self._lanes:
            for piece in self._flow.take_back(lane):
                self._put_back(piece)

    def _take_errors(self, came: Sequence[Came]) -> None:
        stopped: ProviderError | JudgeStopped | None = None
        for lane, call, piece, error in came:
            if not isinstance(error, ProviderError):
                continue
            try:
                self._take_error(lane, call, piece, error)
            except (ProviderError, JudgeStopped) as reason:
                stopped = reason
        if stopped is not None:
            raise stopped

    def _take_error(self, lane: Lane, call: Call, piece: Piece, error: ProviderError) -> None:
        if error.concerns != "judge":
            self._again(lane, call, piece.token, error, piece.asked_at)
            return
        claims.call_wait(
            self._run,
            call,
            piece.token,
            error=error.message,
            uncounted=True,
            may_have_cost=error.may_have_cost,
        )
        raise JudgeStopped(lane.named(error.message)) from error

    def _store(self, replies: Sequence[tuple[Lane, Replied]]) -> None:
        if not replies:
            return
        stored = calls_store(self._run, [reply for _lane, reply in replies])
        stopped: JudgeStopped | None = None
        for (lane, reply), came in zip(replies, stored, strict=True):
            if came.ending:
                self._tally.add(came.ending)
            try:
                self._heed(lane, reply.result, came.outcome)
            except JudgeStopped as reason:
                stopped = reason
        if stopped is not None:
            raise stopped

    def _heed(self, lane: Lane, result: claims.Result, outcome: str) -> None:
        """Raises JudgeStopped after so many replies in a row that did not parse."""
        if not outcome:
            return
        lane.answered()
        lane.labelled |= outcome == Outcome.LABEL
        if outcome == Outcome.UNPARSEABLE and not self._has_labelled(lane):
            lane.nonsense_in_a_row += 1
            if lane.nonsense_in_a_row >= NONSENSE_IN_A_ROW:
                lane.nonsense_in_a_row = 0
                raise JudgeStopped(
                    _(
                        "%(model)s does not answer in the form asked for: the last %(n)s replies "
                        "did not parse, and none before did (%(reason)s) The replies are kept, and "
                        "none became a label. Choose another model, or resume to go on."
                    )
                    % {
                        "model": lane.version.model,
                        "n": NONSENSE_IN_A_ROW,
                        "reason": result.error,
                    }
                )

    def _has_labelled(self, lane: Lane) -> bool:
        # Labels of a panel's run say nothing of one of its members.
        alone = lane.member is None
        return lane.labelled or (alone and Outcome.LABEL in self._tally.by_outcome)

    def _again(
        self, lane: Lane, call: Call, token: str, error: ProviderError, asked_at: datetime
    ) -> None:
        """A passing error: ask again later, or give the call up after so many attempts."""
        if error.kind == "rate_limited":
            # All calls share the limit, so all wait; and no item is to blame.
            lane.limited_in_a_row += 1
            delay = pace.backoff(lane.limited_in_a_row, error)
            lane.slow_down(asked_at=asked_at, seconds=delay)
            for piece in self._flow.take_back(lane):
                self._put_back(piece)
            claims.call_wait(
                self._run, call, token, error=error.message, seconds=delay, uncounted=True
            )
            return
        # What failed before is asked last: items that always fail then stand in a row, and say
        # nothing of a judge that has labelled others.
        counts = call.attempts == 1 or not self._has_labelled(lane)
        lane.failed_in_a_row += counts
        if counts and lane.failed_in_a_row >= max(FAILURES_IN_A_ROW, 3 * lane.asker.width):
            claims.call_wait(
                self._run,
                call,
                token,
                error=error.message,
                uncounted=True,
                may_have_cost=error.may_have_cost,
            )
            raise JudgeStopped(
                lane.named(
                    _("%(n)s calls in a row failed. The last: %(reason)s Mend it, then resume.")
                    % {"n": lane.failed_in_a_row, "reason": error.message}
                )
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

    def _seconds_to_wait(self) -> float | None:
        """Until something can be asked; None when nothing waits any more."""
        waiting = [seconds for lane in self._lanes for seconds in self._lane_waits(lane)]
        if waiting:
            return min(waiting)
        if Call.objects.filter(run=self._run, state=CallState.CLAIMED).exists():
            # Another worker's: one that was paused and finishes what it asked, or one that died.
            return WAKE_SECONDS
        return None

    def _lane_waits(self, lane: Lane) -> list[float]:
        """Seconds until a call of the lane can be asked; empty when none waits."""
        waiting = Call.objects.filter(run=self._run, member=lane.member, state=CallState.WAITING)
        found = waiting.aggregate(
            at=Min("not_before"), now=Count("pk", filter=Q(not_before=None)), n=Count("pk")
        )
        if not found["n"]:
            return []
        if lane.crowded and not lane.held_seconds:
            return [WAKE_SECONDS]
        due = 0.0 if found["now"] else (found["at"] - timezone.now()).total_seconds()
        return [max(lane.held_seconds, due, 0.0)]

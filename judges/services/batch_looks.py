"""Looking at batches that were handed in: whether they arrived, how far they are, what came.

A look may be broken off anywhere and made again: what is stored stays, and only what is not
answered is asked for the next time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.models import Job, JobState
from judges.exchange import Reply, Request
from judges.models import Batch, BatchStage, Call, CallState, Outcome, Run
from judges.providers.base import ProviderError
from judges.services import batches
from judges.services.batch_asking import BatchAsker
from judges.services.calls import Result
from judges.services.run_alive import JudgeStopped
from judges.services.storing import Replied

T = TypeVar("T")

log = logging.getLogger(__name__)

# Replies stored in one transaction.
STORED_AT_ONCE = 200
# So often in a row an endpoint may not know a batch that it had before it is believed.
GONE_IN_A_ROW = 3
# Calls asked for the first time, with nothing answered beside them: more than bad luck.
FAILURES_IN_A_ROW = 6
ENDED_ALREADY = {400, 404, 409, 410, 422}


class Aside(Protocol):
    """Runs something slow, without the database; services/run_alive.py."""

    def __call__(self, work: Callable[[], T], /) -> T: ...


@dataclass
class _Came:
    """What a batch brought: replies to store, and calls without one, by what stood in the way."""

    replied: list[Replied] = field(default_factory=list)
    passing: list[tuple[Call, ProviderError]] = field(default_factory=list)
    judge: list[tuple[Call, ProviderError]] = field(default_factory=list)


class Looks:
    """Looks at the batches of a run, for whoever answers for it: its worker or the sweeper."""

    def __init__(
        self,
        run: Run,
        asker: BatchAsker,
        *,
        store: Callable[[Sequence[Replied]], object],
        aside: Aside,
        beat: Callable[[], None],
    ) -> None:
        self._run = run
        self._asker = asker
        self._store = store
        self._aside = aside
        self._beat = beat

    def look(self, batch: Batch) -> None:
        """Look at a batch that was taken (batches.batch_take).

        Raises JudgeStopped or ProviderError where a person must mend something; what came is stored
        by then.
        """
        try:
            self._look(batch)
        except BaseException:
            # Whoever goes on need not wait.
            batches.batch_seen(batch, wait=timedelta(0))
            raise

    def _look(self, batch: Batch) -> None:
        if batch.stage == BatchStage.FILLING:
            batches.batch_give_up(batch, error="", may_have_cost=False)
            return
        try:
            if batch.stage == BatchStage.SENDING and not self._found(batch):
                return
            if self._cancelled() and batch.cancel_asked_at is None:
                self._cancel(batch)
            state = self._aside(lambda: self._asker.lane.poll(batch.remote_id))
            if state.progress == "ended":
                self._collect(batch)
                return
        except ProviderError as error:
            self._missed(batch, error)
            return
        if state.progress == "working":
            batches.batch_seen(
                batch, answered=state.answered, refused=state.refused, failures=0, error=""
            )
        elif state.progress == "gone":
            self._gone(batch, state.message)
        else:
            batches.batch_give_up(
                batch, error=state.message, may_have_cost=False, too_many=state.too_many
            )
            self._discard(batch)
            if not state.too_many or batch.n_calls == 1:
                raise JudgeStopped(
                    _("The endpoint did not take the batch: %(reason)s Mend it, then resume.")
                    % {"reason": state.message or _("it does not say why.")}
                )

    def _found(self, batch: Batch) -> bool:
        """Whether the endpoint has a batch of which nobody knows whether it arrived."""
        since = batch.sent_at or batch.created_at
        found = self._aside(lambda: self._asker.lane.find(batch.key, since=since, n=batch.n_calls))
        if found.batch_id:
            return batches.batch_sent(batch, found.batch_id)
        if not found.sure:
            batches.batch_seen(batch, wait=batches.LATEST_LOOK)
            return False
        # It may have been there and be gone, or kept without its mark.
        batches.batch_give_up(
            batch,
            error=_(
                "The worker stopped while it handed this in, and the endpoint lists no such batch. "
                "It is asked again."
            ),
            may_have_cost=True,
        )
        return False

    def _cancelled(self) -> bool:
        return Job.objects.filter(pk=self._run.job_id, state=JobState.CANCELLED).exists()

    def _cancel(self, batch: Batch) -> None:
        try:
            self._aside(lambda: self._asker.lane.cancel(batch.remote_id))
        except ProviderError as error:
            # One that has ended by now cannot be cancelled, and need not be.
            if error.status not in ENDED_ALREADY:
                raise
        batches.batch_cancel_asked(batch)

    def _missed(self, batch: Batch, error: ProviderError) -> None:
        """The endpoint could not be asked: later, more and more seldom."""
        if error.concerns == "judge":
            raise error
        failures = batch.failures + 1
        wait = error.retry_after or batches.SOONEST_LOOK.total_seconds() * 2.0 ** min(failures, 4)
        batches.batch_seen(
            batch,
            wait=min(timedelta(seconds=wait), batches.LATEST_LOOK),
            failures=failures,
            error=error.message,
        )

    def _gone(self, batch: Batch, message: str) -> None:
        failures = batch.failures + 1
        if failures < GONE_IN_A_ROW:
            batches.batch_seen(batch, failures=failures, error=message)
            return
        batches.batch_give_up(
            batch,
            error=_("The endpoint does not know the batch any more. It is asked again."),
            may_have_cost=True,
        )

    # --- What came ----------------------------------------------------------------------------

    def _collect(self, batch: Batch) -> None:
        """Raises ProviderError where the results cannot be had, or where one says that the judge
        is to blame; JudgeStopped where the batch brought nothing at all.
        """
        asked: dict[str, tuple[Call, Request]] = {}
        for call in self._unanswered(batch):
            self._beat()
            asked[f"{batch.key}-{call.pk}"] = call, self._asker.request(call)[0]
        requests = {name: request for name, (_call, request) in asked.items()}
        lines = dict(self._aside(lambda: list(self._asker.lane.collect(batch.remote_id, requests))))
        came = _Came()
        for name, (call, request) in asked.items():
            self._sort(batch, call, request, lines.get(name), came)
            if len(came.replied) >= STORED_AT_ONCE:
                self._keep(came)
        self._keep(came)
        asked_to_stop = batch.cancel_asked_at is not None
        nothing = not asked_to_stop and self._says_nothing_of_the_items(batch, came)
        stopped = self._put_back(batch, came, uncounted=nothing or asked_to_stop)
        batches.batch_close(batch)
        self._discard(batch)
        if stopped is not None:
            raise JudgeStopped(stopped.message) from stopped
        if nothing:
            raise JudgeStopped(
                ngettext(
                    "Nothing of a batch of %(n)s call was answered: %(reason)s Resume to try "
                    "again.",
                    "Nothing of a batch of %(n)s calls was answered: %(reason)s Resume to try "
                    "again.",
                    len(came.passing),
                )
                % {"n": intcomma(len(came.passing)), "reason": came.passing[-1][1].message}
            )

    def _says_nothing_of_the_items(self, batch: Batch, came: _Came) -> bool:
        """Whether a batch of which nothing was answered is the endpoint's fault. What was asked
        before in vain, while others were answered, may fail for ever: that is the items'.
        """
        if not came.passing or Call.objects.filter(batch=batch, state=CallState.CLOSED).exists():
            return False
        answered = Call.objects.filter(run=self._run, state=CallState.CLOSED, reused=None)
        first_tries = sum(call.attempts <= 1 for call, _error in came.passing)
        return first_tries >= FAILURES_IN_A_ROW or not answered.exists()

    def _unanswered(self, batch: Batch) -> Sequence[Call]:
        rows = Call.objects.filter(batch=batch, state=CallState.SENT, lease_token=batch.key)
        return list(rows.select_related("item").order_by("pk"))

    def _sort(
        self,
        batch: Batch,
        call: Call,
        request: Request,
        line: Reply | ProviderError | None,
        came: _Came,
    ) -> None:
        if line is None:
            line = ProviderError(
                "server_error",
                _("The batch ended without an answer to this. It is asked again."),
                answered=True,
            )
        result = self._asker.read(line, request, call.request_hash)
        if isinstance(result, Result):
            came.replied.append(Replied(call, batch.key, result))
        elif result.concerns == "judge":
            came.judge.append((call, result))
        else:
            came.passing.append((call, result))

    def _keep(self, came: _Came) -> None:
        self._beat()
        replied, came.replied = came.replied, []
        if replied:
            self._store(replied)

    def _put_back(self, batch: Batch, came: _Came, *, uncounted: bool) -> ProviderError | None:
        """Let those without an answer wait again, or give them up after so many attempts. The error
        for which the judge is to blame, where there is one.
        """
        groups: dict[tuple[str, bool, bool], list[int]] = {}
        for call, error in came.judge:
            groups.setdefault((error.message, True, error.may_have_cost), []).append(call.pk)
        for call, error in came.passing:
            if uncounted or call.attempts < self._run.max_attempts:
                key = error.message, uncounted, error.may_have_cost
                groups.setdefault(key, []).append(call.pk)
                continue
            failed = Result(
                outcome=Outcome.FAILED,
                error=error.message,
                price=None if error.may_have_cost else Decimal(0),
            )
            came.replied.append(Replied(call, batch.key, failed))
            if len(came.replied) >= STORED_AT_ONCE:
                self._keep(came)
        self._keep(came)
        for (message, free, cost), ids in groups.items():
            for start in range(0, len(ids), batches.CHUNK):
                self._beat()
                batches.calls_put_back(
                    batch,
                    ids[start : start + batches.CHUNK],
                    error=message,
                    uncounted=free,
                    may_have_cost=cost,
                )
        return came.judge[-1][1] if came.judge else None

    def _discard(self, batch: Batch) -> None:
        """What the endpoint keeps holds texts, and is of no more use."""
        try:
            self._aside(lambda: self._asker.lane.discard(batch.remote_id))
        except ProviderError as error:
            log.warning("Batch %s stays at the endpoint: %s", batch.pk, error.message)

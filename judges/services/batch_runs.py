"""Doing a run in its endpoint's batch lane: fill batches, hand them in, look at them, come back.

No worker waits for an answer that may take a day: with nothing to do now the job is given back
until the next look is due. The rows say what is handed in, so any worker can go on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, wait
from datetime import timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.errors import JobStopped
from judges.exchange import Request
from judges.models import Batch, BatchStage, Call
from judges.providers.base import ProviderError
from judges.providers.batch_lines import MAX_REQUESTS, MAX_SENT_BYTES
from judges.selectors.batches import batches_open
from judges.services import batches
from judges.services import calls as claims
from judges.services.batch_asking import BatchAsker
from judges.services.batch_looks import Looks
from judges.services.lanes import Lane
from judges.services.run_alive import WAKE_SECONDS, JudgeStopped
from judges.services.run_work import FAILURES_IN_A_ROW, RunLoop
from judges.services.spending import refused_said
from judges.services.storing import Replied

log = logging.getLogger(__name__)

# Of a run at once: endpoints bound how much may wait there.
MOST_OPEN = 10
# Calls claimed in one transaction.
CLAIMED_AT_ONCE = 500
# Room in a batch for what is written around its requests.
SPARE_BYTES = 1_000_000
FIRST_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3_600.0


class BatchedRun(RunLoop):
    """The loop of a run in batches: one pass over what can be done now."""

    def _ask_all(self) -> bool:
        """True when the job was given back to be taken up later."""
        lane, asker = self._lane_and_asker()
        self._held_seconds = 0.0  # before anything can be handed in again
        batches.fillings_give_up(self._run)
        self._beat(_("Looking at the batches"))
        looks = Looks(
            self._run,
            asker,
            store=lambda replies: self._store_of(lane, replies),
            aside=self._aside,
            beat=self._beat,
        )
        for batch in batches_open(self._run):
            if batch.look_at <= timezone.now() and batches.batch_take(batch):
                looks.look(batch)
        while not self._held_seconds and self._may_hand_in() and self._hand_in(lane, asker):
            pass
        open_now = batches_open(self._run)
        if open_now:
            self._beat(_said(open_now))
            due = min(batch.look_at for batch in open_now) - timezone.now()
            self._running.requeue(wait_seconds=max(0.0, due.total_seconds()))
            return True
        if self._refused:
            raise JudgeStopped(refused_said(self._run, self._refused))
        wait_seconds = self._seconds_to_wait()
        if wait_seconds is None:
            return False
        self._beat(_("Waiting before it asks again"))
        self._running.requeue(wait_seconds=max(wait_seconds, self._held_seconds))
        return True

    def _lane_and_asker(self) -> tuple[Lane, BatchAsker]:
        (lane,) = self._lanes
        if not isinstance(lane.asker, BatchAsker):
            raise TypeError("A run in batches has an asker that makes them.")
        return lane, lane.asker

    def _store_of(self, lane: Lane, replies: Sequence[Replied]) -> None:
        self._store([(lane, reply) for reply in replies])

    # --- Handing in ---------------------------------------------------------------------------

    def _may_hand_in(self) -> bool:
        most = 1 if self._run.batches.filter(too_many=True).exists() else MOST_OPEN
        return len(batches_open(self._run)) < most

    def _most_calls(self) -> int:
        """Half as many as the endpoint had no room for."""
        refused = self._run.batches.filter(too_many=True).order_by("n_calls").first()
        return MAX_REQUESTS if refused is None else max(1, refused.n_calls // 2)

    def _hand_in(self, lane: Lane, asker: BatchAsker) -> bool:
        """Fill a batch and hand it in. False when there was nothing to put in."""
        batch = batches.batch_begin(self._run)
        try:
            requests = self._fill(lane, asker, batch)
            if requests and not batches.batch_sending(batch):
                raise JobStopped
        except BaseException:
            batches.batch_give_up(batch, error="", may_have_cost=False)
            raise
        if not requests:
            batch.delete()
            return False
        self._beat(
            ngettext("Handing in %(n)s call", "Handing in %(n)s calls", len(requests))
            % {"n": intcomma(len(requests))}
        )
        self._send(asker, batch, requests)
        return True

    def _fill(self, lane: Lane, asker: BatchAsker, batch: Batch) -> dict[str, Request]:
        """Claim calls for a batch until it is full, nothing waits, or no limit admits more."""
        requests: dict[str, Request] = {}
        most, room = self._most_calls(), MAX_SENT_BYTES - SPARE_BYTES
        self._refused = ""
        while len(requests) < most:
            self._beat()
            claim = claims.calls_claim(
                self._run,
                most=min(CLAIMED_AT_ONCE, most - len(requests)),
                bound=asker.bound,
            )
            self._give_up_unpriced(lane, claim)
            self._refused = claim.refused
            asked = self._answer_kept(lane, claim)
            made: dict[int, tuple[Request, str]] = {}
            left: list[Call] = []
            for call in asked:
                request, digest = asker.request(call)
                room -= asker.lane.weight(request)
                if left or (room < 0 and (requests or made)):
                    left.append(call)
                else:
                    made[call.pk] = request, digest
            hashes = {pk: digest for pk, (_request, digest) in made.items()}
            joined = batches.calls_join(batch, claim.token, hashes)
            requests |= {f"{batch.key}-{pk}": made[pk][0] for pk in joined}
            for call in left:
                claims.call_wait(self._run, call, claim.token, uncounted=True)
            if left or claim.refused or not (claim.calls or claim.unpriced):
                break
        return requests

    def _send(self, asker: BatchAsker, batch: Batch, requests: dict[str, Request]) -> None:
        """Once it is on its way it is waited for, whatever becomes of the job."""
        stopped: JobStopped | ProviderError | None = None
        future = self._pool.submit(asker.lane.submit, requests, batch.key)
        while not wait([future], timeout=WAKE_SECONDS).done:
            batches.batch_sending(batch)
            try:
                self._beat()
            except (JobStopped, ProviderError) as reason:
                stopped = reason
            self._let_go()
        self._sent(asker, batch, future)
        if stopped is not None:
            raise stopped

    def _sent(self, asker: BatchAsker, batch: Batch, future: Future[str]) -> None:
        try:
            remote_id = future.result()
        except ProviderError as error:
            self._not_sent(batch, error)
            return
        except ValueError:
            # Of ours, before anything was sent: the job fails with it.
            batches.batch_give_up(batch, error="", may_have_cost=False)
            raise
        if not batches.batch_sent(batch, remote_id):
            log.warning("Batch %s was given up while it was handed in; it is cancelled.", batch.pk)
            self._aside(lambda: asker.lane.cancel(remote_id))

    def _not_sent(self, batch: Batch, error: ProviderError) -> None:
        if not error.answered and error.kind != "unreachable":
            # It may have arrived: the endpoint is asked, soon.
            wait_for = timedelta(seconds=FIRST_WAIT_SECONDS)
            batches.batch_seen(batch, wait=wait_for, error=error.message)
            if error.concerns == "judge":
                raise JudgeStopped(error.message) from error
            return
        too_many = error.concerns == "item"  # too long for the endpoint: all of it together
        batches.batch_give_up(batch, error=error.message, may_have_cost=False, too_many=too_many)
        if error.concerns == "judge" or (too_many and batch.n_calls == 1):
            raise JudgeStopped(error.message) from error
        if too_many:
            return
        in_a_row = self._not_sent_in_a_row()
        if in_a_row >= FAILURES_IN_A_ROW:
            raise JudgeStopped(
                _(
                    "%(n)s batches in a row were not taken. The last: %(reason)s Resume to try "
                    "again."
                )
                % {"n": in_a_row, "reason": error.message}
            ) from error
        longest = min(FIRST_WAIT_SECONDS * 2.0 ** (in_a_row - 1), LONGEST_WAIT_SECONDS)
        self._held_seconds = error.retry_after or longest

    def _not_sent_in_a_row(self) -> int:
        """How many of the newest batches the endpoint has not taken. Those that were stopped before
        they were sent say nothing of it.
        """
        newest = self._run.batches.filter(sent_at__isnull=False).order_by("-pk")
        ids = newest.values_list("remote_id", flat=True)[: FAILURES_IN_A_ROW + 1]
        in_a_row = 0
        for remote_id in ids:
            if remote_id:
                break
            in_a_row += 1
        return in_a_row


def _said(open_now: list[Batch]) -> str:
    n = sum(batch.n_calls for batch in open_now)
    answered = sum(batch.answered for batch in open_now)
    if any(batch.stage == BatchStage.SENDING for batch in open_now):
        return _("Finding out whether the endpoint has a batch that was handed in.")
    return ngettext(
        "%(n)s call is handed in, %(answered)s answered so far. It takes a day at most.",
        "%(n)s calls are handed in, %(answered)s answered so far. It takes a day at most.",
        n,
    ) % {"n": intcomma(n), "answered": intcomma(answered)}

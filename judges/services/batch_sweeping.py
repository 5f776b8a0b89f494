"""Batches of runs that do not go on: what is handed in is answered and charged all the same.

A run that goes on looks at its own. Of one that was paused, cancelled or failed the sweeper does:
it has the batches of a cancelled run cancelled, and stores what came, which is paid for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.models import FINISHED, JobState
from judges.models import Batch, BatchStage
from judges.providers.base import ProviderError
from judges.selectors.runs import run_read
from judges.services import batches
from judges.services.batch_asking import BatchAsker
from judges.services.batch_looks import Looks
from judges.services.run_alive import JudgeStopped
from judges.services.storing import calls_store

T = TypeVar("T")

log = logging.getLogger(__name__)


def batches_sweep() -> int:
    """Look at the batches of runs that do not go on. Returns how many were looked at. Safe to run
    twice at once.
    """
    n = 0
    for batch in _due().select_related("run__job").order_by("look_at"):
        if batches.batch_take(batch):
            n += 1
            _look(batch)
    return n


def _due() -> QuerySet[Batch]:
    stopped = Q(run__job__state__in=[*FINISHED, JobState.PAUSED])
    cancelled = Q(run__job__state=JobState.CANCELLED, cancel_asked_at=None, stage=BatchStage.SENT)
    untouched = Batch.objects.filter(stopped).exclude(stage=BatchStage.CLOSED)
    return untouched.filter(Q(look_at__lte=timezone.now()) | (cancelled & Q(failures=0)))


def _look(batch: Batch) -> None:
    run = run_read(batch.run.job)
    asker = BatchAsker(run, run.version)
    try:
        asker.prepare(_aside, lambda _said: None)
        Looks(
            run,
            asker,
            store=lambda replies: calls_store(run, replies),
            aside=_aside,
            beat=lambda: None,
        ).look(batch)
    except (JudgeStopped, ProviderError) as error:
        batches.batch_seen(
            batch, wait=batches.LATEST_LOOK, failures=batch.failures + 1, error=str(error)
        )
    except Exception as fault:
        # Of ours; the others are looked at all the same, and this one again later.
        log.exception("Batch %s could not be looked at.", batch.pk)
        batches.batch_seen(
            batch,
            wait=batches.LATEST_LOOK,
            failures=batch.failures + 1,
            error=_(
                "It could not be looked at by a fault of Concord (%(kind)s), and is looked at "
                "again; what was answered is not lost."
            )
            % {"kind": type(fault).__name__},
        )


def _aside(work: Callable[[], T]) -> T:
    return work()

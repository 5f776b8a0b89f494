"""Signs of life of the workers."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from annotate.models import Heartbeat

log = logging.getLogger(__name__)


def heartbeat_record(worker: str) -> None:
    """Write that ``worker`` lives. Idempotent; a database that is away is logged, not raised."""
    try:
        Heartbeat.objects.update_or_create(
            worker=worker[:200], defaults={"seen_at": timezone.now()}
        )
    except DatabaseError:
        log.warning("The worker's sign of life could not be written.", exc_info=True)
    finally:
        connection.close()


def worker_is_alive() -> bool:
    """Whether any worker gave a sign of life lately. Costs one query."""
    since = timezone.now() - timedelta(seconds=settings.WORKER_SILENT_AFTER_SECONDS)
    return Heartbeat.objects.filter(seen_at__gte=since).exists()

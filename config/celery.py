"""The Celery app, and the worker's sign of life."""

from __future__ import annotations

import os
import threading
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("concord")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

HEARTBEAT_SECONDS = 10
_stopping = threading.Event()


def _beat_until_stopped(name: str) -> None:
    # A thread and not a task: a worker busy with long jobs is alive all the same.
    from annotate.services.heartbeats import heartbeat_record

    while True:
        heartbeat_record(name)
        if _stopping.wait(HEARTBEAT_SECONDS):
            return


@worker_ready.connect
def _start_heartbeat(sender: Any, **_: Any) -> None:
    name = str(sender.hostname)
    threading.Thread(
        target=_beat_until_stopped, args=(name,), name="heartbeat", daemon=True
    ).start()


@worker_shutting_down.connect
def _stop_heartbeat(**_: Any) -> None:
    _stopping.set()

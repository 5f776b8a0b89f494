"""Batches of runs, and which judges can be asked in them."""

from __future__ import annotations

from judges.models import ASKED_IN_WORDS, Batch, BatchStage, JudgeVersion, Run
from judges.providers.base import Capabilities
from judges.selectors.panels import is_panel

# Of a run, the newest.
SHOWN = 50


def has_batch_lane(version: JudgeVersion) -> bool:
    """Whether the version's endpoint was found to have a batch lane for its model."""
    connection = version.connection
    if is_panel(version) or connection.provider not in ASKED_IN_WORDS:
        return False
    found = connection.capabilities.get(version.model)
    return Capabilities.from_dict(found or {}).batch


def batches_open(run: Run) -> list[Batch]:
    """Those of a run of which something may come yet, oldest first. One query."""
    rows = Batch.objects.filter(run=run).exclude(stage=BatchStage.CLOSED)
    return list(rows.order_by("pk"))


def batches_shown(run: Run) -> list[Batch]:
    """The newest of a run. One query."""
    return list(Batch.objects.filter(run=run).order_by("-pk")[:SHOWN])

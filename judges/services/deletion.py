"""What goes of the judges when a project is deleted (annotate/services/deletion.py calls it)."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models

from annotate.services.deletion import rows_delete
from judges.models import (
    AuditFinding,
    Batch,
    Call,
    Connection,
    HandOver,
    HandOverItem,
    JudgeReport,
    JudgeVersion,
    ModelPrice,
    Pace,
    PanelMember,
    Prompt,
    ReplacementTest,
    Run,
    RunItem,
    Spending,
    TextVector,
    Watch,
    WatchRound,
)

# Children before what they point to.
ORDER: list[tuple[type[models.Model], str]] = [
    (AuditFinding, "run__project"),
    (WatchRound, "watch__project"),
    (Watch, "project"),
    (JudgeReport, "project"),
    (ReplacementTest, "project"),
    (HandOverItem, "hand_over__project"),
    (HandOver, "project"),
    (Call, "run__project"),
    (Batch, "run__project"),
    (RunItem, "run__project"),
    (Run, "project"),
    (PanelMember, "panel__project"),
    (JudgeVersion, "project"),
    (Prompt, "project"),
    (Pace, "connection__project"),
    (ModelPrice, "connection__project"),
    (Connection, "project"),
    (Spending, "project"),
]


def judges_delete(project_id: int) -> Iterator[int]:
    """Delete the judges of a project in chunks, yielding how many rows went with each."""
    for model, path in ORDER:
        yield from rows_delete(model, {path: project_id})
    # Vectors are kept by the hash of a text, not by project: which are this project's cannot be
    # told, and something of its texts must not stay. So all go; other projects' are made again
    # when a judge next needs them.
    yield from rows_delete(TextVector, {})

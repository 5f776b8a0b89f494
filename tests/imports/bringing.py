"""Bringing files in as the screens and the worker do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from annotate.models import ImportBatch, ImportKind
from annotate.services.import_plans import ItemPlan, LabelPlan
from annotate.services.import_refusals import refusals_of
from annotate.services.import_undo import undo_run
from annotate.services.imports import import_run, import_start, import_undo, import_upload
from annotate.services.jobs import RunningJob, job_take
from annotate.services.projects import QuestionDraft
from tests.personas import Story

ITEMS = ItemPlan(item="id", shown=["text"])
LABELS = LabelPlan(
    item="item_id",
    label="label",
    rater="annotator_id",
    kind="annotator_kind",
    questions={"sentiment": 0},
)


def csv_of(*rows: Sequence[Any], head: str = "id,text") -> bytes:
    return "\n".join([head, *(",".join(map(str, row)) for row in rows), ""]).encode()


def labels_csv(*rows: Sequence[Any]) -> bytes:
    return csv_of(*rows, head="item_id,annotator_id,annotator_kind,label")


def jsonl_of(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def upload(
    s: Story, data: bytes, name: str = "file.csv", kind: str = ImportKind.ITEMS, **more: Any
) -> ImportBatch:
    return import_upload(s.olga, s.project, kind=kind, name=name, chunks=[data], **more)


def taken(batch: ImportBatch) -> RunningJob:
    assert batch.job_id is not None
    running = job_take(batch.job_id)
    assert running is not None
    return running


def bring_items(
    s: Story,
    data: bytes,
    name: str = "items.csv",
    plan: ItemPlan = ITEMS,
    encoding: str = "",
) -> ImportBatch:
    batch = import_start(s.olga, upload(s, data, name, encoding=encoding), plan)
    import_run(taken(batch))
    batch.refresh_from_db()
    return batch


def bring_labels(
    s: Story,
    data: bytes,
    name: str = "labels.csv",
    plan: LabelPlan = LABELS,
    question: QuestionDraft | None = None,
) -> ImportBatch:
    batch = import_start(s.olga, upload(s, data, name, ImportKind.LABELS), plan, question=question)
    import_run(taken(batch))
    batch.refresh_from_db()
    return batch


def take_back(s: Story, batch: ImportBatch) -> ImportBatch:
    batch = import_undo(s.olga, batch)
    undo_run(taken(batch))
    batch.refresh_from_db()
    return batch


def refused(batch: ImportBatch) -> list[tuple[int, str]]:
    """Line and code of each refusal, in the order of the file."""
    return [(refusal.line, refusal.code) for refusal in refusals_of(batch)]

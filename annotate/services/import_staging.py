"""First pass of an import: each record is checked and written to a staged or a refused file.

Nothing of it reaches the items or labels. Bounded memory: one record at a time; the ids seen are
in a temporary database on disk.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import JobStopped
from annotate.models import ImportBatch, ImportFormat, ImportStatus
from annotate.services.import_checks import ItemCheck, LabelCheck, Refused
from annotate.services.import_plans import ItemPlan, plan_of
from annotate.services.import_records import Reading, Record, Records, records_open
from annotate.services.import_refusals import Refusal, media_path
from annotate.services.jobs import RunningJob

# Seconds between two signs of life.
PULSE = 1.0
# JSON keys that the preview did not show; so many are named in the report.
MAX_EXTRA = 20


class Seen:
    """Ids and the line where each first stood, on disk: millions fit in little memory."""

    def __init__(self) -> None:
        # "" is SQLite's temporary file: it spills to disk, and is gone when closed.
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.execute("PRAGMA cache_size = -32000")
        self._base.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        self._base.execute("BEGIN")

    def first(self, name: str, line: int) -> int:
        """The line where this id first stood: ``line`` itself when it is new."""
        new = self._base.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (name, line)).rowcount
        if new:
            return line
        found = self._base.execute("SELECT line FROM seen WHERE id = ?", (name,)).fetchone()
        return int(found[0])

    def close(self) -> None:
        self._base.close()


def stage(running: RunningJob, batch: ImportBatch) -> ImportBatch:
    """Check all records of the upload; the batch is *committing* afterwards.

    Repeat-safe: an attempt that died is begun anew, in files of its own, so that a worker which
    lost the job without knowing writes to nobody's files. Raises JobStopped.
    """
    folder, attempt = Path(batch.upload).parent, uuid.uuid4().hex[:8]
    staged = (folder / f"staged-{attempt}.jsonl").as_posix()
    refused = (folder / f"refused-{attempt}.jsonl").as_posix()
    with (
        records_open(media_path(batch.upload), reading_of(batch)) as records,
        media_path(staged).open("wb") as good,
        media_path(refused).open("wb") as bad,
    ):
        counts = _check_all(running, batch, records, good, bad)
        for file in (good, bad):
            file.flush()
            os.fsync(file.fileno())
    with transaction.atomic():
        fresh = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        if fresh.status != ImportStatus.STAGING or fresh.job_id != running.job.pk:
            raise JobStopped
        fresh.status = ImportStatus.COMMITTING
        fresh.staged_file, fresh.refused_file = staged, refused
        fresh.late_file = (folder / "late.jsonl").as_posix()
        fresh.undo_file = (folder / "undo.jsonl").as_posix()
        fresh.late_length = fresh.undo_length = fresh.committed_offset = 0
        fresh.counts = counts
        fresh.save(
            update_fields=[
                "status",
                "staged_file",
                "refused_file",
                "late_file",
                "late_length",
                "undo_file",
                "undo_length",
                "committed_offset",
                "counts",
            ]
        )
    return fresh


def reading_of(batch: ImportBatch) -> Reading:
    return Reading(batch.format, batch.encoding, batch.mapping.get("delimiter", ","))


def _check_all(
    running: RunningJob, batch: ImportBatch, records: Records, good: BinaryIO, bad: BinaryIO
) -> dict[str, Any]:
    check, seen = _check_for(batch)
    fit, reasons = 0, Counter[str]()
    known, extra = set(batch.mapping.get("columns", [])), dict[str, None]()
    pulse = 0.0
    try:
        for record in records:
            refusal = _refused(record) if record.wrong else None
            if refusal is None:
                try:
                    row = check(record.values, record.line)
                except Refused as error:
                    record.wrong, record.args = error.code, error.args_told
                    refusal = _refused(record)
                else:
                    place = [record.line, record.last, record.start, record.end]
                    good.write(json.dumps([*place, *row], separators=(",", ":")).encode() + b"\n")
                    fit += 1
            if refusal is not None:
                bad.write(refusal.as_line())
                reasons[refusal.code] += 1
            if batch.format == ImportFormat.JSONL and len(extra) < MAX_EXTRA:
                extra |= {name[:100]: None for name in record.values if name not in known}
            if time.monotonic() - pulse > PULSE:
                _say(running, records.offset, batch.size, fit, reasons.total())
                pulse = time.monotonic()
    finally:
        if seen is not None:
            seen.close()
    _say(running, batch.size, batch.size, fit, reasons.total())
    return {
        "staged": fit,
        "refused": reasons.total(),
        "reasons": dict(reasons),
        "extra": list(extra)[:MAX_EXTRA],
    }


def _check_for(
    batch: ImportBatch,
) -> tuple[Callable[[Mapping[str, Any], int], list[Any]], Seen | None]:
    plan = plan_of(batch.kind, batch.mapping["plan"])
    if isinstance(plan, ItemPlan):
        seen = Seen()
        return ItemCheck(plan, seen.first), seen
    return LabelCheck(plan, batch.project), None


def _refused(record: Record) -> Refusal:
    return Refusal(record.line, record.last, record.start, record.end, record.wrong, record.args)


def _say(running: RunningJob, done: int, total: int, fit: int, refused: int) -> None:
    running.progress(
        done,
        total=total,
        message=_("Step 1 of 2: checking the lines. %(fit)s fit, %(refused)s refused so far.")
        % {"fit": intcomma(fit), "refused": intcomma(refused)},
    )

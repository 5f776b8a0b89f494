"""Second pass of an import: staged rows are taken in, chunk by chunk, each in one transaction.

The offset of the next chunk, the counts and the lengths of the undo and late files are written in
the chunk's own transaction, so a worker killed at any moment leaves either the whole chunk or
nothing of it, and the next one goes on at the offset.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import connection, transaction
from django.utils.translation import gettext as _

from annotate.errors import JobStopped
from annotate.models import ImportBatch, ImportStatus
from annotate.services.import_refusals import Refusal, media_path
from annotate.services.jobs import RunningJob

# Rows of a chunk, and bytes of staged rows after which it is closed early.
CHUNK = 1000
CHUNK_BYTES = 4 * 1024 * 1024
# SQLite has one writer, whose rivals look again at intervals: leave them a gap between chunks.
BREATH = 0.03


@dataclass
class Outcome:
    """What became of one chunk: how many of each kind, refusals, and records for undo."""

    counts: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    undo: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, row: list[Any], code: str, **args: Any) -> None:
        line, last, start, end = row[:4]
        self.refusals.append(Refusal(line, last, start, end, code, args))


Taker = Callable[[ImportBatch, list[list[Any]]], Outcome]


def take_in(running: RunningJob, batch: ImportBatch, taker: Taker) -> ImportBatch:
    """Take in all staged rows from the batch's offset on. ``taker`` writes one chunk's rows.

    Raises JobStopped when the job was paused, cancelled or taken over; goes on when called again.
    """
    total = media_path(batch.staged_file).stat().st_size
    while True:
        running.progress(batch.committed_offset, total=total, message=_told(batch))
        rows, end = _chunk(batch)
        if not rows:
            return batch
        batch = _take_chunk(running, batch, rows, end, taker)
        if connection.vendor == "sqlite":
            time.sleep(BREATH)


def _take_chunk(
    running: RunningJob, batch: ImportBatch, rows: list[list[Any]], end: int, taker: Taker
) -> ImportBatch:
    with transaction.atomic():
        fresh = (
            ImportBatch.objects.select_for_update(of=("self",))
            .select_related("project")
            .get(pk=batch.pk)
        )
        if (
            fresh.status != ImportStatus.COMMITTING
            or fresh.job_id != running.job.pk
            or fresh.committed_offset != batch.committed_offset
        ):
            # Another worker took this chunk while we were held up.
            raise JobStopped
        outcome = taker(fresh, rows)
        fresh.undo_length = _append(
            fresh.undo_file, fresh.undo_length, [json.dumps(each) for each in outcome.undo]
        )
        fresh.late_length = _append(
            fresh.late_file,
            fresh.late_length,
            [refusal.as_line().decode("ascii").rstrip("\n") for refusal in outcome.refusals],
        )
        fresh.committed_offset = end
        fresh.counts = _summed(fresh.counts, outcome)
        fresh.save(update_fields=["undo_length", "late_length", "committed_offset", "counts"])
    return fresh


def _chunk(batch: ImportBatch) -> tuple[list[list[Any]], int]:
    rows: list[list[Any]] = []
    with media_path(batch.staged_file).open("rb") as file:
        file.seek(batch.committed_offset)
        while len(rows) < CHUNK and file.tell() - batch.committed_offset < CHUNK_BYTES:
            line = file.readline()
            if not line:
                break
            rows.append(json.loads(line))
        return rows, file.tell()


def _append(relative: str, length: int, lines: list[str]) -> int:
    """Write lines at ``length``, over whatever a chunk that died left there, down to the disk.

    Before the transaction ends, and under the lock of the batch's row: so what the row says is
    there, is there. Returns the new length.
    """
    if not lines:
        return length
    path = media_path(relative)
    path.touch()
    with path.open("r+b") as file:
        file.seek(length)
        file.truncate()
        file.write(("\n".join(lines) + "\n").encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _summed(before: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    counts = dict(before)
    for name, number in outcome.counts.items():
        counts[name] = counts.get(name, 0) + number
    counts["refused"] = counts.get("refused", 0) + len(outcome.refusals)
    reasons = Counter(counts.get("reasons", {}))
    reasons.update(refusal.code for refusal in outcome.refusals)
    counts["reasons"] = dict(reasons)
    return counts


def _told(batch: ImportBatch) -> str:
    counts = batch.counts
    done = sum(counts.get(name, 0) for name in ("created", "updated", "unchanged"))
    return _("Step 2 of 2: taking in. %(done)s of %(all)s rows, %(refused)s refused.") % {
        "done": intcomma(done),
        "all": intcomma(counts.get("staged", 0)),
        "refused": intcomma(counts.get("refused", 0)),
    }

"""A worker killed or held up in the middle: nothing lost, nothing doubled."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotate.errors import JobStopped
from annotate.models import ImportBatch, ImportStatus, Item, Job, JobState, Label, Submission
from annotate.services import import_taking, imports
from annotate.services.import_items import items_chunk
from annotate.services.import_labels import LabelTaker
from annotate.services.imports import import_go_on, import_run, import_start
from annotate.services.jobs import job_cancel, job_pause, job_resume, job_take
from tests.imports.bringing import (
    ITEMS,
    LABELS,
    bring_items,
    csv_of,
    labels_csv,
    refused,
    take_back,
    taken,
    upload,
)
from tests.personas import story

pytestmark = pytest.mark.django_db

ROWS = 25


class Killed(BaseException):
    """The worker is gone: no handler of the program runs."""


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_taking, "CHUNK", 10)
    monkeypatch.setattr(import_taking, "BREATH", 0)


def worker_gone(batch: ImportBatch) -> None:
    """The lease of the dead worker has run out."""
    Job.objects.filter(pk=batch.job_id).update(lease_until=timezone.now() - timedelta(seconds=1))


def items_file() -> bytes:
    rows = [(f"n{n}", f"text {n}") for n in range(ROWS)]
    return csv_of(*rows[:12], ("", "refused"), *rows[12:])


def test_killed_between_two_chunks_goes_on_at_the_offset(monkeypatch: Any) -> None:
    s = story()
    batch = import_start(s.olga, upload(s, items_file()), ITEMS)
    running = taken(batch)
    calls: list[int] = []

    def die_after_two(batch: ImportBatch, rows: list[list[Any]]) -> Any:
        calls.append(len(rows))
        if len(calls) == 3:
            raise Killed
        return items_chunk(batch, rows)

    monkeypatch.setattr(imports, "items_chunk", die_after_two)
    with pytest.raises(Killed):
        import_run(running)
    batch.refresh_from_db()
    assert Item.objects.count() == batch.counts["created"] == 20

    monkeypatch.setattr(imports, "items_chunk", items_chunk)
    worker_gone(batch)
    import_run(taken(batch))
    batch.refresh_from_db()
    assert Item.objects.count() == batch.counts["created"] == ROWS
    assert refused(batch) == [(14, "empty_id")]
    undone = take_back(s, batch)
    assert undone.counts["undone"]["withdrawn"] == ROWS


def test_killed_after_the_undo_file_was_written_and_before_the_commit(monkeypatch: Any) -> None:
    s = story()
    bring_items(s, csv_of(*[(f"n{n}", "before") for n in range(5)]))
    batch = import_start(s.olga, upload(s, items_file()), ITEMS)
    real, calls = ImportBatch.save, []

    def die(self: ImportBatch, **more: Any) -> None:
        if "undo_length" in more["update_fields"] and self.counts.get("created"):
            calls.append(self.pk)
            if len(calls) == 2:
                raise Killed
        real(self, **more)

    monkeypatch.setattr(ImportBatch, "save", die)
    with pytest.raises(Killed):
        import_run(taken(batch))
    monkeypatch.setattr(ImportBatch, "save", real)
    batch.refresh_from_db()
    written = (imports.media_path(batch.undo_file)).stat().st_size
    assert written > batch.undo_length > 0

    worker_gone(batch)
    import_run(taken(batch))
    batch.refresh_from_db()
    assert (batch.counts["created"], batch.counts["updated"]) == (ROWS - 5, 5)
    assert imports.media_path(batch.undo_file).stat().st_size == batch.undo_length
    assert Item.objects.count() == ROWS
    undone = take_back(s, batch)
    assert undone.counts["undone"] == {"withdrawn": ROWS - 5, "restored": 5, "stay": 0}


def test_labels_killed_in_the_middle_of_a_chunk_are_neither_lost_nor_doubled(
    monkeypatch: Any,
) -> None:
    s = story()
    s.items([f"text {n}" for n in range(ROWS)])
    rows = [(f"i{n}", "w1", "human", "positive") for n in range(1, ROWS + 1)]
    batch = import_start(s.olga, upload(s, labels_csv(*rows), kind="labels"), LABELS)
    real, calls = Label.objects.bulk_create, Counter[str]()

    def die(objs: Any, **more: Any) -> Any:
        calls["labels"] += 1
        if calls["labels"] == 2:
            # The submissions of this chunk are written by now.
            raise Killed
        return real(objs, **more)

    monkeypatch.setattr(Label.objects, "bulk_create", die)
    with pytest.raises(Killed):
        import_run(taken(batch))
    monkeypatch.setattr(Label.objects, "bulk_create", real)
    assert Label.objects.count() == Submission.objects.count() == 10

    worker_gone(batch)
    import_run(taken(batch))
    batch.refresh_from_db()
    assert Label.objects.count() == Submission.objects.count() == ROWS
    assert (batch.counts["created"], batch.counts.get("unchanged", 0)) == (ROWS, 0)


def test_killed_while_checking_begins_anew(monkeypatch: Any) -> None:
    s = story()
    batch = import_start(s.olga, upload(s, items_file()), ITEMS)
    running = taken(batch)

    def die(*args: Any, **more: Any) -> None:
        raise Killed

    monkeypatch.setattr(running, "progress", die)
    with pytest.raises(Killed):
        import_run(running)
    worker_gone(batch)
    import_run(taken(batch))
    batch.refresh_from_db()
    assert batch.status == ImportStatus.COMMITTED
    assert batch.counts["created"] == ROWS
    folder = imports.media_path(batch.upload).parent
    assert not list(folder.glob("staged-*"))


def test_a_worker_that_was_held_up_writes_nothing_once_another_has_its_job(
    monkeypatch: Any,
) -> None:
    s = story()
    batch = import_start(s.olga, upload(s, items_file()), ITEMS)
    slow = taken(batch)
    nested: list[str] = []
    done: list[tuple[int, dict[str, Any]]] = []

    real = import_taking._chunk

    def held_up(batch: ImportBatch) -> Any:
        rows = real(batch)
        if not nested:
            # After it read its chunk, this worker sleeps through its lease; another does it all.
            nested.append("other")
            worker_gone(batch)
            other = job_take(batch.job_id or 0)
            assert other is not None
            import_run(other)
            after = ImportBatch.objects.get(pk=batch.pk)
            done.append((after.committed_offset, after.counts))
        return rows

    monkeypatch.setattr(import_taking, "_chunk", held_up)
    with pytest.raises(JobStopped):
        import_run(slow)
    batch.refresh_from_db()
    assert batch.status == ImportStatus.COMMITTED
    assert Item.objects.count() == batch.counts["created"] == ROWS
    assert (batch.committed_offset, batch.counts) == done[0]
    assert imports.media_path(batch.undo_file).stat().st_size == batch.undo_length


def test_paused_and_resumed_goes_on_where_it_was(monkeypatch: Any) -> None:
    s = story()
    batch = import_start(s.olga, upload(s, items_file()), ITEMS)
    calls: list[int] = []

    def pause_after_one(batch: ImportBatch, rows: list[list[Any]]) -> Any:
        calls.append(len(rows))
        if len(calls) == 1:
            job = Job.objects.get(pk=batch.job_id)
            job_pause(s.olga, job)
        return items_chunk(batch, rows)

    monkeypatch.setattr(imports, "items_chunk", pause_after_one)
    with pytest.raises(JobStopped):
        import_run(taken(batch))
    assert Item.objects.count() == 10
    assert job_take(batch.job_id or 0) is None
    job_resume(s.olga, Job.objects.get(pk=batch.job_id))
    import_run(taken(batch))
    assert Item.objects.count() == ROWS
    assert sum(calls) == ROWS


def test_cancelled_half_way_it_can_go_on_or_be_taken_back(monkeypatch: Any) -> None:
    s = story()
    batch = import_start(s.olga, upload(s, items_file()), ITEMS)

    def cancel(batch: ImportBatch, rows: list[list[Any]]) -> Any:
        job_cancel(s.olga, Job.objects.get(pk=batch.job_id))
        return items_chunk(batch, rows)

    monkeypatch.setattr(imports, "items_chunk", cancel)
    with pytest.raises(JobStopped):
        import_run(taken(batch))
    monkeypatch.setattr(imports, "items_chunk", items_chunk)
    batch.refresh_from_db()
    assert batch.status == ImportStatus.COMMITTING

    batch = import_go_on(s.olga, batch)
    import_run(taken(batch))
    batch.refresh_from_db()
    assert batch.status == ImportStatus.COMMITTED
    assert Item.objects.count() == ROWS
    assert Job.objects.get(pk=batch.job_id).state == JobState.DONE


def test_labels_counted_anew_by_the_sweeper_when_the_job_was_cancelled(monkeypatch: Any) -> None:
    from annotate.models import ItemSummary
    from annotate.services.summaries import summaries_recount_dirty

    s = story()
    s.items([f"text {n}" for n in range(ROWS)])
    rows = [(f"i{n}", "w1", "human", "positive") for n in range(1, ROWS + 1)]
    batch = import_start(s.olga, upload(s, labels_csv(*rows), kind="labels"), LABELS)
    real = LabelTaker.__call__

    def cancel(self: LabelTaker, batch: ImportBatch, rows: list[list[Any]]) -> Any:
        job_cancel(s.olga, Job.objects.get(pk=batch.job_id))
        return real(self, batch, rows)

    monkeypatch.setattr(LabelTaker, "__call__", cancel)
    with pytest.raises(JobStopped):
        import_run(taken(batch))
    summaries_recount_dirty(limit=2000)
    assert ItemSummary.objects.filter(n_people=1, dirty=False).count() == 10

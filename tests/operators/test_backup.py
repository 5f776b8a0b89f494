"""Backup and restore: what comes back is what was there."""

from __future__ import annotations

import io
import json
import stat
import threading
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.color import no_style
from django.db import connection
from django.test import Client
from django.utils import timezone

from annotate.models import (
    Event,
    Heartbeat,
    ImportBatch,
    Item,
    Job,
    Label,
    Project,
    Submission,
    User,
)
from annotate.services import backup
from annotate.services.answers import Answer
from annotate.services.backup import backup_restore, backup_write, tables
from annotate.services.claims import claim_item
from annotate.services.jobs import job_create
from annotate.services.submissions import submission_submit
from judges.models import Call, TextVector
from judges.services.runs import run_start
from judges.services.versions import ZERO_SHOT, classifier_version
from tests.personas import PASSWORD, SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db(transaction=True)


def filled() -> Story:
    s = story(labels_per_item=2, questions=(SENTIMENT, STARS))
    texts = ["plain", "Ünïcode 好 🙂 \u202eback", 'quote " and \\ and\nnew line', "<b>x</b>"]
    items = s.items(texts)
    for number, person in enumerate((s.ana, s.ben, s.cem)):
        for item in items[number : number + 2]:
            rater = s.rater(person)
            claim_item(rater, item)
            submission_submit(
                rater,
                item,
                answers={
                    s.question.pk: Answer(
                        number % 3, 1 / 3, "stated", {0: 0.1, 1: 0.2, 2: 0.7}, "because\nof it"
                    )
                },
                client_key=f"{person}-{item.pk}",
                seconds=1.23456789,
                comment="ça va",
            )
    version = classifier_version(s.olga, s.question, mode=ZERO_SHOT)
    run_start(s.olga, version, selection={"strategy": "all"})
    Call.objects.update(price="0.00012345", raw_reply="{}")
    TextVector.objects.create(model="m", text_hash="0" * 64, vector=bytes(range(256)))
    root = Path(settings.MEDIA_ROOT) / "imports" / "abc"
    root.mkdir(parents=True)
    (root / "upload").write_bytes(b"\xff\x00 bytes")
    ImportBatch.objects.create(
        project=s.project,
        kind="items",
        format="csv",
        name="f.csv",
        upload="imports/abc/upload",
        created_by=s.olga,
    )
    return s


def everything() -> dict[str, list[str]]:
    return {
        model._meta.label: [
            json.dumps(row, default=backup._plain, sort_keys=True)
            for row in model._base_manager.order_by("pk").values()
        ]
        for model in tables()
    }


def empty() -> None:
    for model in reversed(tables()):
        rows = model._base_manager.all()
        rows._raw_delete(rows.db)
    # As in a database just made: numbers begin at one again.
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), tables()):
            cursor.execute(statement)
    for path in sorted(Path(settings.MEDIA_ROOT).rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def rewritten(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def test_round_trip_into_an_empty_database(tmp_path: Path, client: Client) -> None:
    s = filled()
    before = everything()
    manifest = backup_write(tmp_path / "b.zip")
    assert sum(manifest["tables"][name.lower()]["rows"] for name in before) == sum(
        map(len, before.values())
    )
    empty()
    assert not Label.objects.exists()
    backup_restore(tmp_path / "b.zip")
    after = everything()
    restored = Event.objects.get(verb="backup.restored")
    after["annotate.Event"] = [
        row for row in after["annotate.Event"] if json.loads(row)["id"] != restored.pk
    ]
    jobs = (before.pop("annotate.Job"), after.pop("annotate.Job"))
    assert after == before
    # What was under way waits for somebody's word.
    assert [json.loads(row)["state"] for row in jobs[0]] == ["queued"]
    assert [json.loads(row)["state"] for row in jobs[1]] == ["paused"]
    upload = Path(settings.MEDIA_ROOT) / "imports" / "abc" / "upload"
    assert upload.read_bytes() == b"\xff\x00 bytes"
    assert client.login(username="ana", password=PASSWORD)
    # New rows get new numbers.
    fresh = s.items(["plain", "one more", "two more", "three more", "four more"])[-1]
    assert fresh.pk > max(json.loads(row)["id"] for row in before["annotate.Item"])
    claim_item(s.rater(s.rhea), fresh)


def test_every_table_has_its_place(tmp_path: Path) -> None:
    filled()
    names = {model._meta.label_lower for model in tables()}
    missing = {
        model._meta.label_lower for model in apps.get_models(include_auto_created=True)
    } - names
    assert missing <= backup.LEFT_OUT | {"authtoken.tokenproxy"}
    order = [model._meta.label_lower for model in tables()]
    for model in tables():
        for field in model._meta.concrete_fields:
            if field.related_model and field.related_model is not model:
                needed = field.related_model._meta.label_lower
                assert order.index(needed) < order.index(model._meta.label_lower)


def test_an_archive_is_private_and_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled()
    target = tmp_path / "b.zip"

    def breaks(*_: Any) -> int:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(backup, "_write_files", breaks)
        with pytest.raises(OSError, match="no room"):
            backup_write(target)
    assert list(tmp_path.glob("*.zip*")) == []
    assert list(tmp_path.glob(".*")) == []
    backup_write(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", str(target))
    with pytest.raises(CommandError, match="no folder"):
        call_command("backup", str(tmp_path / "nowhere" / "b.zip"))


def test_rows_are_of_one_moment_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes while the backup runs: it gets through at once, and is not in the backup."""
    s = filled()
    real, errors = backup._write_rows, []

    def write() -> None:
        try:
            with connection.cursor() as cursor:
                if connection.vendor == "sqlite":
                    cursor.execute("PRAGMA busy_timeout = 2000")
            Item.objects.create(project=s.project, external_id="late", content_hash="", draw=0.5)
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    def interrupted(archive: zipfile.ZipFile, model: Any) -> dict[str, Any]:
        if model is Item:
            thread = threading.Thread(target=write)
            thread.start()
            thread.join(20)
            assert not thread.is_alive()
        return real(archive, model)

    monkeypatch.setattr(backup, "_write_rows", interrupted)
    manifest = backup_write(tmp_path / "b.zip")
    assert errors == []
    assert Item.objects.count() == 5
    assert manifest["tables"]["annotate.item"]["rows"] == 4


def test_a_database_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    filled()
    backup_write(tmp_path / "b.zip")
    User.objects.filter(username="sam").update(first_name="Samira")
    before = everything()
    with pytest.raises(CommandError, match="--replace"):
        call_command("restore", str(tmp_path / "b.zip"))
    assert everything() == before
    said = io.StringIO()
    call_command("restore", str(tmp_path / "b.zip"), "--replace", stdout=said)
    assert "Restored" in said.getvalue()
    assert User.objects.get(username="sam").first_name == "Sam"
    assert Label.objects.count() == 6


def test_not_while_concord_runs(tmp_path: Path) -> None:
    filled()
    backup_write(tmp_path / "b.zip")
    empty()
    Heartbeat.objects.create(worker="w", seen_at=timezone.now())
    with pytest.raises(CommandError, match="Stop it first"):
        call_command("restore", str(tmp_path / "b.zip"))
    Heartbeat.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    backup_restore(tmp_path / "b.zip")
    assert Project.objects.count() == 1


def _cut(name: str, content: bytes) -> bytes:
    return content[:-10] if name == "rows/annotate.label.jsonl" else content


def _line_lost(name: str, content: bytes) -> bytes:
    if name != "rows/annotate.label.jsonl":
        return content
    return b"".join(content.splitlines(keepends=True)[1:])


def _table_lost(name: str, content: bytes) -> bytes | None:
    return None if name == "rows/annotate.label.jsonl" else content


def _file_lost(name: str, content: bytes) -> bytes | None:
    return None if name.startswith("files/") else content


def _orphan(name: str, content: bytes) -> bytes:
    return b"" if name == "rows/annotate.option.jsonl" else content


def _newer(name: str, content: bytes) -> bytes:
    if name != "manifest.json":
        return content
    manifest = json.loads(content)
    manifest["migrations"]["annotate"] = ["9999_from_the_future"]
    return json.dumps(manifest).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_cut, "no whole backup"),
        (_line_lost, "should have 6 rows"),
        (_table_lost, "no whole backup"),
        (_file_lost, "Files are missing"),
        (_orphan, "should have"),
        (_newer, "tables differ"),
    ],
)
def test_a_bad_archive_changes_nothing(
    tmp_path: Path, change: Callable[[str, bytes], bytes | None], said: str
) -> None:
    filled()
    backup_write(tmp_path / "good.zip")
    bad = rewritten(tmp_path / "good.zip", tmp_path / "bad.zip", change)
    before = everything()
    files = sorted(Path(settings.MEDIA_ROOT).rglob("*"))
    with pytest.raises(CommandError, match=said):
        call_command("restore", str(bad), "--replace")
    assert everything() == before
    assert sorted(Path(settings.MEDIA_ROOT).rglob("*")) == files
    assert list(Path(settings.MEDIA_ROOT).parent.glob("files.*")) == []


def test_a_file_that_is_no_archive_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("not a zip")
    with pytest.raises(CommandError, match="no whole backup"):
        call_command("restore", str(tmp_path / "x.zip"))
    with pytest.raises(CommandError, match="No such file"):
        call_command("restore", str(tmp_path / "y.zip"))


def test_an_archive_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    filled()
    backup_write(tmp_path / "good.zip")
    with zipfile.ZipFile(tmp_path / "good.zip") as old:
        content = {name: old.read(name) for name in old.namelist()}
    manifest = json.loads(content["manifest.json"])
    manifest["files"] += 1
    content["manifest.json"] = json.dumps(manifest).encode()
    content["files/../../evil.txt"] = b"evil"
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as new:
        for name, data in content.items():
            new.writestr(name, data)
    with pytest.raises(CommandError, match="outside its place"):
        call_command("restore", str(tmp_path / "evil.zip"), "--replace")
    assert not list(tmp_path.rglob("evil.txt"))
    assert Submission.objects.exists()


def test_a_deletion_under_way_is_not_taken_up_unasked(tmp_path: Path) -> None:
    s = filled()
    job = job_create(s.olga, project=None, kind="project_delete", task="annotate.project_delete")
    Job.objects.filter(pk=job.pk).update(
        state="running", lease_token="t", lease_until=timezone.now()
    )
    backup_write(tmp_path / "b.zip")
    backup_restore(tmp_path / "b.zip", replace=True)
    assert set(Job.objects.values_list("state", "lease_token")) == {("paused", "")}

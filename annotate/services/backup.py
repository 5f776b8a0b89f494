"""Backup and restore: the whole of Concord in one zip file, whichever database it is on.

In the archive: ``rows/<table>.jsonl`` with one JSON list a row (the order of the columns is in the
manifest), ``files/...`` as below MEDIA_ROOT, and ``manifest.json`` with versions and counts. The
rows are of one moment. Since nothing in it depends on the database, a backup of SQLite can be
restored into PostgreSQL and the other way round: that is also how a project moves when it grows.

Not in it: sessions (people log in again), signs of life, and the secrets SECRET_KEY and FIELD_KEY.
"""

from __future__ import annotations

import base64
import io
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.apps import apps
from django.conf import settings
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.models import Heartbeat, Job, JobState, Project, User
from annotate.selectors.moments import one_moment
from annotate.services.events import event_write
from annotate.services.heartbeats import worker_is_alive

FORMAT = 1
CHUNK = 1000
# Made by migrations or of the moment.
LEFT_OUT = {
    "contenttypes.contenttype",
    "auth.permission",
    "auth.group_permissions",
    "annotate.user_user_permissions",
    "sessions.session",
    Heartbeat._meta.label_lower,
}


def backup_write(target: Path) -> dict[str, Any]:
    """Write the archive and return its manifest. Readable by this account of the machine only.

    The archive appears under its name when it is whole. Raises BadInput where the name is taken
    or its folder is missing. Nobody else has to wait meanwhile.
    """
    target = target.expanduser().resolve()
    if target.exists():
        raise BadInput(_("%(file)s is there already. Choose another name.") % {"file": target})
    if not target.parent.is_dir():
        raise BadInput(_("There is no folder %(folder)s.") % {"folder": target.parent})
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "concord": settings.VERSION,
        "made_at": timezone.now().isoformat(),
        "database": connection.vendor,
        "migrations": migration_state(),
        "tables": {},
        "files": 0,
    }
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with (
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw,
            zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive,
        ):
            with one_moment():
                for model in tables():
                    manifest["tables"][model._meta.label_lower] = _write_rows(archive, model)
            # After the rows: whatever file a row names is there by now.
            manifest["files"] = _write_files(archive)
            archive.writestr("manifest.json", json.dumps(manifest, indent=1))
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def backup_restore(source: Path, *, replace: bool = False) -> dict[str, Any]:
    """Put an archive's rows and files in place of what is there, and return its manifest.

    All or nothing: one transaction, and the files change places just before it is through. Jobs
    that were under way come back paused, so that nothing is sent or written before somebody says
    so. Raises BadInput for an archive that does not fit, Conflict while a worker is running, or for
    a database that holds something, unless ``replace``.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = _manifest(archive)
            _check_versions(manifest)
            if worker_is_alive():
                raise Conflict(_("Concord is running on this database. Stop it first."))
            if not replace and (User.objects.exists() or Project.objects.exists()):
                raise Conflict(
                    _(
                        "There are accounts or projects in this database. Restore into an empty "
                        "one, or have all of it replaced with --replace."
                    )
                )
            with _files_changing_places(archive) as change_places, transaction.atomic():
                for model in reversed(tables()):
                    rows = model._default_manager.all()
                    rows._raw_delete(rows.db)
                for model in tables():
                    _read_rows(archive, model, manifest["tables"][model._meta.label_lower])
                _reset_sequences()
                Job.objects.filter(state__in=[JobState.QUEUED, JobState.RUNNING]).update(
                    state=JobState.PAUSED,
                    lease_token="",
                    lease_until=None,
                    message=_("Paused when a backup was restored."),
                )
                event_write(None, "backup.restored", project=None, made_at=manifest["made_at"])
                connection.check_constraints()
                change_places()
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadInput(
            _("%(file)s is no whole backup of Concord (%(error)s). Nothing was changed.")
            % {"file": source, "error": error}
        ) from error
    return manifest


def tables() -> list[type[models.Model]]:
    """The models whose rows are kept, each after those it points to."""
    kept = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.label_lower not in LEFT_OUT
    ]
    ordered: list[type[models.Model]] = []

    def visit(model: type[models.Model]) -> None:
        if model in ordered or model not in kept:
            return
        for field in model._meta.concrete_fields:
            if field.related_model and field.related_model is not model:
                visit(field.related_model)
        ordered.append(model)

    for model in sorted(kept, key=lambda each: each._meta.label_lower):
        visit(model)
    return ordered


def migration_state() -> dict[str, list[str]]:
    """The newest applied migrations of each app that has rows in a backup."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise BadInput(_("The database is not up to date. Run `manage.py migrate` first."))
    state: dict[str, list[str]] = {}
    for app, name in executor.loader.graph.leaf_nodes():
        state.setdefault(app, []).append(name)
    return state


# --- Rows -----------------------------------------------------------------------------------


def _columns(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return list(model._meta.concrete_fields)


def _write_rows(archive: zipfile.ZipFile, model: type[models.Model]) -> dict[str, Any]:
    names = [field.attname for field in _columns(model)]
    count = 0
    with archive.open(_member(model), "w", force_zip64=True) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8", errors="surrogatepass", newline="\n")
        rows = model._base_manager.order_by("pk").values_list(*names)
        for row in rows.iterator(chunk_size=CHUNK):
            text.write(json.dumps(row, default=_plain, ensure_ascii=False) + "\n")
            count += 1
        text.flush()
        text.detach()
    return {"columns": names, "rows": count}


def _plain(value: object) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    raise TypeError(f"{type(value).__name__} cannot be kept in a backup")


def _read_rows(archive: zipfile.ZipFile, model: type[models.Model], told: dict[str, Any]) -> None:
    fields = {field.attname: field for field in _columns(model)}
    if set(told["columns"]) != set(fields):
        raise BadInput(
            _("The columns of %(table)s differ from those of this version.")
            % {"table": model._meta.label_lower}
        )
    columns = [fields[name] for name in told["columns"]]
    count, batch = 0, []
    with archive.open(_member(model)) as raw:
        for line in _lines(raw):
            row = json.loads(line)
            batch.append(
                model(
                    **{
                        field.attname: field.to_python(value)
                        for field, value in zip(columns, row, strict=True)
                    }
                )
            )
            if len(batch) == CHUNK:
                count += _insert(model, batch)
                batch = []
    count += _insert(model, batch)
    if count != told["rows"] or count != model._base_manager.count():
        raise BadInput(
            _("%(table)s should have %(told)s rows, and has %(found)s. Nothing was changed.")
            % {"table": model._meta.label_lower, "told": told["rows"], "found": count}
        )


def _lines(raw: IO[bytes]) -> Iterator[str]:
    for line in raw:
        yield line.decode("utf-8", "surrogatepass")


def _insert(model: type[models.Model], batch: list[models.Model]) -> int:
    """Insert rows as they are: raw, so that times set at creation stay what they were."""
    fields = _columns(model)
    most = connection.ops.bulk_batch_size(fields, batch) or 1
    for start in range(0, len(batch), most):
        model._base_manager._insert(  # type: ignore[attr-defined]
            batch[start : start + most], fields=fields, using=connection.alias, raw=True
        )
    return len(batch)


def _reset_sequences() -> None:
    """New rows are to get numbers after those restored."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), tables()):
            cursor.execute(statement)


def _member(model: type[models.Model]) -> str:
    return f"rows/{model._meta.label_lower}.jsonl"


# --- Files ----------------------------------------------------------------------------------


def _write_files(archive: zipfile.ZipFile) -> int:
    root = Path(settings.MEDIA_ROOT)
    count = 0
    for path in sorted(root.rglob("*")) if root.is_dir() else []:
        if path.is_file() and not path.is_symlink():
            try:
                archive.write(path, f"files/{path.relative_to(root).as_posix()}")
            except FileNotFoundError:  # deleted since it was listed
                continue
            count += 1
    return count


@contextmanager
def _files_changing_places(archive: zipfile.ZipFile) -> Iterator[Any]:
    """Unpack the files beside MEDIA_ROOT; what is yielded puts them in its place.

    Should anything go wrong before the transaction is through, those that were there come back.
    """
    root = Path(settings.MEDIA_ROOT)
    root.parent.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(4)
    fresh, before = (root.with_name(f"{root.name}.{word}-{mark}") for word in ("new", "old"))
    fresh.mkdir(mode=0o700)
    try:
        for member in archive.infolist():
            name = PurePosixPath(member.filename)
            if name.parts[:1] != ("files",) or member.is_dir():
                continue
            if ".." in name.parts or name.is_absolute():
                raise BadInput(
                    _("The archive names a file outside its place: %(name)s.") % {"name": name}
                )
            path = fresh.joinpath(*name.parts[1:])
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as packed, path.open("xb") as file:
                shutil.copyfileobj(packed, file)
            path.chmod(0o600)

        def change_places() -> None:
            if root.exists():
                root.rename(before)
            fresh.rename(root)

        yield change_places
    except BaseException:
        if before.exists():
            shutil.rmtree(root, ignore_errors=True)
            before.rename(root)
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)


# --- Versions -------------------------------------------------------------------------------


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
    if manifest.get("format") != FORMAT:
        raise BadInput(
            _("This archive has format %(format)s; this version reads format %(ours)s.")
            % {"format": manifest.get("format"), "ours": FORMAT}
        )
    names = [member.filename for member in archive.infolist() if member.filename[:6] == "files/"]
    if len(names) != manifest["files"]:
        raise BadInput(_("Files are missing from the archive. Nothing was changed."))
    return manifest


def _check_versions(manifest: dict[str, Any]) -> None:
    ours = migration_state()
    if manifest["migrations"] != ours:
        raise BadInput(
            _(
                "This backup is of Concord %(theirs)s, whose tables differ from those of this "
                "version (%(ours)s). Restore it with that version, then upgrade."
            )
            % {"theirs": manifest["concord"], "ours": settings.VERSION}
        )
    missing = {model._meta.label_lower for model in tables()} ^ set(manifest["tables"])
    if missing:
        raise BadInput(
            _("Tables differ between the archive and this version: %(names)s.")
            % {"names": ", ".join(sorted(missing))}
        )

"""Bring the database and the static files up to date; quick when there is nothing to do."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

# Pages that Concord does not have: REST framework's browsable API.
UNUSED = ("rest_framework",)


def static_fingerprint() -> str:
    """Hash the path, size and time of every static file of the project and its packages."""
    found = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(UNUSED):
            path = Path(storage.path(name))
            stat = path.stat()
            found.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return found.hexdigest()


class Command(BaseCommand):
    help = "Migrate the database and collect the static files, each only where needed."

    def handle(self, *args: Any, **options: Any) -> None:
        self._migrate()
        self._collect_static()

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not plan:
            return
        self.stdout.write(f"Bringing the database up to date ({len(plan)} migrations) ...")
        call_command("migrate", interactive=False, verbosity=0)

    def _collect_static(self) -> None:
        if settings.DEBUG:  # served from where they lie
            return
        fingerprint = static_fingerprint()
        stamp = Path(settings.STATIC_ROOT) / ".collected"
        manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
        if stamp.exists() and manifest.exists() and stamp.read_text() == fingerprint:
            return
        self.stdout.write("Collecting static files ...")
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=list(UNUSED))
        stamp.write_text(fingerprint)

"""Put a backup in place of what is there. See annotate/services/backup.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotate.errors import ConcordError
from annotate.services.backup import backup_restore


class Command(BaseCommand):
    help = (
        "Restore an archive of `manage.py backup` into this database and folder, all or nothing. "
        "Run `manage.py migrate` before, and stop Concord meanwhile. Jobs that were under way "
        "come back paused. Refuses a database that holds something, unless --replace."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="delete all that is there before"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = backup_restore(options["file"], replace=options["replace"])
        except (ConcordError, OSError) as error:
            raise CommandError(str(error)) from None
        rows = sum(table["rows"] for table in manifest["tables"].values())
        self.stdout.write(
            f"Restored {rows:,} rows and {manifest['files']:,} files as of {manifest['made_at']}."
        )

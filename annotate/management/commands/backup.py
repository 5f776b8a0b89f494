"""Write everything into one file. See annotate/services/backup.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotate.errors import ConcordError
from annotate.services.backup import backup_write


class Command(BaseCommand):
    help = (
        "Write all rows and files into one zip archive, of one moment, while Concord runs on. "
        "It fits either database. Sessions and the secrets SECRET_KEY and FIELD_KEY (or the file "
        "secret_key in the data folder) are not in it: keep those elsewhere, since without them "
        "the provider keys in the archive cannot be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = backup_write(options["file"])
        except (ConcordError, OSError) as error:
            raise CommandError(str(error)) from None
        rows = sum(table["rows"] for table in manifest["tables"].values())
        self.stdout.write(
            f"{options['file']}: {rows:,} rows of {len(manifest['tables'])} tables, "
            f"{manifest['files']:,} files. Keep SECRET_KEY and FIELD_KEY apart from it."
        )

"""manage.py export: write a dataset to a file, as the screen does."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotate.errors import ConcordError, JobStopped
from annotate.management.wanted import actor_wanted, project_wanted
from annotate.models import Job, JobState, Method, WhoCounts
from annotate.selectors.export_rows import BY_VOTES, FORMATS, WHATS
from annotate.services.exports import export_path, export_run, export_start
from annotate.services.jobs import job_take

EXAMPLES = """\
examples:
  manage.py export 3 --what items --format csv --out items.csv
  manage.py export "Restaurant reviews" --what labels --format jsonl --who all --out labels.jsonl

The columns are described in docs/export.md. The export is listed on the Data screen too.
"""


class Command(BaseCommand):
    help = "Write a project's items (with their answers) or its labels to a file."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name,
            subcommand,
            epilog=EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **kwargs,
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="number or name of a project")
        parser.add_argument("--what", choices=WHATS, default="items")
        parser.add_argument("--format", choices=FORMATS, default="csv")
        parser.add_argument(
            "--who", choices=WhoCounts.values, default=WhoCounts.PEOPLE.value, help="who counts"
        )
        parser.add_argument(
            "--method",
            choices=[BY_VOTES, *Method.values],
            default="",
            help="answers by the newest aggregation of this method, or by votes alone",
        )
        parser.add_argument(
            "--history", action="store_true", help="also labels that no longer count"
        )
        parser.add_argument("--out", type=Path, required=True, help="the file to write")
        parser.add_argument("--user", help="in whose name; default: who started the project")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_wanted(options["project"])
        actor = actor_wanted(project, options["user"])
        out: Path = options["out"]
        if not out.parent.is_dir():
            raise CommandError(f"There is no folder {out.parent}.")
        try:
            job = export_start(
                actor,
                project,
                what=options["what"],
                format=options["format"],
                who=options["who"],
                history=options["history"],
                method=options["method"],
            )
            self._run(job)
        except ConcordError as error:
            raise CommandError(error.message) from None
        partial = out.with_name(f".{out.name}.partial")
        shutil.copyfile(export_path(job), partial)
        partial.replace(out)
        self.stdout.write(f"{out}: {job.result['rows']:,} rows, {job.result['bytes']:,} bytes")

    def _run(self, job: Job) -> None:
        running = job_take(job.pk)
        if running is None:
            raise CommandError("A worker has taken this export; fetch it from the Data screen.")
        try:
            export_run(running)
        except KeyboardInterrupt:
            running.fail("Stopped at the terminal.")
            raise CommandError("Stopped. Nothing was written.") from None
        except JobStopped:
            raise CommandError("The export was paused or cancelled on the Data screen.") from None
        except ConcordError as error:
            running.fail(error.message)
            raise
        job.refresh_from_db()
        if job.state != JobState.DONE:
            raise CommandError(job.message)

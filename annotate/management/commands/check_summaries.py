"""Compare the kept counts of items with their labels, and count anew where they differ."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotate.models import Project
from annotate.services.summaries import CHUNK, summaries_recount, summaries_that_drifted


class Command(BaseCommand):
    help = "Check that the counts that lists and queues sort by are what the labels say."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", type=int, help="number of one project; else all")
        parser.add_argument("--repair", action="store_true", help="count anew where they differ")

    def handle(self, *args: Any, **options: Any) -> None:
        projects = Project.objects.order_by("pk")
        if options["project"] is not None:
            projects = projects.filter(pk=options["project"])
            if not projects:
                raise CommandError(f"There is no project {options['project']}.")
        total = 0
        for project in projects:
            drifted = summaries_that_drifted(project)
            total += len(drifted)
            if drifted:
                self.stdout.write(f"Project {project.pk}: {len(drifted):,} items differ.")
            if options["repair"]:
                for start in range(0, len(drifted), CHUNK):
                    summaries_recount(project, drifted[start : start + CHUNK])
        if not total:
            self.stdout.write("All counts are what the labels say.")
        elif options["repair"]:
            self.stdout.write(f"Repaired {total:,} items.")
        else:
            raise CommandError(f"{total:,} items differ. Run again with --repair to count anew.")

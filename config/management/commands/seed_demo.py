"""Make the demo, people and judge, and print its log-ins. Wires the two apps together."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from annotate.models import Project
from annotate.services.demo import demo_create, logins_file
from annotate.tasks import job_nudge
from judges.services.runs import run_start
from judges.services.versions import ZERO_SHOT, classifier_version

# The question that the local classifier answers.
ASKED = "topic"


class Command(BaseCommand):
    help = (
        "Make the demo project, unless it was made before, and print its log-ins. Passwords are "
        "random and kept in demo-logins.txt in the data folder."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--again", action="store_true", help="make it anew after somebody deleted it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            demo = demo_create(again=options["again"])
            if demo.made_now and demo.project is not None:
                self._judge(demo.project)
        if demo.project is None:
            self.stdout.write("The demo was deleted. `manage.py seed_demo --again` makes it anew.")
            return
        self.stdout.write("Log-ins of the demo project (its people and their labels are invented):")
        for login in demo.logins:
            self.stdout.write(f"  {login.username:<12} {login.password:<20} {login.role}")
        self.stdout.write(f"Kept in {logins_file()}")

    def _judge(self, project: Project) -> None:
        """Queue a run of the local classifier: its answers come when the worker first starts."""
        owner = project.created_by
        question = project.questions.get(key=ASKED)
        version = classifier_version(owner, question, mode=ZERO_SHOT)
        job_nudge(run_start(owner, version, selection={"strategy": "all"}).job)

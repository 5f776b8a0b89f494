"""manage.py aggregate: combine the labels of a question, as the overview does."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotate.errors import ConcordError
from annotate.management.wanted import actor_wanted, project_wanted, question_wanted
from annotate.models import EstimateRun, JobState, Method, WhoCounts
from annotate.services.estimates import JUDGE_WEIGHT, estimate_run, estimate_start
from annotate.tasks import job_do

EXAMPLES = """\
examples:
  manage.py aggregate 3
  manage.py aggregate "Restaurant reviews" --question sentiment --method dawid_skene --who all
  manage.py aggregate 3 --method weighted_majority --who all --judge-weight 0.2

The methods are described in docs/statistics/aggregation.md. Overview, lists and exports use the
newest aggregation of a question.
"""


class Command(BaseCommand):
    help = (
        "Combine the labels of a question into one answer an item, and say how able each rater is."
    )

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
        parser.add_argument("--question", help="its key; may be left out where there is one")
        parser.add_argument("--method", choices=Method.values, default="")
        parser.add_argument(
            "--who", choices=WhoCounts.values, default=WhoCounts.PEOPLE.value, help="who counts"
        )
        parser.add_argument(
            "--rulings", action="store_true", help="rulings that stand count as known answers"
        )
        parser.add_argument(
            "--judge-weight",
            type=float,
            help="of a weighted majority: what a judge's label weighs beside a person's "
            f"(default {JUDGE_WEIGHT})",
        )
        parser.add_argument("--user", help="in whose name; default: who started the project")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_wanted(options["project"])
        try:
            run = estimate_start(
                actor_wanted(project, options["user"]),
                question_wanted(project, options["question"]),
                method=options["method"],
                who_counts=options["who"],
                rulings=options["rulings"],
                judge_weight=options["judge_weight"],
            )
        except ConcordError as error:
            raise CommandError(error.message) from None
        job_do(run.job_id, estimate_run)
        self._report(EstimateRun.objects.select_related("job").get(pk=run.pk))

    def _report(self, run: EstimateRun) -> None:
        job = run.job
        if job.state != JobState.DONE:
            raise CommandError(f"It is {job.get_state_display().lower()}. {job.message}".strip())
        took = (job.finished_at - job.started_at).total_seconds() if job.finished_at else 0.0  # type: ignore[operator]
        rounds = f" {run.iterations} rounds{'' if run.converged else ', not settled'}."
        self.stdout.write(
            f"{run.get_method_display()}, {run.get_who_counts_display().lower()}: "
            f"{run.n_items:,} items from {run.n_labels:,} labels, {job.result['ties']:,} ties."
            f"{rounds if run.iterations else ''} {took:.1f} seconds."
        )

"""manage.py judge_run: make a judge if there is none of that make-up, and run it over items."""

from __future__ import annotations

import argparse
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from annotate.errors import ConcordError
from annotate.management.wanted import actor_wanted, project_wanted, question_wanted
from annotate.models import FINISHED, Job, JobState, Project, Question, User
from annotate.services.heartbeats import worker_is_alive
from annotate.services.jobs import NUDGE_AGAIN
from annotate.tasks import job_do, job_nudge
from judges.models import CONNECTED, JudgeVersion, ProviderName, Run
from judges.providers.base import ProviderError
from judges.selectors.judges import judge_row
from judges.selectors.money import dollars
from judges.selectors.runs import run_progress
from judges.services.backends import backend_version
from judges.services.connections import connection_local
from judges.services.local_llm import model_served
from judges.services.retrying import run_retry_failed
from judges.services.run_work import run_work
from judges.services.runs import run_start
from judges.services.spending import cap_read
from judges.services.versions import chat_version, classifier_version

EXAMPLES = """\
examples:
  manage.py judge_run 3 --judge zero-shot --limit 100 --wait
  manage.py judge_run "Restaurant reviews" --judge trained --question sentiment --wait
  manage.py judge_run 3 --judge my-endpoint --model some-model --limit 50 --cap 2.50
  manage.py judge_run 3 --judge my-endpoint --model some-model --limit 0 --batches
  manage.py judge_run 3 --retry 12 --wait

--judge names the local classifier (zero-shot, trained), the language model served here (local-llm)
or a connection of the project. Without --wait a worker does the run; with it, and no worker about,
this command does.
"""


class Command(BaseCommand):
    help = "Run a judge over items of a project."

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
        parser.add_argument(
            "--judge", default="", help="zero-shot, trained, local-llm, or a connection's name"
        )
        parser.add_argument("--question", help="its key; may be left out where there is one")
        parser.add_argument("--model", default="", help="for a connection: the model to ask")
        parser.add_argument(
            "--ask-rationale", action="store_true", help="of a language model: a reason, too"
        )
        parser.add_argument(
            "--limit", type=int, default=100, help="how many items (0: all that are left)"
        )
        parser.add_argument("--seed", type=int, default=0, help="0: the project's own order")
        parser.add_argument("--cap", help="the most it may spend, in US dollars")
        parser.add_argument(
            "--batches",
            action="store_true",
            help="in the endpoint's batch lane: within a day, at a lower price",
        )
        parser.add_argument(
            "--retry", type=int, metavar="RUN", help="ask again what of this run has no label"
        )
        parser.add_argument("--wait", action="store_true", help="until it is done")
        parser.add_argument("--user", help="in whose name; default: who started the project")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_wanted(options["project"])
        actor = actor_wanted(project, options["user"])
        if options["retry"]:
            self._retry(project, actor, options["retry"], wait=options["wait"])
            return
        limit = options["limit"]
        selection = {"strategy": "random", "limit": limit} if limit else {"strategy": "all"}
        try:
            version = _version(actor, question_wanted(project, options["question"]), options)
            run = run_start(
                actor,
                version,
                selection=selection,
                seed=options["seed"],
                cap=cap_read(options["cap"]),
                in_batches=options["batches"],
            )
        except (ConcordError, ProviderError) as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Run {run.pk} of {version} over {run.job.total:,} items.")
        self._go(run, version, wait=options["wait"])

    def _retry(self, project: Project, actor: User, run_id: int, *, wait: bool) -> None:
        run = project.judge_runs.filter(pk=run_id).first()
        if run is None:
            raise CommandError(f"The project has no run {run_id}.")
        try:
            run = run_retry_failed(actor, run)
        except ConcordError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Run {run.pk} asks again what has no label.")
        self._go(run, run.version, wait=wait)

    def _go(self, run: Run, version: JudgeVersion, *, wait: bool) -> None:
        if not wait:
            job_nudge(run.job)
            return
        if worker_is_alive():
            job_nudge(run.job)
            self._watch(run)
        else:
            self._do(run)
        self._report(run, version)

    def _do(self, run: Run) -> None:
        """As a worker would: a run that was given back is taken up again when it is due."""
        while True:
            job_do(run.job_id, run_work)
            job = Job.objects.get(pk=run.job_id)
            if job.state != JobState.QUEUED:
                return
            self.stdout.write(f"  {job.message}")
            due = (job.nudged_at or timezone.now()) + NUDGE_AGAIN
            time.sleep(max(1.0, (due - timezone.now()).total_seconds()))

    def _watch(self, run: Run) -> None:
        shown = -1
        while True:
            job = Job.objects.get(pk=run.job_id)
            if job.done != shown:
                shown = job.done
                self.stdout.write(f"  {shown:,} of {job.total:,}")
            if job.state in {*FINISHED, JobState.PAUSED}:
                return
            time.sleep(0.5)

    def _report(self, run: Run, version: JudgeVersion) -> None:
        job = Job.objects.get(pk=run.job_id)
        if job.state != JobState.DONE:
            raise CommandError(f"Run {run.pk} is {job.get_state_display().lower()}. {job.message}")
        found = run_progress(run)
        took = (job.finished_at - job.started_at).total_seconds() if job.finished_at else 0.0  # type: ignore[operator]
        self.stdout.write(
            f"{job.message} {took:.1f} seconds, {found.seconds_mean or 0:.3f} a call, "
            f"{dollars(found.spent)} spent."
        )
        agreement = judge_row(version).agreement
        if agreement is not None and agreement.share is not None:
            self.stdout.write(
                f"Agreement with people: {agreement.share:.3f} "
                f"({agreement.low:.3f} to {agreement.high:.3f}), "
                f"{agreement.agree:,} of {agreement.shared:,} items."
            )


def _version(actor: User, question: Question, options: dict[str, Any]) -> JudgeVersion:
    judge = options["judge"]
    if not judge:
        raise CommandError("Say which --judge to run.")
    if judge in {"zero-shot", "trained"}:
        return classifier_version(actor, question, mode=judge.replace("-", "_"))
    more = {"ask_rationale": options["ask_rationale"]}
    if judge == "local-llm":
        connection = connection_local(actor, question.project, ProviderName.LOCAL_LLM)
        return chat_version(actor, question, connection, model=model_served(), **more)
    found = question.project.connections.filter(name=judge, provider__in=CONNECTED).first()
    if found is None:
        raise CommandError(f"The project has no connection {judge!r}.")
    if found.provider == ProviderName.LABEL_STUDIO:
        return backend_version(actor, question, found)
    return chat_version(actor, question, found, model=options["model"], **more)

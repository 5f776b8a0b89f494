"""Computing the overview's figures as a job, where there are too many labels for a page to wait."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from annotate.kinds import CHOICES
from annotate.models import FINISHED, Job, KeptFigure, Project, Question, User
from annotate.selectors.figures import KIND, figures_of
from annotate.selectors.questions import questions_live
from annotate.selectors.rater_figures import kept_rows
from annotate.selectors.tables import question_table
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create


@transaction.atomic
def figures_start(actor: User, project: Project) -> Job:
    """Queue the computation; the caller nudges. One that is under way is returned instead."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    waiting = Job.objects.filter(project=project, kind=KIND).exclude(state__in=FINISHED).first()
    if waiting is not None:
        return waiting
    job = job_create(actor, project=project, kind=KIND, task="annotate.figures")
    event_write(actor, "figures.started", project=project, target=job)
    return job


def figures_run(running: RunningJob) -> None:
    """Compute the figures of each live question and keep them as the job's result. Repeat-safe."""
    project = running.job.project
    if project is None:
        running.fail(_("The project is gone."))
        return
    questions = questions_live(project)
    found = {}
    # What an earlier attempt at this job left.
    KeptFigure.objects.filter(job=running.job).delete()
    for done, question in enumerate(questions):
        running.progress(done, total=len(questions), message=question.name)
        found[str(question.pk)] = _question(running, question)
    running.finish(questions=found)
    KeptFigure.objects.filter(job__project=project, job_id__lt=running.job.pk).delete()


def _question(running: RunningJob, question: Question) -> dict[str, Any]:
    """What the overview shows of a question; what other pages show of it is kept beside."""
    if question.kind not in CHOICES:
        return figures_of(question)
    table = question_table(question)
    with running.kept_alive():
        for name, of, content in kept_rows(question, table):
            KeptFigure.objects.create(
                job=running.job, question=question, name=name, of=of, content=content
            )
        return figures_of(question, table)

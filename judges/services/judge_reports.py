"""Working out the reports on the judges of a project, as a job that keeps them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.kinds import CHOICES
from annotate.models import FINISHED, Job, Project, Question, User
from annotate.selectors.questions import questions_live
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create
from judges.models import JudgeReport
from judges.selectors.blind_table import blind_table
from judges.selectors.report_content import beside_content, report_content
from judges.selectors.report_slices import item_facts
from judges.selectors.trust import REPORTS, judges_at

# A judge is set beside so many others, those with the most labels.
MOST_BESIDE = 40


@transaction.atomic
def reports_start(actor: User, project: Project) -> Job:
    """Queue them; the caller nudges. Those under way are returned instead."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    waiting = Job.objects.filter(project=project, kind=REPORTS).exclude(state__in=FINISHED).first()
    if waiting is not None:
        return waiting
    job = job_create(actor, project=project, kind=REPORTS, task="judges.reports")
    event_write(actor, "judge_reports.started", project=project, target=job)
    return job


def reports_run(running: RunningJob) -> None:
    """Work out the report on each judge with labels, a question at a time. Repeat-safe: what an
    attempt that died has kept is written over.
    """
    project = running.job.project
    if project is None:
        running.fail(_("The project is gone."))
        return
    questions = [q for q in questions_live(project) if q.kind in CHOICES]
    n = 0
    for done, question in enumerate(questions):
        running.progress(done, total=len(questions), message=question.name)
        n += _question(running, project, question)
    running.progress(len(questions))
    running.finish(message="", reports=n)


def _question(running: RunningJob, project: Project, question: Question) -> int:
    judges = judges_at(project, question)
    if not judges:
        return 0
    with running.kept_alive():
        blind = blind_table(question)
        facts = item_facts(blind)
        said = {rater.pk: blind.said_by(rater.pk) for rater, _version in judges}
    with_labels = sorted(said, key=lambda pk: (-int((said[pk] >= 0).sum()), pk))[:MOST_BESIDE]
    n = 0
    for rater, version in judges:
        if not (said[rater.pk] >= 0).any():
            continue
        with running.kept_alive():
            content = report_content(question, blind, rater, version, facts)
            others = {pk: said[pk] for pk in {rater.pk, *with_labels}}
            content["beside"] = beside_content(blind, rater.pk, others)
        with transaction.atomic():
            running.hold()
            JudgeReport.objects.update_or_create(
                question=question,
                rater=rater,
                defaults={
                    "project": project,
                    "job": running.job,
                    "fingerprint": blind.found.fingerprint,
                    "content": content,
                    "made_at": timezone.now(),
                },
            )
        n += 1
    return n

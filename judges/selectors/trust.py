"""The judges of a question as Trust lists them: made here and imported alike."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from annotate.models import Job, Label, LabelStatus, Project, Question, Rater, RaterKind
from judges.models import JudgeReport, JudgeVersion
from judges.selectors.judges import versions_of

# The kind of the jobs that work out reports.
REPORTS = "judge reports"


def judges_at(project: Project, question: Question) -> list[tuple[Rater, JudgeVersion | None]]:
    """Raters of the kind judge with labels at the question, and the question's versions without,
    by name. Two queries.
    """
    versions = {version.rater_id: version for version in versions_of(project, question)}
    labels = Label.objects.filter(rater=OuterRef("pk"), question=question, status=LabelStatus.LIVE)
    raters = Rater.objects.filter(project=project, kind=RaterKind.JUDGE).filter(
        Q(pk__in=versions) | Exists(labels)
    )
    return [(rater, versions.get(rater.pk)) for rater in raters.order_by("name", "pk")]


def report_of(question: Question, rater: Rater) -> JudgeReport | None:
    """The kept report on a judge."""
    return (
        JudgeReport.objects.filter(question=question, rater=rater).select_related("rater").first()
    )


def reports_at(question: Question) -> dict[int, JudgeReport]:
    """The kept reports of a question by the judge's id. One query."""
    return {row.rater_id: row for row in JudgeReport.objects.filter(question=question)}


def reports_job(project: Project) -> Job | None:
    """The newest job that works reports out, done or not."""
    return Job.objects.filter(project=project, kind=REPORTS).order_by("-pk").first()

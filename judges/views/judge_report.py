"""The report on one judge at one question, and having all reports worked out anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import NotFound
from annotate.models import Job, Question, Rater, RaterKind
from annotate.tasks import job_nudge
from annotate.views.jobs import JobKind, job_kind_register
from annotate.views.page import AuthenticatedRequest, render_page
from judges.models import JudgeReport, JudgeVersion
from judges.selectors.replacement import replacement_latest
from judges.selectors.trust import REPORTS, report_of
from judges.services.judge_reports import reports_start
from judges.views.replacement_shown import raters_of_result, replacement_shown
from judges.views.report_shown import report_shown
from judges.views.trust import judge_links


@dataclass(frozen=True)
class Judged:
    """A judge at a question, as an address of Trust names them. ``version`` None: imported."""

    place: Place
    question: Question
    rater: Rater
    version: JudgeVersion | None


def judged(
    request: AuthenticatedRequest, project_id: int, question_id: int, rater_id: int
) -> Judged:
    """The door of the pages about one judge: leads only. Raises NotFound for who is no judge."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    question = access.question_of(place, question_id)
    rater = access.rater_of(place, rater_id)
    if rater.kind != RaterKind.JUDGE:
        raise NotFound(_("There is no such judge in this project."))
    version = JudgeVersion.objects.filter(rater=rater, project=place.project).first()
    return Judged(place, question, rater, version)


@require_GET
def judge_report(
    request: AuthenticatedRequest, project_id: int, question_id: int, rater_id: int
) -> HttpResponse:
    found = judged(request, project_id, question_id, rater_id)
    context = {
        "question": found.question,
        "rater": found.rater,
        "version": found.version,
        "report": report_context(found),
        "test": test_context(found),
        "links": [
            link
            for link in judge_links(found.place, found.question, found.rater, found.version)
            if link["url"] != request.path
        ],
        "file_url": reverse("judge_report_file", args=[project_id, question_id, rater_id]),
        "start_url": reverse("reports_start", args=[project_id]),
        "crumbs": [{"label": _("Trust"), "url": reverse("trust", args=[project_id])}],
    }
    return render_page(
        request, "judges/judge_report.html", context, place=found.place, current="trust"
    )


@require_POST
def reports_begin(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    job_nudge(reports_start(place.user, place.project))
    return redirect(f"{reverse('trust', args=[project_id])}#at-work")


def report_context(found: Judged) -> dict[str, Any] | None:
    """The kept report, shown; None where there is none yet. Two queries beside the options."""
    report: JudgeReport | None = report_of(found.question, found.rater)
    if report is None:
        return None
    beside = {row["rater"] for row in report.content["beside"]}
    raters = Rater.objects.filter(project=found.place.project).in_bulk(beside)
    return report_shown(found.place.project, found.question, report, raters, found.version)


def test_context(found: Judged) -> dict[str, Any] | None:
    """The newest decided replacement test, shown. Two queries at most."""
    test = replacement_latest(found.question, found.rater)
    return None if test is None else replacement_shown(test, raters_of_result(test))


def _on_trust(job: Job) -> tuple[str, str]:
    return reverse("trust", args=[job.project_id]), _("Show on Trust")


job_kind_register(
    REPORTS,
    JobKind(
        lambda job: _("Reports on the judges"),
        gettext_lazy("questions"),
        result=_on_trust,
        screen="trust",
    ),
)

"""Trust: for each question and judge, how far it may be relied on, and where to go from there."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Place, Right
from annotate.kinds import CHOICES
from annotate.models import JobState, Question, Rater
from annotate.selectors.questions import questions_live
from annotate.views.jobs import job_card
from annotate.views.page import AuthenticatedRequest, render_page
from judges.models import JudgeVersion
from judges.selectors.trust import judges_at, reports_at, reports_job
from judges.views.report_words import state_of_content


@require_GET
def trust(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    questions = questions_live(place.project)
    sections = [_section(place, question) for question in questions]
    job = reports_job(place.project)
    context = {
        "start_url": reverse("reports_start", args=[project_id]),
        "made_at": max((s["made_at"] for s in sections if s["made_at"]), default=None),
        "card": job_card(job) if job and job.state != JobState.DONE else None,
        "sections": sections,
        "any": any(section["rows"] for section in sections),
        "has_question": bool(questions),
        "links": project_links(place),
    }
    return render_page(request, "judges/trust.html", context, place=place, current="trust")


def project_links(place: Place) -> list[dict[str, str]]:
    """Pages of Trust that are about the whole project: {url, label, text}. One entry a page."""
    return [
        {
            "url": reverse("routing", args=[place.project.pk]),
            "label": _("Routing"),
            "text": _(
                "Who should look at an item next, when nobody need any more, and what that would "
                "have saved on the labels there are."
            ),
        },
        {
            "url": reverse("likely_errors", args=[place.project.pk]),
            "label": _("Likely label errors"),
            "text": _(
                "Labels of people, also imported ones, that the others, the judges or a model of "
                "the texts speak against, the likeliest first."
            ),
        },
    ]


def judge_links(
    place: Place, question: Question, rater: Rater, version: JudgeVersion | None
) -> list[dict[str, str]]:
    """Pages of Trust about one judge at one question: {url, label}. One entry a page.

    ``version`` is None for judges whose labels were imported.
    """
    address = [place.project.pk, question.pk, rater.pk]
    own = (
        {} if version is None else {"judge_audits": _("Bias audits"), "judge_watch": _("Watching")}
    )
    return [
        {"url": reverse("judge_report", args=address), "label": _("Report")},
        {"url": reverse("hand_over", args=address), "label": _("Hand over")},
        {"url": reverse("corrected", args=address), "label": _("Corrected estimates")},
        {"url": reverse("replacement_tests", args=address), "label": _("Replacement test")},
        *(
            {"url": reverse(name, args=[place.project.pk, version.pk]), "label": label}
            for name, label in own.items()
            if version is not None
        ),
    ]


def _section(place: Place, question: Question) -> dict[str, Any]:
    """The judges of a question, those with a report and the best agreement first."""
    reports = reports_at(question)
    rows: list[dict[str, Any]] = []
    for rater, version in judges_at(place.project, question):
        report = reports.get(rater.pk)
        content = report.content if report else {}
        rows.append(
            {
                "rater": rater,
                "share": content.get("share") or 0.0,
                "text": state_of_content(content) if content else _no_report(question, version),
                "links": judge_links(place, question, rater, version),
            }
        )
    rows.sort(key=lambda row: -row["share"])
    return {
        "question": question,
        "rows": rows,
        "made_at": max((report.made_at for report in reports.values()), default=None),
    }


def _no_report(question: Question, version: JudgeVersion | None) -> str:
    if question.kind not in CHOICES:
        return _("Reports are of questions whose answer is one option; this one asks otherwise.")
    if version is not None:
        return _("No report yet: run it on items that people label, then work out the reports.")
    return _("No report yet: work out the reports.")

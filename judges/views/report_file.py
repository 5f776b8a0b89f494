"""The report on a judge as one HTML file: to print, to keep, to hand to a reviewer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from annotate.errors import NotFound
from annotate.models import Question
from annotate.views.page import AuthenticatedRequest
from judges.models import JudgeVersion
from judges.views.judge_report import judged, report_context, test_context

# Of the app's own look, in the order of its layers; the file needs nothing from anywhere.
_IMPORT = re.compile(r'@import url\("([^"]+)"\) layer\((\w+)\);')
PAGES = ("css/pages/raters.css", "css/pages/trust.css")


@require_GET
def judge_report_file(
    request: AuthenticatedRequest, project_id: int, question_id: int, rater_id: int
) -> HttpResponse:
    found = judged(request, project_id, question_id, rater_id)
    report = report_context(found)
    if report is None:
        raise NotFound(_("There is no report on this judge yet. Work the reports out first."))
    page = render_to_string(
        "judges/report_file.html",
        {
            "project": found.place.project,
            "question": found.question,
            "rater": found.rater,
            "report": report,
            "test": test_context(found),
            "facts": _facts(found.question, found.version),
            "in_file": True,
            "made_at": timezone.now(),
        },
    )
    # Not in the template: no page of the app may bring styles of its own, and this is no page.
    html = str(page).replace("</head>", f"<style>\n{styles()}\n</style>\n</head>", 1)
    response = HttpResponse(html, content_type="text/html; charset=utf-8")
    name = slugify(f"{found.rater.name} {found.question.key}") or "judge"
    response["Content-Disposition"] = f'attachment; filename="report-{name}.html"'
    return response


def styles() -> str:
    """The style sheets of the app and of the report, as one."""
    entry = _read("css/app.css")

    def brought_in(found: re.Match[str]) -> str:
        return f"@layer {found[2]} {{\n{_read(f'css/{found[1]}')}\n}}"

    return "\n".join([_IMPORT.sub(brought_in, entry), *(_read(name) for name in PAGES)])


def _read(name: str) -> str:
    path = finders.find(name)
    if not isinstance(path, str):
        raise FileNotFoundError(name)
    return Path(path).read_text(encoding="utf-8")


def _facts(question: Question, version: JudgeVersion | None) -> list[tuple[str, Any]]:
    """What was asked, and what the judge is."""
    facts: list[tuple[str, Any]] = [
        (_("Question"), f"{question.name} ({question.key}, {question.get_kind_display()})"),
        (_("Version of the question"), question.version),
    ]
    if version is None:
        return [*facts, (_("The judge"), _("a model whose labels were imported"))]
    facts += [
        (_("The judge"), str(version)),
        (_("Model"), version.model or "–"),
        (_("Where it is asked"), version.connection.name),
        (_("Parameters"), version.parameters),
        (_("Fingerprint of the judge (SHA-256)"), version.hash),
    ]
    if version.guideline:
        facts.append((_("Version of the guideline"), version.guideline.version))
    return facts

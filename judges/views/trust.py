"""Trust: for each question and judge, how far it may be relied on, and where to go from there."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Place, Right
from annotate.models import Question, Rater
from annotate.selectors.questions import questions_live
from annotate.views.page import AuthenticatedRequest, render_page
from judges.models import JudgeVersion
from judges.selectors.trust import JudgeState, judge_states


@require_GET
def trust(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    questions = questions_live(place.project)
    sections = [_section(place, question) for question in questions]
    context = {
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
    return []


def _section(place: Place, question: Question) -> dict[str, Any]:
    return {
        "question": question,
        "rows": [
            {
                "rater": state.rater,
                "text": state_sentence(state),
                "links": judge_links(place, question, state.rater, state.version),
            }
            for state in judge_states(place.project, question)
        ],
    }


def state_sentence(state: JudgeState) -> str:
    """How it stands with a judge, in one sentence that says what to do next."""
    if not state.n_labels:
        return _("It has no labels yet: run it first.")
    if not state.shared:
        return _(
            "None of its items has an answer that most people gave: have people label some of them."
        )
    return ngettext(
        "On %(agree)s of %(n)s item it says what most people said.",
        "On %(agree)s of %(n)s items it says what most people said.",
        state.shared,
    ) % {"agree": state.agree, "n": state.shared}

"""Where people differ, and why: the map of disagreement, from which each number opens its items."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Right
from annotate.kinds import CHOICES
from annotate.models import FigureName
from annotate.selectors.kept_figures import figure_of
from annotate.selectors.questions import questions_live
from annotate.views.differing_shown import differing_shown
from annotate.views.page import AuthenticatedRequest, render_page
from annotate.views.raters import around, chosen


@require_GET
def differing(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    questions = [q for q in questions_live(place.project) if q.kind in CHOICES]
    question = chosen(request, questions)
    context: dict[str, Any] = around(place, questions, question)
    if question:
        figure = figure_of(question, FigureName.MAP, 0)
        context |= {
            "map": differing_shown(place, question, figure.content) if figure.content else None,
            "taken_at": figure.taken_at,
        }
    return render_page(request, "annotate/differing.html", context, place=place, current="overview")

"""Raters: all of them against each other, two side by side, and the profile of one."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Place, Right
from annotate.errors import NotFound
from annotate.kinds import CHOICES
from annotate.models import FigureName, Question, RaterKind
from annotate.selectors.estimates import estimate_latest
from annotate.selectors.figures import figures_now_or_kept
from annotate.selectors.kept_figures import figure_of
from annotate.selectors.questions import questions_live
from annotate.selectors.rater_figures import pair_now, profile_now
from annotate.selectors.rater_rows import pace_of
from annotate.views.matrix_shown import matrix_shown
from annotate.views.page import AuthenticatedRequest, render_page
from annotate.views.pair_shown import pair_shown
from annotate.views.profile_shown import ability_shown, profile_shown
from annotate.views.signs_shown import signs_shown


@require_GET
def raters(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    questions = questions_live(place.project)
    question = chosen(request, questions)
    context = around(place, questions, question)
    if question:
        figures, taken_at = figures_now_or_kept(question)
        context |= {
            "missing": figures is None,
            "matrix": matrix_shown(place, question, figures) if figures else None,
            "has_intervals": question.kind in CHOICES,
            "taken_at": taken_at,
        }
    return render_page(request, "annotate/raters.html", context, place=place, current="overview")


@require_GET
def rater(request: AuthenticatedRequest, project_id: int, rater_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    found = access.rater_of(place, rater_id)
    questions = [q for q in questions_live(place.project) if q.kind in CHOICES]
    question = chosen(request, questions)
    context: dict[str, Any] = {**around(place, questions, question), "rater": found}
    if question:
        figure = figure_of(
            question, FigureName.PROFILE, found.pk, lambda: profile_now(question, found)
        )
        context |= {
            "profile": profile_shown(place, question, found, figure.content),
            "ability": ability_shown(estimate_latest(question), found),
            "pace": pace_of([found]).get(found.pk),
            "taken_at": figure.taken_at,
        }
    if place.may(Right.REVIEW) and found.kind == RaterKind.PERSON:
        content = (figure.content or {}) if question else {}
        context["signs"] = signs_shown(place, question, found, content.get("likeness", []))
    context["crumbs"].append(_crumb(place, question))
    return render_page(request, "annotate/rater.html", context, place=place, current="overview")


@require_GET
def rater_pair(
    request: AuthenticatedRequest, project_id: int, rater_id: int, second_rater_id: int
) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    a, b = access.rater_of(place, rater_id), access.rater_of(place, second_rater_id)
    if a == b:
        raise NotFound(_("A rater is not compared with itself."))
    questions = [q for q in questions_live(place.project) if q.kind in CHOICES]
    question = chosen(request, questions)
    context: dict[str, Any] = {**around(place, questions, question), "a": a, "b": b}
    if question:
        figure = figure_of(question, FigureName.PAIRS, a.pk, lambda: pair_now(question, a, b))
        context |= {
            "pair": pair_shown(place, question, a, b, figure.content),
            "taken_at": figure.taken_at,
        }
    context["crumbs"].append(_crumb(place, question))
    return render_page(
        request, "annotate/rater_pair.html", context, place=place, current="overview"
    )


def chosen(request: AuthenticatedRequest, questions: list[Question]) -> Question | None:
    """The question that the address asks for, else the first."""
    wanted = request.GET.get("question", "")
    first = questions[0] if questions else None
    return next((question for question in questions if str(question.pk) == wanted), first)


def around(place: Place, questions: list[Question], question: Question | None) -> dict[str, Any]:
    """What pages of raters have around their figures: which question, and where they are."""
    return {
        "questions": questions if len(questions) > 1 else [],
        "question": question,
        "figures_url": reverse("figures", args=[place.project.pk])
        if place.may(Right.REVIEW)
        else "",
        "crumbs": [{"label": _("Overview"), "url": reverse("overview", args=[place.project.pk])}],
    }


def _crumb(place: Place, question: Question | None) -> dict[str, str]:
    url = reverse("raters", args=[place.project.pk])
    return {"label": _("Raters"), "url": f"{url}?question={question.pk}" if question else url}

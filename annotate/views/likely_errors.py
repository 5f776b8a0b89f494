"""The ranked list of labels that are likely wrong, settled in place by one key."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, NotFound
from annotate.kinds import Asked, asked_of, said_of
from annotate.models import LikelyError, ProjectStatus, Question
from annotate.selectors.item_display import fields_shown
from annotate.selectors.likely_errors import Found, error_in, found_page
from annotate.selectors.questions import question_text, questions_live
from annotate.services.label_errors import LOOKED_AT
from annotate.services.likely_errors import likely_error_settle
from annotate.views.answer_words import answer_chip
from annotate.views.bidi import isolated
from annotate.views.label_errors import search_shown
from annotate.views.likely_error_words import said_by, ways_to_settle, why_suspected
from annotate.views.page import AuthenticatedRequest, pictures_allow, render_page

TEMPLATE = "annotate/likely_errors.html"


@require_GET
def likely_errors_list(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    question = _question(place, request.GET.get("question", ""))
    context = _work(place, question, _number(request.GET, "page"), _number(request.GET, "at"))
    page = render_page(request, TEMPLATE, context, place=place, current="review")
    return pictures_allow(page, place.project)


@require_POST
def likely_error_rule(
    request: AuthenticatedRequest, project_id: int, error_id: int
) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    error = error_in(place.project, error_id)
    if error is None:
        raise NotFound(_("Labels were looked through anew meanwhile. Reload the list."))
    said = said_by(request.POST.get("answer", ""), error)
    if said is None:
        raise BadInput(_("Choose one of the answers."))
    ruling = likely_error_settle(place.user, error, said)
    chip = answer_chip(asked_of(error.question), said, error.item, short=True)
    words = _("Ruled: %(option)s, because: %(reason)s") % {
        "option": isolated(chip["name"] if chip else "?"),
        "reason": ruling.get_reason_display().lower(),
    }
    undo = reverse("ruling_withdraw", args=[place.project.pk, ruling.pk])
    page = _number(request.POST, "page")
    if not request.htmx:
        messages.success(request, words)
        return redirect(_address(place, error.question, page=page))
    context = _work(place, _question(place, str(error.question_id)), page, None)
    context["said"] = {
        "text": words,
        "option": {"colour": chip["colour"] if chip else "slate"},
        "undo_url": f"{undo}?{urlencode({'back': 'likely'})}",
    }
    return render_page(request, f"{TEMPLATE}#work", context, place=place, current="review")


def _work(place: Place, question: Question | None, page: int, at: int | None) -> dict[str, Any]:
    if question is None:
        return {"question": None}
    found = found_page(question, page=page or 1, at=at)
    asked = asked_of(question)
    number = (found.first - 1) // 25 + 1
    return {
        "question": question,
        "questions": [
            {
                "name": other.name,
                "url": _address(place, other),
                "current": other.pk == question.pk,
            }
            for other in _questions(place)
        ],
        "search": search_shown(place, question),
        "sentence": _sentence(found),
        "rows": [
            _row(place, row, asked, found, number, rank)
            for rank, row in enumerate(found.rows, found.first)
        ],
        "at": found.at and _at(place, found, found.at, question, asked, number),
        "page": number,
        "previous_url": _address(place, question, page=number - 1) if number > 1 else "",
        "next_url": (
            _address(place, question, page=number + 1)
            if found.first - 1 + len(found.rows) < found.total
            else ""
        ),
        "may_rule": place.project.status == ProjectStatus.ACTIVE,
    }


def _sentence(found: Found) -> str:
    if not found.total:
        return _("No label waits here.")
    return ngettext(
        "%(n)s label is likely wrong. Press the digit of the right answer.",
        "%(n)s labels are likely wrong, the likeliest first. Press the digit of the right answer, "
        "and the next one comes.",
        found.total,
    ) % {"n": found.total}


def _row(
    place: Place, error: LikelyError, asked: Asked, found: Found, page: int, rank: int
) -> dict[str, Any]:
    return {
        "rank": rank,
        # The field that says most.
        "text": max(map(str, error.item.fields.values()), key=len, default=""),
        "rater": {"kind": error.label.rater.kind, "name": error.label.rater.name},
        "option": answer_chip(asked, said_of(error.label), error.item, short=True),
        "why": why_suspected(error, asked),
        "score": error.score,
        "url": _address(place, error.question_id, page=page, at=error.pk),
        "current": found.at is not None and error.pk == found.at.pk,
    }


def _at(
    place: Place, found: Found, error: LikelyError, question: Question, asked: Asked, page: int
) -> dict[str, Any]:
    review = reverse("review", args=[place.project.pk])
    after = found.after
    return {
        "rank": found.first + next(n for n, row in enumerate(found.rows) if row.pk == error.pk),
        "total": found.total,
        "fields": fields_shown(place.project, error.item.fields, [question]),
        "text": question_text(question, error.item.fields),
        "rater": {"kind": error.label.rater.kind, "name": error.label.rater.name},
        "option": answer_chip(asked, said_of(error.label), error.item),
        "why": why_suspected(error, asked),
        "score": error.score,
        "rule_url": reverse("likely_error_rule", args=[place.project.pk, error.pk]),
        "ways": ways_to_settle(error, question, asked),
        "next_url": _address(place, question, page=page, at=after.pk) if after else "",
        "review_url": f"{review}?{urlencode({'question': question.pk, 'item': error.item_id})}",
    }


def _questions(place: Place) -> list[Question]:
    return [each for each in questions_live(place.project) if each.kind in LOOKED_AT]


def _question(place: Place, wanted: str) -> Question | None:
    questions = _questions(place)
    for question in questions:
        if str(question.pk) == wanted:
            return question
    return questions[0] if questions else None


def _address(place: Place, question: Question | int, **more: int) -> str:
    pk = question if isinstance(question, int) else question.pk
    query = {"question": pk, **{name: value for name, value in more.items() if value}}
    return f"{reverse('likely_errors', args=[place.project.pk])}?{urlencode(query)}"


def _number(given: Any, name: str) -> int:
    text = given.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0

"""The review screen: settle what matters most first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, Conflict, NotFound
from annotate.forms.review import CHOOSE_FIRST, RulingForm
from annotate.kinds import asked_of, said_of
from annotate.models import (
    Item,
    ProjectStatus,
    Question,
    QuestionStatus,
    Reason,
    Ruling,
    RulingReason,
)
from annotate.selectors.questions import questions_live
from annotate.selectors.review import (
    QueueKey,
    place_in_queue,
    queue,
    queue_after,
    queue_before,
    queue_counts,
    queue_first,
    ruling_of,
)
from annotate.services.rulings import gold_promote, ruling_make, ruling_withdraw
from annotate.views.answer_words import answer_chip
from annotate.views.bidi import isolated
from annotate.views.label_errors import search_shown
from annotate.views.page import AuthenticatedRequest, pictures_allow, render_page
from annotate.views.review_item import item_shown
from annotate.written import within

TEMPLATE = "annotate/review.html"


@dataclass(frozen=True)
class Desk:
    """What a reviewer works on: the queue of one question, all of it or for one reason."""

    place: Place
    question: Question
    reason: str

    def address(self, **more: Any) -> str:
        return _address(self.place, self.question, self.reason, **more)


@require_GET
def review(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    asked = request.GET
    question = _question(place, asked.get("question", ""))
    if question is None:
        return render_page(request, TEMPLATE, _no_question(place), place=place, current="review")
    reason = asked.get("reason", "")
    desk = Desk(place, question, reason if reason in Reason.values else "")
    item_id = asked.get("item", "")
    if item_id.isdecimal() and len(item_id) < 19:
        context = _work(desk, access.item_of(place, int(item_id)))
    else:
        key = QueueKey.parse(asked.get("after", ""))
        context = _next(desk, key, backwards="before" in asked)
    page = render_page(request, TEMPLATE, context, place=place, current="review")
    return pictures_allow(page, place.project)


@require_POST
def review_rule(
    request: AuthenticatedRequest, project_id: int, question_id: int, item_id: int
) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    question = _live(access.question_of(place, question_id))
    item = access.item_of(place, item_id)
    form = RulingForm(request.POST)
    if not form.is_valid():
        raise BadInput(str(CHOOSE_FIRST))
    given = form.cleaned_data
    desk = Desk(place, question, given["of"])
    news = _news(item, question, given["standing"])
    if news and given["back"]:
        messages.warning(request, news)
        return _to_item(place, item.pk)
    if news:
        return _show(request, desk, _work(desk, item) | {"problem": news}, status=409)
    said = form.said(item, question)
    ruling = ruling_make(
        place.user,
        item,
        question,
        choice=said.choice,
        value=said.value,
        reason=given["reason"],
        comment=given["note"],
    )
    if given["gold"]:
        gold_promote(place.user, ruling)
    if given["back"]:
        messages.success(request, _words(desk, ruling))
        return _to_item(place, item.pk)
    return _ruled(request, desk, ruling, QueueKey.parse(given["after"]))


@require_POST
def ruling_take_back(
    request: AuthenticatedRequest, project_id: int, ruling_id: int
) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    ruling = (
        Ruling.objects.select_related("item__project")
        .filter(project=place.project, pk=ruling_id)
        .first()
    )
    if ruling is None:
        raise NotFound(_("There is no such ruling in this project."))
    ruling_withdraw(place.user, ruling.item, ruling.pk)
    reason = request.GET.get("reason", "")
    question = access.question_of(place, ruling.question_id)
    desk = Desk(place, question, reason if reason in Reason.values else "")
    words = _("The ruling was taken back; the item is open again.")
    if not request.htmx:
        messages.success(request, words)
        if request.GET.get("back") == "likely":
            errors = reverse("likely_errors", args=[place.project.pk])
            return redirect(f"{errors}?{urlencode({'question': question.pk})}")
        if request.GET.get("back"):
            return _to_item(place, ruling.item_id)
        return redirect(desk.address(item=ruling.item_id))
    return _show(request, desk, _work(desk, ruling.item) | {"said": {"text": words}})


def _ruled(
    request: AuthenticatedRequest, desk: Desk, ruling: Ruling, key: QueueKey | None
) -> HttpResponse:
    """Say what was ruled and bring the next item."""
    words = _words(desk, ruling)
    if not request.htmx:
        messages.success(request, words)
        return redirect(desk.address(after=str(key or "")))
    undo = reverse("ruling_withdraw", args=[desk.place.project.pk, ruling.pk])
    said = {
        "text": words,
        "option": {"colour": _chip(desk, ruling)["colour"]},
        "undo_url": f"{undo}?{urlencode({'reason': desk.reason})}",
        **_gap(desk.place, ruling),
    }
    return _show(request, desk, _next(desk, key) | {"said": said})


def _gap(place: Place, ruling: Ruling) -> dict[str, str]:
    """After a ruling for a gap in the guideline, the way to where it is mended."""
    if ruling.reason != RulingReason.GUIDELINE_GAP:
        return {}
    if not place.may(Right.MANAGE):
        url = reverse("guideline", args=[place.project.pk])
        return {"more_url": url, "more": _("the owners find it beside the guideline")}
    edit = reverse("guideline_edit", args=[place.project.pk])
    return {"more_url": f"{edit}?ruling={ruling.pk}", "more": _("write it into the guideline")}


def _words(desk: Desk, ruling: Ruling) -> str:
    return _("Ruled: %(option)s, because: %(reason)s") % {
        "option": isolated(_chip(desk, ruling)["name"]),
        "reason": within(ruling.get_reason_display()),
    }


def _chip(desk: Desk, ruling: Ruling) -> dict[str, str]:
    chip = answer_chip(asked_of(desk.question), said_of(ruling), ruling.item, short=True)
    return chip or {"name": "?", "colour": "slate"}


def _to_item(place: Place, item_id: int) -> HttpResponse:
    return redirect("item", place.project.pk, item_id)


def _show(
    request: AuthenticatedRequest, desk: Desk, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    template = f"{TEMPLATE}#work" if request.htmx else TEMPLATE
    return render_page(
        request, template, context, place=desk.place, current="review", status=status
    )


def _news(item: Item, question: Question, standing: int | None) -> str:
    """What somebody else ruled while this page was open, or nothing."""
    ruling = ruling_of(item, question)
    if ruling is None or ruling.pk == standing:
        return ""
    return _(
        "%(who)s has ruled on this item meanwhile. What they ruled is shown; your ruling was not "
        "stored. Rule again to replace theirs, or go on."
    ) % {"who": isolated(ruling.reviewer.shown_name)}


def _live(question: Question) -> Question:
    if question.status != QuestionStatus.LIVE:
        raise Conflict(_("This question was changed meanwhile. Reload the page to see it anew."))
    return question


def _question(place: Place, wanted: str) -> Question | None:
    questions = questions_live(place.project)
    for question in questions:
        if str(question.pk) == wanted:
            return question
    return questions[0] if questions else None


def _next(desk: Desk, key: QueueKey | None, *, backwards: bool = False) -> dict[str, Any]:
    """The item after (or before) a place in the queue; from the start where the end is reached."""
    rows = queue(desk.question, desk.reason)
    found = None
    if key is not None:
        found = queue_first((queue_before if backwards else queue_after)(rows, key))
    return _work(desk, found or queue_first(rows))


def _work(desk: Desk, item: Item | None) -> dict[str, Any]:
    """The queue beside, and the item to work on."""
    place, question, reason = desk.place, desk.question, desk.reason
    counts = queue_counts(place.project)
    context: dict[str, Any] = {
        "questions": _questions(desk, counts),
        "queue": _reasons(desk, counts),
        "guideline_url": reverse("guideline", args=[place.project.pk]),
        "errors_search": search_shown(place, question),
    }
    if item is None:
        return context | {"question": question, "item": None, "empty": _empty(desk)}
    shown = item_shown(place, item, question)
    rows = queue(question, reason)
    key = place_in_queue(item, question)
    number = queue_before(rows, key).count() + 1 if key else 0
    total = counts.get((question.pk, reason), 0)
    queued = key is not None and rows.filter(item=item).exists()
    others = total - queued > 0
    return context | {
        **shown,
        "may_rule": place.project.status == ProjectStatus.ACTIVE,
        "position": {"number": number, "total": total} if queued else None,
        "hidden": [
            {"name": "of", "value": reason},
            {"name": "after", "value": str(key or "")},
            {"name": "standing", "value": shown["ruling"]["pk"] if shown["ruling"] else ""},
        ],
        "previous_url": desk.address(after=str(key), before=1) if number > 1 else "",
        "next_url": desk.address(after=str(key or "")) if others else "",
    }


def _address(place: Place, question: Question, reason: str, **more: Any) -> str:
    query = {"question": question.pk, "reason": reason, **more}
    kept = {name: value for name, value in query.items() if value not in ("", None)}
    return f"{reverse('review', args=[place.project.pk])}?{urlencode(kept)}"


def _questions(desk: Desk, counts: dict[tuple[int, str], int]) -> list[dict[str, Any]]:
    return [
        {
            "name": question.name,
            "count": counts.get((question.pk, ""), 0),
            "url": _address(desk.place, question, ""),
            "current": question.pk == desk.question.pk,
        }
        for question in questions_live(desk.place.project)
    ]


def _reasons(desk: Desk, counts: dict[tuple[int, str], int]) -> list[dict[str, Any]]:
    pk = desk.question.pk
    entries = [("", _("All"))] + [(reason.value, str(reason.label)) for reason in Reason]
    return [
        {
            "label": label,
            "count": counts.get((pk, reason), 0),
            "url": _address(desk.place, desk.question, reason),
            "current": reason == desk.reason,
        }
        for reason, label in entries
    ]


def _empty(desk: Desk) -> dict[str, str]:
    project_id = desk.place.project.pk
    if desk.reason:
        return {
            "title": _("Nothing here any more"),
            "text": _("No open item is in the queue for this reason."),
            "url": _address(desk.place, desk.question, ""),
            "action": _("Show the whole queue"),
        }
    return {
        "title": _("Nothing to settle"),
        "text": _(
            "Items come here when people split, a judge differs from them or is unsure, a label is "
            "likely wrong, a known answer was missed, or somebody flags one. Most doubtful first."
        ),
        "url": reverse("overview", args=[project_id]),
        "action": _("To the overview"),
    }


def _no_question(place: Place) -> dict[str, Any]:
    may = place.may(Right.MANAGE)
    name = "question_new" if may else "overview"
    return {
        "item": None,
        "question": None,
        "empty": {
            "title": _("No question yet"),
            "text": _("Here you will settle what raters disagree about, once a question is asked."),
            "url": reverse(name, args=[place.project.pk]),
            "action": _("Add a question") if may else _("To the overview"),
        },
    }

"""The review screen: settle what matters most first."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, NotFound
from annotate.models import ItemSummary, Question, Reason, Ruling, RulingReason
from annotate.selectors.questions import questions_live
from annotate.selectors.review import (
    QueueKey,
    queue,
    queue_after,
    queue_before,
    queue_counts,
)
from annotate.services.rulings import ruling_make, ruling_withdraw
from annotate.views.page import AuthenticatedRequest, render_page
from annotate.views.review_item import item_shown

TEMPLATE = "annotate/review.html"


class RulingForm(forms.Form):
    choice = forms.IntegerField(min_value=0)
    reason = forms.ChoiceField(choices=RulingReason.choices)
    note = forms.CharField(max_length=1000, required=False)
    of = forms.CharField(max_length=20, required=False)  # the reason whose queue is worked on
    after = forms.CharField(max_length=60, required=False)


@require_GET
def review(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    question = _question(place, request.GET.get("question", ""))
    reason = request.GET.get("reason", "")
    if question is None:
        return render_page(request, TEMPLATE, _no_question(place), place=place, current="review")
    context = _work(
        place,
        question,
        reason if reason in Reason.values else "",
        after=QueueKey.parse(request.GET.get("after", "")),
        item_id=request.GET.get("item", ""),
        backwards="before" in request.GET,
    )
    return render_page(request, TEMPLATE, context, place=place, current="review")


@require_POST
def review_rule(
    request: AuthenticatedRequest, project_id: int, question_id: int, item_id: int
) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    question = access.question_of(place, question_id)
    item = access.item_of(place, item_id)
    form = RulingForm(request.POST)
    if not form.is_valid():
        raise BadInput(_("Choose an option first, then say why."))
    given = form.cleaned_data
    ruling = ruling_make(
        place.user,
        item,
        question,
        choice=given["choice"],
        reason=given["reason"],
        comment=given["note"],
    )
    after = QueueKey.parse(given["after"])
    if not request.htmx:
        return redirect(_address(place, question, given["of"], after=str(after or "")))
    context = _work(place, question, given["of"], after=after)
    context["said"] = _said(place, question, ruling, given["of"])
    return render_page(request, f"{TEMPLATE}#work", context, place=place, current="review")


@require_POST
def ruling_take_back(
    request: AuthenticatedRequest, project_id: int, ruling_id: int
) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    ruling = (
        Ruling.objects.select_related("item__project", "question")
        .filter(project=place.project, pk=ruling_id)
        .first()
    )
    if ruling is None:
        raise NotFound(_("There is no such ruling in this project."))
    ruling_withdraw(place.user, ruling.item, ruling.pk)
    reason = request.GET.get("reason", "")
    if not request.htmx:
        return redirect(_address(place, ruling.question, reason, item=ruling.item_id))
    context = _work(place, ruling.question, reason, item_id=str(ruling.item_id))
    context["said"] = {"text": _("The ruling was taken back.")}
    return render_page(request, f"{TEMPLATE}#work", context, place=place, current="review")


def _question(place: Place, wanted: str) -> Question | None:
    questions = questions_live(place.project)
    for question in questions:
        if str(question.pk) == wanted:
            return question
    return questions[0] if questions else None


def _work(
    place: Place,
    question: Question,
    reason: str,
    *,
    after: QueueKey | None = None,
    item_id: str = "",
    backwards: bool = False,
) -> dict[str, Any]:
    """The queue beside and one item to work on; from the start again where the end is reached."""
    counts = queue_counts(place.project)
    rows = queue(question, reason)
    found: ItemSummary | None = None
    if item_id.isdigit():
        item = access.item_of(place, int(item_id))
        found = ItemSummary.objects.filter(item=item, question=question).first()
    elif after is not None:
        found = (queue_before if backwards else queue_after)(rows, after).first()
    found = found or rows.first()
    context: dict[str, Any] = {
        "questions": [
            {
                "name": each.name,
                "url": _address(place, each, ""),
                "current": each.pk == question.pk,
            }
            for each in questions_live(place.project)
        ],
        "queue": _reasons(place, question, reason, counts),
    }
    if found is None:
        return context | {"question": question, "item": None, "empty": _empty(place, reason)}
    key = QueueKey(found.doubt, found.item_id)
    total = sum(n for (q, r), n in counts.items() if q == question.pk and reason in ("", r))
    return context | {
        **item_shown(place, found.item, question),
        "position": {"number": min(queue_before(rows, key).count() + 1, total), "total": total}
        if found.reason and found.state == "open"
        else None,
        "hidden": [{"name": "of", "value": reason}, {"name": "after", "value": str(key)}],
        "previous_url": _address(place, question, reason, after=str(key), before=1),
        "next_url": _address(place, question, reason, after=str(key)),
    }


def _address(place: Place, question: Question, reason: str, **more: Any) -> str:
    query = {"question": question.pk, "reason": reason, **more}
    kept = {name: value for name, value in query.items() if value not in ("", None)}
    return f"{reverse('review', args=[place.project.pk])}?{urlencode(kept)}"


def _reasons(
    place: Place, question: Question, current: str, counts: dict[tuple[int, str], int]
) -> list[dict[str, Any]]:
    entries = [("", _("All"), sum(n for (q, _r), n in counts.items() if q == question.pk))]
    entries += [
        (reason.value, str(reason.label), counts.get((question.pk, reason.value), 0))
        for reason in Reason
    ]
    return [
        {
            "label": label,
            "count": count,
            "url": _address(place, question, reason),
            "current": reason == current,
        }
        for reason, label, count in entries
    ]


def _said(place: Place, question: Question, ruling: Ruling, reason: str) -> dict[str, Any]:
    option = question.options.get(code=ruling.choice)
    undo = reverse("ruling_withdraw", args=[place.project.pk, ruling.pk])
    return {
        "text": _("Ruled: %(option)s, because: %(reason)s")
        % {"option": option.name, "reason": ruling.get_reason_display()},
        "option": {"name": option.name, "colour": option.colour},
        "undo_url": f"{undo}?{urlencode({'reason': reason})}",
    }


def _empty(place: Place, reason: str) -> dict[str, str]:
    if reason:
        return {
            "title": _("Nothing here any more"),
            "text": _("No open item is in the queue for this reason."),
            "url": reverse("review", args=[place.project.pk]),
            "action": _("Show the whole queue"),
        }
    return {
        "title": _("Nothing to settle"),
        "text": _(
            "Items come here when people split, a judge differs from them or is unsure, or "
            "somebody flags one. Most doubtful first."
        ),
        "url": reverse("overview", args=[place.project.pk]),
        "action": _("To the overview"),
    }


def _no_question(place: Place) -> dict[str, Any]:
    return {
        "item": None,
        "question": None,
        "empty": {
            "title": _("No question yet"),
            "text": _("Say first what is asked of each item."),
            "url": reverse("project", args=[place.project.pk]),
            "action": _("To the project"),
        },
    }

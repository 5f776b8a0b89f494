"""Doing something with many items: what there is to do, ruling on them all, the batch."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, NotFound
from annotate.forms.bulk import BulkRulingForm, ticked
from annotate.forms.items import ItemsForm
from annotate.kinds import asked_of
from annotate.models import Question, Ruling, RulingStatus
from annotate.selectors.bulk_rulings import Fate, Preview, rulings_preview
from annotate.selectors.chosen import Chosen
from annotate.selectors.questions import questions_live
from annotate.services.bulk_rulings import KIND, bulk_rulings_start, bulk_rulings_undo
from annotate.services.item_actions import ItemAction, actions_all
from annotate.tasks import job_nudge
from annotate.views.answer_words import answer_chip
from annotate.views.items import how_many
from annotate.views.page import AuthenticatedRequest, render_page


@require_GET
def bulk(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """What can be done with the items that the list shows, or with those ticked."""
    place = access.project_of(request.user, project_id, Right.DATA)
    access.check_active(place)
    chosen = _chosen(place, request.GET)
    question = chosen.filters.question
    context = {
        **_which(place, chosen, request.GET),
        "question": question,
        "form": BulkRulingForm(None, question=question, auto_id="rule-%s") if question else None,
        "rule_url": reverse("bulk_rule", args=[project_id]),
        "actions": [shown for action in actions_all() if (shown := _action(place, action))],
    }
    return render_page(request, "annotate/bulk.html", context, place=place, current="items")


@require_GET
def bulk_rule(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """The preview: what ruling on them all would do. Nothing is stored."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    chosen, question, form = _ruling(place, request.GET)
    context = {
        **_which(place, chosen, request.GET),
        "question": question,
        "form": form,
        "rule_url": request.path,
    }
    if form.is_valid():
        preview = rulings_preview(question, chosen, form.plan())
        context |= {
            "preview": _previewed(question, preview),
            "start_url": reverse("bulk_rule_start", args=[project_id]),
            "hidden": _hidden(request.GET),
        }
    status = 200 if form.is_valid() else 422
    return render_page(
        request, "annotate/bulk_rule.html", context, place=place, current="items", status=status
    )


@require_POST
def bulk_rule_start(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    chosen, question, form = _ruling(place, request.POST)
    if not form.is_valid():
        raise BadInput(_("Say what to rule and why."))
    job = bulk_rulings_start(place.user, question, chosen, form.plan())
    job_nudge(job)
    return redirect("job", project_id, job.pk)


@require_POST
def bulk_do(request: AuthenticatedRequest, project_id: int, action: str) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.DATA)
    access.check_active(place)
    wanted = next((known for known in actions_all() if known.key == action), None)
    if wanted is None:
        raise NotFound(_("There is no such thing to do with items."))
    access.check(place, wanted.right)
    job = wanted.start(place.user, _chosen(place, request.POST), request.POST.get("value", ""))
    job_nudge(job)
    return redirect("job", project_id, job.pk)


@require_GET
def bulk_batch(request: AuthenticatedRequest, project_id: int, job_id: int) -> HttpResponse:
    """Rulings that were made together: how many stand, and the way to take them back."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    job = access.job_of(place, job_id, [KIND])
    rulings = Ruling.objects.filter(batch=job)
    standing = rulings.filter(status=RulingStatus.LIVE).count()
    context = {
        "job": job,
        "made": rulings.count(),
        "standing": standing,
        "may_undo": standing > 0 and job.is_finished,
        "crumbs": [{"label": _("Review"), "url": reverse("review", args=[project_id])}],
    }
    return render_page(request, "annotate/bulk_batch.html", context, place=place, current="review")


@require_POST
def bulk_undo(request: AuthenticatedRequest, project_id: int, job_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    undo = bulk_rulings_undo(place.user, access.job_of(place, job_id, [KIND]))
    job_nudge(undo)
    return redirect("job", project_id, undo.pk)


# --- Which items, and what would become of them -------------------------------------------------


def _chosen(place: Place, query: QueryDict) -> Chosen:
    questions = questions_live(place.project)
    form = ItemsForm(query, project=place.project, questions=questions)
    return Chosen(place.project, form.filters(), ticked(query))


def _ruling(place: Place, query: QueryDict) -> tuple[Chosen, Question, BulkRulingForm]:
    chosen = _chosen(place, query)
    question = chosen.filters.question
    if question is None:
        raise NotFound(_("Nothing is asked in this project, so there is nothing to rule on."))
    form = BulkRulingForm(query, question=question, auto_id="rule-%s")
    return chosen, question, form


def _which(place: Place, chosen: Chosen, query: QueryDict) -> dict[str, Any]:
    """How many items, in words, and the fields that say again which ones."""
    n, more = chosen.count()
    kept = query.copy()
    for name in ("csrfmiddlewaretoken", "says", "because", "note", "overrule", "after", "before"):
        kept.pop(name, None)
    items_url = reverse("items", args=[place.project.pk])
    listed = kept.copy()
    for name in ("item", "scope"):
        listed.pop(name, None)
    back = f"{items_url}?{listed.urlencode()}"
    return {
        "n": n,
        "how_many": how_many(n, more),
        "which": _hidden(kept),
        "crumbs": [{"label": _("Items"), "url": back}],
        "back_url": back,
    }


def _hidden(query: QueryDict) -> list[dict[str, str]]:
    return [
        {"name": name, "value": value}
        for name, values in query.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
        if value
    ]


def _action(place: Place, action: ItemAction) -> dict[str, Any] | None:
    if not place.may(action.right):
        return None
    choices = action.choices(place.project)
    if not choices:
        return None
    return {
        "key": action.key,
        "title": action.title,
        "text": action.text,
        "label": action.label,
        "choices": choices,
        "url": reverse("bulk_do", args=[place.project.pk, action.key]),
    }


def _previewed(question: Question, preview: Preview) -> dict[str, Any]:
    asked = asked_of(question)
    answers = []
    for key, n in preview.answers.most_common():
        said, item = preview.said[key]
        chip = answer_chip(asked, said, item, short=True)
        answers.append({**(chip or {"name": "?", "colour": "slate"}), "count": n})
    return {
        "looked": preview.looked,
        "more": preview.more,
        "n_ruled": preview.n_ruled,
        "fates": [
            {"words": words, "count": preview.fates[fate]}
            for fate, words in _fates().items()
            if preview.fates[fate]
        ],
        "answers": answers,
        "sample": [
            {
                "text": str(next(iter(planned.item.fields.values()), "")),
                "external_id": planned.item.external_id,
                "answer": answer_chip(asked, planned.said, planned.item, short=True)
                if planned.said
                else None,
                "overruled": planned.fate == Fate.OVERRULED,
            }
            for planned in preview.sample
        ],
    }


def _fates() -> dict[Fate, str]:
    return {
        Fate.RULED: _("will be ruled on"),
        Fate.OVERRULED: _("have a ruling that will be overruled"),
        Fate.KEPT: _("have another ruling, which stays"),
        Fate.SAME: _("are ruled so already"),
        Fate.NO_ANSWER: _("have no answer to rule: a tie, or nobody answered"),
    }

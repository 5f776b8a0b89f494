"""The items of a project, as a list and one by one."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpResponse
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Place, Right
from annotate.forms.items import LED_BY, ItemsForm
from annotate.kinds import Asked, Said, asked_of, kind_of
from annotate.models import Item, ItemStatus, ProjectStatus, Question, Reason
from annotate.selectors.chosen import Chosen
from annotate.selectors.items import ItemRow, Page, items_page
from annotate.selectors.questions import questions_live
from annotate.selectors.review import remarks_of
from annotate.views.answer_words import SETTLED_WORDS, answer_chip
from annotate.views.bidi import isolated
from annotate.views.item_history import history_shown
from annotate.views.items_said_shown import said_shown
from annotate.views.page import AuthenticatedRequest, pictures_allow, render_page
from annotate.views.review_item import (
    given_back_shown,
    item_text,
    question_shown,
    remark_shown,
)
from annotate.views.saved_views import views_shown
from annotate.written import listed

# So many items are counted; beyond, "more than".
COUNTED = 1000
# An option's name in the list is cut to so many characters.
NAME = 24
# More different answers than this are left out.
MOST_SAID = 6
# In the toolbar, and behind "more filters".
FIRST = ("q", "state", "reason", "answer")
FURTHER = ("rater", "disagreement", "confidence", "meta_value")
FILTERS = (*FIRST, *FURTHER, *LED_BY)


@require_GET
def items(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    questions = questions_live(place.project)
    form = ItemsForm(request.GET, project=place.project, questions=questions)
    filters = form.filters()
    page = items_page(
        place.project,
        filters,
        after=form.cleaned_data.get("after"),
        before=form.cleaned_data.get("before"),
    )
    context = {
        "form": form,
        "filters": filters,
        "led_by": form.led_by(),
        "said": said_shown(place, filters),
        "several": len(questions) > 1,
        "rows": [_row(place, row, filters.question) for row in page.rows],
        **_turning(request, page),
        # On the first page only: who turns the pages has read it.
        "how_many": "" if page.before else how_many(*Chosen(place.project, filters).count(COUNTED)),
        "narrowed": any(request.GET.get(name) for name in FILTERS),
        "further": any(request.GET.get(name) for name in FURTHER),
        "all_url": reverse("items", args=[project_id]),
        "listed": _listed(request),
        **views_shown(place, request.GET),
        "bulk_url": reverse("bulk", args=[project_id]) if _may_bulk(place) else "",
        "data_url": reverse("data", args=[project_id]) if place.may(Right.DATA) else "",
    }
    return render_page(request, "annotate/items.html", context, place=place, current="items")


@require_GET
def item(request: AuthenticatedRequest, project_id: int, item_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    found = access.item_of(place, item_id, live_only=False)
    questions = questions_live(place.project)
    remarks = remarks_of(found)
    active = place.project.status == ProjectStatus.ACTIVE
    context = {
        "item": {
            **item_text(place, found, remarks, questions),
            "metadata": [{"name": name, "text": text} for name, text in found.metadata.items()],
            "withdrawn": found.status == ItemStatus.WITHDRAWN,
        },
        "comments": [*map(remark_shown, remarks), *given_back_shown(found)],
        "questions": [question_shown(place, found, q, remarks) for q in questions],
        "history": history_shown(found),
        "may_rule": place.may(Right.REVIEW) and active and found.status == ItemStatus.LIVE,
        "crumbs": [{"label": _("Items"), "url": reverse("items", args=[project_id])}],
    }
    page = render_page(request, "annotate/item.html", context, place=place, current="items")
    return pictures_allow(page, place.project)


def how_many(n: int, more: bool) -> str:  # noqa: FBT001 (as Chosen.count has it)
    """How many items there are, in words."""
    number = intcomma(n)
    if more:
        return _("More than %(n)s items") % {"n": number}
    return ngettext("%(n)s item", "%(n)s items", n) % {"n": number}


def _may_bulk(place: Place) -> bool:
    return place.may(Right.DATA) and place.project.status == ProjectStatus.ACTIVE


def _listed(request: AuthenticatedRequest) -> list[dict[str, str]]:
    """The filters of this list, as hidden fields say them again."""
    return [
        {"name": name, "value": value}
        for name in (*FILTERS, "question", "meta")
        if (value := request.GET.get(name, ""))
    ]


def _turning(request: AuthenticatedRequest, page: Page) -> dict[str, str]:
    query = request.GET.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    kept = query.urlencode()
    address = f"{request.path}?{kept}&" if kept else f"{request.path}?"
    return {
        "previous_url": f"{address}before={page.before}" if page.before else "",
        "next_url": f"{address}after={page.after}" if page.after else "",
    }


def _row(place: Place, row: ItemRow, question: Question | None) -> dict[str, Any]:
    first = next(iter(row.item.fields.values()), "")
    asked = asked_of(question) if question else None
    return {
        "pk": row.item.pk,
        "external_id": row.item.external_id,
        "url": reverse("item", args=[place.project.pk, row.item.pk]),
        "text": str(first),
        "more": [str(text) for text in list(row.item.fields.values())[1:]],
        "answer": answer_chip(asked, row.answer, row.item, short=True) if asked else None,
        "source": row.source,
        "how": SETTLED_WORDS.get(row.source, ""),
        "people": _named(asked, row.people, row.answers.people, row.item) if asked else "",
        "judges": _named(asked, row.judges, row.answers.judges, row.item) if asked else "",
        "filled": row.filled,
        "wanted": row.wanted,
        "doubt": row.doubt,
        "reasons": [Reason(reason).label for reason in row.reasons],
        "of_a": answer_chip(asked, row.of_a, row.item, short=True) if asked else None,
        "of_b": answer_chip(asked, row.of_b, row.item, short=True) if asked else None,
    }


def _named(asked: Asked, votes: dict[int, int], answers: list[Said], item: Item) -> str:
    """Who says what: options with how many named each, else the answers themselves."""
    if votes:
        counted = sorted(votes.items())
        named = [(asked.by_code[code].name, n) for code, n in counted if code in asked.by_code]
    else:
        words = (kind_of(asked).words(asked, said, item.fields) for said in answers)
        named = list(Counter(words).items())
    # Options keep their order among equals, since they come in it.
    named.sort(key=lambda vote: -vote[1])
    shown = [f"{isolated(Truncator(name).chars(NAME))} {n}" for name, n in named[:MOST_SAID]]
    if len(named) > MOST_SAID:
        shown.append("…")
    return listed(shown)

"""What the label screen shows after each request: an item with its form, or why there is none."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate import strategies
from annotate.access import Place, Right
from annotate.forms.label import COMMENT_MAX, Entered, Seal
from annotate.models import (
    Assignment,
    AssignmentState,
    Guideline,
    Question,
    QuestionKind,
    Rater,
    SkipReason,
    Visibility,
)
from annotate.selectors.checks import Stage, is_check, qualification_of
from annotate.selectors.given_back import given_back_to
from annotate.selectors.guidelines import guideline_html
from annotate.selectors.help_rules import Help, help_of
from annotate.selectors.item_display import item_shown, sides_of
from annotate.selectors.keys import OPTIONS, digits_of, keys_of
from annotate.selectors.label import (
    Nothing,
    entries_of,
    fingerprints,
    questions_shown,
    taken_back,
    today_of,
    why_nothing,
)
from annotate.selectors.questions import questions_live
from annotate.services.claims import MAX_HELD, claims_hold
from annotate.services.projects import guideline_live
from annotate.services.raters import rater_of_member
from annotate.services.turns import write_turn
from annotate.views.page import AuthenticatedRequest, pictures_allow, render_page

TEMPLATE = "annotate/label.html"
# More items left than this are not counted: "34 today" then, without "of".
COUNTED_LEFT = 1000
# What is left is counted on opening the page and after so many answers; between, it is carried.
RECOUNT_EVERY = 20
# A browser has few items at hand; of a longer list the rest is not looked at.
HAVE_MOST = 50


@dataclass(frozen=True)
class Said:
    """The quiet line under the answer, and the submission that its undo takes back.

    ``told``: the known answer, where the project tells it after a known item.
    """

    text: str = ""
    colour: str = ""
    undo: int | None = None
    told: str = ""


@dataclass(frozen=True)
class Turn:
    """What happened in a request, for the screen that follows it.

    ``assignment``: the item to show, None for the one held or the next. ``entered``: filled in
    again if it is for the item that is shown. ``errors``: a sentence by question key.
    """

    status: int = 200
    said: Said = field(default_factory=Said)
    problem: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    assignment: Assignment | None = None
    entered: Entered | None = None


@dataclass(frozen=True)
class Ready:
    """What the browser has at hand already, as it says; nothing for a page without JavaScript.

    ``on``: the item on its screen, None where that one waits for the reply. ``have``: the ids of
    all items it need not be sent again. ``wants_ahead``: it can take items before they are shown.
    """

    wants_ahead: bool = False
    on: int | None = None
    have: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Desk:
    """Who labels where, and what is asked there."""

    request: AuthenticatedRequest
    place: Place
    rater: Rater
    questions: Sequence[Question]
    guideline: Guideline | None

    @cached_property
    def asked(self) -> dict[int, str]:
        return fingerprints(self.questions)

    @property
    def beside(self) -> str:
        """What stands beside the item: while it is the same, it is not sent again."""
        asked = ".".join(f"{pk}:{digest}" for pk, digest in self.asked.items())
        return f"{asked}-{self.guideline.pk if self.guideline else 0}"

    @property
    def title(self) -> str:
        one = len(self.questions) == 1
        return self.questions[0].name if one else self.place.project.name


def desk_of(request: AuthenticatedRequest, place: Place) -> Desk:
    return Desk(
        request=request,
        place=place,
        rater=rater_of_member(place.project, request.user),
        questions=questions_live(place.project),
        guideline=guideline_live(place.project),
    )


def screen_show(desk: Desk, turn: Turn) -> HttpResponse:
    """Show the item of the turn, else the one held, else the next; claims it if need be.

    Where the browser has an item to go on with, the reply says how things stand and brings what it
    has not got: the item it will show after that one, and the one after.
    """
    started = timezone.now()
    ready = ready_of(desk)
    wanted = MAX_HELD if ready.wants_ahead else 1
    with write_turn():
        held = claims_hold(desk.rater, wanted=wanted) if desk.questions else []
    context: dict[str, Any] = {
        "title": desk.title,
        "keys": keys_of(desk.request.user),
        "beside": desk.beside,
        "said": turn.said,
        "problem": turn.problem,
        "progress": _progress(desk, len(held)),
        "held": " ".join(str(assignment.item_id) for assignment in held),
    }
    goes_on = ready.on is not None and turn.assignment is None
    assignment = None if goes_on else turn.assignment or _first(desk, held)
    if ready.wants_ahead:
        known = ready.have | ({assignment.item_id} if assignment else set())
        behind = [a for a in held if a.item_id not in known]
        context["ahead"] = [_ahead(desk, context, each, started) for each in behind]
    if goes_on:
        return _moved(desk, context, turn.status)
    if assignment is None:
        waiting = _not_yet(desk) if desk.questions else None
        context |= {"empty": waiting or _nothing(desk)}
        if waiting:  # what is done stays as it is until a lead decides
            context |= {"said": replace(turn.said, undo=None)}
    else:
        entered = _entered(desk, turn, assignment, is_new=assignment.claimed_at >= started)
        context |= _work(desk, assignment, entered, turn.errors)
        if assignment.claimed_at < started:
            context |= {"given_back": given_back_to(assignment)}
    return _render(desk, context, turn.status)


def _first(desk: Desk, held: Sequence[Assignment]) -> Assignment | None:
    """Of what is held, the item that the browser left, where it says so, else the oldest."""
    left = id_posted(desk.request.COOKIES.get("on")) if desk.request.method == "GET" else None
    return next((a for a in held if a.item_id == left), held[0] if held else None)


def ready_of(desk: Desk) -> Ready:
    """What the browser says it has. Nothing, where that was made for other questions than now."""
    posted = desk.request.POST
    if not desk.request.htmx or "have" not in posted:
        return Ready()
    if posted.get("beside") != desk.beside:
        return Ready(wants_ahead=True)
    ids = [id_posted(text) for text in posted["have"].split()[:HAVE_MOST]]
    have = frozenset(item_id for item_id in ids if item_id is not None)
    return Ready(wants_ahead=True, on=id_posted(posted.get("on")), have=have)


def id_posted(text: str | None) -> int | None:
    """An id from a form, or None for what is none."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None


def archived_show(request: AuthenticatedRequest, place: Place) -> HttpResponse:
    context = {
        "title": place.project.name,
        "keys": keys_of(request.user),
        "empty": {
            "title": _("This project is archived"),
            "text": _("Its labels are kept and can be exported. An owner can take it up again."),
            "url": reverse("home"),
            "action": _("Your projects"),
        },
    }
    return render_page(request, TEMPLATE, context, place=place, current="label")


def _render(desk: Desk, context: Mapping[str, Any], status: int) -> HttpResponse:
    if not desk.request.htmx:
        page = render_page(
            desk.request, TEMPLATE, context, place=desk.place, current="label", status=status
        )
        return pictures_allow(page, desk.place.project)
    same = "item" in context and desk.request.POST.get("beside") == desk.beside
    part = f"{TEMPLATE}#{'item' if same else 'screen'}"
    context = {**context, "project": desk.place.project}
    response = render_page(desk.request, part, context, status=status)
    if not same:
        response["HX-Retarget"] = "#label"
    return response


def _moved(desk: Desk, context: Mapping[str, Any], status: int) -> HttpResponse:
    about = {"project": desk.place.project, "guided": True}
    return render_page(desk.request, f"{TEMPLATE}#moved", {**context, **about}, status=status)


def _ahead(
    desk: Desk, context: Mapping[str, Any], assignment: Assignment, started: datetime
) -> SafeString:
    """The work on an item that is shown later, as it will stand on the screen then."""
    entered = _entered(desk, Turn(), assignment, is_new=assignment.claimed_at >= started)
    work = {
        **context,
        **_work(desk, assignment, entered, {}),
        "project": desk.place.project,
        "said": Said(),
        "problem": "",
        "given_back": given_back_to(assignment) if assignment.claimed_at < started else None,
    }
    return render_to_string(f"{TEMPLATE}#work", work, desk.request)


def _work(
    desk: Desk, assignment: Assignment, entered: Entered, errors: Mapping[str, str]
) -> dict[str, Any]:
    """The item, the questions, the form's hidden fields, what stands beside."""
    project, item, guideline = desk.place.project, assignment.item, desk.guideline
    sides = sides_of(project, desk.rater, item.pk, desk.questions)
    shown = help_of(project, desk.rater, item, desk.questions, sides, seen=entered.exposure)
    keys = keys_of(desk.request.user)
    questions = questions_shown(
        desk.questions,
        item,
        entries=entered.entries,
        errors=errors,
        sides=sides,
        digits=digits_of(keys),
    )
    return {
        "guided": True,
        "item": item_shown(item, project, desk.questions, sides),
        "questions": questions,
        "help": shown,
        "seal": _seal(desk, assignment, entered, shown).text(),
        "client_key": secrets.token_urlsafe(16),
        "instant": project.submit_on_choice
        and project.visibility != Visibility.OWN_FIRST  # else nobody could reveal
        and len(questions) == 1
        and questions[0].kind in {QuestionKind.SINGLE, QuestionKind.PAIRWISE},
        "entered": entered,
        "comment_max": COMMENT_MAX,
        "skip_reasons": skip_reasons(keys),
        "searches_options": any(question.is_many for question in questions),
        "is_late": assignment.state == AssignmentState.EXPIRED and not is_check(assignment),
        "guideline": guideline,
        "guideline_html": guideline_html(guideline.text) if guideline else "",
    }


def _seal(desk: Desk, assignment: Assignment, entered: Entered, shown: Help) -> Seal:
    """Sign what this page shows, with what the rater was shown of the item before."""
    now = timezone.now()
    seen = {before.get("label") for before in entered.exposure}
    new = [found.exposure(now) for found in shown.suggestions if found.label_id not in seen]
    return Seal(
        item_id=assignment.item_id,
        rater_id=desk.rater.pk,
        guideline_id=desk.guideline.pk if desk.guideline else None,
        asked=desk.asked,
        shown_at=entered.shown_at or now,
        exposure=[*entered.exposure, *new],
        rule=shown.rule,
    )


def _entered(desk: Desk, turn: Turn, assignment: Assignment, *, is_new: bool) -> Entered:
    """What to fill in: as just sent for this item, or as taken back before, or nothing."""
    item_id = assignment.item_id
    if turn.entered is not None and turn.entered.item_id == item_id:
        return turn.entered
    taken = None if is_new else taken_back(assignment)
    if taken is None:
        return Entered(item_id)
    return Entered(
        item_id,
        entries=entries_of(taken, desk.questions),
        flagged=taken.flagged,
        comment=taken.comment,
        exposure=[*taken.exposure, *taken.revealed],
        pasted=taken.pasted,
    )


def _progress(desk: Desk, held: int) -> dict[str, Any]:
    """Today's count of the rater, out of what they could still do, and their pace."""
    today = today_of(desk.rater)
    carried = desk.request.POST.get("of", "")
    total: int | None
    if carried.isdecimal() and len(carried) < 10 and today.done % RECOUNT_EVERY:
        total = max(int(carried), today.done + held) if int(carried) else None
    else:
        left = strategies.open_items_count(desk.rater, limit=COUNTED_LEFT + 1)
        total = today.done + held + left if left <= COUNTED_LEFT else None
    return {"done": today.done, "total": total, "seconds_each": today.seconds_each}


def skip_reasons(keys: Mapping[str, str]) -> list[dict[str, str]]:
    """The reasons a person may give for skipping, with the keys of so many options."""
    given = [(value, str(name)) for value, name in SkipReason.choices if value]
    return [
        {"value": value, "name": name, "key": keys[option]}
        for (value, name), option in zip(given, OPTIONS, strict=False)
    ]


# --- Nothing to label -------------------------------------------------------------------------


def _nothing(desk: Desk) -> dict[str, str]:
    place, project = desk.place, desk.place.project
    why, left = why_nothing(project, desk.questions)
    if why == Nothing.NO_QUESTION:
        title = _("Nothing is asked yet")
        text = _("Here you will see one item at a time with the question about it.")
        button = _button(place, Right.MANAGE, "settings", _("Add a question"))
    elif why == Nothing.NO_ITEM:
        title = _("No items yet")
        text = _("Here you will see one item at a time, with its answer under it.")
        button = _button(place, Right.DATA, "data", _("Bring in items"))
    elif why == Nothing.WITH_OTHERS:
        title = _("You have done your part")
        text = ngettext(
            "%(n)d item still waits for other people. What they give back can come to you.",
            "%(n)d items still wait for other people. What they give back can come to you.",
            left,
        ) % {"n": left}
        button = _look_again(place)
    else:
        title = _("Every item has its labels")
        text = _("There is nothing left to label in this project.")
        button = _button(place, Right.SEE, "overview", _("See the overview"))
    return {"title": title, "text": text, **button}


def _not_yet(desk: Desk) -> dict[str, str] | None:
    """Who has not qualified: what that means, and the guideline to read again. None for others."""
    qualification = qualification_of(desk.rater)
    if qualification.may_work:
        return None
    url = reverse("guideline", args=[desk.place.project.pk])
    button = {"action": _("Read the guideline"), "url": url}
    if qualification.stage == Stage.UNDER_WAY:
        text = _("The first items are open in another window. Answer them there.")
        return {"title": _("First items"), "text": text, **_look_again(desk.place)}
    if qualification.stage == Stage.OUT:
        text = _("A lead has decided that others label these items. Your labels so far are kept.")
        return {"title": _("Thank you for your work"), "text": text, **button}
    text = _(
        "The first %(items)s items show whether the guideline says enough. Some of your answers "
        "differ from what was agreed on. A lead looks at them and opens the work for you, or "
        "tells you what is meant differently."
    ) % {"items": qualification.items}
    return {"title": _("Thank you for the first items"), "text": text, **button}


def _button(place: Place, right: Right, url_name: str, action: str) -> dict[str, str]:
    if not place.may(right):
        return _look_again(place)
    return {"action": action, "url": reverse(url_name, args=[place.project.pk])}


def _look_again(place: Place) -> dict[str, str]:
    return {"action": _("Look again"), "url": reverse("label", args=[place.project.pk])}

"""How people do: known items, qualification. For leads; and for oneself, where it is told."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput
from annotate.models import Admission, Rater, RaterOrigin
from annotate.selectors.checks import OnKnown, Qualification, Stage, on_known, qualifications_of
from annotate.selectors.label import today_of
from annotate.selectors.people import labelled_of
from annotate.services.checks import rater_admit, rulings_promote, rulings_to_promote
from annotate.services.raters import rater_of_member
from annotate.views.page import AuthenticatedRequest, render_page

A_PAGE = 20


@require_GET
def people_work(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    raters = place.project.raters.filter(origin=RaterOrigin.MEMBER).order_by("name", "pk")
    page = Paginator(raters, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "people": _people(place, list(page)),
        "page": page,
        "rulings": rulings_to_promote(place.project),
        "asks": place.project.qualify_items > 0,
        "may_manage": place.may(Right.MANAGE),
    }
    return render_page(request, "annotate/people_work.html", context, place=place, current="people")


def _people(place: Place, raters: list[Rater]) -> list[dict[str, Any]]:
    ids = [rater.pk for rater in raters]
    for rater in raters:
        rater.project = place.project
    known = on_known(place.project, raters=ids)
    stages = qualifications_of(place.project, raters)
    labelled = labelled_of(place.project, ids)
    return [
        {
            "rater": rater,
            "labelled": labelled.get(rater.pk, 0),
            "known": known_shown(known.get(rater.pk, OnKnown())),
            "stage": _stage(rater, stages[rater.pk]),
            "decide": stages[rater.pk].stage in (Stage.BELOW, Stage.OUT)
            or rater.admission == Admission.LET_IN,
            "is_out": stages[rater.pk].stage == Stage.OUT,
            "is_in": rater.admission == Admission.LET_IN,
        }
        for rater in raters
    ]


def known_shown(found: OnKnown) -> dict[str, Any]:
    low, high = found.interval
    return {"n": found.n, "right": found.right, "share": found.share, "low": low, "high": high}


def _stage(rater: Rater, found: Qualification) -> str:
    right = _("%(right)s of %(n)s right") % {"right": found.right, "n": found.answers}
    if found.stage == Stage.FREE:
        return _("not asked")
    if found.stage == Stage.UNDER_WAY:
        return _("%(items)s of %(wanted)s first items") % {
            "items": found.items,
            "wanted": found.wanted,
        }
    if found.stage == Stage.BELOW:
        return _("waits for you: %(right)s") % {"right": right}
    return str(rater.get_admission_display()) if rater.admission else _("Qualified")


@require_POST
def member_admit(request: AuthenticatedRequest, project_id: int, rater_id: int) -> HttpResponse:
    """Let somebody in who did not qualify, or keep them out."""
    place = access.project_of(request.user, project_id, Right.MANAGE)
    rater = get_object_or_404(Rater, project=place.project, pk=rater_id, origin=RaterOrigin.MEMBER)
    wanted = request.POST.get("admission", "")
    if wanted not in (Admission.LET_IN, Admission.OUT):
        raise BadInput(_("Let them in or keep them out."))
    rater_admit(request.user, rater, wanted)
    words = (
        _("%(name)s may label now.")
        if wanted == Admission.LET_IN
        else _("%(name)s is given no more items. What they labelled stays.")
    )
    messages.success(request, words % {"name": rater.name})
    return redirect("people_work", project_id)


@require_POST
def gold_make(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """Make the rulings that stand known answers."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    n = rulings_promote(request.user, place.project)
    words = ngettext(
        "%(n)d ruling is a known answer now.", "%(n)d rulings are known answers now.", n
    )
    messages.success(request, words % {"n": n})
    return redirect("people_work", project_id)


@require_GET
def own_work(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """One's own work: today, and known items where the project tells of them."""
    place = access.project_of(request.user, project_id, Right.LABEL)
    rater = rater_of_member(place.project, request.user)
    tells = place.project.gold_feedback
    found = on_known(place.project, raters=[rater.pk]).get(rater.pk) if tells else None
    context = {
        "today": today_of(rater),
        "labelled": labelled_of(place.project, [rater.pk]).get(rater.pk, 0),
        "tells": tells,
        "known": known_shown(found) if found else None,
        "label_url": reverse("label", args=[project_id]),
    }
    return render_page(request, "annotate/own_work.html", context, place=place, current="label")

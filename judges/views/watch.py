"""Watching a judge: the rounds over its anchor items as a control chart, and how it is set."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import ConcordError, NotFound
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page
from judges.forms.watching import WatchForm
from judges.models import JudgeVersion, Watch
from judges.providers.prices import from_steps
from judges.selectors.items import items_live
from judges.selectors.money import dollars_plain
from judges.selectors.places import version_of
from judges.selectors.watching import rounds_of, watch_of
from judges.services.costs import cost_estimate
from judges.services.spending import cap_read
from judges.services.watching import (
    ANCHOR_ITEMS,
    is_going,
    round_see,
    watch_round_start,
    watch_set,
)
from judges.views.run_shown import estimate_shown
from judges.views.watch_shown import chart_shown, rounds_shown, watch_said


@require_http_methods(["GET", "POST"])
def judge_watch(request: AuthenticatedRequest, project_id: int, version_id: int) -> HttpResponse:
    """The chart; with POST how it is set, and with "ask" a round begins as well."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    version = version_of(place, version_id)
    if request.method != "POST":
        return _show(request, place, version)
    access.check_active(place)
    form = WatchForm(request.POST)
    if not form.is_valid():
        return _show(request, place, version, form)
    entered = form.cleaned_data
    try:
        watch = watch_set(
            request.user,
            version,
            n_items=entered["n_items"] or ANCHOR_ITEMS,
            seed=1 if entered["seed"] is None else entered["seed"],
            every_days=entered["every_days"],
            cap=cap_read(entered["cap"]),
        )
        if "ask" in request.POST:
            job_nudge(watch_round_start(request.user, watch).job)
    except ConcordError as error:
        form.add_error(None, error.message)
        return _show(request, place, version, form)
    messages.success(request, _("The round has begun.") if "ask" in request.POST else _("Saved."))
    return redirect("judge_watch", project_id, version.pk)


@require_POST
def judge_watch_see(
    request: AuthenticatedRequest, project_id: int, version_id: int
) -> HttpResponse:
    """Close the notice of a round; with "anew" later rounds are compared with it."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    watch = watch_of(version_of(place, version_id).pk)
    number = request.POST.get("round", "")
    # Not sought by a number of any length, which no database takes.
    rounds = watch.rounds.all() if watch else []
    found = next((each for each in rounds if str(each.number) == number), None)
    if found is None:
        raise NotFound(_("There is no such round."))
    try:
        round_see(request.user, found, anew="anew" in request.POST)
    except ConcordError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Saved."))
    return redirect("judge_watch", project_id, version_id)


def _show(
    request: AuthenticatedRequest,
    place: Place,
    version: JudgeVersion,
    form: WatchForm | None = None,
) -> HttpResponse:
    project_id = place.project.pk
    address = [project_id, version.pk]
    watch = watch_of(version.pk)
    rounds = rounds_of(watch) if watch else []
    n_items = len(watch.items) if watch else min(ANCHOR_ITEMS, items_live(version))
    context: dict[str, Any] = {
        "judge": version,
        "watch": watch,
        "form": form or WatchForm(initial=_initial(watch)),
        "said": watch_said(watch, rounds),
        "charts": [chart for name in ("answers", "people") if (chart := chart_shown(name, rounds))],
        "rounds": rounds_shown(project_id, rounds),
        "going": watch is not None and is_going(watch),
        "live": items_live(version),
        "estimate": estimate_shown(cost_estimate(version, n_items)) if n_items else "",
        "may_cost": version.connection.leaves_machine,
        "url": reverse("judge_watch", args=address),
        "see_url": reverse("judge_watch_see", args=address),
        "crumbs": [
            {"label": _("Judges"), "url": reverse("judges", args=[project_id])},
            {"label": str(version), "url": reverse("judge", args=address)},
        ],
    }
    status = 422 if form is not None and form.errors else 200
    return render_page(
        request, "judges/watch.html", context, place=place, current="judges", status=status
    )


def _initial(watch: Watch | None) -> dict[str, Any]:
    if watch is None:
        return {"n_items": ANCHOR_ITEMS, "seed": 1}
    return {
        "every_days": watch.every_days or "",
        "cap": dollars_plain(None if watch.cap is None else from_steps(watch.cap)),
    }

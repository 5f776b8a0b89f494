"""One judge version: what it is, how far it agrees with people, and running it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import ConcordError
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page
from judges.forms.judges import RunForm, TrialForm
from judges.models import JudgeVersion
from judges.selectors.asked import asked_sample
from judges.selectors.items import items_live, items_unasked
from judges.selectors.judges import judge_row
from judges.selectors.places import version_of
from judges.selectors.settings import settings_of
from judges.services.costs import cost_estimate
from judges.services.runs import run_start
from judges.services.spending import cap_read
from judges.services.trials import MOST_TRIED, TRIAL_ITEMS, trial_start
from judges.views.audits import audits_line
from judges.views.batches_shown import batch_choice
from judges.views.canaries import canaries_shown
from judges.views.panel_shown import panel_shown
from judges.views.run_shown import answers_shown, estimate_shown, job_shown
from judges.views.trial_shown import edit_url

DEFAULT_ITEMS = 100


@require_GET
def judge(request: AuthenticatedRequest, project_id: int, version_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    return _show(request, place, version_of(place, version_id))


@require_POST
def judge_run(request: AuthenticatedRequest, project_id: int, version_id: int) -> HttpResponse:
    """Start a run over so many items and show it."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    version = version_of(place, version_id)
    form = RunForm(request.POST)
    if not form.is_valid():
        return _show(request, place, version, form)
    selection = {"strategy": "random", "limit": form.cleaned_data["limit"]}
    try:
        cap = cap_read(form.cleaned_data["cap"])
        run = run_start(
            request.user,
            version,
            selection=selection,
            cap=cap,
            in_batches=form.cleaned_data["in_batches"],
        )
    except ConcordError as error:
        form.add_error(None, error.message)
        return _show(request, place, version, form)
    job_nudge(run.job)
    messages.success(request, _("The run has begun."))
    return redirect("run", project_id, run.pk)


@require_POST
def judge_try(request: AuthenticatedRequest, project_id: int, version_id: int) -> HttpResponse:
    """Try a version on a few items and show the trial."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    version = version_of(place, version_id)
    form = TrialForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A trial is over 1 to %(most)s items.") % {"most": MOST_TRIED})
        return redirect("judge", project_id, version.pk)
    entered = form.cleaned_data
    try:
        run = trial_start(
            request.user,
            version,
            n_items=entered["n_items"] or TRIAL_ITEMS,
            seed=entered["seed"] or 0,
        )
    except ConcordError as error:
        messages.error(request, error.message)
        return redirect("judge", project_id, version.pk)
    job_nudge(run.job)
    if version.prompt and "beside" in request.POST:
        return redirect(edit_url(project_id, version, run))
    return redirect("run", project_id, run.pk)


def _show(
    request: AuthenticatedRequest, place: Place, version: JudgeVersion, form: RunForm | None = None
) -> HttpResponse:
    left = items_unasked(version).count()
    project_id = place.project.pk
    n_items = min(left, DEFAULT_ITEMS) or 1
    if form is not None and form.is_bound and "limit" in form.cleaned_data:
        n_items = form.cleaned_data["limit"]
    form = form or RunForm(initial={"limit": n_items})
    estimate = cost_estimate(version, n_items)
    runs = version.runs.select_related("job", "version").order_by("-pk")[:20]
    context: dict[str, Any] = {
        "judge": version,
        "row": judge_row(version),
        "form": form,
        "left": left,
        "estimate": estimate_shown(estimate),
        "batch": batch_choice(version, n_items),
        "may_cost": estimate.basis != "free",
        "live": items_live(version),
        "run_url": reverse("judge_run", args=[project_id, version.pk]),
        "try_url": reverse("judge_try", args=[project_id, version.pk]),
        "settings": settings_of(version),
        "edit_url": edit_url(project_id, version) if version.prompt else "",
        "watch_url": reverse("judge_watch", args=[project_id, version.pk]),
        "versions_url": reverse("judge_versions", args=[project_id, version.pk]),
        "runs": [
            {"run": run, "job": job_shown(run), "url": reverse("run", args=[project_id, run.pk])}
            for run in runs
        ],
        **answers_shown(version),
        "asked": asked_sample(version),
        "panel": panel_shown(version),
        "canaries": canaries_shown(version),
        "audits": audits_line(version),
        "crumbs": [{"label": _("Judges"), "url": reverse("judges", args=[project_id])}],
    }
    status = 422 if form.errors else 200
    return render_page(
        request, "judges/judge.html", context, place=place, current="judges", status=status
    )

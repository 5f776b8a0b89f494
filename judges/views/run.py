"""One run: how it goes, what failed, what the replies look like; pause, resume, cancel."""

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
from annotate.errors import BadInput, ConcordError, Conflict, NotFound
from annotate.models import FINISHED, Job, User
from annotate.services.jobs import job_cancel, job_pause, job_resume
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page
from judges.forms.judges import CapForm
from judges.models import Purpose, Run
from judges.selectors.money import dollars_plain
from judges.selectors.places import run_of
from judges.selectors.runs import run_progress
from judges.services.retrying import run_retry_failed
from judges.services.spending import cap_read, run_cap_set
from judges.views.batches_shown import batches_of_run, refresh_of
from judges.views.panel_shown import panel_run_shown
from judges.views.run_shown import (
    LIVE,
    answers_shown,
    job_shown,
    money_shown,
    seconds_said,
    steering,
    took,
)
from judges.views.trial_shown import trial_shown


@require_GET
def run(request: AuthenticatedRequest, project_id: int, run_id: int) -> HttpResponse:
    """The page; for htmx, the part of it that changes."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    return _show(request, place, run_of(place, run_id))


@require_POST
def run_steer(
    request: AuthenticatedRequest, project_id: int, run_id: int, verb: str
) -> HttpResponse:
    """Pause, resume or cancel; the reply is the part of the page that changes."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    found = run_of(place, run_id)
    found.job = _steer(request.user, found.job, verb)
    if not request.htmx:
        return redirect("run", project_id, run_id)
    response = _show(request, place, found, announce=found.job.get_state_display())
    # The button asks for its own part; the numbers beneath change with it.
    response["HX-Retarget"], response["HX-Reswap"] = "#run-live", "outerHTML"
    return response


@require_POST
def run_cap(request: AuthenticatedRequest, project_id: int, run_id: int) -> HttpResponse:
    """Change the most that the run may spend."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    found = run_of(place, run_id)
    form = CapForm(request.POST)
    try:
        if not form.is_valid():
            raise BadInput(_("A limit is an amount in dollars above 0."))
        run_cap_set(request.user, found, cap_read(form.cleaned_data["cap"]))
    except (BadInput, Conflict) as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Saved."))
    return redirect("run", project_id, run_id)


@require_POST
def run_retry(request: AuthenticatedRequest, project_id: int, run_id: int) -> HttpResponse:
    """Ask again about what ended without a label."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    found = run_of(place, run_id)
    try:
        job_nudge(run_retry_failed(request.user, found).job)
    except ConcordError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("They are asked again."))
    return redirect("run", project_id, run_id)


def _steer(actor: User, job: Job, verb: str) -> Job:
    verbs = {"pause": job_pause, "resume": job_resume, "cancel": job_cancel}
    if verb not in verbs:
        raise NotFound(_("A run can be paused, resumed or cancelled."))
    job = verbs[verb](actor, job)
    if verb == "resume":
        job_nudge(job)
    return job


def _show(
    request: AuthenticatedRequest, place: Place, found: Run, announce: str = ""
) -> HttpResponse:
    if found.purpose == Purpose.TRIAL:
        return _show_trial(request, place, found, announce)
    project_id = place.project.pk
    progress = run_progress(found)
    version_url = reverse("judge", args=[project_id, found.version_id])
    context: dict[str, Any] = {
        "run": found,
        "judge": found.version,
        "version_url": version_url,
        "progress": progress,
        "job": job_shown(found, progress),
        "live_url": reverse("run", args=[project_id, found.pk]),
        "announce": announce,
        **answers_shown(found.version, found),
        "took": took(found),
        "panel": panel_run_shown(found),
        "batches": batches_of_run(found),
        "refresh": refresh_of(found),
        "money": money_shown(progress),
        "a_call": "" if progress.seconds_mean is None else seconds_said(progress.seconds_mean),
        "cap_url": ""
        if found.job.state in FINISHED
        else reverse("run_cap", args=[project_id, found.pk]),
        "cap_form": CapForm(initial={"cap": dollars_plain(progress.cap)}),
        "again_url": reverse("run_retry", args=[project_id, found.pk])
        if progress.failures and found.job.state not in LIVE
        else "",
        "crumbs": [
            {"label": _("Judges"), "url": reverse("judges", args=[project_id])},
            {"label": str(found.version), "url": version_url},
        ],
        **steering(project_id, found),
    }
    template = "judges/run.html#live" if request.htmx else "judges/run.html"
    response = render_page(request, template, context, place=place, current="judges")
    response["Vary"] = "HX-Request"
    return response


def _show_trial(
    request: AuthenticatedRequest, place: Place, found: Run, announce: str
) -> HttpResponse:
    """A trial's page; for htmx, its part that changes, which the prompt's page has too."""
    context = {
        **trial_shown(place, found, beside="beside" in request.GET),
        "announce": announce,
        "crumbs": [
            {"label": _("Judges"), "url": reverse("judges", args=[place.project.pk])},
            {
                "label": str(found.version),
                "url": reverse("judge", args=[place.project.pk, found.version_id]),
            },
        ],
    }
    template = "judges/_trial.html" if request.htmx else "judges/trial.html"
    response = render_page(request, template, context, place=place, current="judges")
    response["Vary"] = "HX-Request"
    return response

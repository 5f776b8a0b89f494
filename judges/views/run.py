"""One run: how it goes, what failed, what the replies look like; pause, resume, cancel."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import NotFound
from annotate.models import Job, User
from annotate.services.jobs import job_cancel, job_pause, job_resume
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page
from judges.models import Run
from judges.selectors.places import run_of
from judges.selectors.runs import run_progress
from judges.views.run_shown import answers_shown, job_shown, steering, took


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

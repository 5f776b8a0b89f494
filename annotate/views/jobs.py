"""A job as it goes: its page, its fragment, and the buttons that pause, cancel and resume it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.models import Job, JobState
from annotate.services.jobs import job_cancel, job_pause, job_resume
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, navigation, render_page

HUES = {JobState.PAUSED: "doubt", JobState.FAILED: "error", JobState.DONE: "agreement"}
LIVE = (JobState.QUEUED, JobState.RUNNING)
BYTES = "bytes"


@dataclass(frozen=True)
class JobKind:
    """How the jobs of one kind are shown.

    ``unit`` is what is counted (BYTES are shown as KB or MB); ``result`` gives the address and the
    words of what came of it, or None; ``screen`` is the url name of the screen it belongs to.
    """

    title: Callable[[Job], str]
    unit: str | Promise = ""
    right: Right = Right.REVIEW
    result: Callable[[Job], tuple[str, str] | None] = lambda job: None
    screen: str = "overview"


def _import_title(job: Job) -> str:
    return _("Import of %(name)s") % {"name": job.parameters.get("name", "")}


def _undo_title(job: Job) -> str:
    return _("Taking back %(name)s") % {"name": job.parameters.get("name", "")}


def _report(job: Job) -> tuple[str, str] | None:
    if not job.parameters.get("import"):
        return None
    return (
        reverse("import_report", args=[job.project_id, job.parameters["import"]]),
        _("See the report"),
    )


def _exported(job: Job) -> tuple[str, str] | None:
    if not job.file:
        return None
    return reverse("export_file", args=[job.project_id, job.pk]), _("Download")


def _suspected(job: Job) -> tuple[str, str] | None:
    if not job.result.get("found"):
        return None
    query = urlencode({"question": job.parameters["question"]})
    return f"{reverse('likely_errors', args=[job.project_id])}?{query}", _("See the list")


def _batch(job: Job) -> tuple[str, str] | None:
    return reverse("bulk_batch", args=[job.project_id, job.pk]), _("See what was ruled")


def _routing(job: Job) -> tuple[str, str] | None:
    return reverse("routing", args=[job.project_id]), _("To routing")


KINDS: dict[str, JobKind] = {
    "import": JobKind(_import_title, BYTES, Right.DATA, _report, "data"),
    "import_undo": JobKind(_undo_title, gettext_lazy("items"), Right.DATA, _report, "data"),
    "export": JobKind(lambda job: _("Export"), gettext_lazy("rows"), Right.DATA, _exported, "data"),
    "aggregate": JobKind(lambda job: _("Aggregation"), gettext_lazy("items")),
    "label_errors": JobKind(
        lambda job: _("Search for label errors"),
        gettext_lazy("labels"),
        result=_suspected,
        screen="review",
    ),
    "bulk_rulings": JobKind(
        lambda job: _("Ruling on many items"), gettext_lazy("items"), result=_batch, screen="review"
    ),
    "bulk_rulings_undo": JobKind(
        lambda job: _("Taking many rulings back"), gettext_lazy("items"), screen="review"
    ),
    "more_answers": JobKind(
        lambda job: _("Asking for more answers"), gettext_lazy("items"), screen="items"
    ),
    "assign_items": JobKind(
        lambda job: _("Giving items to somebody"), gettext_lazy("items"), screen="items"
    ),
    "routing_trial": JobKind(lambda job: _("Trying stop rules"), result=_routing, screen="trust"),
    "routing_refresh": JobKind(
        lambda job: _("Giving items their turn"),
        gettext_lazy("items"),
        result=_routing,
        screen="trust",
    ),
    "routing_end": JobKind(
        lambda job: _("Asking for all labels again"),
        gettext_lazy("items"),
        result=_routing,
        screen="trust",
    ),
    "overlap": JobKind(lambda job: _("Changing the labels per item"), gettext_lazy("items")),
    "sample": JobKind(lambda job: _("Filling the sample")),
}
OTHER = JobKind(lambda job: job.kind.replace("_", " ").capitalize())


def job_kind_register(kind: str, shown: JobKind) -> None:
    """Let an app above this one say how its jobs are shown. Called once, at start-up."""
    KINDS[kind] = shown


@require_GET
def job(request: AuthenticatedRequest, project_id: int, job_id: int) -> HttpResponse:
    """The page of a job; for htmx the fragment alone, which asks for itself while it is alive."""
    place, found = _job(request, project_id, job_id)
    return _shown(request, place, found)


@require_POST
def pause(request: AuthenticatedRequest, project_id: int, job_id: int) -> HttpResponse:
    place, found = _job(request, project_id, job_id)
    return _moved(request, place, job_pause(request.user, found))


@require_POST
def cancel(request: AuthenticatedRequest, project_id: int, job_id: int) -> HttpResponse:
    place, found = _job(request, project_id, job_id)
    return _moved(request, place, job_cancel(request.user, found))


@require_POST
def resume(request: AuthenticatedRequest, project_id: int, job_id: int) -> HttpResponse:
    place, found = _job(request, project_id, job_id)
    access.check_active(place)
    resumed = job_resume(request.user, found)
    job_nudge(resumed)
    return _moved(request, place, resumed)


def job_card(found: Job) -> dict[str, Any]:
    """Everything that components/job.html wants to know of a job."""
    kind = KINDS.get(found.kind, OTHER)
    state = JobState(found.state)
    stopped = state in {JobState.PAUSED, JobState.FAILED}
    done, total, unit = _amounts(found, kind)
    place = [found.project_id, found.pk]
    result = kind.result(found) if found.is_finished else None
    card: dict[str, Any] = {
        "job": {
            "pk": found.pk,
            "title": kind.title(found),
            "state_label": found.get_state_display(),
            "hue": HUES.get(state, ""),
            "done": done,
            "total": total,
            "unit": unit,
            "note": "" if stopped else found.message,
            "error": found.message if stopped else "",
            "is_live": state in LIVE,
        },
        "poll_url": reverse("job", args=place),
        "announce": "" if state in LIVE else f"{kind.title(found)}: {found.get_state_display()}",
    }
    if state in LIVE:
        card["pause_url"] = reverse("job_pause", args=place)
    if state == JobState.PAUSED:
        card["resume_url"] = reverse("job_resume", args=place)
    if state == JobState.FAILED:
        card["retry_url"] = reverse("job_resume", args=place)
    if state in {*LIVE, JobState.PAUSED}:
        card["cancel_url"] = reverse("job_cancel", args=place)
    if result is not None:
        card["result_url"], card["result_label"] = result
    return card


def _amounts(found: Job, kind: JobKind) -> tuple[int, int | None, str]:
    """How much is done, of how much, in what. Bytes in the unit that the whole asks for."""
    if kind.unit != BYTES:
        return found.done, found.total, str(kind.unit)
    size, unit = (1000, "KB") if (found.total or 0) < 10_000_000 else (1_000_000, "MB")
    total = None if found.total is None else -(-found.total // size)
    done = found.done // size if found.done != found.total else total or 0
    return done, total, unit


def _job(request: AuthenticatedRequest, project_id: int, job_id: int) -> tuple[Place, Job]:
    place = access.project_of(request.user, project_id)
    if not (place.may(Right.DATA) or place.may(Right.REVIEW)):
        access.check(place, Right.DATA)
    found = access.job_of(place, job_id)
    access.check(place, KINDS.get(found.kind, OTHER).right)
    return place, found


def _moved(request: AuthenticatedRequest, place: Place, found: Job) -> HttpResponse:
    if request.htmx:
        return _shown(request, place, found)
    return redirect("job", place.project.pk, found.pk)


def _shown(request: AuthenticatedRequest, place: Place, found: Job) -> HttpResponse:
    card = job_card(found)
    screen = KINDS.get(found.kind, OTHER).screen
    if request.htmx:
        response = render_page(request, "components/job.html", card, place=place, current=screen)
    else:
        back = next(entry for entry in navigation(place, screen) if entry["current"])
        context = {
            **card,
            "title": card["job"]["title"],
            "crumbs": [back],
            "reload_url": card["poll_url"],
        }
        response = render_page(request, "annotate/job.html", context, place=place, current=screen)
    response["Vary"] = "HX-Request"
    return response

"""Taking data out: start an export, watch it, fetch its file. Shown on the data screen."""

from __future__ import annotations

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, Conflict
from annotate.forms.exports import ExportForm
from annotate.models import JobState
from annotate.selectors.exports import exports_of
from annotate.services.exports import KIND, export_path, export_start
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page

LIST = "annotate/_exports.html#list"


@require_GET
def exports(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """Show the list alone; it asks for itself while an export is under way."""
    place = access.project_of(request.user, project_id, Right.DATA)
    return _list(request, place)


@require_POST
def start(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    # Also in an archived project: reading it is what an archive is for.
    place = access.project_of(request.user, project_id, Right.DATA)
    form = ExportForm(request.POST)
    if not form.is_valid():
        raise BadInput(_("Choose what to export, the format and who counts from the lists."))
    job_nudge(export_start(place.user, place.project, **form.cleaned_data))
    return _list(request, place)


@require_GET
def file(request: AuthenticatedRequest, project_id: int, job_id: int) -> HttpResponseBase:
    place = access.project_of(request.user, project_id, Right.DATA)
    job = access.job_of(place, job_id, [KIND])
    if job.state != JobState.DONE:
        raise Conflict(_("This export is not finished, so there is no file yet."))
    path = export_path(job)
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)


def _list(request: AuthenticatedRequest, place: Place) -> HttpResponse:
    if not request.htmx:
        return redirect(f"{reverse('data', args=[place.project.pk])}#exports")
    context = {"exports": exports_of(place.project)}
    return render_page(request, LIST, context, place=place, current="data")

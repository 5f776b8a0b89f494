"""A project's settings: how it is labelled, archiving, deleting."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput
from annotate.forms.projects import SettingsForm
from annotate.models import ProjectStatus
from annotate.selectors.projects import project_holdings
from annotate.selectors.questions import questions_for_settings
from annotate.services.deletion import project_delete
from annotate.services.overlap import overlap_change
from annotate.services.projects import (
    guideline_live,
    project_archive,
    project_change,
    project_reopen,
)
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page


@require_http_methods(["GET", "POST"])
def settings(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    if request.method == "GET":
        return _page(request, place, SettingsForm.of(place.project))
    access.check_active(place)
    form = SettingsForm.of(place.project, request.POST)
    if form.is_valid():
        wanted = form.wanted()
        labels_per_item = wanted.pop("labels_per_item")
        try:
            project_change(request.user, place.project, **wanted)
            job = overlap_change(request.user, place.project, labels_per_item)
        except BadInput as error:
            form.refuse(error)
        else:
            if job is not None:
                job_nudge(job)
                messages.info(request, _("Saved. The labels wanted are being set in all items."))
                return redirect("job", place.project.pk, job.pk)
            messages.success(request, _("Saved."))
            return redirect("settings", place.project.pk)
    return _page(request, place, form, status=422)


def _page(
    request: AuthenticatedRequest, place: Place, form: SettingsForm, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "questions": questions_for_settings(place.project),
        "guideline": guideline_live(place.project),
        "is_archived": place.project.status == ProjectStatus.ARCHIVED,
    }
    return render_page(
        request,
        "annotate/settings.html",
        context,
        place=place,
        current="settings",
        status=status,
    )


@require_POST
def archive(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    project_archive(request.user, place.project)
    messages.success(request, _("Archived: all stays to be seen and exported, nothing changes."))
    return redirect("settings", project_id)


@require_POST
def reopen(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    project_reopen(request.user, place.project)
    messages.success(request, _("Taken up again."))
    return redirect("settings", project_id)


@require_http_methods(["GET", "POST"])
def delete(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    error = ""
    if request.method == "POST":
        try:
            job = project_delete(
                request.user, place.project, confirm_name=request.POST.get("confirm_name", "")
            )
        except BadInput as refused:
            error = refused.message
        else:
            job_nudge(job)
            return redirect("home")
    context = {
        "title": _("Delete “%(name)s”?") % {"name": place.project.name},
        "text": _("This deletes for good, for everybody in the project:"),
        "goes": project_holdings(place.project).lines(),
        "must_equal": place.project.name,
        "action": _("Delete the project"),
        "post_url": reverse("project_delete", args=[project_id]),
        "cancel_url": reverse("settings", args=[project_id]),
        "error": error,
    }
    return render_page(
        request,
        "components/confirm_page.html",
        context,
        place=place,
        current="settings",
        status=422 if error else 200,
    )

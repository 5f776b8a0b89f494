"""The guideline: read by every member, written by owners, each version kept."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from annotate import access
from annotate.access import Right
from annotate.errors import NotFound
from annotate.forms.projects import GuidelineForm
from annotate.models import Guideline
from annotate.selectors.guidelines import guideline_html
from annotate.services.projects import guideline_live, guideline_publish
from annotate.views.page import AuthenticatedRequest, render_page


@require_GET
def guideline(
    request: AuthenticatedRequest, project_id: int, version: int | None = None
) -> HttpResponse:
    place = access.project_of(request.user, project_id)
    versions = list(place.project.guidelines.select_related("created_by").order_by("-version"))
    shown = next((each for each in versions if version in (None, each.version)), None)
    if version is not None and shown is None:
        raise NotFound(_("There is no such version of the guideline."))
    context = {
        "guideline": shown,
        "html": guideline_html(shown.text) if shown else "",
        "versions": versions,
        "is_live": bool(shown and shown == versions[0]),
        "may_manage": place.may(Right.MANAGE),
    }
    return render_page(request, "annotate/guideline.html", context, place=place, current="settings")


@require_http_methods(["GET", "POST"])
def guideline_edit(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    live = guideline_live(place.project)
    form = GuidelineForm(request.POST or None, initial={"text": _start(request, project_id, live)})
    previewing = "preview" in request.POST
    if request.method == "POST" and form.is_valid() and not previewing:
        fresh = guideline_publish(request.user, place.project, form.cleaned_data["text"])
        messages.success(request, _("Version %(n)s is live.") % {"n": fresh.version})
        return redirect("guideline", project_id)
    context = {
        "form": form,
        "live": live,
        "preview": guideline_html(form["text"].value() or ""),
    }
    return render_page(
        request,
        "annotate/guideline_edit.html",
        context,
        place=place,
        current="settings",
        status=422 if form.errors and not previewing else 200,
    )


def _start(request: AuthenticatedRequest, project_id: int, live: Guideline | None) -> str:
    """The text to begin with: the live one, or an earlier version that is to come back."""
    wanted = request.GET.get("version", "")
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
        earlier = Guideline.objects.filter(project_id=project_id, version=int(wanted)).first()
        if earlier is not None:
            return earlier.text
    return live.text if live else ""

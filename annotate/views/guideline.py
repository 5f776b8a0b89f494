"""The guideline: read by every member, written by owners, each version kept."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from annotate import access
from annotate.access import Place, Right
from annotate.errors import NotFound
from annotate.forms.projects import GuidelineForm
from annotate.models import Guideline, Ruling, RulingStatus
from annotate.selectors.guideline_gaps import answer_of, gaps_since, noted, quote_of
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
        "gaps": _gaps(place, versions[0] if versions else None),
    }
    return render_page(request, "annotate/guideline.html", context, place=place, current="settings")


@require_http_methods(["GET", "POST"])
def guideline_edit(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    live = guideline_live(place.project)
    ruling = _ruling(place, request.GET.get("ruling", ""))
    note = noted(live.text if live else "", ruling) if ruling else None
    start = note.text if note else _start(request, project_id, live)
    form = GuidelineForm(request.POST or None, initial={"text": start})
    if note:
        # static/js/guideline.js opens the text there.
        form.fields["text"].widget.attrs |= {
            "data-select-from": note.start,
            "data-select-to": note.end,
        }
    previewing = "preview" in request.POST
    if request.method == "POST" and form.is_valid() and not previewing:
        fresh = guideline_publish(request.user, place.project, form.cleaned_data["text"])
        messages.success(request, _("Version %(n)s is live.") % {"n": fresh.version})
        return redirect("guideline", project_id)
    context = {
        "form": form,
        "live": live,
        "note": note,
        "ruled": ruling and {"answer": answer_of(ruling), "external_id": ruling.item.external_id},
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


def _gaps(place: Place, live: Guideline | None) -> list[dict[str, str]]:
    """Gaps that review has shown since the live version, for those who review."""
    if not place.may(Right.REVIEW):
        return []
    project_id = place.project.pk
    edit = reverse("guideline_edit", args=[project_id]) if place.may(Right.MANAGE) else ""
    return [
        {
            "quote": quote_of(ruling),
            "answer": answer_of(ruling),
            "comment": ruling.comment,
            "by": ruling.reviewer.shown_name,
            "url": reverse("item", args=[project_id, ruling.item_id]),
            "edit_url": f"{edit}?ruling={ruling.pk}" if edit else "",
        }
        for ruling in gaps_since(place.project, live)
    ]


def _ruling(place: Place, wanted: str) -> Ruling | None:
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
        return None
    rulings = Ruling.objects.filter(project=place.project, status=RulingStatus.LIVE)
    return (
        rulings.select_related("item", "question", "reviewer")
        .prefetch_related("question__options")
        .filter(pk=int(wanted))
        .first()
    )


def _start(request: AuthenticatedRequest, project_id: int, live: Guideline | None) -> str:
    """The text to begin with: the live one, or an earlier version that is to come back."""
    wanted = request.GET.get("version", "")
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
        earlier = Guideline.objects.filter(project_id=project_id, version=int(wanted)).first()
        if earlier is not None:
            return earlier.text
    return live.text if live else ""

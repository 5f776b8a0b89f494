"""Bringing a file in: send it, say what its columns are, see what came of it, take it back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, NotFound
from annotate.forms.imports import ItemsForm, LabelsForm, ReadForm, UploadForm, values_again
from annotate.models import ImportBatch, ImportKind, ImportStatus
from annotate.selectors.imports import import_shown
from annotate.selectors.questions import questions_live
from annotate.services import imports
from annotate.services.import_look import Look, look
from annotate.services.import_refusals import (
    media_path,
    reasons_told,
    refusals_shown,
    refused_upload,
)
from annotate.services.import_staging import reading_of
from annotate.services.import_undo import undo_facts
from annotate.tasks import job_nudge
from annotate.views.import_words import map_facts, undo_words
from annotate.views.jobs import job_card
from annotate.views.page import AuthenticatedRequest, render_page


@require_http_methods(["GET", "POST"])
def import_new(request: AuthenticatedRequest, project_id: int, kind: str) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.DATA)
    access.check_active(place)
    if kind not in ImportKind.values:
        raise NotFound(_("There are imports of items and of labels."))
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            batch = imports.import_upload(
                request.user,
                place.project,
                kind=kind,
                name=file.name,
                chunks=file.chunks(),
                format=form.cleaned_data["format"],
            )
        except BadInput as error:
            form.refuse(error)
        else:
            return redirect("import_map", project_id, batch.pk)
    status = 422 if form.errors else 200
    context = {"form": form, "kind": kind, **map_facts(place.project)}
    return render_page(
        request, "annotate/import_new.html", context, place=place, current="data", status=status
    )


@require_http_methods(["GET", "POST"])
def import_map(request: AuthenticatedRequest, project_id: int, import_id: int) -> HttpResponse:
    """Preview and mapping; sending it starts the import."""
    place, batch = _writable(request, project_id, import_id)
    if batch.status != ImportStatus.UPLOADED:
        return redirect("import_report", project_id, import_id)
    if not batch.encoding:
        return _map_page(request, place, batch, None, None)
    seen = look(media_path(batch.upload), reading_of(batch))
    form = _mapping(request, batch, seen)
    if request.method == "POST" and "values_again" not in request.POST and form.is_valid():
        try:
            started = imports.import_start(request.user, batch, form.plan(), question=form.draft())
        except BadInput as error:
            form.refuse(error)
        else:
            assert started.job is not None  # noqa: S101 - import_start queues one
            job_nudge(started.job)
            return redirect("job", project_id, started.job.pk)
    return _map_page(request, place, batch, seen, form)


@require_POST
def import_read(request: AuthenticatedRequest, project_id: int, import_id: int) -> HttpResponse:
    """Say how the file is read: format, encoding, delimiter."""
    _place, batch = _writable(request, project_id, import_id)
    form = ReadForm(request.POST)
    if not form.is_valid():
        raise BadInput(_("Choose the format and the encoding from the lists."))
    try:
        imports.import_read_as(request.user, batch, **form.cleaned_data)
    except BadInput as error:
        messages.error(request, error.message)
    return redirect("import_map", project_id, import_id)


@require_GET
def import_report(request: AuthenticatedRequest, project_id: int, import_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.DATA)
    batch = access.import_of(place, import_id)
    if batch.status == ImportStatus.UPLOADED:
        return redirect("import_map", project_id, import_id)
    shown = import_shown(batch)
    context = {
        "shown": shown,
        "batch": batch,
        "told": imports.import_told(batch) if batch.status == ImportStatus.COMMITTED else "",
        "reasons": reasons_told(batch.counts.get("reasons", {})),
        "refusals": refusals_shown(batch) if batch.status != ImportStatus.DROPPED else [],
        **(job_card(batch.job) if batch.job and shown.is_live else {}),
    }
    return render_page(request, "annotate/import_report.html", context, place=place, current="data")


@require_GET
def import_refused(
    request: AuthenticatedRequest, project_id: int, import_id: int
) -> HttpResponseBase:
    """The refused lines as a file that can be mended and sent again."""
    place = access.project_of(request.user, project_id, Right.DATA)
    batch = access.import_of(place, import_id)
    if not batch.counts.get("refused") or batch.status == ImportStatus.DROPPED:
        raise NotFound(_("No line of this import was refused."))
    stem, _dot, ending = batch.name.rpartition(".")
    name = f"{stem}.refused.{ending}" if stem else f"{batch.name}.refused"
    # Never a type that a browser would show as a page: the lines are as somebody sent them.
    return StreamingHttpResponse(
        refused_upload(batch),
        content_type="application/octet-stream",
        headers={"Content-Disposition": iri_to_uri(content_disposition_header(True, name) or "")},  # noqa: FBT003
    )


@require_http_methods(["GET", "POST"])
def import_undo(request: AuthenticatedRequest, project_id: int, import_id: int) -> HttpResponse:
    place, batch = _writable(request, project_id, import_id)
    if request.method == "POST":
        undone = imports.import_undo(request.user, batch)
        assert undone.job is not None  # noqa: S101 - import_undo queues one
        job_nudge(undone.job)
        return redirect("job", project_id, undone.job.pk)
    if not import_shown(batch).may_undo:
        return redirect("import_report", project_id, import_id)
    context = {
        **undo_words(batch, undo_facts(batch)),
        "cancel_url": reverse("import_report", args=[project_id, import_id]),
    }
    return render_page(
        request, "components/confirm_page.html", context, place=place, current="data"
    )


@require_POST
def import_go_on(request: AuthenticatedRequest, project_id: int, import_id: int) -> HttpResponse:
    _place, batch = _writable(request, project_id, import_id)
    again = imports.import_go_on(request.user, batch)
    assert again.job is not None  # noqa: S101 - import_go_on queues one
    job_nudge(again.job)
    return redirect("job", project_id, again.job.pk)


@require_http_methods(["GET", "POST"])
def import_drop(request: AuthenticatedRequest, project_id: int, import_id: int) -> HttpResponse:
    """Throw an upload away, once asked."""
    place, batch = _writable(request, project_id, import_id)
    if request.method == "GET":
        context = {
            "title": _("Throw %(name)s away?") % {"name": batch.name},
            "text": _(
                "The file that was sent and how its columns were to be read go. Nothing of it was "
                "taken in, so nothing else changes."
            ),
            "action": _("Throw it away"),
            "cancel_url": reverse("import_report", args=[project_id, import_id]),
        }
        return render_page(
            request, "components/confirm_page.html", context, place=place, current="data"
        )
    imports.import_drop(request.user, batch)
    messages.success(
        request, _("%(name)s was thrown away. Nothing of it was taken in.") % {"name": batch.name}
    )
    return redirect("data", project_id)


def _writable(
    request: AuthenticatedRequest, project_id: int, import_id: int
) -> tuple[Place, ImportBatch]:
    place = access.project_of(request.user, project_id, Right.DATA)
    batch = access.import_of(place, import_id)
    access.check_active(place)
    return place, batch


def _mapping(
    request: AuthenticatedRequest, batch: ImportBatch, seen: Look
) -> ItemsForm | LabelsForm:
    data = request.POST if request.method == "POST" else None
    if batch.kind == ImportKind.ITEMS:
        return ItemsForm(batch, seen, data)
    questions = questions_live(batch.project)
    if data is not None and "values_again" in data:
        return values_again(batch, seen, questions, data)
    return LabelsForm(batch, seen, questions, data)


def _map_page(
    request: AuthenticatedRequest,
    place: Place,
    batch: ImportBatch,
    seen: Look | None,
    form: ItemsForm | LabelsForm | None,
) -> HttpResponse:
    initial = {
        "format": batch.format,
        "encoding": batch.encoding,
        "delimiter": batch.mapping.get("delimiter", ","),
    }
    context = {
        "batch": batch,
        "look": seen,
        "form": form,
        "read_form": ReadForm(initial=initial),
        "unclear": batch.mapping.get("unclear"),
    }
    status = 422 if form is not None and form.is_bound and form.errors else 200
    return render_page(
        request, "annotate/import_map.html", context, place=place, current="data", status=status
    )

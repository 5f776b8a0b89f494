"""The data screen: what came in, what goes out."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Right
from annotate.models import ProjectStatus
from annotate.selectors.exports import exports_of, methods_of_exports
from annotate.selectors.imports import imports_of
from annotate.views.page import AuthenticatedRequest, render_page


@require_GET
def data(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.DATA)
    context = {
        "imports": imports_of(place.project),
        "exports": exports_of(place.project),
        "methods": methods_of_exports(place.project),
        "is_active": place.project.status == ProjectStatus.ACTIVE,
    }
    return render_page(request, "annotate/data.html", context, place=place, current="data")

"""The overview: what needs a lead now, and how the work stands."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Right
from annotate.views.page import AuthenticatedRequest, render_page


@require_GET
def overview(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    return render_page(request, "annotate/overview.html", place=place, current="overview")

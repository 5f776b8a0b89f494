"""The address of a project: leads to the screen its member came for."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Right
from annotate.views.page import AuthenticatedRequest


@require_GET
def project(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id)
    return redirect("overview" if place.may(Right.SEE) else "label", project_id)

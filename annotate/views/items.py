"""The items of a project, as a list and one by one."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Right
from annotate.views.page import AuthenticatedRequest, render_page


@require_GET
def items(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    return render_page(request, "annotate/items.html", place=place, current="items")


@require_GET
def item(request: AuthenticatedRequest, project_id: int, item_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    context = {"item": access.item_of(place, item_id, live_only=False)}
    return render_page(request, "annotate/item.html", context, place=place, current="items")

"""Views of the list of items: saving what it is narrowed to, removing a view."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.forms.items import query_kept
from annotate.selectors.item_filters import saved_views
from annotate.services.saved_views import view_drop, view_save
from annotate.views.page import AuthenticatedRequest


@require_POST
def view_keep(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    query = query_kept(QueryDict(request.POST.get("query", "")[:4000]))
    view = view_save(
        place.user,
        place.project,
        name=request.POST.get("name", ""),
        query=query,
        shared="shared" in request.POST and place.may(Right.REVIEW),
    )
    messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
    return redirect(f"{reverse('items', args=[project_id])}?{view.query}")


@require_POST
def view_remove(request: AuthenticatedRequest, project_id: int, view_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    view_drop(place.user, place.project, view_id, any_shared=place.may(Right.MANAGE))
    messages.success(request, _("The view was removed."))
    return redirect("items", project_id)


def views_shown(place: Place, query: QueryDict) -> dict[str, Any]:
    """The views as links, the current one among them, and what saving this list would keep."""
    now = query_kept(query)
    shown = [
        {
            "pk": view.pk,
            "name": view.name,
            "url": f"{reverse('items', args=[place.project.pk])}?{view.query}",
            "current": view.query == now,
            "by": "" if view.owner_id == place.user.pk else view.owner.shown_name,
            "may_remove": view.owner_id == place.user.pk or place.may(Right.MANAGE),
        }
        for view in saved_views(place.project, place.user)
    ]
    return {
        "views": shown,
        "view_now": next((view for view in shown if view["current"]), None),
        "view_query": now,
        "may_share": place.may(Right.REVIEW),
    }

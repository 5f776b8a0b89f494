"""Rendering a page with what every page of a project has: navigation, warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.access import Place, Right
from annotate.models import Project, User
from annotate.selectors.item_display import shows_pictures
from annotate.services.heartbeats import worker_is_alive


class AuthenticatedRequest(HttpRequest):
    """A request behind LoginRequiredMiddleware: there is a user."""

    user: User
    htmx: Any


@dataclass(frozen=True)
class NavEntry:
    """One entry of a project's navigation; ``url_name`` takes the project's id."""

    position: int
    key: str
    label: str | Promise
    url_name: str
    right: Right


NAV: list[NavEntry] = [
    NavEntry(10, "overview", gettext_lazy("Overview"), "overview", Right.SEE),
    NavEntry(20, "label", gettext_lazy("Label"), "label", Right.LABEL),
    NavEntry(30, "review", gettext_lazy("Review"), "review", Right.REVIEW),
    NavEntry(40, "items", gettext_lazy("Items"), "items", Right.SEE),
    NavEntry(60, "data", gettext_lazy("Data"), "data", Right.DATA),
    NavEntry(70, "people", gettext_lazy("People"), "people", Right.MANAGE),
    NavEntry(80, "settings", gettext_lazy("Settings"), "settings", Right.MANAGE),
]


def nav_register(entry: NavEntry) -> None:
    """Let an app above this one add its screen to the navigation. Called once, at start-up."""
    if entry not in NAV:
        NAV.append(entry)
        NAV.sort(key=lambda e: e.position)


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    place: Place | None = None,
    current: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render a template; with ``place``, with the project's navigation as this member may use it.

    ``template`` may end in ``#fragment`` (django-template-partials).
    """
    full: dict[str, Any] = {**(context or {})}
    if place is not None:
        full |= {
            "project": place.project,
            "place": place,
            "nav": navigation(place, current),
            "worker_warning": worker_warning(place),
        }
    return render(request, template, full, status=status)


def pictures_allow(response: HttpResponse, project: Project) -> HttpResponse:
    """Let this page fetch the pictures of its items, where the project says so."""
    if shows_pictures(project):
        response._csp_update = {"img-src": ["https:"]}  # type: ignore[attr-defined]
    return response


def navigation(place: Place, current: str) -> list[dict[str, Any]]:
    return [
        {
            "label": entry.label,
            "url": reverse(entry.url_name, args=[place.project.pk]),
            "current": entry.key == current,
        }
        for entry in NAV
        if place.may(entry.right)
    ]


def worker_warning(place: Place) -> dict[str, str] | None:
    """What a lead is told while no worker lives, with the command that starts one."""
    if not place.is_lead or worker_is_alive():
        return None
    return {
        "text": _("Judge runs, imports and exports wait until one is started."),
        "command": "bin/run   # or: celery -A config worker -B --pool threads",
    }

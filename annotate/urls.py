"""Addresses of the screens. One block a screen; an item's external id is never in an address."""

from __future__ import annotations

from django.urls import path

from annotate.views import home, project

urlpatterns = [
    path("", home.home, name="home"),
    path("theme/", home.theme, name="theme"),
    path("projects/<int:project_id>/", project.project, name="project"),
]

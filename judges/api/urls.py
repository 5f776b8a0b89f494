"""Addresses of judges in the API, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from judges.api import judging

PROJECT = "projects/<int:project_id>"

urlpatterns = [
    path(f"{PROJECT}/connections/", judging.Connections.as_view(), name="api_connections"),
    path(
        f"{PROJECT}/connections/<int:connection_id>/prices/",
        judging.Prices.as_view(),
        name="api_prices",
    ),
    path(f"{PROJECT}/judges/", judging.Versions.as_view(), name="api_judges"),
    path(f"{PROJECT}/runs/", judging.Runs.as_view(), name="api_runs"),
    path(f"{PROJECT}/runs/<int:run_id>/", judging.OneRun.as_view(), name="api_run"),
]

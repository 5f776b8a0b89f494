"""Addresses of the API, below /api/v1/. An item is named by its id here, not its external id."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from annotate.api import (
    aggregations,
    help_price,
    items,
    label_errors,
    people,
    projects,
    results,
    routing,
    together,
    work,
)


class JobMove(StringConverter):
    regex = "|".join(results.MOVES)


register_converter(JobMove, "job_move")

urlpatterns = [
    path("token/", projects.LogIn.as_view(), name="api_token"),
    path("projects/", projects.Projects.as_view(), name="api_projects"),
    path("projects/<int:project_id>/", projects.OneProject.as_view(), name="api_project"),
    path(
        "projects/<int:project_id>/questions/", projects.Questions.as_view(), name="api_questions"
    ),
    path("projects/<int:project_id>/items/", items.Items.as_view(), name="api_items"),
    path(
        "projects/<int:project_id>/items/<int:item_id>/", items.OneItem.as_view(), name="api_item"
    ),
    path("projects/<int:project_id>/next/", work.NextItem.as_view(), name="api_next"),
    path("projects/<int:project_id>/labels/", work.Labels.as_view(), name="api_labels"),
    path("projects/<int:project_id>/skips/", work.Skips.as_view(), name="api_skips"),
    path(
        "projects/<int:project_id>/submissions/<int:submission_id>/withdraw/",
        work.Withdraw.as_view(),
        name="api_withdraw",
    ),
    path(
        "projects/<int:project_id>/submissions/<int:submission_id>/give-back/",
        people.GiveBack.as_view(),
        name="api_give_back",
    ),
    path(
        "projects/<int:project_id>/qualification/",
        people.Qualifications.as_view(),
        name="api_qualification",
    ),
    path(
        "projects/<int:project_id>/qualification/<int:rater_id>/",
        people.Admit.as_view(),
        name="api_admit",
    ),
    path("projects/<int:project_id>/views/", together.SavedViews.as_view(), name="api_views"),
    path(
        "projects/<int:project_id>/views/<int:view_id>/",
        together.OneSavedView.as_view(),
        name="api_view",
    ),
    path(
        "projects/<int:project_id>/rulings/bulk/",
        together.BulkRulings.as_view(),
        name="api_rulings_bulk",
    ),
    path(
        "projects/<int:project_id>/rulings/bulk/preview/",
        together.BulkRulingsPreview.as_view(),
        name="api_rulings_bulk_preview",
    ),
    path(
        "projects/<int:project_id>/rulings/bulk/<int:job_id>/undo/",
        together.BulkRulingsUndo.as_view(),
        name="api_rulings_bulk_undo",
    ),
    path("projects/<int:project_id>/rulings/", results.Rulings.as_view(), name="api_rulings"),
    path(
        "projects/<int:project_id>/rulings/<int:ruling_id>/withdraw/",
        results.WithdrawRuling.as_view(),
        name="api_ruling_withdraw",
    ),
    path(
        "projects/<int:project_id>/aggregations/",
        aggregations.Aggregations.as_view(),
        name="api_aggregations",
    ),
    path(
        "projects/<int:project_id>/aggregations/<int:aggregation_id>/raters/",
        aggregations.AggregationRaters.as_view(),
        name="api_aggregation_raters",
    ),
    path(
        "projects/<int:project_id>/help/",
        help_price.HelpPriceReport.as_view(),
        name="api_help_price",
    ),
    path(
        "projects/<int:project_id>/label-errors/",
        label_errors.LabelErrors.as_view(),
        name="api_label_errors",
    ),
    path("projects/<int:project_id>/routing/", routing.Routing.as_view(), name="api_routing"),
    path(
        "projects/<int:project_id>/routing/trial/",
        routing.RoutingTrial.as_view(),
        name="api_routing_trial",
    ),
    path(
        "projects/<int:project_id>/routing/learn/",
        routing.RoutingLearn.as_view(),
        name="api_routing_learn",
    ),
    path("projects/<int:project_id>/exports/", results.Exports.as_view(), name="api_exports"),
    path(
        "projects/<int:project_id>/exports/<int:job_id>/file/",
        results.ExportFile.as_view(),
        name="api_export_file",
    ),
    path("projects/<int:project_id>/jobs/<int:job_id>/", results.OneJob.as_view(), name="api_job"),
    path(
        "projects/<int:project_id>/jobs/<int:job_id>/<job_move:move>/",
        results.MoveJob.as_view(),
        name="api_job_move",
    ),
]

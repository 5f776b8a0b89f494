"""Addresses of judges in the API, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from judges.api import audits, canaries, hand_overs, judging, panels, trust, trying, watching

PROJECT = "projects/<int:project_id>"

JUDGE_AT = f"{PROJECT}/trust/questions/<int:question_id>/judges/<int:rater_id>"
TEST = f"{PROJECT}/trust/tests/<int:test_id>"

urlpatterns = [
    path(f"{PROJECT}/trust/reports/", trust.Reports.as_view(), name="api_reports"),
    path(f"{JUDGE_AT}/", trust.Report.as_view(), name="api_report"),
    path(f"{JUDGE_AT}/tests/", trust.Tests.as_view(), name="api_tests"),
    path(f"{TEST}/", trust.OneTest.as_view(), name="api_test"),
    path(f"{TEST}/draw/", trust.TestDraw.as_view(), name="api_test_draw"),
    path(f"{TEST}/decide/", trust.TestDecide.as_view(), name="api_test_decide"),
    path(f"{PROJECT}/connections/", judging.Connections.as_view(), name="api_connections"),
    path(
        f"{PROJECT}/connections/<int:connection_id>/prices/",
        judging.Prices.as_view(),
        name="api_prices",
    ),
    path(f"{PROJECT}/judges/", judging.Versions.as_view(), name="api_judges"),
    path(f"{PROJECT}/judges/preview/", trying.Preview.as_view(), name="api_judge_preview"),
    path(f"{PROJECT}/judges/<int:version_id>/try/", trying.Try.as_view(), name="api_judge_try"),
    path(
        f"{PROJECT}/judges/<int:version_id>/audits/",
        audits.Audits.as_view(),
        name="api_judge_audits",
    ),
    path(
        f"{PROJECT}/judges/<int:version_id>/watch/",
        watching.Watching.as_view(),
        name="api_judge_watch",
    ),
    path(
        f"{PROJECT}/judges/<int:version_id>/watch/rounds/",
        watching.WatchRounds.as_view(),
        name="api_judge_watch_rounds",
    ),
    path(
        f"{PROJECT}/judges/<int:version_id>/canaries/",
        canaries.Canaries.as_view(),
        name="api_judge_canaries",
    ),
    path(
        f"{PROJECT}/judges/<int:version_id>/compare/",
        trying.Compare.as_view(),
        name="api_judge_compare",
    ),
    path(
        f"{PROJECT}/judges/<int:version_id>/diff/<int:other_id>/",
        trying.Difference.as_view(),
        name="api_judge_diff",
    ),
    path(f"{PROJECT}/runs/<int:run_id>/trial/", trying.Trial.as_view(), name="api_run_trial"),
    path(f"{PROJECT}/hand-overs/", hand_overs.HandOvers.as_view(), name="api_hand_overs"),
    path(
        f"{PROJECT}/hand-overs/<int:hand_over_id>/",
        hand_overs.OneHandOver.as_view(),
        name="api_hand_over",
    ),
    path(
        f"{PROJECT}/hand-overs/<int:hand_over_id>/start/",
        hand_overs.HandOverStart.as_view(),
        name="api_hand_over_start",
    ),
    path(
        f"{PROJECT}/hand-overs/<int:hand_over_id>/end/",
        hand_overs.HandOverEnd.as_view(),
        name="api_hand_over_end",
    ),
    path(f"{PROJECT}/panels/", panels.Panels.as_view(), name="api_panels"),
    path(f"{PROJECT}/panels/draft/", panels.PanelDraft.as_view(), name="api_panel_draft"),
    path(
        f"{PROJECT}/runs/<int:run_id>/votes/<int:item_id>/",
        panels.RunVotes.as_view(),
        name="api_run_votes",
    ),
    path(f"{PROJECT}/runs/", judging.Runs.as_view(), name="api_runs"),
    path(
        f"{PROJECT}/judges/<int:version_id>/estimate/",
        judging.Estimate.as_view(),
        name="api_estimate",
    ),
    path(f"{PROJECT}/spending/", judging.Spent.as_view(), name="api_spending"),
    path(f"{PROJECT}/runs/<int:run_id>/cap/", judging.RunCap.as_view(), name="api_run_cap"),
    path(f"{PROJECT}/runs/<int:run_id>/retry/", judging.RunRetry.as_view(), name="api_run_retry"),
    path(f"{PROJECT}/runs/<int:run_id>/", judging.OneRun.as_view(), name="api_run"),
]

"""Addresses of the judges' screens."""

from __future__ import annotations

from django.urls import path

from judges.views import (
    audits,
    canaries,
    connections,
    hand_over,
    judge,
    judges,
    panels,
    prompt,
    replacement,
    report_file,
    run,
    trust,
    versions,
    watch,
)
from judges.views import judge_report as report

PROJECT = "projects/<int:project_id>"
OVER = f"{PROJECT}/trust/hand-over/<int:question_id>/<int:rater_id>"

urlpatterns = [
    path(f"{PROJECT}/judges/", judges.judges, name="judges"),
    path(f"{PROJECT}/judges/new/", judges.judge_new, name="judge_new"),
    path(f"{PROJECT}/judges/prompt/", prompt.prompt, name="prompt"),
    path(f"{PROJECT}/judges/prompt/preview/", prompt.prompt_preview, name="prompt_preview"),
    path(f"{PROJECT}/panels/new/", panels.panel_new, name="panel_new"),
    path(f"{PROJECT}/judges/<int:version_id>/", judge.judge, name="judge"),
    path(f"{PROJECT}/judges/<int:version_id>/try/", judge.judge_try, name="judge_try"),
    path(
        f"{PROJECT}/judges/<int:version_id>/versions/",
        versions.judge_versions,
        name="judge_versions",
    ),
    path(
        f"{PROJECT}/judges/<int:version_id>/diff/<int:other_id>/",
        versions.judge_diff,
        name="judge_diff",
    ),
    path(
        f"{PROJECT}/judges/<int:version_id>/canaries/",
        canaries.judge_canaries,
        name="judge_canaries",
    ),
    path(f"{PROJECT}/judges/<int:version_id>/audits/", audits.judge_audits, name="judge_audits"),
    path(f"{PROJECT}/judges/<int:version_id>/watch/", watch.judge_watch, name="judge_watch"),
    path(
        f"{PROJECT}/judges/<int:version_id>/watch/seen/",
        watch.judge_watch_see,
        name="judge_watch_see",
    ),
    path(
        f"{PROJECT}/judges/<int:version_id>/audits/remedy/",
        audits.judge_audit_remedy,
        name="judge_audit_remedy",
    ),
    path(f"{PROJECT}/judges/<int:version_id>/run/", judge.judge_run, name="judge_run"),
    path(f"{PROJECT}/trust/", trust.trust, name="trust"),
    path(f"{OVER}/", hand_over.hand_over, name="hand_over"),
    path(f"{OVER}/ask/", hand_over.hand_over_ask, name="hand_over_ask"),
    path(f"{OVER}/more/", hand_over.hand_over_more, name="hand_over_more"),
    path(f"{OVER}/estimates/", hand_over.corrected, name="corrected"),
    path(
        f"{PROJECT}/trust/hand-overs/<int:hand_over_id>/start/",
        hand_over.hand_over_begin,
        name="hand_over_begin",
    ),
    path(
        f"{PROJECT}/trust/hand-overs/<int:hand_over_id>/end/",
        hand_over.hand_over_end,
        name="hand_over_end",
    ),
    path(
        f"{PROJECT}/trust/questions/<int:question_id>/judges/<int:rater_id>/tests/",
        replacement.replacement_tests,
        name="replacement_tests",
    ),
    path(
        f"{PROJECT}/trust/tests/<int:test_id>/",
        replacement.replacement_test,
        name="replacement_test",
    ),
    path(
        f"{PROJECT}/trust/tests/<int:test_id>/draw/",
        replacement.replacement_draw,
        name="replacement_draw",
    ),
    path(
        f"{PROJECT}/trust/tests/<int:test_id>/decide/",
        replacement.replacement_settle,
        name="replacement_settle",
    ),
    path(
        f"{PROJECT}/trust/tests/<int:test_id>/labels/",
        replacement.replacement_labels,
        name="replacement_labels",
    ),
    path(f"{PROJECT}/trust/reports/", report.reports_begin, name="reports_start"),
    path(
        f"{PROJECT}/trust/questions/<int:question_id>/judges/<int:rater_id>/",
        report.judge_report,
        name="judge_report",
    ),
    path(
        f"{PROJECT}/trust/questions/<int:question_id>/judges/<int:rater_id>/file/",
        report_file.judge_report_file,
        name="judge_report_file",
    ),
    path(f"{PROJECT}/runs/<int:run_id>/", run.run, name="run"),
    path(f"{PROJECT}/runs/<int:run_id>/cap/", run.run_cap, name="run_cap"),
    path(f"{PROJECT}/runs/<int:run_id>/retry/", run.run_retry, name="run_retry"),
    path(f"{PROJECT}/runs/<int:run_id>/<slug:verb>/", run.run_steer, name="run_steer"),
    path(f"{PROJECT}/connections/", connections.connections, name="connections"),
    path(f"{PROJECT}/connections/limit/", connections.spending_cap, name="spending_cap"),
    path(f"{PROJECT}/connections/new/", connections.connection_new, name="connection_new"),
    path(f"{PROJECT}/connections/<int:connection_id>/", connections.connection, name="connection"),
    path(
        f"{PROJECT}/connections/<int:connection_id>/test/",
        connections.connection_try,
        name="connection_try",
    ),
    path(
        f"{PROJECT}/connections/<int:connection_id>/tested/",
        connections.connection_probe,
        name="connection_probe",
    ),
    path(
        f"{PROJECT}/connections/<int:connection_id>/price/",
        connections.connection_price,
        name="connection_price",
    ),
    path(
        f"{PROJECT}/connections/<int:connection_id>/remove/",
        connections.connection_drop,
        name="connection_drop",
    ),
]

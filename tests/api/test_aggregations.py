"""Aggregations by way of the API."""

from __future__ import annotations

from typing import Any

import pytest

from annotate.models import EstimateRun
from annotate.services.estimates import estimate_run
from annotate.services.projects import project_archive
from annotate.tasks import job_do
from tests.answers import says
from tests.api.asking import Api, assert_problem, everybody
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No broker here: what would be sent to the worker."""
    tasks: list[str] = []
    monkeypatch.setattr("annotate.api.aggregations.job_nudge", lambda job: tasks.append(job.task))
    return tasks


@pytest.fixture
def tale() -> Story:
    tale = story()
    for item in tale.items(["a", "b", "c"]):
        for who in ("w1", "w2", "j1"):
            says(tale, who, item, 1 if who == "j1" else 0)
    return tale


def test_an_aggregation_is_started_done_and_tells_of_the_raters(
    tale: Story, sent: list[str]
) -> None:
    api = Api(tale.rhea, tale.project.pk)
    started = api.post("aggregations/", {"question": "sentiment", "who": "all"})
    assert started.status_code == 202
    shown = started.json()
    assert (shown["method"], shown["who"], shown["parameters"]) == ("ibcc", "all", {})
    assert (shown["job"]["kind"], shown["job"]["state"]) == ("aggregate", "queued")
    assert sent == ["annotate.aggregate"]
    assert api.get(f"aggregations/{shown['id']}/raters/").json()["results"] == []
    job_do(shown["job"]["id"], estimate_run)

    (done,) = api.get("aggregations/").json()["results"]
    raters = api.get(f"aggregations/{shown['id']}/raters/").json()["results"]

    assert (done["job"]["state"], done["n_items"], done["n_labels"]) == ("done", 3, 9)
    assert [(r["name"], r["kind"], r["n_labels"]) for r in raters] == [
        ("w1", "person", 3),
        ("w2", "person", 3),
        ("j1", "judge", 3),
    ]
    for rater in raters:
        assert 0 <= rater["low"] < rater["ability"] < rater["high"] <= 1
    assert raters[0]["ability"] > raters[2]["ability"]


def test_what_is_asked_for_is_what_is_done(tale: Story) -> None:
    wanted = {
        "question": "sentiment",
        "method": "weighted_majority",
        "who": "all",
        "rulings": True,
        "judge_weight": 3,
    }
    shown = Api(tale.olga, tale.project.pk).post("aggregations/", wanted).json()
    job_do(shown["job"]["id"], estimate_run)

    assert shown["parameters"] == {"rulings": True, "judge_weight": 3.0}
    run = EstimateRun.objects.get()
    assert set(run.item_estimates.values_list("choice", flat=True)) == {1}


@pytest.mark.parametrize(
    "change",
    [
        {"question": "mood"},
        {"method": "guessing"},
        {"who": "nobody"},
        {"judge_weight": -1},
        {"judge_weight": "nan"},
        {"rulings": "maybe"},
    ],
)
def test_what_does_not_fit_is_refused(tale: Story, change: dict[str, Any]) -> None:
    refused = Api(tale.olga, tale.project.pk).post(
        "aggregations/", {"question": "sentiment", "method": "weighted_majority", **change}
    )
    assert set(assert_problem(refused, 422, "bad_input")["fields"]) == set(change)
    assert not EstimateRun.objects.exists()


def test_who_may_and_that_nothing_is_aggregated_in_an_archived_project(tale: Story) -> None:
    wanted = {"question": "sentiment"}
    started = {"owner": 202, "reviewer": 202, "annotator": 403, "viewer": 403}
    outside = {"stranger": 404, "nobody": 401}
    assert everybody(tale, "POST", "aggregations/", wanted) == started | outside
    run = EstimateRun.objects.latest("pk")
    read = {role: 200 if status == 202 else status for role, status in started.items()} | outside
    assert everybody(tale, "GET", "aggregations/") == read
    assert everybody(tale, "GET", f"aggregations/{run.pk}/raters/") == read
    project_archive(tale.olga, tale.project)
    assert_problem(Api(tale.olga, tale.project.pk).post("aggregations/", wanted), 403)

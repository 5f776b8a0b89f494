"""Rulings, exports and the jobs behind them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from annotate.models import Job, JobState, Ruling
from annotate.services.exports import export_run
from annotate.services.jobs import job_create, job_take
from annotate.services.projects import project_archive, project_create
from tests.api.asking import Api, assert_problem, everybody
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

LEADS = {
    "owner": 200,
    "reviewer": 200,
    "annotator": 403,
    "viewer": 403,
    "stranger": 404,
    "nobody": 401,
}
ITEMS = {"what": "items", "format": "csv"}


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No broker here: what would be sent to the worker."""
    tasks: list[str] = []
    monkeypatch.setattr("annotate.api.results.job_nudge", lambda job: tasks.append(job.task))
    return tasks


def ruling(item: int, **more: Any) -> dict[str, Any]:
    return {
        "item": item,
        "question": "sentiment",
        "answer": "negative",
        "reason": "ambiguous_item",
        **more,
    }


def test_a_ruling_is_made_listed_and_taken_back() -> None:
    s = story()
    (item,) = s.items(["Lovely, if you like waiting."])
    api = Api(s.rhea, s.project.pk)
    made = api.post("rulings/", ruling(item.pk, comment="Irony."))
    assert made.status_code == 200
    shown = made.json()
    assert (shown["answer"], shown["reason"], shown["comment"]) == (
        "negative",
        "ambiguous_item",
        "Irony.",
    )
    assert (shown["reviewer"], shown["status"]) == ("rhea", "live")
    assert api.get("rulings/").json()["results"] == [shown]
    back = api.post(f"rulings/{shown['id']}/withdraw/")
    assert (back.status_code, back.json()["status"]) == (200, "withdrawn")
    assert api.get("rulings/").json()["results"] == []


def test_who_may_rule() -> None:
    s = story()
    (item,) = s.items(["One"])
    assert everybody(s, "GET", "rulings/") == LEADS
    assert everybody(s, "POST", "rulings/", ruling(item.pk)) == LEADS
    made = Ruling.objects.get(status="live")
    assert everybody(s, "POST", f"rulings/{made.pk}/withdraw/") == LEADS


@pytest.mark.parametrize(
    "change",
    [{"answer": "so-so"}, {"question": "mood"}, {"reason": "because"}, {"item": 0}, {"item": "x"}],
)
def test_a_ruling_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    s = story()
    (item,) = s.items(["One"])
    refused = Api(s.rhea, s.project.pk).post("rulings/", ruling(item.pk) | change)
    assert_problem(refused, 422, "bad_input")
    assert not Ruling.objects.exists()


def test_nothing_is_ruled_in_an_archived_project() -> None:
    s = story()
    (item,) = s.items(["One"])
    api = Api(s.rhea, s.project.pk)
    made = api.post("rulings/", ruling(item.pk)).json()
    project_archive(s.olga, s.project)
    assert_problem(api.post("rulings/", ruling(item.pk, answer="positive")), 403)
    assert_problem(api.post(f"rulings/{made['id']}/withdraw/"), 403)
    assert Ruling.objects.get().status == "live"


def exported(s: Story, **wanted: Any) -> tuple[Any, str]:
    """Start an export and do its job as the worker would; returns the reply and its file."""
    api = Api(s.rhea, s.project.pk)
    started = api.post("exports/", {**ITEMS, **wanted})
    assert started.status_code == 202
    job = started.json()
    assert (job["kind"], job["state"]) == ("export", "queued")
    assert_problem(api.get(f"exports/{job['id']}/file/"), 409, "conflict")
    running = job_take(job["id"])
    assert running is not None
    export_run(running)
    assert api.get(f"jobs/{job['id']}/").json()["state"] == "done"
    response = api.get(f"exports/{job['id']}/file/")
    assert response.status_code == 200
    return response, b"".join(response.streaming_content).decode()


def test_a_dataset_is_exported_and_fetched(sent: list[str]) -> None:
    s = story()
    (item,) = s.items(["Lovely,\nsaid “she”."])
    Api(s.rhea, s.project.pk).post("rulings/", ruling(item.pk))
    response, text = exported(s)
    assert sent == ["annotate.export"]
    assert response["Content-Type"] == "text/csv"
    assert response["Content-Disposition"].startswith("attachment; filename=")
    (row,) = csv.DictReader(io.StringIO(text))
    assert json.loads(row["fields"]) == {"text": "Lovely,\nsaid “she”."}
    assert (row["sentiment"], row["sentiment__source"]) == ("negative", "ruling")


def test_a_dataset_is_exported_as_json_lines() -> None:
    s = story()
    s.items(["One", "Two"])
    response, text = exported(s, format="jsonl")
    assert response["Content-Type"] == "application/jsonl"
    assert [json.loads(line)["item_id"] for line in text.splitlines()] == ["i1", "i2"]


def test_an_export_whose_file_is_gone_says_so(settings: Any) -> None:
    s = story()
    exported(s)
    job = Job.objects.get()
    (Path(settings.MEDIA_ROOT) / job.file).unlink()
    refused = Api(s.rhea, s.project.pk).get(f"exports/{job.pk}/file/")
    assert "Start the export again" in assert_problem(refused, 404)["detail"]


@pytest.mark.parametrize("change", [{"what": "everything"}, {"format": "xlsx"}, {"who": "me"}])
def test_an_export_of_something_else_is_refused(change: dict[str, Any]) -> None:
    s = story()
    assert_problem(Api(s.rhea, s.project.pk).post("exports/", ITEMS | change), 422, "bad_input")
    assert not Job.objects.exists()


def test_who_may_export() -> None:
    s = story()
    started = {**LEADS, "owner": 202, "reviewer": 202}
    assert everybody(s, "POST", "exports/", ITEMS) == started
    job = Job.objects.order_by("pk")[0]
    assert everybody(s, "GET", f"jobs/{job.pk}/") == LEADS
    waiting = {**LEADS, "owner": 409, "reviewer": 409}
    assert everybody(s, "GET", f"exports/{job.pk}/file/") == waiting


def test_an_archived_project_can_still_be_exported() -> None:
    s = story()
    project_archive(s.olga, s.project)
    assert exported(s)[1].startswith("item_id,")


def test_a_job_is_paused_resumed_and_cancelled(sent: list[str]) -> None:
    s = story()
    job = job_create(s.olga, project=s.project, kind="export", task="annotate.export")
    api = Api(s.rhea, s.project.pk)
    for move, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        moved = api.post(f"jobs/{job.pk}/{move}/")
        assert (moved.status_code, moved.json()["state"]) == (200, state)
    assert sent == ["annotate.export"]
    assert_problem(api.post(f"jobs/{job.pk}/pause/"), 409, "conflict")


def test_a_job_is_not_resumed_in_an_archived_project_but_may_be_stopped(sent: list[str]) -> None:
    s = story()
    job = job_create(s.olga, project=s.project, kind="judge_run", task="judges.run")
    api = Api(s.rhea, s.project.pk)
    project_archive(s.olga, s.project)
    assert api.post(f"jobs/{job.pk}/pause/").status_code == 200
    assert_problem(api.post(f"jobs/{job.pk}/resume/"), 403, "not_allowed")
    assert sent == []
    assert api.post(f"jobs/{job.pk}/cancel/").status_code == 200


def test_who_may_move_a_job() -> None:
    s = story()
    job = job_create(s.olga, project=s.project, kind="export", task="annotate.export")
    Job.objects.filter(pk=job.pk).update(state=JobState.CANCELLED)
    finished = {**LEADS, "owner": 409, "reviewer": 409}
    assert everybody(s, "POST", f"jobs/{job.pk}/cancel/") == finished


def test_a_job_and_a_ruling_of_another_project_are_not_there() -> None:
    s = story()
    other = project_create(s.sam, name="Another")
    job = job_create(s.sam, project=other, kind="export", task="annotate.export")
    api = Api(s.olga, s.project.pk)
    for response in (
        api.get(f"jobs/{job.pk}/"),
        api.get(f"exports/{job.pk}/file/"),
        api.post(f"jobs/{job.pk}/cancel/"),
        api.post(f"rulings/{2**62}/withdraw/"),
    ):
        assert_problem(response, 404, "not_found")
    job.refresh_from_db()
    assert job.state == JobState.QUEUED

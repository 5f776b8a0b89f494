"""Judges by program: made, listed, run over items."""

from __future__ import annotations

from typing import Any

import pytest

from annotate.models import Label
from annotate.services.projects import project_archive, project_create
from judges.models import Connection, JudgeVersion, Run
from judges.services.connections import connection_add
from judges.services.runs import run_start
from judges.services.versions import classifier_version
from tests.api.asking import Api, assert_problem, everybody
from tests.judges.judging import answering, by_words, scripted_version, work
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
ZERO_SHOT = {"question": "sentiment"}


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No broker here: what would be sent to the worker."""
    tasks: list[str] = []
    monkeypatch.setattr("judges.api.judging.job_nudge", lambda job: tasks.append(job.task))
    return tasks


def endpoint(s: Story) -> Connection:
    return connection_add(
        s.olga, s.project, name="Mine", base_url="http://localhost:9/v1", key="very-secret"
    )


def test_the_local_classifier_is_made_once_and_listed() -> None:
    s = story()
    api = Api(s.rhea, s.project.pk)
    made = api.post("judges/", ZERO_SHOT)
    assert made.status_code == 200
    judge = made.json()
    assert judge["name"] == "Local classifier, zero-shot v1"
    assert (judge["question"], judge["question_version"]) == ("sentiment", 1)
    assert judge["provider"] == "local_classifier"
    assert api.post("judges/", ZERO_SHOT).json() == judge
    assert api.get("judges/").json()["results"] == [judge]


def test_a_model_behind_a_connection_becomes_a_judge() -> None:
    s = story()
    mine = endpoint(s)
    api = Api(s.rhea, s.project.pk)
    (shown,) = api.get("connections/").json()
    assert (shown["id"], shown["name"], shown["base_url"]) == (mine.pk, "Mine", mine.base_url)
    made = api.post(
        "judges/",
        {**ZERO_SHOT, "how": "connection", "connection": mine.pk, "model": "some-model"},
    )
    assert made.status_code == 200
    assert made.json()["model"] == "some-model"


def test_a_key_is_never_shown() -> None:
    s = story()
    mine = endpoint(s)
    text = Api(s.olga, s.project.pk).get("connections/").content.decode()
    assert "very-secret" not in text
    assert mine.key_encrypted not in text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"question": "mood"}, 422),
        ({"question": "\0"}, 422),
        ({"how": "by_magic"}, 422),
        ({"how": "trained"}, 422),  # nothing to learn from yet
        ({"how": "connection", "model": "m"}, 422),
        ({"how": "connection", "model": "m", "connection": 2**63 - 1}, 404),
        ({"how": "local_llm"}, 409),  # none is served here
        ({"system": "x" * 20_001}, 422),
    ],
)
def test_a_judge_that_cannot_be_is_refused(change: dict[str, Any], status: int) -> None:
    s = story()
    refused = Api(s.rhea, s.project.pk).post("judges/", ZERO_SHOT | change)
    assert_problem(refused, status)
    assert not JudgeVersion.objects.exists()


def test_a_connection_needs_a_model_and_must_be_the_project_s_own_endpoint() -> None:
    s = story()
    mine = endpoint(s)
    api = Api(s.rhea, s.project.pk)
    wanted = {**ZERO_SHOT, "how": "connection", "connection": mine.pk}
    assert "model" in assert_problem(api.post("judges/", wanted), 422)["fields"]
    api.post("judges/", ZERO_SHOT)
    built_in = Connection.objects.get(provider="local_classifier")
    wanted["connection"] = built_in.pk
    assert "connection" in assert_problem(api.post("judges/", wanted), 422)["fields"]
    other = project_create(s.sam, name="Another")
    wanted["connection"] = connection_add(
        s.sam, other, name="Theirs", base_url="http://localhost:9/v1"
    ).pk
    assert_problem(api.post("judges/", {**wanted, "model": "m"}), 404, "not_found")


def test_who_may_make_and_see_judges() -> None:
    s = story()
    assert everybody(s, "POST", "judges/", ZERO_SHOT) == LEADS
    for path in ("judges/", "connections/", "runs/"):
        assert everybody(s, "GET", path) == LEADS


def test_a_run_is_started_watched_and_its_labels_are_there(sent: list[str]) -> None:
    s = story()
    s.items(["Lovely food.", "Cold food.", "Great."])
    version = scripted_version(s)
    api = Api(s.rhea, s.project.pk)
    started = api.post("runs/", {"version": version.pk, "limit": 2})
    assert started.status_code == 202
    assert sent == ["judges.run"]
    run = started.json()
    assert (run["version"], run["judge"]) == (version.pk, "script-1 v1")
    assert run["selection"] == {"strategy": "random", "limit": 2}
    assert (run["job"]["state"], run["job"]["total"]) == ("queued", 2)
    assert run["progress"]["closed"] == 0
    with answering(by_words):
        work(Run.objects.get(pk=run["id"]))
    done = api.get(f"runs/{run['id']}/").json()
    assert done["job"]["state"] == "done"
    assert (done["progress"]["closed"], done["progress"]["labels"]) == (2, 2)
    assert Label.objects.filter(rater=version.rater).count() == 2
    (listed,) = api.get("runs/").json()["results"]
    assert listed == {name: done[name] for name in listed}


def test_a_run_over_everything_left() -> None:
    s = story()
    s.items([f"Text {n}" for n in range(130)])
    run = (
        Api(s.rhea, s.project.pk)
        .post("runs/", {"version": scripted_version(s).pk, "limit": None, "seed": 2**63 - 1})
        .json()
    )
    assert run["job"]["total"] == 130
    assert (run["selection"], run["seed"]) == ({"strategy": "all"}, 2**63 - 1)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"version": 2**63}, 422),
        ({"version": 2**63 - 1}, 404),
        ({"limit": 0}, 422),
        ({"seed": -1}, 422),
        ({"seed": 2**63}, 422),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(change: dict[str, Any], status: int) -> None:
    s = story()
    s.items(["One"])
    wanted = {"version": scripted_version(s).pk, **change}
    assert_problem(Api(s.rhea, s.project.pk).post("runs/", wanted), status)
    assert not Run.objects.exists()


def test_one_run_of_a_judge_at_a_time_and_none_without_items() -> None:
    s = story()
    api = Api(s.rhea, s.project.pk)
    wanted = {"version": scripted_version(s).pk}
    assert_problem(api.post("runs/", wanted), 422, "bad_input")
    s.items(["One"])
    assert api.post("runs/", wanted).status_code == 202
    assert_problem(api.post("runs/", wanted), 409, "conflict")


def test_texts_that_must_not_leave_are_not_sent() -> None:
    s = story()
    s.items(["One"])
    version = scripted_version(s)
    Connection.objects.update(leaves_machine=True)
    assert_problem(Api(s.rhea, s.project.pk).post("runs/", {"version": version.pk}), 403)
    assert not Run.objects.exists()


def test_who_may_run_a_judge() -> None:
    s = story()
    s.items(["One"])
    version = scripted_version(s)
    run = run_start(s.olga, version)
    # 409: they have the right, and this run is not finished.
    started = {**LEADS, "owner": 409, "reviewer": 409}
    assert everybody(s, "POST", "runs/", {"version": version.pk}) == started
    assert everybody(s, "GET", f"runs/{run.pk}/") == LEADS


def test_nothing_is_made_or_run_in_an_archived_project() -> None:
    s = story()
    s.items(["One"])
    version = scripted_version(s)
    project_archive(s.olga, s.project)
    api = Api(s.olga, s.project.pk)
    assert_problem(api.post("runs/", {"version": version.pk}), 403)
    assert_problem(api.post("judges/", ZERO_SHOT), 403)
    assert Run.objects.count() == 0
    assert JudgeVersion.objects.count() == 1


def test_judges_and_runs_of_another_project_are_not_there() -> None:
    s = story()
    s.items(["One"])
    run = run_start(s.olga, classifier_version(s.olga, s.question, mode="zero_shot"))
    other = project_create(s.sam, name="Another")
    api = Api(s.sam, other.pk)
    assert_problem(api.get(f"runs/{run.pk}/"), 404)
    assert_problem(api.post("runs/", {"version": run.version_id}), 404)
    assert api.get("runs/").json()["results"] == api.get("judges/").json()["results"] == []

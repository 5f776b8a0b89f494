"""The report as a file and by the API; the replacement test by the API."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from annotate.services.jobs import job_take
from judges.services.judge_reports import reports_run
from judges.services.replacement_tests import replacement_run
from tests.answers import says
from tests.api.asking import Api
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tale() -> Story:
    tale = story(labels_per_item=3)
    for n, item in enumerate(tale.items([f"Text {n}" for n in range(40)])):
        for who in ("w1", "w2", "w3"):
            says(tale, who, item, n % 2)
        says(tale, "j1", item, n % 2 if n < 32 else 2, confidence=0.9)
    return tale


def work(job_id: int, run: object) -> None:
    running = job_take(job_id)
    assert running is not None
    assert callable(run)
    run(running)


def at(tale: Story) -> str:
    judge = tale.project.raters.get(name="j1")
    return f"trust/questions/{tale.question.pk}/judges/{judge.pk}/"


def test_reports_are_started_and_read_by_the_api(tale: Story) -> None:
    api = Api(tale.rhea, tale.project.pk)
    assert api.get(at(tale)).status_code == 404  # none yet
    started = api.post("trust/reports/")
    assert started.status_code == 202
    work(started.json()["id"], reports_run)

    (listed,) = api.get("trust/reports/").json()
    assert (listed["judge"], listed["agree"], listed["n"]) == ("j1", 32, 40)
    report = api.get(at(tale)).json()
    assert report["fingerprint"] == listed["fingerprint"]
    assert report["report"]["with_people"]["n_items"] == 40
    assert report["report"]["calibration"]["n"] == 40


def test_a_replacement_test_is_planned_and_decided_by_the_api(tale: Story) -> None:
    api = Api(tale.rhea, tale.project.pk)
    planned = api.post(f"{at(tale)}tests/", {"epsilon": 0.2, "seed": 3})
    assert planned.status_code == 202, planned.content
    test = planned.json()
    work(test["job"]["id"], replacement_run)
    path = f"trust/tests/{test['id']}/"
    assert api.get(path).json()["plan"]["now"]["people"] == 3
    settled = api.post(f"{path}decide/")
    assert settled.status_code == 202
    work(settled.json()["job"]["id"], replacement_run)

    found = api.get(path).json()

    assert found["decided_at"]
    assert found["seed"] == 3
    assert [person["advantage"] for person in found["result"]["people"]] == [0.8, 0.8, 0.8]
    assert found["result"]["winning_rate"]["value"] == 0.0  # docked .2, and .2 behind
    assert api.get(f"{at(tale)}tests/").json() == [found]
    assert api.post(f"{path}decide/").status_code == 409


def test_items_are_drawn_by_the_api(tale: Story) -> None:
    api = Api(tale.rhea, tale.project.pk)
    test = api.post(f"{at(tale)}tests/", {"epsilon": 0.1}).json()
    asked = {"n_items": 10, "per_item": 2, "members": ["ana", "ben", "nobody"]}
    drawn = api.post(f"trust/tests/{test['id']}/draw/", asked)
    assert drawn.status_code == 202, drawn.content
    batch = drawn.json()["batch"]
    assert len(batch["items"]) == 10
    assert sorted(len(ids) for ids in batch["given"].values()) == [10, 10]
    again = api.post(f"trust/tests/{test['id']}/draw/", asked)
    assert again.status_code == 409


def test_the_file_holds_the_report_and_needs_nothing_else(client: Client, tale: Story) -> None:
    api = Api(tale.rhea, tale.project.pk)
    work(api.post("trust/reports/").json()["id"], reports_run)
    judge = tale.project.raters.get(name="j1")
    client.force_login(tale.olga)

    answer = client.get(
        reverse("judge_report_file", args=[tale.project.pk, tale.question.pk, judge.pk])
    )

    assert answer["Content-Disposition"] == 'attachment; filename="report-j1-sentiment.html"'
    html = answer.content.decode()
    assert "It says what most people said on 32 of 40 items" in html
    assert "A complaint, even a mild one." in html  # what was asked
    assert "Calderon, Reichart and Dror" in html
    # Nothing is fetched, and nothing leads anywhere.
    assert not re.findall(r"\b(?:src|href)=|@import|url\(\s*[\"']?(?:http|/)", html)
    assert html.count("<h1") == 1
    tokens = Path("static/css/tokens.css").read_text(encoding="utf-8")
    assert tokens.strip() in html


def test_there_is_no_file_without_a_report(client: Client, tale: Story) -> None:
    judge = tale.project.raters.get(name="j1")
    client.force_login(tale.olga)
    address = reverse("judge_report_file", args=[tale.project.pk, tale.question.pk, judge.pk])
    assert client.get(address).status_code == 404

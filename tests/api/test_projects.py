"""Log-in by token, projects, questions."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from annotate.models import Event, Project
from annotate.services.members import member_add
from annotate.services.projects import project_create
from tests.api.asking import Api, assert_problem, everybody
from tests.personas import PASSWORD, STARS, story, user

pytestmark = pytest.mark.django_db

SENTIMENT: dict[str, Any] = {
    "key": "sentiment",
    "name": "Sentiment",
    "kind": "single",
    "options": [
        {"key": "good", "name": "Good", "colour": "green"},
        {"key": "bad", "name": "Bad", "definition": "A complaint."},
    ],
}
NEW: dict[str, Any] = {
    "name": "Reviews",
    "labels_per_item": 2,
    "guideline": "Judge the text only.",
    "questions": [SENTIMENT],
}


@pytest.fixture(autouse=True)
def _no_attempts_yet() -> None:
    cache.clear()


def test_log_in_gives_a_token_that_works_and_is_the_same_next_time() -> None:
    s = story()
    anybody = Api(None)
    login = {"username": "ana", "password": PASSWORD}
    token = anybody.post("token/", login).json()["token"]
    assert anybody.post("token/", login).json() == {"token": token}
    response = anybody._client.get("/api/v1/projects/", headers={"Authorization": f"Token {token}"})
    assert [project["id"] for project in response.json()] == [s.project.pk]
    assert Event.objects.filter(verb="token.made", actor=s.ana).count() == 1


@pytest.mark.parametrize("name", ["ana", "nobody-of-this-name"])
def test_log_in_with_a_wrong_password_says_the_same_whether_there_is_an_account(name: str) -> None:
    story()
    refused = Api(None).post("token/", {"username": name, "password": "wrong"})
    found = assert_problem(refused, 401, "authentication_failed")
    assert found["detail"] == "User name and password do not match."


def test_log_in_of_an_inactive_account_is_refused() -> None:
    ana = user("ana")
    ana.is_active = False
    ana.save()
    refused = Api(None).post("token/", {"username": "ana", "password": PASSWORD})
    assert_problem(refused, 401)


def test_passwords_cannot_be_tried_for_long_and_the_screen_counts_along() -> None:
    user("ana")
    anybody = Api(None)
    for _attempt in range(10):
        assert_problem(anybody.post("token/", {"username": "ana", "password": "no"}), 401)
    right = {"username": "ana", "password": PASSWORD}
    assert_problem(anybody.post("token/", right), 429, "too_many_attempts")
    assert anybody._client.post("/account/login/", right).status_code == 429


@pytest.mark.parametrize("token", ["0" * 40, "x", "a\0b", "ü", ""])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    response = Api(None)._client.get(
        "/api/v1/projects/", headers={"Authorization": f"Token {token}"}
    )
    assert_problem(response, 401)
    assert response["WWW-Authenticate"] == "Token"


def test_the_session_of_the_screens_works_too_and_writing_needs_its_csrf_token() -> None:
    s = story()
    anybody = Api(None, s.project.pk)
    anybody._client.force_login(s.olga)
    assert anybody.get("items/").status_code == 200
    anybody._client.handler.enforce_csrf_checks = True
    assert_problem(anybody.post("exports/", {"what": "items", "format": "csv"}), 403)


def test_a_project_is_started_with_its_questions() -> None:
    olga = user("olga", founder=True)
    response = Api(olga).post("projects/", NEW)
    assert response.status_code == 201
    made = response.json()
    assert (made["name"], made["labels_per_item"], made["visibility"]) == ("Reviews", 2, "blind")
    api = Api(olga, made["id"])
    assert api.get().json() == made
    (question,) = api.get("questions/").json()
    assert (question["key"], question["version"], question["required"]) == ("sentiment", 1, True)
    assert [(o["code"], o["key"], o["colour"]) for o in question["options"]] == [
        (0, "good", "green"),
        (1, "bad", "green"),
    ]
    assert Project.objects.get().guidelines.get().text == "Judge the text only."


def test_only_founders_start_projects() -> None:
    assert_problem(Api(user("ana")).post("projects/", NEW), 403, "not_allowed")
    assert_problem(Api(None).post("projects/", NEW), 401)
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"name": " "},
        {"labels_per_item": 0},
        {"labels_per_item": 101},
        {"questions": [SENTIMENT] * 2},
        {"questions": [SENTIMENT | {"options": []}]},
        {"questions": [SENTIMENT | {"key": "Ä"}]},
        {"questions": [SENTIMENT | {"kind": "essay"}]},
        {"questions": [SENTIMENT | {"options": [{"key": "a", "name": "A", "colour": "#fff"}]}]},
    ],
)
def test_a_project_that_does_not_hold_together_is_refused_whole(change: dict[str, object]) -> None:
    refused = Api(user("olga", founder=True)).post("projects/", NEW | change)
    assert assert_problem(refused, 422, "bad_input")["fields"]
    assert not Project.objects.exists()


def test_only_one_s_own_projects_are_listed() -> None:
    s = story()
    other = project_create(user("otto"), name="Another")
    member_add(None, other, s.vic, "viewer")
    names = {
        person.username: [project["name"] for project in Api(person).get("projects/").json()]
        for person in (s.olga, s.vic, s.sam)
    }
    assert names == {
        "olga": ["Restaurant reviews"],
        "vic": ["Restaurant reviews", "Another"],
        "sam": [],
    }


@pytest.mark.parametrize("path", ["", "questions/"])
def test_every_member_may_see_a_project_and_what_it_asks(path: str) -> None:
    assert everybody(story(questions=(STARS,)), "GET", path) == {
        "owner": 200,
        "reviewer": 200,
        "annotator": 200,
        "viewer": 200,
        "stranger": 404,
        "nobody": 401,
    }

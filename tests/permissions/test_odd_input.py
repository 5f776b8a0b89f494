"""Whatever stands after the ? of an address, in a form or in a cookie, no page breaks."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.permissions.test_matrix import MATRIX, Row, World, sent
from tests.permissions.test_matrix import world as world

pytestmark = pytest.mark.django_db

PAGE = ("cursor", "page_size", "format")
READ = {
    "items": ("q", "question", "state", "reason", "answer", "a", "b", "after", "before"),
    "review": ("question", "reason", "item", "after", "before"),
    "guideline_edit": ("version",),
    "project_new": ("template",),
    "question_new": ("template",),
    "login": ("next",),
    "api_items": (*PAGE, "external_id"),
    "api_labels": (*PAGE, "status", "kind", "item", "question", "rater"),
    "api_rulings": PAGE,
    "api_aggregations": PAGE,
    "api_aggregation_raters": PAGE,
    "api_label_errors": (*PAGE, "question"),
    "likely_errors": ("question", "page", "at"),
    "prompt": ("from", "trial", "question", "by", "model", "place", "variant"),
    "judge_versions": ("with",),
    "api_judges": PAGE,
    "api_judge_compare": ("with",),
    "panel_new": ("question",),
    "api_hand_overs": PAGE,
    "api_runs": PAGE,
    "api_schema": ("format", "lang", "version"),
}
ODD = ("\0", "²", str(2**63), "9" * 5000)
# Forms beside those that the matrix fills in.
QUESTION = {
    "question-name": "Mood",
    "question-kind": "single",
    "question-text": "Which?",
    "question-many": "Good\nBad",
    "option-TOTAL_FORMS": "1",
    "option-INITIAL_FORMS": "0",
    "option-0-name": "So-so",
    "option-0-key": "so",
    "option-0-definition": "Neither.",
    "option-0-colour": "red",
}
FORMS = {
    "join": {"username": "new", "name": "Somebody", "password": "correct horse"},
    "label_leave": {"item": "1"},
    "label_skip": {"item": "1", "client_key": "k", "seal": "x", "seconds": "1", "comment": "c"},
    "label_submit": {"item": "1", "client_key": "k", "seal": "x", "q1": "0"},
    "label_undo": {"submission": "1"},
    "login": {"username": "olga", "password": "wrong", "next": "/"},
    "project_new": {"name": "New", "labels_per_item": "1", "guideline": "Look.", **QUESTION},
    "question_new": QUESTION,
    "theme": {"theme": "dark", "next": "/"},
}
POSTS = [row for row in MATRIX if row.method == "POST" and not row.name.startswith("api_")]


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("value", ODD, ids=lambda value: ascii(value)[:20])
def test_an_odd_query(world: World, name: str, value: str) -> None:
    row = next(row for row in MATRIX if (row.name, row.method) == (name, "GET"))
    for query in READ[name]:
        assert int(world.ask("owner", row, data={query: value})) < 500


@pytest.mark.parametrize("row", POSTS, ids=str)
def test_an_odd_form(world: World, row: Row) -> None:
    form = FORMS.get(row.name) or sent(row, world.ids)
    roles = ("owner", "nobody") if row.name in {"join", "login", "theme"} else ("owner",)
    for role in roles:
        for field in form:
            for value in ODD:
                assert int(world.ask(role, row, data={**form, field: value})) < 500


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "theme", "messages"])
@pytest.mark.parametrize("address", ["/", "/api/v1/projects/", "/account/login/"])
def test_an_odd_cookie(name: str, address: str) -> None:
    for value in ('"\\000\\000\\000\\000\\000\\000\\000\\000\\000"', "x" * 4000, "%00", '"\\377"'):
        client = Client(headers={"Cookie": f"{name}={value}"})
        assert client.get(address).status_code < 500

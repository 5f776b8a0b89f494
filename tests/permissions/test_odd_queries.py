"""Whatever stands after the ? of an address, or in a cookie, no page breaks."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.permissions.test_matrix import MATRIX, World
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
    "api_judges": PAGE,
    "api_runs": PAGE,
    "api_schema": ("format", "lang", "version"),
}
ODD = ("\0", "x", "²", str(2**63), "9" * 5000, "NaN-1")


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("value", ODD, ids=lambda value: ascii(value)[:20])
def test_an_odd_query(world: World, name: str, value: str) -> None:
    row = next(row for row in MATRIX if (row.name, row.method) == (name, "GET"))
    for query in READ[name]:
        assert int(world.ask("owner", row, data={query: value})) < 500


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "theme", "messages"])
@pytest.mark.parametrize("address", ["/", "/api/v1/projects/", "/account/login/"])
def test_an_odd_cookie(name: str, address: str) -> None:
    for value in ('"\\000\\000\\000\\000\\000\\000\\000\\000\\000"', "x" * 4000, "%00", '"\\377"'):
        client = Client(headers={"Cookie": f"{name}={value}"})
        assert client.get(address).status_code < 500

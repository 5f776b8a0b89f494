"""Every refusal has one format, and nothing that is sent breaks the server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate.models import Item
from config.urls import urlpatterns as every_address
from tests.api.asking import Api, assert_problem
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

DEEP = b"[" * 100_000 + b"]" * 100_000


class Broken(APIView):
    permission_classes = ()

    def get(self, _request: Request) -> Response:
        raise RuntimeError("the password is 1234")


urlpatterns = [path("api/broken/", Broken.as_view()), *every_address]


def item_with(**more: Any) -> dict[str, Any]:
    return {"items": [{"external_id": "a", "fields": {"text": "x"}, **more}]}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["nothing/", "projects", "projects/x/", "projects/1/items/-1/"])
def test_an_address_that_there_is_not(method: str, path: str) -> None:
    found = assert_problem(Api(None).ask(method, path), 404, "not_found")
    assert "There is no such address" in found["detail"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_method_that_an_address_does_not_take(method: str) -> None:
    s = story()
    response = Api(s.olga, s.project.pk).ask(method, "items/")
    assert_problem(response, 405, "method_not_allowed")
    assert "GET, POST" in response["Allow"]


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_a_body_that_is_not_said_to_be_json(media: str) -> None:
    s = story()
    response = Api(s.olga, s.project.pk).ask("POST", "items/", item_with(), media=media)
    assert_problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "raw", [b"{", b"nonsense", b"\xff\xfe", b'{"items": NaN}', b"1" * 5000, b'{"a": "\n"}']
)
def test_a_body_that_is_not_json(raw: bytes) -> None:
    s = story()
    found = assert_problem(Api(s.olga, s.project.pk).post("items/", raw=raw), 400, "parse_error")
    assert found["detail"].startswith("This is not JSON:")


@pytest.mark.parametrize("raw", [b"[]", b'"text"', b"null", b"5", b""])
def test_a_body_that_is_no_object(raw: bytes) -> None:
    s = story()
    assert_problem(Api(s.olga, s.project.pk).post("items/", raw=raw), 422, "bad_input")


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (rb'{"items": [{"external_id": "a\u0000"}]}', "items[0].external_id"),
        (rb'{"items": [{"metadata": {"a": {"b": "\u0000"}}}]}', "items[0].metadata.a.b"),
        (rb'{"items": [{"metadata": {"\u0000": 1}}]}', "items[0].metadata"),
        (rb'{"items": [{"metadata": {"a": "\ud800"}}]}', "items[0].metadata.a"),
        (rb'{"items": [{"fields": {"\udfff": "x"}}]}', "items[0].fields"),
        (b'{"items": [{"metadata": {"n": 1e999}}]}', "items[0].metadata.n"),
        (b'{"items": [{"metadata": {"n": -1e999}}]}', "items[0].metadata.n"),
        (b'{"items": [{"metadata": {"n": ' + b"[" * 60 + b"]" * 60 + b"}}]}", None),
        (DEEP, None),
    ],
)
def test_what_no_database_keeps_is_refused_by_path(raw: bytes, where: str | None) -> None:
    s = story()
    found = assert_problem(Api(s.olga, s.project.pk).post("items/", raw=raw), 422, "bad_input")
    assert where is None or list(found["fields"]) == [where]
    assert not Item.objects.exists()


def test_what_is_odd_but_sound_is_kept() -> None:
    s = story()
    api = Api(s.olga, s.project.pk)
    metadata = {"n": 10**400, "f": -1e-300, "t": "\U0001f600 \u202eabc\x1f", "d": {"": None}}
    deep: Any = "x"
    for _level in range(45):
        deep = [deep]
    assert api.post("items/", item_with(metadata=metadata | {"deep": deep})).status_code == 200
    (item,) = api.get("items/").json()["results"]
    assert item["metadata"] == metadata | {"deep": deep}


def test_a_byte_order_mark_and_a_charset_are_no_harm() -> None:
    s = story()
    raw = b"\xef\xbb\xbf" + json.dumps(item_with()).encode()
    response = Api(s.olga, s.project.pk).ask(
        "POST", "items/", raw=raw, media="application/json; charset=rot13"
    )
    assert response.status_code == 200


def test_a_body_beyond_the_bound_is_refused(settings: Any) -> None:
    s = story()
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    api = Api(s.olga, s.project.pk)
    assert_problem(api.post("items/", item_with(metadata={"x": "y" * 1000})), 413, "too_large")
    assert api.post("items/", item_with()).status_code == 200


def beyond(s: Story) -> list[str]:
    return [
        f"/api/v1/projects/{number}/{rest}"
        for number in (2**31, 2**63 - 1, 2**63, 2**64, 10**30)
        for rest in ("", "items/", "next/", "runs/")
    ] + [
        f"/api/v1/projects/{s.project.pk}/{rest.format(number)}"
        for number in (0, 2**31, 2**63 - 1, 2**63, 10**30)
        for rest in (
            "items/{}/",
            "submissions/{}/withdraw/",
            "rulings/{}/withdraw/",
            "exports/{}/file/",
            "jobs/{}/",
            "jobs/{}/pause/",
            "runs/{}/",
        )
    ]


def test_ids_beyond_what_a_database_counts_are_not_there() -> None:
    s = story()
    api = Api(s.olga)
    for address in beyond(s):
        for method in ("GET", "POST"):
            response = api.ask(method, address.removeprefix("/api/v1/"))
            if response.status_code != 405:
                assert_problem(response, 404, "not_found")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense"])
def test_the_answer_is_json_whatever_is_asked_for(accept: str) -> None:
    s = story()
    api = Api(s.olga)
    response = api._client.get("/api/v1/projects/", headers={**api._headers, "Accept": accept})
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


@pytest.mark.urls(__name__)
def test_a_fault_of_ours_is_told_without_detail(caplog: pytest.LogCaptureFixture) -> None:
    response = Api(None)._client.get("/api/broken/")
    assert_problem(response, 500, "fault")
    assert b"1234" not in response.content
    assert "the password is 1234" in caplog.text

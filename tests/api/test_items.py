"""Items: in by the thousand, out by pages."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries

from annotate.api import items as operations
from annotate.models import Event, Item, Slot
from annotate.services.claims import claims_hold
from annotate.services.projects import project_archive
from tests.api.asking import Api, assert_problem, everybody
from tests.personas import story

pytestmark = pytest.mark.django_db

TWO = {
    "items": [
        {"external_id": "a", "fields": {"title": "Z", "text": "Lovely."}, "metadata": {"n": [1]}},
        {"external_id": "b", "fields": {"title": "A", "text": " Dull. "}},
    ]
}


def test_items_come_in_and_go_out_as_they_were() -> None:
    s = story(labels_per_item=3)
    api = Api(s.rhea, s.project.pk)
    taken = api.post("items/", TWO)
    assert taken.status_code == 200
    assert [row["outcome"] for row in taken.json()["items"]] == ["created", "created"]
    listed = api.get("items/").json()
    assert listed["next"] is listed["previous"] is None
    first, second = listed["results"]
    assert first["external_id"] == "a"
    assert list(first["fields"].items()) == [("title", "Z"), ("text", "Lovely.")]
    assert first["metadata"] == {"n": [1]}
    assert second["fields"]["text"] == " Dull. "
    assert [row["id"] for row in taken.json()["items"]] == [first["id"], second["id"]]
    assert Slot.objects.count() == 6
    assert Event.objects.get(verb="items.taken_in").detail["counts"] == {"created": 2}


def test_the_same_again_changes_nothing_and_what_was_labelled_stays() -> None:
    s = story()
    api = Api(s.olga, s.project.pk)
    api.post("items/", TWO)
    again = api.post("items/", TWO).json()["items"]
    assert [row["outcome"] for row in again] == ["unchanged", "unchanged"]
    (held,) = claims_hold(s.rater(s.ana))
    other = [{"external_id": i, "fields": {"text": "New."}} for i in ("a", "b")]
    changed = api.post("items/", {"items": other}).json()["items"]
    assert {row["id"]: row["outcome"] for row in changed} == {
        item.pk: "frozen" if item.pk == held.item_id else "updated" for item in Item.objects.all()
    }


def test_who_may_bring_items_in() -> None:
    assert everybody(story(), "POST", "items/", TWO) == {
        "owner": 200,
        "reviewer": 200,
        "annotator": 403,
        "viewer": 403,
        "stranger": 404,
        "nobody": 401,
    }


def test_nothing_comes_into_an_archived_project() -> None:
    s = story()
    project_archive(s.olga, s.project)
    assert_problem(Api(s.olga, s.project.pk).post("items/", TWO), 403, "not_allowed")
    assert not Item.objects.exists()


@pytest.mark.parametrize(
    "items",
    [
        [],
        "many",
        [{}],
        [{"external_id": "a", "fields": {}}],
        [{"external_id": "a", "fields": {"text": " "}}],
        [{"external_id": "a", "fields": {"": "x"}}],
        [{"external_id": "a", "fields": {"n" * 201: "x"}}],
        [{"external_id": "a", "fields": {str(n): "x" for n in range(501)}}],
        [{"external_id": "a", "fields": {"text": {"nested": "x"}}}],
        [{"external_id": " ", "fields": {"text": "x"}}],
        [{"external_id": "a" * 501, "fields": {"text": "x"}}],
        [{"external_id": "a", "fields": {"text": "x"}, "metadata": ["x"]}],
        [{"external_id": "a", "fields": {"text": "x"}}] * 2,
        [{"external_id": str(n), "fields": {"text": "x"}} for n in range(1001)],
    ],
)
def test_what_is_no_item_is_refused_and_so_is_its_company(items: Any) -> None:
    s = story()
    refused = Api(s.olga, s.project.pk).post("items/", {"items": items})
    assert_problem(refused, 422, "bad_input")
    assert not Item.objects.exists()


def test_of_two_requests_with_the_same_new_items_one_is_told_to_send_again() -> None:
    s = story()

    def rival_was_first(*_args: object) -> None:
        raise IntegrityError

    with patch.object(operations, "items_take_in", rival_was_first):
        refused = Api(s.olga, s.project.pk).post("items/", TWO)
    assert_problem(refused, 409, "conflict")
    assert not Event.objects.filter(verb="items.taken_in").exists()


def test_pages_are_walked_forth_and_back(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    s = story()
    items = s.items([f"Text {n}" for n in range(7)])
    api = Api(s.vic, s.project.pk)
    with django_assert_num_queries(3):  # token, membership, rows
        page = api.get("items/", page_size=3).json()
    seen = [page]
    while seen[-1]["next"]:
        seen.append(api._client.get(seen[-1]["next"], headers=api._headers).json())
    assert [[row["id"] for row in page["results"]] for page in seen] == [
        [item.pk for item in items[a:b]] for a, b in ((0, 3), (3, 6), (6, 7))
    ]
    back = api._client.get(seen[-1]["previous"], headers=api._headers).json()
    assert back["results"] == seen[1]["results"]


def test_an_item_is_found_by_its_external_id() -> None:
    s = story()
    s.items(["One", "Two"])
    api = Api(s.vic, s.project.pk)
    assert [row["fields"] for row in api.get("items/", external_id="i2").json()["results"]] == [
        {"text": "Two"}
    ]
    assert api.get("items/", external_id="i3").json()["results"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "zzz"},
        {"cursor": "\0"},
        {"cursor": "cD1hYmM="},  # p=abc
        {"cursor": "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5"},  # p=999...
        {"cursor": "cD0="},  # p=
        {"cursor": "x" * 1001},
        {"page_size": "0"},
        {"page_size": "1001"},
        {"page_size": "many"},
        {"external_id": "\0"},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    s = story()
    assert_problem(Api(s.olga, s.project.pk).get("items/", **query), 422, "bad_input")


def test_who_may_read_items() -> None:
    s = story()
    (item,) = s.items(["One"])
    wanted = {
        "owner": 200,
        "reviewer": 200,
        "annotator": 403,
        "viewer": 200,
        "stranger": 404,
        "nobody": 401,
    }
    assert everybody(s, "GET", "items/") == wanted
    assert everybody(s, "GET", f"items/{item.pk}/") == wanted
    api = Api(s.olga, s.project.pk)
    assert api.get(f"items/{item.pk}/").json()["fields"] == {"text": "One"}
    assert_problem(api.get(f"items/{item.pk + 1}/"), 404, "not_found")

"""Browsing: the further filters, saved views, what a page costs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import Item, Label, Rater, SavedView
from annotate.selectors.items import PAGE
from annotate.services.items import ItemRow, items_take_in
from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


def client_of(tale: Story, who: str = "vic") -> Client:
    client = Client()
    client.force_login(getattr(tale, who))
    return client


def listed(tale: Story, **query: Any) -> list[str]:
    page = client_of(tale).get(reverse("items", args=[tale.project.pk]), query)
    assert page.status_code == 200
    return re.findall(r'class="items__more" dir="auto">([^<· ]+)', page.content.decode())


@pytest.fixture
def tale() -> Story:
    """i1 agreed with a sure judge, i2 split with an unsure one, i3 said by w1, i4 untouched."""
    tale = story()
    items_take_in(
        tale.project,
        [
            ItemRow("i1", {"text": "Grüne Bohnen 100%"}, {"site": "north", "year": 2010}),
            ItemRow("i2", {"text": 'A "quoted" dish'}, {"site": "south", "year": "2010"}),
            ItemRow("i3", {"text": "Tea"}, {"site": "north", "fresh": True}),
            ItemRow("i4", {"text": "Coffee"}),
        ],
    )
    one, two, three, _four = Item.objects.order_by("pk")
    for who, item, choice in (("w1", one, 0), ("w2", one, 0), ("w1", two, 0), ("w2", two, 1)):
        says(tale, who, item, choice)
    says(tale, "w1", three, 1)
    says(tale, "j1", one, 0, confidence=0.97)
    says(tale, "j1", two, 1, confidence=0.5)
    return tale


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"disagreement": "split"}, ["i2"]),
        ({"disagreement": "agree"}, ["i1"]),
        ({"disagreement": "alone"}, ["i3"]),
        ({"confidence": "below_60"}, ["i2"]),
        ({"confidence": "above_95"}, ["i1"]),
        ({"confidence": "60_80"}, []),
        ({"meta": "site", "meta_value": "north"}, ["i1", "i3"]),
        ({"meta": "year", "meta_value": "2010"}, ["i1", "i2"]),
        ({"meta": "fresh", "meta_value": "true"}, ["i3"]),
        ({"meta": "nothing", "meta_value": "north"}, ["i1", "i2", "i3", "i4"]),
        ({"q": "bohnen 100%"}, ["i1"]),
        ({"q": 'A "quoted"'}, ["i2"]),
        ({"q": "i4"}, ["i4"]),
        ({"q": "%"}, ["i1"]),
        ({"confidence": "x", "disagreement": "y", "rater": "z"}, ["i1", "i2", "i3", "i4"]),
    ],
)
def test_the_list_is_narrowed_further(tale: Story, query: dict[str, str], found: list[str]) -> None:
    assert listed(tale, **query) == found


def test_by_rater_and_what_that_rater_said(tale: Story) -> None:
    w1 = Rater.objects.get(name="w1").pk

    assert listed(tale, rater=w1) == ["i1", "i2", "i3"]
    assert listed(tale, rater=w1, answer=1) == ["i3"]
    Label.objects.filter(rater=w1, item__external_id="i3").update(status="withdrawn")
    assert listed(tale, rater=w1) == ["i1", "i2"]


def save(client: Client, tale: Story, **given: str) -> Any:
    return client.post(reverse("view_keep", args=[tale.project.pk]), given)


def test_a_view_is_saved_shown_and_removed(tale: Story) -> None:
    client = client_of(tale, "rhea")

    saved = save(client, tale, name="Split", query="disagreement=split&after=3&x=1", shared="on")

    view = SavedView.objects.get()
    assert (view.query, view.shared, view.owner) == ("disagreement=split", True, tale.rhea)
    page = client.get(saved["Location"]).content.decode()
    assert re.search(r'aria-current="true"[^>]*>Split<', page)
    assert "Split" in client_of(tale).get(reverse("items", args=[tale.project.pk])).content.decode()
    client.post(reverse("view_remove", args=[tale.project.pk, view.pk]))
    assert not SavedView.objects.exists()


def test_a_view_of_ones_own_is_seen_by_nobody_else_and_a_viewer_shares_none(tale: Story) -> None:
    save(client_of(tale), tale, name="Secret", query="q=tea", shared="on")

    page = client_of(tale, "rhea").get(reverse("items", args=[tale.project.pk]))

    assert "Secret" not in page.content.decode()
    assert SavedView.objects.get().shared is False


@pytest.mark.parametrize("given", [{"name": "", "query": "q=x"}, {"name": "x", "query": "after=1"}])
def test_half_a_view_is_refused(tale: Story, given: dict[str, str]) -> None:
    assert save(client_of(tale), tale, **given).status_code == 422
    assert not SavedView.objects.exists()


def test_the_same_name_again_replaces_the_view(tale: Story) -> None:
    for query in ("q=one", "q=two"):
        save(client_of(tale), tale, name="Mine", query=query)

    assert SavedView.objects.get().query == "q=two"


def test_how_many_there_are_is_said_and_counted_no_further_than_a_bound(
    tale: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, address = client_of(tale), reverse("items", args=[tale.project.pk])

    assert "1 item<" in client.get(address, {"disagreement": "split"}).content.decode()
    monkeypatch.setattr("annotate.views.items.COUNTED", 3)
    assert "More than 3 items" in client.get(address).content.decode()


def test_a_page_costs_the_same_queries_however_it_is_narrowed(
    tale: Story, django_assert_num_queries: Any
) -> None:
    tale.items([f"Item {n}" for n in range(PAGE + 5)])
    client = client_of(tale)
    address = reverse("items", args=[tale.project.pk])
    narrow = {"q": "item", "meta": "site", "meta_value": "x", "disagreement": "split"}

    asked = (({}, 14), ({"after": 1}, 13), ({**narrow, "confidence": "60_80"}, 13))
    for query, queries in asked:
        with django_assert_num_queries(queries):
            client.get(address, query)

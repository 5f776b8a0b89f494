"""How fields of items are shown: text, Markdown, conversations, code, pictures, links."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from annotate.errors import BadInput
from annotate.models import Item, Project
from annotate.selectors.item_display import (
    HOWS,
    FieldShown,
    Turn,
    fields_shown,
    turns_of,
    web_address,
)
from annotate.services.items import ItemRow, items_take_in
from annotate.services.projects import project_change
from tests.personas import Story, story

NASTY = "<script>alert(1)</script> & <img src=x onerror=alert(2)>"


def shown(how: str, text: str, *, outside: bool = False) -> FieldShown:
    project = Project(display={"f": how}, outside_images=outside)
    (field,) = fields_shown(project, {"f": text})
    return field


def test_a_conversation_is_read_from_json_and_from_lines() -> None:
    turns = [Turn("user", "Hello", answers=False), Turn("assistant", "Hi: you?", answers=True)]
    parts = '{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi: you?"}'
    assert turns_of(f"[{parts}]") == turns
    assert turns_of(f'{{"messages": [{parts}]}}') == turns
    assert turns_of("user: Hello\nassistant: Hi: you?") == turns
    lines = turns_of("Ana: One\n  and more\n\nBen: Two")
    assert [(turn.who, turn.text) for turn in lines] == [("Ana", "One\n  and more"), ("Ben", "Two")]


@pytest.mark.parametrize(
    "text",
    ["", "Just a text.", "Note: one line is no conversation.", "[1, 2]", '[{"role": "user"}]', "[",
     '{"messages": 3}', "[" * 3000, "[]"],
)  # fmt: skip
def test_what_is_no_conversation_stands_as_text(text: str) -> None:
    assert turns_of(text) == []
    assert shown("chat", text).how == "text"


@given(st.text())
def test_any_text_can_be_shown_in_any_way(text: str) -> None:
    for how in HOWS:
        assert shown(how, text).text == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://example.org/a.png", "https://example.org/a.png"),
        (" http://example.org ", "http://example.org"),
        ("javascript:alert(1)", ""),
        ("data:image/png;base64,AAAA", ""),
        ("//example.org/a.png", ""),
        ("see https://example.org", ""),
        ("https://", ""),
        ("https://[", ""),
    ],
)
def test_only_an_address_of_the_web_is_one(text: str, address: str) -> None:
    assert web_address(text) == address


def test_a_picture_is_fetched_only_where_the_project_allows_it_and_only_by_https() -> None:
    url = "https://example.org/a.png"
    assert shown("image", url).how == "link"
    assert shown("image", url, outside=True).how == "image"
    assert shown("image", "http://example.org/a.png", outside=True).how == "link"
    assert shown("image", "no address", outside=True).how == "text"


# --- On the screens -----------------------------------------------------------------------------

FIELDS = {
    "plain": NASTY,
    "notes": f"**bold** {NASTY}",
    "talk": f"user: Hello\nassistant: {NASTY}",
    "program": f"print(1)\n{NASTY}",
    "picture": "https://example.org/a.png",
    "site": "https://example.org/?a=1&b=<2>",
}
DISPLAY = {
    "notes": "markdown",
    "talk": "chat",
    "program": "code",
    "picture": "image",
    "site": "link",
}


@pytest.fixture
def tale() -> Story:
    tale = story()
    items_take_in(tale.project, [ItemRow("i1", FIELDS)])
    return tale


def change(tale: Story, **more: Any) -> None:
    project = tale.project
    kept = {
        name: getattr(project, name)
        for name in (
            "name", "description", "visibility", "submit_on_choice", "data_may_leave",
            "lease_minutes",
        )
    }  # fmt: skip
    project_change(tale.olga, project, **{**kept, **more})


def pages(tale: Story) -> list[Any]:
    client = Client()
    client.force_login(tale.olga)
    pk, item = tale.project.pk, Item.objects.get().pk
    addresses = [
        reverse("label", args=[pk]),
        reverse("item", args=[pk, item]),
        f"{reverse('review', args=[pk])}?item={item}",
    ]
    return [client.get(address) for address in addresses]


@pytest.mark.django_db
def test_each_field_is_shown_as_the_project_says_and_nothing_in_it_is_obeyed(tale: Story) -> None:
    change(tale, display=DISPLAY)
    for response in pages(tale):
        html = response.content.decode()
        assert "<strong>bold</strong>" in html
        assert 'class="turn turn--answers"' in html
        assert '<pre class="label__code"' in html
        assert "<script>alert(1)" not in html
        assert "<img" not in html
        assert 'href="https://example.org/a.png"' in html
        assert 'href="https://example.org/?a=1&amp;b=&lt;2&gt;"' in html
        assert "img-src 'self' data:;" in response["Content-Security-Policy"] + ";"


@pytest.mark.django_db
def test_pictures_from_outside_need_the_word_of_the_project(tale: Story) -> None:
    change(tale, display=DISPLAY, outside_images=True)
    for response in pages(tale):
        html = response.content.decode()
        assert '<img src="https://example.org/a.png"' in html
        assert 'referrerpolicy="no-referrer"' in html
        assert "img-src 'self' data: https:" in response["Content-Security-Policy"]
    client = Client()
    client.force_login(tale.olga)
    other = client.get(reverse("overview", args=[tale.project.pk]))
    assert "https:" not in other["Content-Security-Policy"]


@pytest.mark.django_db
def test_a_lead_says_in_the_settings_how_each_field_is_shown(tale: Story) -> None:
    client = Client()
    client.force_login(tale.olga)
    url = reverse("settings", args=[tale.project.pk])
    assert "How “talk” is shown" in unescape(client.get(url).content.decode())
    names = list(FIELDS)
    data = {
        "name": "Restaurant reviews",
        "labels_per_item": 1,
        "visibility": "blind",
        "lease_minutes": 30,
        "outside_images": "on",
        **{f"display_{n}": DISPLAY.get(name, "text") for n, name in enumerate(names)},
    }
    assert client.post(url, data).status_code == 302
    tale.project.refresh_from_db()
    assert tale.project.display == DISPLAY
    assert tale.project.outside_images
    assert client.post(url, data | {"display_0": "hologram"}).status_code == 422


@pytest.mark.django_db
def test_a_way_of_showing_that_there_is_not_is_refused(tale: Story) -> None:
    with pytest.raises(BadInput, match="Choose how a field is shown"):
        change(tale, display={"plain": "hologram"})

"""A person's own keys of the label screen: set on the account page, read into the screen."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotate.selectors.keys import USUAL, digits_of, keys_of
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


def told() -> tuple[Story, Client]:
    tale = story()
    tale.items(["Lovely soup."])
    client = Client()
    client.force_login(tale.ana)
    return tale, client


def save(client: Client, **keys: str) -> tuple[int, str]:
    response = client.post(reverse("account_keys"), keys)
    return response.status_code, response.content.decode()


def test_own_keys_stand_on_the_screen_in_place_of_the_usual_ones() -> None:
    tale, client = told()
    assert save(client, skip="K", option_1="a", submit="x", undo="u")[0] == 302
    tale.ana.refresh_from_db()
    assert tale.ana.keys == {"skip": "k", "option_1": "a", "submit": "x", "undo": "u"}
    screen = client.get(reverse("label", args=[tale.project.pk])).content.decode()
    for shown in ('"k"', '"x Control+Enter"', '"u"', '"f"'):
        assert f"aria-keyshortcuts={shown}" in screen
    assert re.findall(r'data-key="(.)"', screen) == ["a", "2", "3"]
    assert 'value="k"' in client.get(reverse("account")).content.decode()
    # Nobody else's screen changes.
    assert keys_of(tale.ben)["skip"] == "s"
    assert digits_of(keys_of(tale.ana))["1"] == "a"


def test_two_things_cannot_have_one_key() -> None:
    tale, client = told()
    status, page = save(client, skip="f")
    assert status == 422
    assert "f would do two things: Skip this item, and Flag for a lead." in page
    tale.ana.refresh_from_db()
    assert tale.ana.keys == {}
    # Exchanged they do not meet.
    assert save(client, skip="f", flag="s")[0] == 302


@pytest.mark.parametrize("key", ["?", "ab", "\x07"])
def test_what_is_no_key_or_opens_the_list_is_refused(key: str) -> None:
    _tale, client = told()
    assert save(client, skip=key)[0] == 422


def test_the_usual_keys_come_back_at_once() -> None:
    tale, client = told()
    save(client, skip="k")
    assert save(client, reset="1", skip="j")[0] == 302
    tale.ana.refresh_from_db()
    assert tale.ana.keys == {}


def test_the_usual_keys_are_each_for_one_thing() -> None:
    usual = [key for key, _words in USUAL.values()]
    assert len(set(usual)) == len(usual)

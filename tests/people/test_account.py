"""One's own account: log-in, password, name, token; and taking the person out of it."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.authtoken.models import Token

from annotate.errors import Conflict
from annotate.models import Event, Label, Membership, Rater, User
from annotate.services.accounts import account_anonymise
from annotate.services.claims import claim_item
from annotate.services.members import member_set_role
from annotate.services.submissions import submission_submit
from annotate.services.throttle import LOGIN_OF_ADDRESS, LOGIN_OF_NAME
from tests.personas import PASSWORD, story, user

pytestmark = pytest.mark.django_db


def log_in(client: Client, name: str, password: str = PASSWORD, **more: str) -> int:
    sent = {"username": name, "password": password}
    return client.post("/account/login/", sent, **more).status_code  # type: ignore[arg-type]


# --- Log-in -------------------------------------------------------------------------------------


def test_log_in_and_out(client: Client) -> None:
    user("ana")
    assert client.get("/")["Location"].startswith("/account/login/")
    assert log_in(client, "ana", "wrong") == 200
    assert log_in(client, "ana") == 302
    assert client.get("/").status_code == 200
    client.post("/account/logout/")
    assert client.get("/").status_code == 302


def test_guessing_a_password_is_slowed_down(client: Client) -> None:
    user("ana")
    user("ben")
    for number in range(LOGIN_OF_NAME.attempts):
        assert log_in(client, "Ana" if number % 2 else "ana", f"guess {number}") == 200
    assert log_in(client, "ana") == 429
    assert log_in(client, "ana", REMOTE_ADDR="10.9.9.9") == 302
    assert log_in(Client(), "ben") == 302


def test_who_gets_it_right_begins_anew(client: Client) -> None:
    user("ana")
    for _round in range(3):
        for _ in range(LOGIN_OF_NAME.attempts - 1):
            assert log_in(client, "ana", "mistyped") == 200
        assert log_in(client, "ana") == 302
        client.logout()


def test_trying_many_names_is_slowed_down(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    user("ana")
    for number in range(LOGIN_OF_ADDRESS.attempts):
        assert log_in(client, f"name{number}", "summer2026") == 200
    assert log_in(client, "ana") == 429


def test_a_limit_ends_with_its_window(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from annotate.services import throttle

    user("ana")
    now = throttle.time.time()
    for _ in range(LOGIN_OF_NAME.attempts):
        log_in(client, "ana", "guess")
    assert log_in(client, "ana") == 429
    monkeypatch.setattr(throttle.time, "time", lambda: now + LOGIN_OF_NAME.seconds)
    assert log_in(client, "ana") == 302
    cache.clear()


def test_the_proxys_word_counts_only_behind_a_proxy(client: Client, settings) -> None:  # type: ignore[no-untyped-def]
    user("ana")
    spoofed = {"HTTP_X_FORWARDED_FOR": "1.1.1.1"}
    for number in range(LOGIN_OF_NAME.attempts):
        log_in(client, "ana", "guess", HTTP_X_FORWARDED_FOR=f"1.1.1.{number}")
    assert log_in(client, "ana", **spoofed) == 429
    cache.clear()
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for number in range(LOGIN_OF_NAME.attempts):
        # What the client wrote itself stands before what the proxy added.
        log_in(client, "ana", "guess", HTTP_X_FORWARDED_FOR=f"1.1.1.{number}, 8.8.8.8")
    assert log_in(client, "ana", HTTP_X_FORWARDED_FOR="2.2.2.2, 8.8.8.8") == 429
    assert log_in(client, "ana", HTTP_X_FORWARDED_FOR="8.8.8.8, 9.9.9.9") == 302


def test_there_is_no_page_for_a_forgotten_password(client: Client) -> None:
    """Nothing sends mail here; an address without a page must not be an error of ours."""
    client.force_login(user("ana"))
    assert client.get("/account/password_reset/").status_code == 404


def test_the_password_is_changed(client: Client) -> None:
    client.force_login(user("ana"))
    address = "/account/password/"
    weak = {"old_password": PASSWORD, "new_password1": "12345678", "new_password2": "12345678"}
    assert client.post(address, weak).status_code == 200
    fresh = "a whole new sentence"
    sent = {"old_password": PASSWORD, "new_password1": fresh, "new_password2": fresh}
    assert client.post(address, sent).status_code == 302
    assert client.get("/").status_code == 200
    client.logout()
    assert log_in(client, "ana") == 200
    assert log_in(client, "ana", fresh) == 302


# --- Name, colours, token -----------------------------------------------------------------------


def test_name_and_colours(client: Client) -> None:
    s = story()
    rater = s.rater(s.ana)
    client.force_login(s.ana)
    response = client.post("/account/", {"name": "Ana María da Silva", "theme": "dark"})
    assert response.cookies["theme"].value == "dark"
    s.ana.refresh_from_db()
    assert (s.ana.shown_name, s.ana.theme) == ("Ana María da Silva", "dark")
    rater.refresh_from_db()
    assert rater.name == "Ana María da Silva"
    assert client.post("/account/", {"name": "x", "theme": "pink"}).status_code == 422


def test_the_token_is_shown_once_replaced_and_taken_away(client: Client) -> None:
    client.force_login(user("ana"))
    html = client.post("/account/token/new/").content.decode()
    first = Token.objects.get().key
    assert first in html
    assert first not in client.get("/account/").content.decode()
    client.post("/account/token/new/")
    assert Token.objects.get().key != first
    client.post("/account/token/end/")
    assert not Token.objects.exists()
    assert re.search("There is none", client.get("/account/").content.decode())
    assert first not in str(list(Event.objects.values()))


# --- Anonymous ----------------------------------------------------------------------------------


def test_an_anonymised_account_keeps_labels_and_no_name(client: Client) -> None:
    s = story()
    User.objects.filter(pk=s.ana.pk).update(email="ana@example.org", last_name="Silva")
    s.ana.refresh_from_db()
    (item,) = s.items(["a"])
    rater = s.rater(s.ana)
    claim_item(rater, item)
    submission_submit(rater, item, answers=s.answer(), client_key="1")
    Token.objects.create(user=s.ana)
    client.force_login(s.ana)
    account_anonymise(None, s.ana)
    account_anonymise(None, s.ana)
    assert Label.objects.get().rater == rater
    found = User.objects.get(pk=s.ana.pk)
    assert found.username == f"removed-{s.ana.pk}"
    assert not found.is_active
    assert not Token.objects.filter(user=found).exists()
    assert not Membership.objects.filter(user=found).exists()
    for model in (User, Rater, Event):
        for row in model.objects.values():
            for word in ("Ana", "Silva", "example.org", "'ana'"):
                assert word not in str(row), model
    assert client.get("/").status_code == 302
    assert log_in(client, "ana") == 200


def test_a_projects_last_owner_is_not_anonymised() -> None:
    s = story()
    with pytest.raises(Conflict, match="Restaurant reviews"):
        account_anonymise(None, s.olga)
    s.olga.refresh_from_db()
    assert s.olga.is_active
    member_set_role(s.olga, Membership.objects.get(user=s.rhea), "owner")
    account_anonymise(None, s.olga)
    s.olga.refresh_from_db()
    assert not s.olga.is_active

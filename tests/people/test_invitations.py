"""Links that let people in."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotate.errors import BadInput
from annotate.models import Event, Invitation, Membership, Role, User
from annotate.services.invitations import (
    invitation_accept,
    invitation_make,
    invitation_revoke,
)
from annotate.services.projects import project_archive
from annotate.services.throttle import INVITATION_OF_ADDRESS
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db
NEW = {"username": "nia", "name": "Nia Novak", "password": "tulip-anchor-42"}


def link_of(client: Client, s: Story, role: str = "annotator") -> str:
    """Make a link in the browser and read it from the page."""
    client.force_login(s.olga)
    response = client.post(f"/projects/{s.project.pk}/invitations/", {"role": role, "days": "14"})
    found = re.search(r"http://testserver(/join/[\w-]+/)", response.content.decode())
    assert found
    client.logout()
    return found[1]


def test_a_new_person_joins_with_an_account_of_their_own(client: Client) -> None:
    s = story()
    link = link_of(client, s)
    page = client.get(link).content.decode()
    assert "Restaurant reviews" in page
    assert "Olga invites you as annotator" in page
    response = client.post(link, NEW)
    assert response["Location"] == f"/projects/{s.project.pk}/"
    nia = User.objects.get(username="nia")
    assert nia.shown_name == "Nia Novak"
    assert nia.check_password(NEW["password"])
    assert not nia.is_founder
    assert Membership.objects.get(user=nia).role == Role.ANNOTATOR
    assert client.get(f"/projects/{s.project.pk}/label/").status_code == 200


def test_somebody_logged_in_joins_at_once(client: Client) -> None:
    s = story()
    link = link_of(client, s, "reviewer")
    client.force_login(s.sam)
    assert "Join as Sam" in client.get(link).content.decode()
    client.post(link)
    assert Membership.objects.get(user=s.sam).role == Role.REVIEWER
    assert User.objects.count() == 7


def test_a_member_keeps_their_role() -> None:
    s = story()
    _invitation, token = invitation_make(s.olga, s.project, role="viewer")
    invitation_accept(token, s.olga)
    assert Membership.objects.get(user=s.olga).role == Role.OWNER


def test_the_link_is_shown_once_and_kept_as_a_hash(client: Client) -> None:
    s = story()
    link = link_of(client, s)
    token = link.split("/")[2]
    kept = Invitation.objects.get()
    assert kept.token_hash == hashlib.sha256(token.encode()).hexdigest()
    for model in (Invitation, Event):
        for row in model.objects.values():
            assert token not in str(row)
    client.force_login(s.olga)
    assert token not in client.get(f"/projects/{s.project.pk}/people/").content.decode()
    assert not any(token in str(value) for value in client.session.items())


def test_links_that_are_no_longer_good_say_so(client: Client) -> None:
    s = story()
    link = link_of(client, s)
    invitation = Invitation.objects.get()
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = client.get(link)
    assert response.status_code == 409
    assert "has run out" in response.content.decode()
    assert client.post(link, NEW).status_code == 409
    Invitation.objects.update(expires_at=timezone.now() + timedelta(days=1))
    invitation_revoke(s.olga, invitation)
    assert "was withdrawn" in client.get(link).content.decode()
    assert client.post(link, NEW).status_code == 409
    assert not User.objects.filter(username="nia").exists()
    response = client.get("/join/" + "x" * 43 + "/")
    assert response.status_code == 404
    assert "leads nowhere" in response.content.decode()


def test_an_archived_project_takes_nobody_in(client: Client) -> None:
    s = story()
    link = link_of(client, s)
    project_archive(s.olga, s.project)
    assert client.post(link, NEW).status_code == 409
    assert not User.objects.filter(username="nia").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"username": "ana"}, "already exists"),
        ({"username": "two words"}, "Enter a valid username"),
        ({"password": "12345678"}, "entirely numeric"),
        ({"username": "tulipan", "password": "tulipan1"}, "too similar"),
        ({"password": "short"}, "too short"),
    ],
)
def test_an_account_that_does_not_fit_is_refused(
    client: Client, wrong: dict[str, str], said: str
) -> None:
    s = story()
    link = link_of(client, s)
    response = client.post(link, {**NEW, **wrong})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert User.objects.count() == 7
    assert Membership.objects.count() == 6


def test_owners_withdraw_links(client: Client) -> None:
    s = story()
    link = link_of(client, s)
    pk = Invitation.objects.get().pk
    client.force_login(s.rhea)
    address = f"/projects/{s.project.pk}/invitations/{pk}/end/"
    assert client.post(address).status_code == 403
    client.force_login(s.olga)
    assert client.post(address).status_code == 302
    client.logout()
    assert client.get(link).status_code == 409


def test_a_link_of_another_project_cannot_be_withdrawn(client: Client) -> None:
    from annotate.services.projects import project_create

    s = story()
    other = project_create(s.sam, name="Sam's")
    invitation, _token = invitation_make(s.sam, other, role="viewer")
    client.force_login(s.olga)
    address = f"/projects/{s.project.pk}/invitations/{invitation.pk}/end/"
    assert client.post(address).status_code == 404
    invitation.refresh_from_db()
    assert invitation.revoked_at is None


def test_roles_and_days_are_checked() -> None:
    s = story()
    for wrong in ({"role": "king"}, {"role": "viewer", "days": 0}, {"role": "viewer", "days": 999}):
        with pytest.raises(BadInput):
            invitation_make(s.olga, s.project, **wrong)  # type: ignore[arg-type]


def test_links_cannot_be_guessed_by_trying(client: Client) -> None:
    s = story()
    link = link_of(client, s)
    for number in range(INVITATION_OF_ADDRESS.attempts):
        assert client.get(f"/join/guess{number}/").status_code == 404
    assert client.get("/join/guess/").status_code == 429
    assert client.get(link).status_code == 429
    assert client.get(link, REMOTE_ADDR="10.1.2.3").status_code == 200


def test_log_in_leads_back_to_the_link(client: Client) -> None:
    s = story()
    link = link_of(client, s)
    page = client.get(link).content.decode()
    assert f"/account/login/?next={link}" in page
    back = {"username": "sam", "password": PASSWORD, "next": link}
    assert client.post("/account/login/", back)["Location"] == link

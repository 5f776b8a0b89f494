"""Roles, and taking people out."""

from __future__ import annotations

import pytest
from django.test import Client

from annotate.models import Assignment, Label, Membership, Role, Slot
from annotate.services.claims import claim_item
from annotate.services.submissions import submission_skip, submission_submit
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


def address(s: Story, person: object, what: str) -> str:
    membership = Membership.objects.get(project=s.project, user=person)
    return f"/projects/{s.project.pk}/people/{membership.pk}/{what}/"


def test_what_people_did_is_listed(client: Client) -> None:
    s = story()
    one, two, _three = s.items(["a", "b", "c"])
    rater = s.rater(s.ana)
    claim_item(rater, one)
    submission_submit(rater, one, answers=s.answer(), client_key="1")
    claim_item(rater, two)
    submission_skip(rater, two, client_key="2")
    client.force_login(s.olga)
    html = client.get(f"/projects/{s.project.pk}/people/").content.decode()
    row = html[html.index(">Ana<") : html.index(">Ben<")]
    numbers = [part.split("<")[0] for part in row.split('class="number"')[1:]]
    assert [text.split(">")[1] for text in numbers] == ["1", "1", "0"]
    assert "not yet" not in row
    assert "not yet" in html[html.index(">Ben<") :]


def test_roles_are_changed(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    assert client.post(address(s, s.ana, "role"), {"role": "reviewer"}).status_code == 302
    assert Membership.objects.get(user=s.ana).role == Role.REVIEWER
    assert client.post(address(s, s.ana, "role"), {"role": "king"}).status_code == 422
    client.force_login(s.rhea)
    assert client.post(address(s, s.rhea, "role"), {"role": "owner"}).status_code == 403


def test_the_last_owner_stays(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    for response in (
        client.post(address(s, s.olga, "role"), {"role": "viewer"}, follow=True),
        client.post(address(s, s.olga, "remove"), follow=True),
    ):
        assert "A project needs an owner" in response.content.decode()
    assert Membership.objects.get(user=s.olga).role == Role.OWNER


def test_an_owner_may_go_once_there_is_another(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    client.post(address(s, s.rhea, "role"), {"role": "owner"})
    response = client.post(address(s, s.olga, "role"), {"role": "annotator"})
    assert response["Location"] == f"/projects/{s.project.pk}/"
    assert client.get(f"/projects/{s.project.pk}/people/").status_code == 403
    client.force_login(s.rhea)
    client.post(address(s, s.olga, "role"), {"role": "owner"})
    assert client.post(address(s, s.rhea, "remove"))["Location"] == "/"
    assert client.get(f"/projects/{s.project.pk}/people/").status_code == 404


def test_labels_stay_when_somebody_is_taken_out(client: Client) -> None:
    s = story()
    one, two = s.items(["a", "b"])
    rater = s.rater(s.ana)
    claim_item(rater, one)
    submission_submit(rater, one, answers=s.answer(), client_key="1")
    claim_item(rater, two)
    client.force_login(s.olga)
    assert "Labels and rulings stay" in client.get(address(s, s.ana, "remove")).content.decode()
    client.post(address(s, s.ana, "remove"))
    assert not Membership.objects.filter(user=s.ana).exists()
    assert Label.objects.get().rater == rater
    assert not Assignment.objects.filter(state="open").exists()
    assert Slot.objects.get(item=two).state == "open"
    client.force_login(s.ana)
    assert client.get(f"/projects/{s.project.pk}/label/").status_code == 404


def test_members_of_other_projects_cannot_be_touched(client: Client) -> None:
    from annotate.services.projects import project_create

    s = story()
    other = project_create(s.sam, name="Sam's")
    theirs = Membership.objects.get(project=other).pk
    client.force_login(s.olga)
    for what in ("role", "remove"):
        wrong = f"/projects/{s.project.pk}/people/{theirs}/{what}/"
        assert client.post(wrong, {"role": "viewer"}).status_code == 404
    assert Membership.objects.get(project=other).role == Role.OWNER

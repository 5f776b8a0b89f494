"""Roles, and taking people out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotate.models import Assignment, Job, Label, Membership, Role, Slot, Submission, User
from annotate.selectors.people import members_of
from annotate.services.claims import claim_item
from annotate.services.item_work import assign_run
from annotate.services.submissions import submission_skip, submission_submit
from annotate.tasks import job_do
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
    # Open, labelled (a link), in seven days, pace, skipped, rulings.
    assert [text.split(">")[1] for text in numbers] == ["0", "", "1", "–", "1", "0"]
    assert f'href="/projects/{s.project.pk}/raters/{rater.pk}/">1' in row
    assert "not yet" not in row
    assert "not yet" in html[html.index(">Ben<") :]


def test_load_is_what_somebody_holds_did_lately_and_how_fast() -> None:
    s = story()
    items = s.items("abcdef")
    rater = s.rater(s.ana)
    for n, item in enumerate(items[:4]):
        claim_item(rater, item)
        submission_submit(rater, item, answers=s.answer(), client_key=str(n), seconds=2.0 + n)
    claim_item(rater, items[4])
    long_ago = timezone.now() - timedelta(days=60)
    Submission.objects.filter(client_key="3").update(created_at=long_ago)

    ana, ben = (row for row in members_of(s.project) if row.membership.user in (s.ana, s.ben))

    assert (ana.open, ana.labelled, ana.week, ana.pace) == (1, 4, 3, 3.0)
    assert (ben.open, ben.labelled, ben.week, ben.pace) == (0, 0, 0, None)


def test_queries_do_not_grow_with_people(
    client: Client, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    s = story()
    client.force_login(s.olga)
    for n in range(2):
        for name in (f"p{n}a", f"p{n}b", f"p{n}c"):
            user = User.objects.create(username=name)
            Membership.objects.create(
                project=s.project, user=user, role=Role.ANNOTATOR, created_at=timezone.now()
            )
        with django_assert_num_queries(11):
            client.get(f"/projects/{s.project.pk}/people/")


def test_a_lead_gives_somebody_the_next_items_that_want_an_answer(client: Client) -> None:
    s = story(labels_per_item=1)
    items = s.items("abcdef")
    ben, ana = s.rater(s.ben), s.rater(s.ana)
    in_order = sorted(items, key=lambda item: item.draw)
    claim_item(ana, in_order[0])
    claim_item(ben, in_order[1])
    client.force_login(s.olga)
    address = f"/projects/{s.project.pk}/people/give/"

    answer = client.post(address, {"member": s.ben.pk, "items": 3})
    job = Job.objects.get()
    job_do(job.pk, assign_run)

    assert answer["Location"] == f"/projects/{s.project.pk}/jobs/{job.pk}/"
    held = Assignment.objects.filter(rater=ben, state="open").values_list("item", flat=True)
    assert set(held) == {item.pk for item in in_order[1:5]}
    # Who labels nothing cannot be given anything, nor can what is not there.
    assert client.post(address, {"member": s.vic.pk, "items": 3}).status_code == 422
    client.post(address, {"member": s.ben.pk, "items": 100})
    job_do(Job.objects.latest("pk").pk, assign_run)
    last = client.post(address, {"member": s.ben.pk, "items": 1})
    assert last.status_code == 422
    assert "No item wants an answer" in last.content.decode()


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

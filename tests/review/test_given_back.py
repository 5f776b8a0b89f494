"""Giving an answer back to who handed it in, and what they find."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import Conflict
from annotate.models import GivenBack, Item, ItemSummary, Label, Submission
from annotate.services.claims import claims_expire, claims_hold, claims_return
from annotate.services.given_back import submission_give_back
from annotate.services.submissions import submission_submit
from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tale() -> Story:
    """Ana said Positive of the first of three items."""
    tale = story()
    one, *_others = tale.items(["Fine", "Bad", "So so"])
    says(tale, "ana", one, 0)
    return tale


def client_of(tale: Story, who: str) -> Client:
    client = Client()
    client.force_login(getattr(tale, who))
    return client


def words(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def given_back(tale: Story) -> GivenBack:
    answer = Submission.objects.get(item__external_id="i1")
    return submission_give_back(tale.rhea, tale.project, answer.pk, "Is it <b>really</b> praise?")


def test_the_answer_no_longer_counts_and_stays_in_the_history(tale: Story) -> None:
    back = given_back(tale)

    assert Label.objects.get().status == "withdrawn"
    assert ItemSummary.objects.get(item__external_id="i1").n_people == 0
    page = client_of(tale, "rhea").get(
        reverse("item", args=[tale.project.pk, back.submission.item_id])
    )
    assert "given back to Ana" in words(page)
    assert "taken back" in words(page)


def test_they_find_it_first_with_the_comment_and_their_answer(tale: Story) -> None:
    claims_hold(tale.rater(tale.ana))
    given_back(tale)

    page = client_of(tale, "ana").get(reverse("label", args=[tale.project.pk]))

    assert "Rhea gave this item back to you" in words(page)
    assert "&lt;b&gt;really&lt;/b&gt;" in page.content.decode()
    assert re.search(r'value="0"[^>]*checked', page.content.decode())


def test_answered_again_it_is_settled(tale: Story) -> None:
    back = given_back(tale)
    one = Item.objects.get(external_id="i1")
    submission_submit(tale.rater(tale.ana), one, answers=tale.answer(1), client_key="again")

    label = client_of(tale, "ana").get(reverse("label", args=[tale.project.pk]))
    item = client_of(tale, "rhea").get(reverse("item", args=[tale.project.pk, one.pk]))

    assert ItemSummary.objects.get(item=one).people_counts == {"1": 1}
    assert "gave this item back" not in words(label)
    assert "given back to Ana" not in words(item)
    back.delete()
    with pytest.raises(Conflict):  # what was withdrawn does not stand
        submission_give_back(tale.rhea, tale.project, back.submission_id, "Once more")


def test_it_waits_for_them_though_they_leave(tale: Story) -> None:
    given_back(tale)
    ana, ben = tale.rater(tale.ana), tale.rater(tale.ben)

    claims_return(ana, keep=[0])
    claims_expire()

    seen = {held.item.external_id for held in claims_hold(ben, wanted=3)}
    assert "i1" not in seen
    assert claims_hold(ana)[0].item.external_id == "i1"


def test_it_is_given_back_once_and_only_with_a_comment(tale: Story) -> None:
    answer = Submission.objects.get()
    client = client_of(tale, "rhea")
    address = reverse("give_back", args=[tale.project.pk, answer.pk])

    assert client.post(address, {"comment": " "}).status_code == 422
    assert answer.status == "submitted"
    first = client.post(address, {"comment": "Look.", "back": "review"})
    client.post(address, {"comment": "Look again."})

    assert first["Location"].endswith(f"?item={answer.item_id}")
    assert GivenBack.objects.get().comment == "Look."


def test_an_answer_from_elsewhere_cannot_be_given_back(tale: Story) -> None:
    two = Item.objects.get(external_id="i2")
    rater = says(tale, "w1", two, 0)
    imported = Submission.objects.get(rater=rater)

    with pytest.raises(Conflict):
        submission_give_back(tale.rhea, tale.project, imported.pk, "Look.")
    page = client_of(tale, "rhea").get(reverse("item", args=[tale.project.pk, two.pk]))
    assert "Give back to w1" not in words(page)


def test_a_viewer_is_not_offered_to(tale: Story) -> None:
    one = Item.objects.get(external_id="i1")
    address = reverse("item", args=[tale.project.pk, one.pk])

    assert "Give back to Ana" in words(client_of(tale, "rhea").get(address))
    assert "Give back to Ana" not in words(client_of(tale, "vic").get(address))

"""The page Trust: who is listed, what is said of each, who may look."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tale() -> Story:
    return story(labels_per_item=3)


def shown(client: Client, tale: Story) -> str:
    client.force_login(tale.olga)
    answer = client.get(reverse("trust", args=[tale.project.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_each_judge_is_listed_with_how_it_stands(client: Client, tale: Story) -> None:
    for n, item in enumerate(tale.items([f"Text {n}" for n in range(8)])):
        says(tale, "w1", item, 0)
        says(tale, "w2", item, 0)
        says(tale, "j1", item, 0 if n < 6 else 1)

    page = shown(client, tale)

    assert "j1" in page
    assert "On 6 of 8 items it says what most people said." in page
    assert ">w1<" not in page  # no judge


def test_a_judge_whose_items_no_person_labelled_is_told_what_to_do(
    client: Client, tale: Story
) -> None:
    (item,) = tale.items(["Alone."])
    says(tale, "j1", item, 0)

    assert "have people label some of them" in shown(client, tale)


def test_without_a_judge_the_page_says_what_it_will_show(client: Client, tale: Story) -> None:
    assert "Here you will see how far each judge may be relied on." in shown(client, tale)

"""The page Trust: who is listed, what is said of each."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.answers import says
from tests.judges.test_judge_reports import worked_out
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
    assert "No report yet: work out the reports." in shown(client, tale)
    worked_out(tale)

    page = shown(client, tale)

    assert "It says what most people said on 6 of 8 items" in page
    assert "have people label 22 more of its items blind" in page
    assert ">w1<" not in page  # no judge


def test_without_a_judge_the_page_says_what_it_will_show(client: Client, tale: Story) -> None:
    assert "Here you will see how far each judge may be relied on." in shown(client, tale)

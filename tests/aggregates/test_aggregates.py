"""Aggregating a question from the overview, and what is said of it."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import EstimateRun, Item, JobState
from annotate.services.estimates import estimate_run
from annotate.services.projects import project_create
from annotate.tasks import job_do
from tests.answers import says
from tests.personas import SENTIMENT, Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tale() -> Story:
    tale = story()
    clear, tied = tale.items(["a", "b"])
    for who in ("w1", "w2", "w3"):
        says(tale, who, clear, 0)
    for who, choice in (("w1", 0), ("w2", 1), ("j1", 1)):
        says(tale, who, tied, choice)
    return tale


def start(
    tale: Story, actor: str = "rhea", *, method: str = "majority", who: str = "people"
) -> int:
    client = Client()
    client.force_login(getattr(tale, actor))
    address = reverse("aggregate", args=[tale.project.pk, tale.question.pk])
    return client.post(address, {"method": method, "who": who}).status_code


def overview(tale: Story) -> str:
    client = Client()
    client.force_login(tale.rhea)
    page = client.get(reverse("overview", args=[tale.project.pk])).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_majority_of_people_is_kept_with_its_ties(tale: Story) -> None:
    assert start(tale) == 302
    assert "At work" in overview(tale)
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)

    text = overview(tale)
    assert (
        "Majority, people only: 2 items from 5 labels. 1 item is a tie and has no answer." in text
    )
    assert "At work" not in text
    assert "outdated" not in text
    assert run.item_estimates.get(item__external_id="i2").choice is None


@pytest.mark.parametrize(
    ("who", "status"), [("olga", 302), ("rhea", 302), ("vic", 403), ("ana", 403), ("sam", 404)]
)
def test_only_leads_aggregate(tale: Story, who: str, status: int) -> None:
    assert start(tale, who) == status
    assert EstimateRun.objects.exists() is (status == 302)


def test_judges_count_only_by_choice_and_then_decide_the_tie(tale: Story) -> None:
    assert "Several judges outvote people." in overview(tale)
    start(tale, who="all")
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)

    assert run.item_estimates.get(item__external_id="i2").choice == 1


def test_dawid_skene_says_how_it_went_and_how_able_each_rater_is(tale: Story) -> None:
    start(tale, method="dawid_skene")
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)

    text = overview(tale)

    assert re.search(r"It settled after \d+ rounds?\.", text)
    assert "Right, by Dawid-Skene" in text


def test_it_is_told_to_be_outdated_once_labels_change_and_only_then(tale: Story) -> None:
    start(tale)
    job_do(EstimateRun.objects.get().job_id, estimate_run)
    says(tale, "j2", Item.objects.get(external_id="i1"), 2)
    assert "outdated" not in overview(tale)  # judges do not count in it

    says(tale, "w4", Item.objects.get(external_id="i1"), 0)

    assert "Labels have changed since. Aggregate again" in overview(tale)


def test_without_labels_it_fails_with_a_sentence_that_the_overview_tells() -> None:
    tale = story()
    tale.items(["a"])
    start(tale)
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)

    run.job.refresh_from_db()
    assert run.job.state == JobState.FAILED
    assert "Aggregation failed: There are no labels to aggregate yet." in overview(tale)


def test_what_is_not_in_the_lists_is_refused(tale: Story) -> None:
    assert start(tale, method="guessing") == 422
    assert not EstimateRun.objects.exists()


def test_a_question_of_another_project_is_not_found(tale: Story) -> None:
    other = project_create(tale.olga, name="Other", questions=(SENTIMENT,))
    client = Client()
    client.force_login(tale.olga)
    address = reverse("aggregate", args=[tale.project.pk, other.questions.get().pk])

    assert client.post(address, {"method": "majority", "who": "people"}).status_code == 404


def test_an_archived_project_is_not_aggregated(tale: Story) -> None:
    tale.project.status = "archived"
    tale.project.save(update_fields=["status"])

    assert start(tale) == 403

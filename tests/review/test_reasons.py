"""Why items are in the queue: one definition everywhere, known answers, likely label errors."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import Gold, GoldSource, Item, ItemSummary, Label, LikelyError, Reason
from annotate.selectors.overview import flagged_count
from annotate.selectors.review import queue, queue_counts
from annotate.services.claims import claim_item
from annotate.services.jobs import job_take
from annotate.services.label_errors import label_errors_run, label_errors_start
from annotate.services.rulings import ruling_make
from annotate.services.submissions import submission_skip
from annotate.services.summaries import summaries_recount, summaries_that_drifted
from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


def client_of(tale: Story, who: str = "rhea") -> Client:
    client = Client()
    client.force_login(getattr(tale, who))
    return client


def words(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


@pytest.fixture
def tale() -> Story:
    """i1: people split, the judge unsure, flagged by Ana; i2: all agree; i3: flagged only."""
    tale = story(labels_per_item=2)
    one, two, three = tale.items(["It was all right.", "Great!", "Bad."])
    says(tale, "w1", one, 0)
    says(tale, "w2", one, 1)
    says(tale, "j1", one, 0, confidence=0.4)
    for who in ("w1", "w2"):
        says(tale, who, two, 0)
        says(tale, who, three, 1)
    for item in (one, three):
        ana = tale.rater(tale.ana)
        claim_item(ana, item)
        submission_skip(ana, item, client_key=f"s{item.pk}", flagged=True)
    return tale


@pytest.mark.parametrize(
    ("reason", "there"),
    [("people_split", ["i1"]), ("unsure", ["i1"]), ("flagged", ["i1", "i3"]), ("", ["i1", "i3"])],
)
def test_an_item_counts_for_each_of_its_reasons_in_the_queue_the_list_and_the_overview(
    tale: Story, reason: str, there: list[str]
) -> None:
    waiting = queue(tale.question, reason).values_list("item__external_id", flat=True)
    assert sorted(waiting) == there
    assert queue_counts(tale.project)[tale.question.pk, reason] == len(there)
    if reason:
        page = client_of(tale, "vic").get(
            reverse("items", args=[tale.project.pk]), {"reason": reason}
        )
        listed = re.findall(r'class="items__more" dir="auto">([^<· ]+)', page.content.decode())
        assert listed == there
    if reason == "flagged":
        assert flagged_count(tale.project) == len(there)


def test_what_is_ruled_waits_for_no_reason(tale: Story) -> None:
    one = Item.objects.get(external_id="i1")
    ruling_make(tale.rhea, one, tale.question, choice=0, reason="rater_error")

    assert queue_counts(tale.project) == {
        (tale.question.pk, ""): 1,
        (tale.question.pk, "flagged"): 1,
    }


def test_a_missed_known_answer_brings_an_item_into_the_queue_and_says_which(tale: Story) -> None:
    two = Item.objects.get(external_id="i2")
    Gold.objects.create(
        project=tale.project, item=two, question=tale.question, choice=2, source=GoldSource.IMPORTED
    )
    summaries_recount(tale.project, [two.pk])

    page = client_of(tale).get(reverse("review", args=[tale.project.pk]), {"reason": "gold_missed"})

    assert ItemSummary.objects.get(item=two).reasons == ["gold_missed"]
    assert "The known answer is Not mentioned; w1, w2 said otherwise." in words(page)
    assert summaries_that_drifted(tale.project) == []


def test_a_known_answer_that_was_given_is_no_reason(tale: Story) -> None:
    two = Item.objects.get(external_id="i2")
    Gold.objects.create(
        project=tale.project, item=two, question=tale.question, choice=0, source=GoldSource.IMPORTED
    )
    summaries_recount(tale.project, [two.pk])

    assert ItemSummary.objects.get(item=two).reasons == []


def searched(tale: Story) -> None:
    running = job_take(label_errors_start(tale.rhea, tale.question).pk)
    assert running is not None
    label_errors_run(running)
    running.job.refresh_from_db()
    assert running.job.state == "done", running.job.message


@pytest.fixture
def wrong(tale: Story) -> Label:
    """On i2, w3 says what neither the others nor the judge say."""
    two = Item.objects.get(external_id="i2")
    says(tale, "j1", two, 0, confidence=0.9)
    rater = says(tale, "w3", two, 1)
    return Label.objects.get(rater=rater)


def test_a_search_brings_likely_label_errors_into_the_queue(tale: Story, wrong: Label) -> None:
    searched(tale)

    assert LikelyError.objects.get(label=wrong).score > 0.9
    assert queue_counts(tale.project)[tale.question.pk, "likely_error"] == 2
    page = client_of(tale).get(
        reverse("review", args=[tale.project.pk]),
        {"reason": "likely_error", "item": wrong.item_id},
    )
    assert "The answer Negative of w3 is likely wrong" in words(page)
    assert summaries_that_drifted(tale.project) == []


def test_the_next_search_forgets_what_was_mended_or_ruled(tale: Story, wrong: Label) -> None:
    searched(tale)
    Label.objects.filter(pk=wrong.pk).update(status="withdrawn")
    split = Item.objects.get(external_id="i1")
    ruling_make(tale.rhea, split, tale.question, choice=0, reason="rater_error")

    searched(tale)

    assert not LikelyError.objects.exists()
    assert not ItemSummary.objects.filter(reason_bits__gte=Reason.LIKELY_ERROR.bit).exists()


def test_a_search_is_started_once_and_its_job_shown(tale: Story) -> None:
    client = client_of(tale)
    address = reverse("label_errors", args=[tale.project.pk, tale.question.pk])

    first, second = client.post(address), client.post(address)

    assert first["Location"] == second["Location"]
    assert "Search for label errors" in words(client.get(first["Location"]))


def test_counts_of_the_queue_cost_one_query_within_an_index(
    tale: Story, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        queue_counts(tale.project)


def test_rationales_stand_side_by_side_and_ability_beside_each_rater(tale: Story) -> None:
    three = Item.objects.get(external_id="i3")
    says(tale, "w4", three, 0, rationale="The tone is friendly.")
    says(tale, "j2", three, 1, rationale="It says bad.")
    two = Item.objects.get(external_id="i2")
    ruling_make(tale.rhea, two, tale.question, choice=0, reason="rater_error")

    page = client_of(tale).get(reverse("review", args=[tale.project.pk]), {"item": three.pk})

    text = words(page)
    assert re.search(r"What people wrote .*w4.*The tone is friendly.*What judges wrote", text)
    assert text.count("It says bad.") == 1
    assert "1 of 1 rulings" in text
    assert "A ruling is an answer and a reason" in text


def test_every_reason_has_a_bit_of_its_own() -> None:
    bits = [reason.bit for reason in Reason]

    assert sum(bits) == Reason.bits(Reason.values) == 2 ** len(bits) - 1

"""Ruling on many items at once: what the preview says the job does; a batch goes back as one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import Conflict
from annotate.models import Event, Item, ItemSummary, Job, Ruling, RulingStatus
from annotate.selectors.bulk_rulings import Fate, RulingPlan, rulings_preview
from annotate.selectors.chosen import Chosen
from annotate.selectors.item_filters import Disagreement, Filters
from annotate.services.bulk_rulings import (
    bulk_rulings_run,
    bulk_rulings_start,
    bulk_rulings_undo,
    bulk_rulings_undo_run,
)
from annotate.services.jobs import job_take
from annotate.services.rulings import ruling_make
from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tale() -> Story:
    """i1 and i2 agreed (Positive, Negative), i3 a tie, i4 untouched, i5 agreed Positive but ruled
    Negative."""
    tale = story()
    one, two, three, _four, five = tale.items(["Fine", "Bad", "So so", "New", "Odd"])
    for item, a, b in ((one, 0, 0), (two, 1, 1), (three, 0, 1), (five, 0, 0)):
        says(tale, "w1", item, a)
        says(tale, "w2", item, b)
    ruling_make(tale.olga, five, tale.question, choice=1, reason="ambiguous_item")
    return tale


def all_of(tale: Story, **filters: Any) -> Chosen:
    return Chosen(tale.project, Filters(question=tale.question, **filters))


def ran(job: Job, run: Any) -> Job:
    running = job_take(job.pk)
    assert running is not None
    run(running)
    job.refresh_from_db()
    assert job.state == "done", job.message
    return job


def ruled(tale: Story, plan: RulingPlan, chosen: Chosen | None = None) -> Job:
    job = bulk_rulings_start(tale.rhea, tale.question, chosen or all_of(tale), plan)
    return ran(job, bulk_rulings_run)


def standing() -> dict[str, int | None]:
    live = Ruling.objects.filter(status=RulingStatus.LIVE)
    return dict(live.order_by("item_id").values_list("item__external_id", "choice"))


AS_THEY_STAND = RulingPlan(None, "rater_error")


def test_a_preview_tells_each_fate_and_stores_nothing(tale: Story) -> None:
    preview = rulings_preview(tale.question, all_of(tale), RulingPlan(0, "rater_error"))

    assert preview.fates == {Fate.RULED: 4, Fate.KEPT: 1}
    assert [planned.item.external_id for planned in preview.sample] == ["i1", "i2", "i3", "i4"]
    assert Ruling.objects.count() == 1


def test_the_answers_that_items_have_are_ruled_and_ties_left_open(tale: Story) -> None:
    preview = rulings_preview(tale.question, all_of(tale), AS_THEY_STAND)

    job = ruled(tale, AS_THEY_STAND)

    assert preview.fates == {Fate.RULED: 2, Fate.NO_ANSWER: 2, Fate.SAME: 1}
    assert standing() == {"i1": 0, "i2": 1, "i5": 1}
    assert job.result["rulings"] == preview.n_ruled == 2
    assert ItemSummary.objects.get(item__external_id="i1").state == "ruled"
    assert Event.objects.filter(verb__startswith="ruling").count() == 3  # one of them i5's


def test_a_standing_ruling_is_overruled_only_where_that_is_said(tale: Story) -> None:
    ruled(tale, RulingPlan(0, "guideline_gap", "All fine."))
    assert standing()["i5"] == 1

    ruled(tale, RulingPlan(0, "guideline_gap", "All fine.", overrule=True))

    assert standing() == dict.fromkeys(["i1", "i2", "i3", "i4", "i5"], 0)


def test_a_batch_is_taken_back_as_one_and_what_it_replaced_stands_again(tale: Story) -> None:
    job = ruled(tale, RulingPlan(0, "rater_error", overrule=True))
    since = Item.objects.get(external_id="i2")
    ruling_make(tale.olga, since, tale.question, choice=2, reason="ambiguous_item")

    undo = ran(bulk_rulings_undo(tale.rhea, job), bulk_rulings_undo_run)

    assert standing() == {"i2": 2, "i5": 1}
    assert (undo.result["rulings"], undo.result["restored"]) == (4, 1)
    assert ItemSummary.objects.get(item__external_id="i1").state == "open"
    assert ItemSummary.objects.get(item__external_id="i5").state == "ruled"


def test_a_job_that_was_begun_before_rules_nothing_twice(tale: Story) -> None:
    job = ruled(tale, AS_THEY_STAND)
    Job.objects.filter(pk=job.pk).update(state="queued")

    again = ran(job, bulk_rulings_run)

    assert Ruling.objects.count() == 3
    assert again.result["rulings"] == 2


def test_a_batch_at_work_is_not_taken_back(tale: Story) -> None:
    job = bulk_rulings_start(tale.rhea, tale.question, all_of(tale), AS_THEY_STAND)

    with pytest.raises(Conflict):
        bulk_rulings_undo(tale.rhea, job)


def test_only_what_the_filter_finds_is_ruled(tale: Story) -> None:
    ruled(tale, RulingPlan(2, "ambiguous_item"), all_of(tale, disagreement=Disagreement.SPLIT))

    assert standing() == {"i3": 2, "i5": 1}


def words(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def test_from_the_list_to_the_job_on_screen(tale: Story) -> None:
    client = Client()
    client.force_login(tale.rhea)
    two = Item.objects.get(external_id="i2")
    query = {"scope": "ticked", "item": [two.pk], "question": tale.question.pk}
    chosen = client.get(reverse("bulk", args=[tale.project.pk]), query)
    assert "1 item" in words(chosen)
    ruling = {**query, "says": "stands", "because": "judge_error"}

    preview = client.get(reverse("bulk_rule", args=[tale.project.pk]), ruling)
    started = client.post(reverse("bulk_rule_start", args=[tale.project.pk]), ruling)

    assert re.search(r"1 will be ruled on .* Negative 1 .* Rule on 1 item", words(preview))
    job = ran(Job.objects.get(kind="bulk_rulings"), bulk_rulings_run)
    assert started["Location"].endswith(f"/jobs/{job.pk}/")
    assert standing() == {"i2": 1, "i5": 1}
    batch = client.get(reverse("bulk_batch", args=[tale.project.pk, job.pk]))
    assert "1 rulings by Rhea" in words(batch)
    assert "Take 1 ruling back" in words(batch)


def test_half_a_plan_is_shown_again(tale: Story) -> None:
    client = Client()
    client.force_login(tale.rhea)

    page = client.get(reverse("bulk_rule", args=[tale.project.pk]), {"says": "0"})

    assert page.status_code == 422
    assert "What it would do" not in words(page)


def test_a_preview_costs_the_same_queries_for_more_items(
    tale: Story, django_assert_max_num_queries: Any
) -> None:
    tale.items([f"More {n}" for n in range(60)])
    with django_assert_max_num_queries(8):
        rulings_preview(tale.question, all_of(tale), AS_THEY_STAND)

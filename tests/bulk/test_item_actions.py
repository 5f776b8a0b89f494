"""What is done with many items: more answers, giving them to somebody, an export, a judge."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotate.errors import BadInput
from annotate.models import Assignment, Item, Job, Slot, SlotState
from annotate.selectors.chosen import Chosen, chosen_kept
from annotate.selectors.item_filters import Filters
from annotate.services.claims import claims_hold, claims_return
from annotate.services.exports import export_path, export_run
from annotate.services.item_actions import actions_all
from annotate.services.item_work import assign_run, assign_start, more_run, more_start
from annotate.services.jobs import job_take
from judges.models import Run
from judges.services.sending import send_start
from judges.services.versions import classifier_version
from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tale() -> Story:
    tale = story()
    one, *_others = tale.items(["Fine", "Bad", "So so"])
    says(tale, "ana", one, 0)
    return tale


def of(tale: Story, *external_ids: str) -> Chosen:
    ids = Item.objects.filter(external_id__in=external_ids).values_list("pk", flat=True)
    return Chosen(tale.project, Filters(question=tale.question), tuple(ids))


def ran(job: Job, run: Any) -> Job:
    running = job_take(job.pk)
    assert running is not None
    run(running)
    job.refresh_from_db()
    assert job.state == "done", job.message
    return job


def test_more_answers_make_slots_for_these_items_only_and_once(tale: Story) -> None:
    job = ran(more_start(tale.rhea, of(tale, "i1", "i2"), "2"), more_run)
    Job.objects.filter(pk=job.pk).update(state="queued", result={"after": 2**40})
    ran(job, more_run)

    counts = [Slot.objects.filter(item__external_id=pk).count() for pk in ("i1", "i2", "i3")]
    assert counts == [3, 3, 1]


def test_given_items_come_first_and_stay_with_who_got_them(tale: Story) -> None:
    ben = tale.rater(tale.ben)
    ran(assign_start(tale.rhea, of(tale, "i1", "i3"), str(tale.ben.pk)), assign_run)

    held = [assignment.item.external_id for assignment in claims_hold(ben)]
    claims_return(ben, keep=[0])

    assert held == ["i1", "i3"]
    week = timezone.now() + timezone.timedelta(days=6)
    assert Assignment.objects.filter(rater=ben, state="open", lease_until__gt=week).count() == 2
    # i1 was full: it has one slot more.
    assert Slot.objects.filter(item__external_id="i1", state=SlotState.HELD).count() == 1


def test_what_somebody_answered_is_not_given_to_them_again(tale: Story) -> None:
    job = ran(assign_start(tale.rhea, of(tale, "i1", "i2"), str(tale.ana.pk)), assign_run)

    assert job.result == {"items": 1}
    with pytest.raises(BadInput):
        assign_start(tale.rhea, of(tale, "i2"), str(tale.vic.pk))


def test_an_export_of_chosen_items_holds_no_others(
    tale: Story, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    export = next(action for action in actions_all() if action.key == "export")

    job = ran(export.start(tale.rhea, of(tale, "i2"), "csv"), export_run)

    with export_path(job).open(encoding="utf-8") as file:
        assert [row["item_id"] for row in csv.DictReader(file)] == ["i2"]


def test_chosen_items_are_sent_to_a_judge_and_no_others(tale: Story) -> None:
    version = classifier_version(tale.olga, tale.question, mode="zero_shot")

    send_start(tale.rhea, of(tale, "i2", "i3"), str(version.pk))

    run = Run.objects.get()
    assert sorted(run.calls.values_list("item__external_id", flat=True)) == ["i2", "i3"]
    with pytest.raises(BadInput):
        send_start(tale.rhea, of(tale, "i2"), "999999")


def test_a_set_of_items_is_kept_and_read_again(tale: Story) -> None:
    rater = tale.rater(tale.ana)
    chosen = Chosen(
        tale.project, Filters(question=tale.question, text="x", answer=0, rater=rater), (3, 4)
    )

    assert chosen_kept(tale.project, chosen.kept()) == chosen


def test_the_screen_offers_what_can_be_done_and_starts_it(tale: Story) -> None:
    client = Client()
    client.force_login(tale.rhea)

    page = client.get(reverse("bulk", args=[tale.project.pk]), {"scope": "all"}).content.decode()
    answer = client.post(reverse("bulk_do", args=[tale.project.pk, "more"]), {"value": "1"})

    assert "Ask for more answers" in page
    assert "Send them to a judge" not in page  # there is none yet
    assert answer["Location"].endswith(f"/jobs/{Job.objects.get(kind='more_answers').pk}/")
    assert client.post(reverse("bulk_do", args=[tale.project.pk, "no"])).status_code == 404

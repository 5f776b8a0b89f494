"""The replacement test in the app: planned, collected for, decided once, and kept as a record."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import BadInput, Conflict
from annotate.models import Arm, Assignment, Event, Job, Submission, Visibility
from annotate.services.claims import claims_hold
from annotate.services.jobs import job_take
from judges.models import ReplacementTest
from judges.services.replacement_tests import (
    replacement_collect,
    replacement_decide,
    replacement_plan,
    replacement_run,
)
from judges.views.replacement_words import result_cautions, result_sentences
from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tale() -> Story:
    return story(labels_per_item=3)


def done(job: Job | None) -> None:
    running = job_take(job.pk) if job else None
    assert running is not None
    replacement_run(running)
    assert running.job.pk
    assert Job.objects.get(pk=running.job.pk).state == "done"


def planned(tale: Story, **asked: Any) -> ReplacementTest:
    judge = tale.project.raters.get(name="j1")
    plan = {
        "epsilon": 0.1,
        "score": "accuracy",
        "n_people": 3,
        "per_item": 3,
        "gap": 0.1,
        "seed": 4,
    }
    test = replacement_plan(tale.olga, tale.question, judge, **{**plan, **asked})
    done(test.deciding)
    test.refresh_from_db()
    return test


def decided(tale: Story, test: ReplacementTest) -> ReplacementTest:
    done(replacement_decide(tale.olga, test).deciding)
    test.refresh_from_db()
    return test


def labelled(tale: Story, n: int, *, judge: float, person: float, seed: int = 1) -> None:
    """Three people and a judge, right with these shares, by the same seed the same."""
    rng = np.random.default_rng(seed)
    for item in tale.items([f"Text {k}" for k in range(n)]):
        truth = int(rng.integers(0, 2))
        for who, share in (("w1", person), ("w2", person), ("w3", person), ("j1", judge)):
            says(tale, who, item, truth if rng.random() < share else 1 - truth)


def page(client: Client, tale: Story, test: ReplacementTest) -> str:
    client.force_login(tale.olga)
    answer = client.get(reverse("replacement_test", args=[tale.project.pk, test.pk]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_it_is_planned_decided_and_kept(client: Client, tale: Story) -> None:
    labelled(tale, 60, judge=0.97, person=0.85)
    test = planned(tale, epsilon=0.2)
    assert test.plan["now"] == {"people": 3, "items": 60}
    assert test.plan["enough"] in test.plan["sizes"]
    assert "decide the test on the labels there are" in page(client, tale, test)

    test = decided(tale, test)

    assert test.result["winning_rate"]["value"] == 1.0
    assert [person["n_items"] for person in test.result["people"]] == [60, 60, 60]
    shown = page(client, tale, test)
    assert "At epsilon .20 the judge does at least as well as 3 of 3 people" in shown
    assert "Epsilon .20 forgives a judge up to" in shown
    assert "passed" not in shown
    kept = Event.objects.filter(verb__startswith="replacement_test.").values_list("verb", flat=True)
    assert list(kept.order_by("pk")) == ["replacement_test.planned", "replacement_test.decided"]


def test_the_record_can_be_checked_by_its_file(client: Client, tale: Story) -> None:
    """The labels in the file give the fingerprint and, by consensus alone, the same result."""
    from consensus.alt_test import alt_test
    from consensus.table import LabelTable

    labelled(tale, 40, judge=0.9, person=0.9)
    test = decided(tale, planned(tale))
    client.force_login(tale.olga)
    address = reverse("replacement_labels", args=[tale.project.pk, test.pk])
    sent = b"".join(client.get(address).streaming_content).decode()  # type: ignore[attr-defined]

    rows = list(csv.DictReader(io.StringIO(sent)))

    lines = "".join(f"{row['item_id']},{row['rater_id']},{row['code']}\n" for row in rows)
    assert hashlib.sha256(lines.encode()).hexdigest() == test.fingerprint
    items = {name: k for k, name in enumerate(dict.fromkeys(row["item"] for row in rows))}
    people = {row["rater"]: 0 for row in rows if row["kind"] == "person"}
    people = {name: k for k, name in enumerate(people)}
    judge = np.full(len(items), -1)
    for row in rows:
        if row["kind"] == "judge":
            judge[items[row["item"]]] = int(row["code"])
    by_people = [row for row in rows if row["kind"] == "person"]
    table = LabelTable.from_codes(
        [items[row["item"]] for row in by_people],
        [people[row["rater"]] for row in by_people],
        [int(row["code"]) for row in by_people],
        n_classes=3,
    )
    found = alt_test(table, judge, epsilon=test.epsilon, seed=test.seed, n_bootstrap=1000)
    assert found.winning_rate == test.result["winning_rate"]["value"]
    assert found.advantage == test.result["advantage"]["value"]
    assert list(found.winning_interval or ()) == [
        test.result["winning_rate"]["low"],
        test.result["winning_rate"]["high"],
    ]


def test_it_is_decided_once(tale: Story) -> None:
    labelled(tale, 31, judge=1, person=1)
    test = planned(tale)
    under_way = replacement_decide(tale.olga, test)
    with pytest.raises(Conflict):
        replacement_decide(tale.olga, test)
    done(under_way.deciding)
    test.refresh_from_db()
    kept = (test.result, test.decided_at)
    with pytest.raises(Conflict):
        replacement_decide(tale.olga, test)
    with pytest.raises(Conflict):
        replacement_collect(tale.olga, test, n_items=5, members=[tale.ana.pk], per_item=2)
    # A message that comes again, of an attempt that had died after it had written.
    Job.objects.filter(pk=under_way.deciding_id).update(state="queued")
    says(tale, "j1", tale.items(["another"])[0], 2)
    done(Job.objects.get(pk=under_way.deciding_id))
    test.refresh_from_db()
    assert (test.result, test.decided_at) == kept


def test_labels_given_after_seeing_a_judge_do_not_count(tale: Story) -> None:
    labelled(tale, 40, judge=0.9, person=0.9)
    submissions = Submission.objects.filter(rater__name="w3").values_list("pk", flat=True)
    Submission.objects.filter(pk__in=list(submissions)[:15]).update(arm=Arm.REVEALED)

    test = decided(tale, planned(tale))

    assert test.result["n_helped"] == 15
    assert [person["n_items"] for person in test.result["people"]] == [40, 40]
    assert len(test.result["skipped"]) == 1


def test_items_are_drawn_and_given_to_people_who_label_them_blind(
    client: Client, tale: Story
) -> None:
    for item in tale.items([f"Text {k}" for k in range(80)]):
        says(tale, "j1", item, 0)
    test = planned(tale)
    client.force_login(tale.olga)
    members = [tale.ana.pk, tale.ben.pk, tale.cem.pk]
    client.post(
        reverse("replacement_draw", args=[tale.project.pk, test.pk]),
        {"n_items": 36, "per_item": 2, "members": members},
    )
    test.refresh_from_db()
    done(test.collecting)

    batch = set(test.batch["items"])
    assert len(batch) == 36
    assert (test.batch["of"], test.batch["probability"]) == (80, 36 / 80)
    assert sorted(len(ids) for ids in test.batch["given"].values()) == [24, 24, 24]
    given = Assignment.objects.filter(item__in=batch, state="open")
    assert given.count() == 72
    # Whoever labels next gets these first, without seeing the judge.
    rater = tale.rater(tale.ana)
    held = claims_hold(rater)
    assert {one.item_id for one in held} <= set(test.batch["given"][str(rater.pk)])
    done_again = Job.objects.get(pk=test.collecting_id)
    done_again.state = "queued"
    done_again.save(update_fields=["state"])
    done(done_again)
    assert Assignment.objects.filter(item__in=batch, state="open").count() == 72

    for who in ("ana", "ben", "cem"):
        own = tale.rater(getattr(tale, who))
        for item in tale.project.items.filter(pk__in=test.batch["given"][str(own.pk)]):
            says(tale, who, item, 0)
    assert "24" in page(client, tale, test)
    test = decided(tale, test)
    assert test.result["n_items"] == 0  # 24 items each: nobody has 30
    assert "The test says nothing" in page(client, tale, test)


def test_only_the_items_drawn_count(tale: Story) -> None:
    labelled(tale, 80, judge=0.95, person=0.9)
    test = planned(tale)
    members = [tale.ana.pk, tale.ben.pk]
    test = replacement_collect(tale.olga, test, n_items=40, members=members, per_item=2)
    done(test.collecting)

    test = decided(tale, test)

    assert test.result["n_items"] == 40


def test_nothing_is_drawn_where_people_may_see_judges(tale: Story) -> None:
    labelled(tale, 5, judge=1, person=1)
    test = planned(tale)
    tale.project.visibility = Visibility.SUGGESTION_FIRST
    tale.project.save(update_fields=["visibility"])
    test.refresh_from_db()
    test.project.refresh_from_db()
    with pytest.raises(Conflict, match="label blind"):
        replacement_collect(
            tale.olga, test, n_items=2, members=[tale.ana.pk, tale.ben.pk], per_item=2
        )


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"epsilon": 0.7}, "epsilon"),
        ({"score": "else"}, "score"),
        ({"n_people": 1, "per_item": 1}, "n_people"),
        ({"per_item": 4}, "per_item"),
        ({"gap": 0}, "gap"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(
    tale: Story, asked: dict[str, Any], field: str
) -> None:
    labelled(tale, 2, judge=1, person=1)
    with pytest.raises(BadInput) as error:
        planned(tale, **asked)
    assert field in error.value.detail["fields"]


@pytest.mark.parametrize(
    ("n", "codes", "said"),
    [
        (10, {"w1": 0, "w2": 0, "w3": 0, "j1": 0}, "The test says nothing: nobody has 30 items"),
        (32, {"w1": 0, "w2": 0, "w3": 0, "j1": 0}, "one and the same answer"),
        (32, {"w1": None, "w2": None, "w3": None, "j1": None}, "All people always agree."),
        (32, {"w1": None, "w2": None, "j1": None}, "Fewer than three people are too few"),
    ],
    ids=["too few", "one class", "all agree", "two people"],
)
def test_at_the_edges_it_says_what_it_does_not_show(
    tale: Story, n: int, codes: dict[str, int | None], said: str
) -> None:
    for k, item in enumerate(tale.items([f"Text {k}" for k in range(n)])):
        for who, code in codes.items():
            says(tale, who, item, k % 2 if code is None else code)

    test = decided(tale, planned(tale))

    assert said in " ".join([*result_sentences(test), *result_cautions(test)])

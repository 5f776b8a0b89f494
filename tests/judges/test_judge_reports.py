"""Reports on judges: what the job keeps, what the page says of it, and the cases at the edge."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate.models import Arm, Submission
from annotate.services.jobs import job_take
from judges.models import JudgeReport
from judges.services.judge_reports import reports_run, reports_start
from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tale() -> Story:
    return story(labels_per_item=3)


def labelled(tale: Story, rows: list[dict[str, Any]], texts: list[str] | None = None) -> None:
    """Items with answers by rater; j… may give (choice, confidence)."""
    items = tale.items(texts or [f"Text {n}" for n in range(len(rows))])
    for item, row in zip(items, rows, strict=True):
        for who, said in row.items():
            choice, more = (
                (said[0], {"confidence": said[1]}) if isinstance(said, tuple) else (said, {})
            )
            says(tale, who, item, choice, **more)


def worked_out(tale: Story) -> dict[str, dict[str, Any]]:
    running = job_take(reports_start(tale.olga, tale.project).pk)
    assert running is not None
    reports_run(running)
    return {
        report.rater.name: report.content
        for report in JudgeReport.objects.filter(project=tale.project).select_related("rater")
    }


def page(client: Client, tale: Story, judge: str = "j1") -> str:
    client.force_login(tale.olga)
    rater = tale.project.raters.get(name=judge)
    answer = client.get(reverse("judge_report", args=[tale.project.pk, tale.question.pk, rater.pk]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_a_judge_is_measured_by_what_most_people_said(client: Client, tale: Story) -> None:
    rows: list[dict[str, Any]] = [{"w1": n % 2, "w2": n % 2, "j1": n % 2} for n in range(30)]
    rows += [{"w1": 0, "w2": 0, "j1": 1} for _ in range(10)]
    rows += [{"w1": 0, "w2": 1, "j1": 1}]  # tied
    labelled(tale, rows)

    found = worked_out(tale)["j1"]

    assert (found["agree"], found["n"], found["n_tied"]) == (30, 40, 1)
    assert found["confusion"][0][:2] == [15, 10]
    assert found["confusion"][1][:2] == [0, 15]
    assert found["with_people"]["n_items"] == 41
    assert found["with_people"]["people"]["value"] == pytest.approx(40 / 41)
    shown = page(client, tale)
    assert "It says what most people said on 30 of 40 items: .75" in shown
    assert "less often than they do with each other" in shown
    assert "plan a replacement test" in shown


def test_labels_given_after_seeing_a_judge_do_not_count(client: Client, tale: Story) -> None:
    labelled(tale, [{"w1": 0, "w2": 0, "j1": 0} for _ in range(6)])
    seen = Submission.objects.filter(rater__name="w2").order_by("pk")[:4]
    Submission.objects.filter(pk__in=[each.pk for each in seen]).update(arm=Arm.SHOWN)

    found = worked_out(tale)["j1"]

    assert found["n_helped"] == 4
    assert found["with_people"]["n_items"] == 2
    assert "4 labels of people are left out" in page(client, tale)


def test_confidence_is_drawn_and_measured_before_and_after(client: Client, tale: Story) -> None:
    """Always .95 sure and right in 7 of 10: too sure, and calibration mends it."""
    rows: list[dict[str, Any]] = []
    for n in range(100):
        right = n % 10 < 7
        rows.append({"w1": n % 2, "w2": n % 2, "j1": (n % 2 if right else 2, 0.93 + n % 5 / 100)})
    labelled(tale, rows)

    found = worked_out(tale)["j1"]["calibration"]

    assert found["n"] == 100
    assert found["stated"]["error"]["low"] > 0.1
    assert found["calibrated"]["error"]["plain"] < found["stated"]["error"]["plain"] / 2
    shown = page(client, tale)
    assert "It is too sure: 95 % on average, and 70 % are right." in shown
    assert shown.count('class="reliability__point"') == sum(
        len(found[side]["bins"]) for side in ("stated", "calibrated")
    )


def test_where_it_fails_is_found(client: Client, tale: Story) -> None:
    """Wrong on most long texts, right on the others."""
    rows, texts = [], []
    for n in range(80):
        long = n % 4 == 0
        wrong = long and n % 12 != 0
        said = n // 4 % 2
        rows.append({"w1": said, "w2": said, "j1": 2 if wrong else said})
        texts.append(("long " * 40 if long else "short ") + str(n))
    labelled(tale, rows, texts)

    found = worked_out(tale)["j1"]["slices"]

    assert found[0]["by"] == "length"
    assert found[0]["stands_out"]
    assert [
        each["by"] for each in found if each["stands_out"] and each["difference"]["value"] < 0
    ] == ["length"]
    assert "It does worse than elsewhere where" in page(client, tale)


def test_two_judges_are_compared_on_the_same_items(client: Client, tale: Story) -> None:
    rows = [{"w1": 0, "w2": 0, "j1": 0, "j2": 1 if n < 12 else 0} for n in range(30)]
    labelled(tale, rows)

    (row,) = worked_out(tale)["j1"]["beside"]

    assert (row["n"], row["both"], row["first_only"], row["second_only"]) == (30, 18, 12, 0)
    assert row["p"] == pytest.approx(2 / 2**12)
    assert row["difference"]["low"] > 0.2
    assert "this one is better" in page(client, tale)
    assert "the other is better" in page(client, tale, "j2")


@pytest.mark.parametrize(
    ("rows", "sentences"),
    [
        (
            [{"w1": n % 2, "w2": n % 2, "j1": n % 3} for n in range(10)],
            ["10 items are too few to say much", "have people label 20 more of its items blind"],
        ),
        (
            [{"w1": 0, "w2": 0, "j1": 0 if n < 30 else 1} for n in range(40)],
            ["Most people gave every item one and the same answer", "may well get another answer"],
        ),
        (
            [{"w1": n % 2, "w2": n % 2, "j1": n % 2} for n in range(40)],
            ["The judge and most people never differ here.", "up to 9 % of its other labels"],
        ),
        (
            [{"w1": n % 2, "j1": n % 2 if n < 30 else 2} for n in range(40)],
            ["No item has labels of two people", "have a second person label 30 more"],
        ),
        (
            [{"j1": 0} for n in range(4)],
            ["People have labelled none of its items", "label 30 more"],
        ),
        ([{"w1": 0, "w2": 1, "j1": 0}], ["On the 1 item that people labelled too they are tied."]),
    ],
    ids=["too few", "one class", "all agree", "one person", "no people", "ties"],
)
def test_at_the_edges_the_page_says_what_is_wrong_and_what_to_do(
    client: Client, tale: Story, rows: list[dict[str, Any]], sentences: list[str]
) -> None:
    labelled(tale, rows)
    worked_out(tale)

    shown = page(client, tale)

    for sentence in sentences:
        assert sentence in shown


def test_a_second_job_puts_its_reports_in_the_place_of_the_first(tale: Story) -> None:
    labelled(tale, [{"w1": 0, "j1": 0}, {"w1": 0}])
    first = worked_out(tale)["j1"]
    item = tale.project.items.order_by("-pk")[0]
    says(tale, "j1", item, 1)

    second = worked_out(tale)["j1"]

    assert (first["n"], second["n"]) == (1, 2)
    assert JudgeReport.objects.count() == 1


def test_no_page_reads_labels_and_the_queries_do_not_grow(client: Client, tale: Story) -> None:
    labelled(tale, [{"w1": 0, "w2": 0, "j1": 0, "j2": 1, "j3": 0} for _ in range(5)])
    worked_out(tale)
    client.force_login(tale.olga)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(reverse("trust", args=[tale.project.pk]))
    for n in range(4, 10):
        says(tale, f"j{n}", tale.project.items.get(external_id="i1"), 0)
    worked_out(tale)
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("trust", args=[tale.project.pk]))
    assert len(many) == len(few)
    with CaptureQueriesContext(connection) as report:
        page(client, tale)
    read = [q["sql"] for q in report if 'FROM "annotate_label"' in q["sql"]]
    assert read == []


def test_a_person_is_no_judge(client: Client, tale: Story) -> None:
    client.force_login(tale.olga)
    person = tale.rater(tale.ana)
    address = reverse("judge_report", args=[tale.project.pk, tale.question.pk, person.pk])
    assert client.get(address).status_code == 404


def test_a_lead_starts_the_job_from_the_page(client: Client, tale: Story) -> None:
    labelled(tale, [{"w1": 0, "j1": 0}])
    client.force_login(tale.olga)
    client.post(reverse("reports_start", args=[tale.project.pk]))
    client.post(reverse("reports_start", args=[tale.project.pk]))  # the one under way is kept
    assert tale.project.jobs.filter(kind="judge reports").count() == 1
    assert (
        "Reports on the judges"
        in client.get(reverse("trust", args=[tale.project.pk])).content.decode()
    )

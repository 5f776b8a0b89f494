"""Signs that a machine may have given somebody's labels: what leads see, and only they."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import Arm, Rater, Submission
from annotate.selectors.machine_signs import signs_of
from annotate.selectors.rater_figures import profile_now
from annotate.services.claims import claim_item
from annotate.services.submissions import submission_submit
from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


def page_of(tale: Story, rater: Rater, who: str = "rhea") -> str:
    client = Client()
    client.force_login(getattr(tale, who))
    page = client.get(reverse("rater", args=[tale.project.pk, rater.pk])).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def tale() -> Story:
    """Of sixty items Ben says what the judge says, also where three others say otherwise."""
    tale = story(labels_per_item=1)
    for n, item in enumerate(tale.items([f"Text {n}" for n in range(60)])):
        judge = (n + (n % 4 == 0)) % 3
        says(tale, "j1", item, judge)
        says(tale, "ben", item, judge)
        for k in range(3):
            says(tale, f"w{k}", item, (n + (n % 7 == k)) % 3)
    return tale


def test_who_copies_a_judge_stands_out_and_the_line_leads_to_the_items(tale: Story) -> None:
    ben = tale.rater(tale.ben)
    judge = tale.project.raters.get(name="j1")

    text = page_of(tale, ben)
    assert "Signs of a machine" in text
    assert "60 items: agrees on 100 %, foretold 66 %" in text, re.findall("60 items.{30}", text)
    assert re.search(r"Like .?j1.? stands out", text)
    client = Client()
    client.force_login(tale.rhea)
    page = client.get(reverse("rater", args=[tale.project.pk, ben.pk])).content.decode()
    assert f"a={ben.pk}&amp;b={judge.pk}&amp;both=1" in page

    honest = page_of(tale, tale.project.raters.get(name="w1"))
    assert "None of the signs stands out." in honest


def test_answers_with_a_suggestion_in_sight_are_left_out(tale: Story) -> None:
    ben = tale.rater(tale.ben)
    helped = Submission.objects.filter(rater=ben).order_by("pk")[:20].values("pk")
    Submission.objects.filter(pk__in=helped).update(arm=Arm.SHOWN)

    (row,) = profile_now(tale.question, ben)["likeness"]

    assert row["n"] == 40


def test_only_leads_see_signs_and_of_people_only(tale: Story) -> None:
    ben, judge = tale.rater(tale.ben), tale.project.raters.get(name="j1")

    assert "Signs of a machine" not in page_of(tale, ben, "vic")
    assert "Signs of a machine" in page_of(tale, ben, "olga")
    assert "Signs of a machine" not in page_of(tale, judge)


def test_pace_and_pasted_text() -> None:
    tale = story()
    ana = tale.rater(tale.ana)
    for n, item in enumerate(tale.items([" ".join(["word"] * 50)] * 40)):
        claim_item(ana, item)
        submission_submit(
            ana,
            item,
            answers=tale.answer(),
            client_key=str(n),
            seconds=3.0 + 0.01 * (n % 5),
            comment="Because." if n < 20 else "",
            pasted=300 if n < 10 else 0,
        )

    found = signs_of(ana)

    assert (found.timed, found.fast, found.texts, found.pasted) == (40, 40, 20, 10)
    assert found.even.high is not None
    assert found.even.high < 0.02
    text = page_of(tale, ana)
    assert "40 of 40 answers" in text
    assert "10 of 20 answers" in text
    assert "3 of 3 signs stand out" in text

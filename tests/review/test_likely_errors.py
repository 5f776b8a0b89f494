"""The ranked list of likely label errors: what it says, and settling it by one answer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import ItemSummary, Label, LikelyError, Ruling
from annotate.services.answers import Answer
from annotate.services.jobs import job_take
from annotate.services.label_errors import label_errors_run, label_errors_start
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from tests.answers import says
from tests.personas import SENTIMENT, Story, story

pytestmark = pytest.mark.django_db


def words(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def searched(tale: Story) -> None:
    running = job_take(label_errors_start(tale.rhea, tale.question).pk)
    assert running is not None
    label_errors_run(running)
    running.job.refresh_from_db()
    assert running.job.state == "done", running.job.message


@pytest.fixture
def tale() -> Story:
    """On three of four items w3 says Negative, against two people; on one of them a judge, too."""
    tale = story(labels_per_item=2)
    for n, item in enumerate(tale.items(["Lovely.", "Great!", "Bad.", "Fine."])):
        for who in ("w1", "w2"):
            says(tale, who, item, 0)
        says(tale, "w3", item, 1 if n < 3 else 0)
        if n == 1:
            says(tale, "j1", item, 0, confidence=0.95)
    searched(tale)
    return tale


def client_of(tale: Story, who: str = "rhea") -> Client:
    client = Client()
    client.force_login(getattr(tale, who))
    return client


def at(tale: Story) -> str:
    return reverse("likely_errors", args=[tale.project.pk])


def test_the_list_is_ranked_and_says_why(tale: Story) -> None:
    text = words(client_of(tale).get(at(tale)))

    assert "3 labels are likely wrong, the likeliest first." in text
    assert "0 of 2 others gave this answer; most speaks for" in text
    assert "the judges give it 2 %" in text
    scores = list(LikelyError.objects.order_by("pk").values_list("score", flat=True))
    assert scores == sorted(scores, reverse=True)
    assert LikelyError.objects.filter(instead=0).count() == 3


def test_one_answer_rules_and_the_next_label_comes(tale: Story) -> None:
    client = client_of(tale)
    error = LikelyError.objects.order_by("-score", "pk").first()
    assert error is not None
    rule = reverse("likely_error_rule", args=[tale.project.pk, error.pk])

    reply = client.post(rule, {"answer": "0"}, headers={"HX-Request": "true"})

    text = words(reply)
    assert "Ruled: " in text
    assert "because: rater error" in text
    assert "2 labels are likely wrong" in text
    ruling = Ruling.objects.get(item=error.item)
    assert (ruling.choice, ruling.reason) == (0, "rater_error")
    assert ItemSummary.objects.get(item=error.item).state == "ruled"

    undo = reverse("ruling_withdraw", args=[tale.project.pk, ruling.pk])
    back = client.post(f"{undo}?back=likely", follow=True)
    assert "3 labels are likely wrong" in words(back)


@pytest.mark.parametrize(
    ("support", "reason"),
    [
        ({"others": 2, "same": 0, "peers": 0.0, "judges": 0.1}, "rater_error"),
        ({"others": 0, "same": 0, "judges": 0.1}, "judge_error"),
        ({"others": 0, "same": 0, "model": 0.1}, "ambiguous_item"),
    ],
)
def test_ruling_as_labelled_is_put_down_to_who_spoke_against_it(
    tale: Story, support: dict[str, float], reason: str
) -> None:
    error = LikelyError.objects.order_by("pk").first()
    assert error is not None
    LikelyError.objects.filter(pk=error.pk).update(support=support)

    client_of(tale).post(
        reverse("likely_error_rule", args=[tale.project.pk, error.pk]), {"answer": "1"}
    )

    ruling = Ruling.objects.get(item=error.item)
    assert (ruling.choice, ruling.reason) == (1, reason)


def test_what_somebody_else_settled_is_not_ruled_again(tale: Story) -> None:
    error = LikelyError.objects.order_by("pk").first()
    assert error is not None
    rule = reverse("likely_error_rule", args=[tale.project.pk, error.pk])
    client_of(tale, "olga").post(rule, {"answer": "0"})

    reply = client_of(tale).post(rule, {"answer": "1"})

    assert reply.status_code == 409
    assert Ruling.objects.get(item=error.item).choice == 0


def test_a_label_taken_back_is_on_the_list_no_more(tale: Story) -> None:
    error = LikelyError.objects.order_by("pk").first()
    assert error is not None
    Label.objects.filter(pk=error.label_id).update(status="withdrawn")

    assert "2 labels are likely wrong" in words(client_of(tale).get(at(tale)))


def test_of_several_options_the_wrong_one_can_be_taken_away() -> None:
    several = type(SENTIMENT)(
        key="topics", name="Topics", kind="multiple", text="Which?", options=SENTIMENT.options
    )
    tale = story(labels_per_item=2, questions=(several,))
    (item,) = tale.items(["Great food."])
    for who, value in {"w1": [0], "w2": [0], "w3": [0, 1]}.items():
        rater = rater_imported(tale.project, name=who, kind="person")
        said = {tale.question.pk: Answer(value=value)}
        submission_submit(rater, item, answers=said, client_key=who)
    searched(tale)
    error = LikelyError.objects.get()
    assert (error.option, error.score) == (1, 1.0)
    page = words(client_of(tale).get(at(tale)))
    assert "Negative away" in page

    rule = reverse("likely_error_rule", args=[tale.project.pk, error.pk])
    client_of(tale).post(rule, {"answer": "without"})

    assert Ruling.objects.get().value == [0]


def test_before_a_search_the_page_teaches_and_starts_one() -> None:
    tale = story()
    page = client_of(tale).get(at(tale))

    assert "No label waits here." in words(page)
    assert "Look for label errors" in words(page)


def test_the_list_costs_as_many_queries_with_many_labels_as_with_few(
    tale: Story, django_assert_num_queries: Any
) -> None:
    client = client_of(tale)
    client.get(at(tale))
    with django_assert_num_queries(11):
        client.get(at(tale))


def test_the_list_by_the_api(tale: Story) -> None:
    client = client_of(tale)
    address = reverse("api_label_errors", args=[tale.project.pk])

    rows = client.get(address, {"question": "sentiment"}).json()["results"]

    assert [row["rater"] for row in rows] == ["w3"] * 3
    assert rows[0]["instead"] == "positive"
    assert rows[0]["support"]["others"] == 2
    assert rows[0]["score"] >= rows[-1]["score"]
    started = client.post(address, {"question": "sentiment"}, content_type="application/json")
    assert started.status_code == 202
    assert started.json()["kind"] == "label_errors"

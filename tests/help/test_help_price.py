"""The price of help: selectors/help_price.py, its page and the API."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotate.models import (
    Arm,
    Gold,
    GoldSource,
    Label,
    LabelStatus,
    Submission,
    SubmissionStatus,
    Visibility,
)
from annotate.selectors.help_price import Design, help_price
from tests.label.test_label import judge_says
from tests.personas import story

pytestmark = pytest.mark.django_db


def said(s, person, item, choice, *, arm, rule, seconds=2.0, status="submitted", **more):
    """An answer as the label screen would have stored it."""
    sub = Submission.objects.create(
        project=s.project,
        item=item,
        rater=s.rater(person),
        status=status,
        client_key=f"{item.pk}-{arm}-{status}",
        seconds=seconds,
        arm=arm,
        visibility=rule,
        created_at=timezone.now(),
        **more,
    )
    Label.objects.create(
        project=s.project,
        submission=sub,
        item=item,
        question=s.question,
        rater=sub.rater,
        status=LabelStatus.LIVE if status == "submitted" else LabelStatus.SUPERSEDED,
        choice=choice,
        created_at=sub.created_at,
    )
    return sub


def random_share(n=20):
    """Shown, all follow the judge; hidden, half do. The judge is wrong on what half is known."""
    s = story()
    items = s.items([f"Soup {n}." for n in range(n)])
    for place, item in enumerate(items):
        judge_says(s, item, 1)
        for person in (s.ana, s.ben):
            shown = (place % 2 == 0) == (person == s.ana)
            said(
                s,
                person,
                item,
                1 if shown or place % 4 < 2 else 0,
                arm=Arm.SHOWN if shown else Arm.BLIND,
                rule=Visibility.RANDOM_SHARE,
                shown_probability=0.5,
                seconds=2.0 if shown else 4.0,
                exposure=[{"question": "sentiment", "choice": 1}] if shown else [],
            )
    for item in items[: n // 2]:
        Gold.objects.create(
            project=s.project, item=item, question=s.question, choice=0, source=GoldSource.IMPORTED
        )
    return s


def test_shown_against_hidden_by_random_draw() -> None:
    s = random_share()
    (found,) = help_price(s.project).comparisons
    assert found.design == Design.RANDOM
    (price,) = found.questions
    assert (price.follows.first, price.follows.second) == (1, 0.5)
    assert 0 < price.follows.low < 0.5 < price.follows.high
    assert (price.follows.n_first, price.follows.n_second) == (20, 20)
    # Known to be wrong on the ten: whoever is shown it gives the wrong answer.
    assert price.follows_wrong.first == 1
    assert price.right.first == 0
    assert price.right.value == -price.follows_wrong.value
    assert found.log_seconds.value == pytest.approx(-0.693, abs=1e-3)


def test_what_would_have_been_shown_is_the_newest_answer_of_that_time() -> None:
    s = story()
    (item, other) = s.items(["a", "b"])
    for one in (item, other):
        judge_says(s, one, 1)
    more = {"rule": Visibility.RANDOM_SHARE, "shown_probability": 0.5}
    said(s, s.ana, item, 1, arm=Arm.BLIND, **more)
    said(s, s.ana, other, 1, arm=Arm.SHOWN, **more)
    # Afterwards the judge changed its mind, and one of an item nobody judged tells nothing.
    for label in Label.objects.filter(rater__kind="judge"):
        Label.objects.filter(pk=label.pk).update(status=LabelStatus.SUPERSEDED)
        Label.objects.create(
            project=s.project, submission=label.submission, item=label.item,
            question=s.question, rater=label.rater, choice=2, created_at=timezone.now(),
        )  # fmt: skip
    (third,) = s.items(["a", "b", "c"])[2:]
    said(s, s.ana, third, 0, arm=Arm.BLIND, **more)
    (price,) = help_price(s.project).comparisons[0].questions
    assert (price.follows.first, price.follows.second) == (1, 1)
    assert (price.follows.n_first, price.follows.n_second) == (1, 1)


def test_other_rules_are_compared_apart_and_only_described() -> None:
    s = story()
    one, two = s.items(["a", "b"])
    for item in (one, two):
        judge_says(s, item, 1)
    said(s, s.ana, one, 1, arm=Arm.SHOWN, rule=Visibility.SUGGESTION_FIRST, shown_probability=1.0)
    assert help_price(s.project).comparisons == []
    said(s, s.ana, two, 0, arm=Arm.BLIND, rule=Visibility.BLIND, shown_probability=0.0)
    # By program nothing is drawn: in no comparison.
    said(s, s.ben, two, 1, arm=Arm.BLIND, rule=Visibility.BLIND, shown_probability=None)
    (found,) = help_price(s.project).comparisons
    assert found.design == Design.OBSERVED
    assert found.questions[0].follows.n_second == 1


def test_after_a_reveal_who_changed_and_whether_for_the_better() -> None:
    s = story()
    seen = [{"question": "sentiment", "choice": 1}]
    rule = {"rule": Visibility.OWN_FIRST, "shown_probability": 0.0}
    for item, first, last in zip(
        s.items(["a", "b", "c", "d"]), (0, 1, 0, 2), (1, 0, 0, 2), strict=True
    ):
        changed = first != last
        status = SubmissionStatus.WITHDRAWN if changed else SubmissionStatus.SUBMITTED
        said(s, s.ana, item, first, arm=Arm.BLIND, status=status, revealed=seen, **rule)
        if changed:
            said(s, s.ana, item, last, arm=Arm.REVEALED, exposure=seen, **rule)
        Gold.objects.create(
            project=s.project, item=item, question=s.question, choice=0, source=GoldSource.IMPORTED
        )
    (found,) = help_price(s.project).reveals
    shares = [found.changed, found.towards, found.away, found.other]
    assert [share.value for share in shares] == [0.5, 0.25, 0.25, 0]
    assert (found.right_before.value, found.right_after.value) == (0.5, 0.5)
    assert found.changed.n == 4


def test_the_page_and_the_api_say_the_same(client: Client) -> None:
    s = random_share(12)
    client.force_login(s.vic)
    html = client.get(reverse("help_price", args=[s.project.pk])).content.decode()
    text = " ".join(html.split())
    assert "A suggestion moves people" in text
    assert "100 % of 12" in text
    assert "50 % of 12" in text
    assert "+50 (" in text
    assert "−50 % (" in text
    said_by_api = client.get(reverse("api_help_price", args=[s.project.pk])).json()
    (found,) = said_by_api["comparisons"]
    assert found["design"] == "random"
    assert found["questions"][0]["follows"]["value"] == 0.5
    for person, status in ((s.ana, 403), (s.sam, 404)):
        client.force_login(person)
        assert client.get(reverse("help_price", args=[s.project.pk])).status_code == status


def test_more_answers_cost_no_more_queries() -> None:
    s = random_share(8)

    def queries():
        with CaptureQueriesContext(connection) as found:
            help_price(s.project)
        return len(found)

    few = queries()
    items = s.items([f"Soup {n}." for n in range(30)])[8:]
    for item in items:
        judge_says(s, item, 1)
        said(s, s.ana, item, 1, arm=Arm.SHOWN, rule=Visibility.RANDOM_SHARE, shown_probability=0.5)
    assert queries() == few == 6


def test_a_new_project_says_what_will_be_here(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    html = client.get(reverse("help_price", args=[s.project.pk])).content.decode()
    assert "Nothing to compare yet" in html
    assert reverse("settings", args=[s.project.pk]) in html

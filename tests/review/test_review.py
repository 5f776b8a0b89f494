"""Reviewing: the queue, the item with everybody's answers, rulings and their undoing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import Event, Item, ItemSummary, Label, Ruling, RulingStatus
from annotate.services.claims import claim_item
from annotate.services.rulings import ruling_make
from annotate.services.submissions import submission_skip
from tests.answers import says
from tests.personas import STARS, Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tale() -> Story:
    """Three items: a tie between people, a judge against them, and one that all agree on."""
    tale = story(labels_per_item=2)
    tied, differs, agreed = tale.items(["It was all right.", "Great!", "Bad."])
    says(tale, "ana", tied, 0, rationale="<script>alert(1)</script>")
    says(tale, "ben", tied, 2)
    says(tale, "w1", differs, 0)
    says(tale, "w2", differs, 0)
    says(tale, "j-local", differs, 1, confidence=0.5, rationale="a <b>meal</b>")
    says(tale, "w1", agreed, 1)
    says(tale, "w2", agreed, 1)
    return tale


def reviewer(tale: Story) -> Client:
    client = Client()
    client.force_login(tale.rhea)
    return client


def shown_item(page: str) -> str:
    """External id of the item on the page."""
    found = re.search(r'class="review__id" dir="auto">([^<]+)<', page)
    assert found, "no item on the page"
    return found[1]


def rule(client: Client, tale: Story, item: Item, **more: Any) -> Any:
    data = {"choice": 0, "reason": "ambiguous_item", **more}
    return client.post(
        reverse("review_rule", args=[tale.project.pk, tale.question.pk, item.pk]),
        data,
        headers={"HX-Request": "true"},
    )


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def test_the_most_doubtful_item_comes_first_with_why_in_words(tale: Story) -> None:
    page = reviewer(tale).get(reverse("review", args=[tale.project.pk])).content.decode()

    assert shown_item(page) == "i1"
    assert "1 person says Positive, 1 says Not mentioned." in page
    assert "1 of 2" in page
    assert "a tie between Positive, Not mentioned" in page


@pytest.mark.parametrize(
    ("who", "status"),
    [("olga", 200), ("rhea", 200), ("ana", 403), ("vic", 403), ("sam", 404), (None, 302)],
)
def test_only_leads_review(tale: Story, who: str | None, status: int) -> None:
    client = Client()
    if who:
        client.force_login(getattr(tale, who))
    item = Item.objects.get(external_id="i1")

    assert client.get(reverse("review", args=[tale.project.pk])).status_code == status
    ruled = client.post(
        reverse("review_rule", args=[tale.project.pk, tale.question.pk, item.pk]),
        {"choice": 0, "reason": "rater_error"},
    )
    assert ruled.status_code == (302 if status == 200 else status)
    assert Ruling.objects.exists() is (status == 200)


def test_a_judge_that_differs_is_told_with_its_confidence(tale: Story) -> None:
    page = reviewer(tale).get(
        reverse("review", args=[tale.project.pk]), {"reason": "judge_differs"}
    )

    text = page.content.decode()
    assert shown_item(text) == "i2"
    assert "2 people say Positive; the judge j-local says Negative, 50 % sure." in text


def test_what_raters_wrote_is_shown_as_text(tale: Story) -> None:
    Item.objects.filter(external_id="i1").update(fields={"text": "<img src=x onerror=alert(2)>"})
    client = reviewer(tale)

    first = client.get(reverse("review", args=[tale.project.pk])).content.decode()
    second = client.get(
        reverse("review", args=[tale.project.pk]), {"reason": "judge_differs"}
    ).content.decode()

    assert "<script>alert(1)" not in first
    assert "&lt;script&gt;alert(1)" in first
    assert "&lt;img src=x onerror" in first
    assert "a &lt;b&gt;meal&lt;/b&gt;" in second


def test_a_ruling_is_stored_and_brings_the_next_item(tale: Story) -> None:
    client = reviewer(tale)
    page = client.get(reverse("review", args=[tale.project.pk])).content.decode()
    item = Item.objects.get(external_id="i1")

    answer = rule(client, tale, item, choice=2, after=hidden(page, "after"), note="either way")

    text = answer.content.decode()
    ruling = Ruling.objects.get()
    assert (ruling.choice, ruling.reason, ruling.comment) == (2, "ambiguous_item", "either way")
    assert ruling.reviewer == tale.rhea
    assert ItemSummary.objects.get(item=item).state == "ruled"
    assert "<html" not in text
    assert shown_item(text) == "i2"
    assert "Ruled: Not mentioned, because: ambiguous item" in text
    assert "1 of 1" in text


def test_undo_opens_the_item_again_and_shows_it(tale: Story) -> None:
    client = reviewer(tale)
    item = Item.objects.get(external_id="i1")
    rule(client, tale, item)

    answer = client.post(
        reverse("ruling_withdraw", args=[tale.project.pk, Ruling.objects.get().pk]),
        headers={"HX-Request": "true"},
    )

    assert Ruling.objects.get().status == RulingStatus.WITHDRAWN
    assert shown_item(answer.content.decode()) == "i1"
    assert ItemSummary.objects.get(item=item).state == "open"


def test_it_works_without_javascript(tale: Story) -> None:
    client = reviewer(tale)
    page = client.get(reverse("review", args=[tale.project.pk])).content.decode()
    item = Item.objects.get(external_id="i1")

    answer = client.post(
        reverse("review_rule", args=[tale.project.pk, tale.question.pk, item.pk]),
        {"choice": 1, "reason": "guideline_gap", "after": hidden(page, "after"), "standing": ""},
        follow=True,
    )

    text = answer.content.decode()
    assert shown_item(text) == "i2"
    assert "Ruled: Negative, because: guideline gap" in text


@pytest.mark.parametrize(
    "wrong", [{"choice": ""}, {"reason": ""}, {"reason": "because"}, {"choice": 99}]
)
def test_half_a_ruling_is_refused_and_stores_nothing(tale: Story, wrong: dict[str, Any]) -> None:
    answer = rule(reviewer(tale), tale, Item.objects.get(external_id="i1"), **wrong)

    assert answer.status_code == 422
    assert not Ruling.objects.exists()


def test_who_comes_second_is_told_and_rules_nothing_unknowingly(tale: Story) -> None:
    item = Item.objects.get(external_id="i1")
    client = reviewer(tale)
    client.get(reverse("review", args=[tale.project.pk]))
    first = ruling_make(tale.olga, item, tale.question, choice=0, reason="rater_error")

    answer = rule(client, tale, item, choice=1, standing="")

    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Olga has ruled on this item meanwhile" in text
    assert Ruling.objects.get() == first
    again = rule(client, tale, item, choice=1, standing=hidden(text, "standing"))
    assert again.status_code == 200
    assert Ruling.objects.get(status=RulingStatus.LIVE).choice == 1


def test_next_and_previous_walk_the_queue(tale: Story) -> None:
    client = reviewer(tale)
    address = reverse("review", args=[tale.project.pk])
    first = client.get(address).content.decode()
    (following,) = re.findall(r'href="([^"]+)"\s+aria-keyshortcuts="n"', first)
    assert 'aria-keyshortcuts="p"' not in first

    second = client.get(following.replace("&amp;", "&")).content.decode()

    assert (shown_item(first), shown_item(second)) == ("i1", "i2")
    (back,) = re.findall(r'href="([^"]+)"\s+aria-keyshortcuts="p"', second)
    assert shown_item(client.get(back.replace("&amp;", "&")).content.decode()) == "i1"


def test_an_emptied_queue_says_so(tale: Story) -> None:
    client = reviewer(tale)
    for item in Item.objects.filter(external_id__in=["i1", "i2"]):
        answer = rule(client, tale, item)

    assert "Nothing to settle" in answer.content.decode()


def test_flags_skips_comments_and_surplus_are_shown_but_not_counted(tale: Story) -> None:
    item = Item.objects.get(external_id="i2")
    ana = tale.rater(tale.ana)
    claim_item(ana, item)
    submission_skip(ana, item, client_key="s", flagged=True, comment="Which dish?")
    says(tale, "ben", item, 2)
    Label.objects.filter(rater=tale.rater(tale.ben), item=item).update(status="surplus")

    page = reviewer(tale).get(reverse("review", args=[tale.project.pk]), {"item": item.pk})

    text = page.content.decode()
    assert "Which dish?" in text
    assert "skipped, flagged" in text
    assert "Flagged by Ana." in text
    assert "Surplus: kept, not counted" in text
    assert "2 people say Positive; the judge" in text


def test_how_often_a_rater_is_right_is_by_rulings_and_only_where_known(tale: Story) -> None:
    client = reviewer(tale)
    address = reverse("review", args=[tale.project.pk])
    before = client.get(address, {"reason": "judge_differs"}).content.decode()
    assert "right here" not in before

    agreed = Item.objects.get(external_id="i3")
    ruling_make(tale.rhea, agreed, tale.question, choice=1, reason="rater_error")

    after = client.get(address, {"reason": "judge_differs"}).content.decode()
    assert "1 of 1 rulings" in after
    assert ".21 to 1" in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", after))


def test_each_question_has_its_own_queue() -> None:
    tale = story(questions=(STARS,))
    (item,) = tale.items(["A walk."])
    says(tale, "w1", item, 0)
    says(tale, "w2", item, 4)

    page = reviewer(tale).get(reverse("review", args=[tale.project.pk])).content.decode()

    assert "1 person says 1 stars, 1 says 5 stars." in page


def test_without_a_question_the_page_says_where_to_begin(tale: Story) -> None:
    tale.project.questions.update(status="retired")

    page = reviewer(tale).get(reverse("review", args=[tale.project.pk]))

    assert "No question yet" in page.content.decode()


@pytest.mark.parametrize("after", ["nan:1", "1e999:1", "x", "0.5:" + "9" * 30, ":"])
def test_a_broken_place_in_the_queue_begins_at_the_start(tale: Story, after: str) -> None:
    page = reviewer(tale).get(reverse("review", args=[tale.project.pk]), {"after": after})

    assert shown_item(page.content.decode()) == "i1"


def test_an_archived_project_is_read_and_not_ruled_on(tale: Story) -> None:
    tale.project.status = "archived"
    tale.project.save(update_fields=["status"])
    client = reviewer(tale)

    assert client.get(reverse("review", args=[tale.project.pk])).status_code == 200
    answer = rule(client, tale, Item.objects.get(external_id="i1"))
    assert answer.status_code == 403
    assert not Event.objects.filter(verb="ruling.made").exists()


def test_the_number_of_queries_does_not_grow_with_raters(
    tale: Story, django_assert_max_num_queries: Any
) -> None:
    item = Item.objects.get(external_id="i1")
    for n in range(12):
        says(tale, f"w{n}", item, n % 3)
        says(tale, f"j{n}", item, n % 3)
    client = reviewer(tale)

    with django_assert_max_num_queries(24):
        client.get(reverse("review", args=[tale.project.pk]))

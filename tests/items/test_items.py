"""The list of items and the page of one: filters, pages, what is shown to whom."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import Item, Rater, Ruling
from annotate.selectors.items import PAGE
from annotate.services.claims import claim_item
from annotate.services.estimates import estimate_run, estimate_start
from annotate.services.jobs import job_take
from annotate.services.rulings import ruling_make, ruling_withdraw
from annotate.services.submissions import submission_skip
from tests.answers import says
from tests.personas import SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db


def client_of(tale: Story, who: str = "vic") -> Client:
    client = Client()
    client.force_login(getattr(tale, who))
    return client


def listed(tale: Story, **query: Any) -> list[str]:
    """External ids on the page, in order."""
    page = client_of(tale).get(reverse("items", args=[tale.project.pk]), query)
    assert page.status_code == 200
    return re.findall(r'class="items__more" dir="auto">([^<· ]+)', page.content.decode())


def words(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


@pytest.fixture
def tale() -> Story:
    """i1 agreed and ruled, i2 split, i3 done by its member, i4 with a judge only, i5 untouched."""
    tale = story(labels_per_item=1)
    one, two, three, four, _five = tale.items(["Great tea", "Fine cake", "Bad", "Tee", "Kaffee"])
    says(tale, "w1", one, 0)
    says(tale, "w2", one, 0)
    ruling_make(tale.rhea, one, tale.question, choice=0, reason="rater_error")
    says(tale, "w1", two, 0)
    says(tale, "w2", two, 1)
    says(tale, "ana", three, 1)
    says(tale, "j1", four, 2)
    return tale


def test_the_list_shows_each_item_with_its_answer_and_votes(tale: Story) -> None:
    page = client_of(tale).get(reverse("items", args=[tale.project.pk]))

    text = words(page)
    assert listed(tale) == ["i1", "i2", "i3", "i4", "i5"]
    assert re.search(r"Great tea.*?Positive\s+ruling\s+Positive 2 – 0 of 1", text)
    assert re.search(r"Fine cake.*?tie\s+Positive 1, Negative 1 – 0 of 1", text)
    assert re.search(r"Bad\s+i3\s+Negative\s+majority\s+Negative 1 – 1 of 1", text)


@pytest.mark.parametrize(
    ("who", "status"),
    [("olga", 200), ("rhea", 200), ("vic", 200), ("ana", 403), ("sam", 404), (None, 302)],
)
def test_annotators_never_see_others_labels_by_these_addresses(
    tale: Story, who: str | None, status: int
) -> None:
    client = client_of(tale, who) if who else Client()
    item = Item.objects.get(external_id="i2")

    assert client.get(reverse("items", args=[tale.project.pk])).status_code == status
    assert client.get(reverse("item", args=[tale.project.pk, item.pk])).status_code == status


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "TEA"}, ["i1"]),
        ({"q": "i4"}, ["i4"]),
        ({"q": "nowhere"}, []),
        ({"state": "unlabelled"}, ["i4", "i5"]),
        ({"state": "done"}, ["i3"]),
        ({"state": "in_work"}, ["i1", "i2"]),
        ({"state": "ruled"}, ["i1"]),
        ({"state": "surplus"}, []),
        ({"reason": "people_split"}, ["i2"]),
        ({"reason": "flagged"}, []),
        ({"answer": "1"}, ["i2", "i3"]),
        ({"answer": "2"}, ["i4"]),
        ({"state": "ruled", "answer": "1"}, []),
        ({"state": "nonsense", "reason": "x", "answer": "99", "after": "x"}, None),
    ],
)
def test_the_list_is_narrowed(tale: Story, query: dict[str, str], found: list[str] | None) -> None:
    assert listed(tale, **query) == (["i1", "i2", "i3", "i4", "i5"] if found is None else found)


def test_items_on_which_two_raters_differ_with_what_each_said(tale: Story) -> None:
    a, b = (Rater.objects.get(name=name) for name in ("w1", "w2"))
    query: dict[str, int] = {"a": a.pk, "b": b.pk}

    assert listed(tale, **query) == ["i2"]
    page = client_of(tale).get(reverse("items", args=[tale.project.pk]), query)
    assert re.search(r"tie\s+Positive\s+Negative\s+Positive 1, Negative 1", words(page))


def test_a_rater_of_another_project_narrows_nothing(tale: Story) -> None:
    assert len(listed(tale, a=999_999, b=Rater.objects.get(name="w2").pk)) == 5


def test_flagged_items_are_found_until_ruled_on(tale: Story) -> None:
    item = Item.objects.get(external_id="i5")
    ana = tale.rater(tale.ana)
    claim_item(ana, item)
    submission_skip(ana, item, client_key="k", flagged=True)
    assert listed(tale, reason="flagged") == ["i5"]

    ruling_make(tale.rhea, item, tale.question, choice=0, reason="ambiguous_item")

    assert listed(tale, reason="flagged") == []


@pytest.mark.parametrize(
    "wanted", ["الطعام", "café", 'a "quoted" word', "back\\slash", "two\nlines"]
)
def test_search_finds_what_is_written_whatever_the_letters(wanted: str) -> None:
    tale = story()
    tale.items(["plain", f"before {wanted} after", "other"])

    assert listed(tale, q=wanted) == ["i2"]


def test_pages_go_on_and_back_without_losing_or_repeating_items() -> None:
    tale = story()
    tale.items([f"text {n}" for n in range(2 * PAGE + 5)])
    client, seen = client_of(tale), []
    address = f"{reverse('items', args=[tale.project.pk])}?q=text"
    for _turn in range(3):
        page = client.get(address).content.decode()
        ids = re.findall(r'class="items__more" dir="auto">([^<· ]+)', page)
        seen.append(ids)
        following = re.findall(r'rel="next" href="([^"]+)"', page)
        if following:
            address = following[0].replace("&amp;", "&")

    assert [len(ids) for ids in seen] == [PAGE, PAGE, 5]
    assert [pk for ids in seen for pk in ids] == [f"i{n}" for n in range(1, 2 * PAGE + 6)]
    assert not following
    (back,) = re.findall(r'rel="prev" href="([^"]+)"', page)
    again = client.get(back.replace("&amp;", "&")).content.decode()
    assert re.findall(r'class="items__more" dir="auto">([^<· ]+)', again) == seen[1]
    assert "q=text" in back


def test_an_aggregate_is_shown_until_the_votes_change(tale: Story) -> None:
    item = Item.objects.get(external_id="i3")
    run = estimate_start(tale.olga, tale.question, method="majority")
    taken = job_take(run.job_id)
    assert taken
    estimate_run(taken)
    client, address = client_of(tale), reverse("items", args=[tale.project.pk])
    assert re.search(r"Bad\s+i3\s+Negative\s+aggregate", words(client.get(address)))

    says(tale, "w9", item, 1)

    assert re.search(r"Bad\s+i3\s+Negative\s+majority", words(client.get(address)))


def test_an_empty_project_says_where_to_begin() -> None:
    tale = story()
    page = client_of(tale, "olga").get(reverse("items", args=[tale.project.pk]))

    assert "No items yet" in page.content.decode()
    assert reverse("data", args=[tale.project.pk]) in page.content.decode()


def test_the_number_of_queries_does_not_grow_with_items(
    tale: Story, django_assert_max_num_queries: Any
) -> None:
    tale.items([f"more {n}" for n in range(PAGE)])
    a, b = (Rater.objects.get(name=name).pk for name in ("w1", "w2"))
    client = client_of(tale)

    with django_assert_max_num_queries(17):
        client.get(f"{reverse('items', args=[tale.project.pk])}?a={a}&b={b}&q=e")


# --- One item -----------------------------------------------------------------------------------


def test_the_page_of_an_item_shows_all_that_happened(tale: Story) -> None:
    item = Item.objects.get(external_id="i1")
    ruling = Ruling.objects.get()
    ruling_withdraw(tale.rhea, item, ruling.pk)
    ruling_make(tale.rhea, item, tale.question, choice=1, reason="guideline_gap", comment="see 2")

    text = words(client_of(tale, "rhea").get(reverse("item", args=[tale.project.pk, item.pk])))

    assert "2 people say Positive." in text
    assert "ruled on Sentiment: Negative, because: guideline gap" in text
    assert re.search(r"ruled on Sentiment: Positive, because: rater error\s+taken back", text)
    assert "see 2" in text
    assert "Brought in" in text


def test_a_lead_rules_on_the_page_of_an_item_and_stays_there(tale: Story) -> None:
    item = Item.objects.get(external_id="i5")
    client = client_of(tale, "rhea")
    address = reverse("item", args=[tale.project.pk, item.pk])

    answer = client.post(
        reverse("review_rule", args=[tale.project.pk, tale.question.pk, item.pk]),
        {"choice": 2, "reason": "ambiguous_item", "back": "item", "standing": ""},
        follow=True,
    )

    assert answer.redirect_chain == [(address, 302)]
    assert "Ruled: Not mentioned, because: ambiguous item" in answer.content.decode()
    ruling = Ruling.objects.get(item=item)
    taken_back = client.post(
        f"{reverse('ruling_withdraw', args=[tale.project.pk, ruling.pk])}?back=item", follow=True
    )
    assert taken_back.redirect_chain == [(address, 302)]
    assert "open again" in taken_back.content.decode()


def test_who_only_looks_is_given_no_form_to_rule(tale: Story) -> None:
    item = Item.objects.get(external_id="i2")
    address = reverse("item", args=[tale.project.pk, item.pk])

    assert 'name="choice"' not in client_of(tale, "vic").get(address).content.decode()
    assert 'name="choice"' in client_of(tale, "rhea").get(address).content.decode()


def test_a_withdrawn_item_is_shown_as_such_and_takes_no_ruling(tale: Story) -> None:
    item = Item.objects.get(external_id="i2")
    Item.objects.filter(pk=item.pk).update(status="withdrawn")

    page = client_of(tale, "rhea").get(reverse("item", args=[tale.project.pk, item.pk]))

    assert "This item was withdrawn" in page.content.decode()
    assert 'name="choice"' not in page.content.decode()
    assert "i2" not in listed(tale)


def test_text_and_metadata_are_shown_as_text_and_every_question_is_there() -> None:
    tale = story(questions=(SENTIMENT, STARS))
    (item,) = tale.items(["<script>alert(1)</script>"])
    Item.objects.filter(pk=item.pk).update(metadata={"<b>": "<i>x</i>"})

    page = client_of(tale, "rhea").get(reverse("item", args=[tale.project.pk, item.pk]))

    text = page.content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;i&gt;x&lt;/i&gt;" in text
    assert text.count('action="/projects') >= 2
    assert {"Sentiment", "Stars"} <= set(re.findall(r'-title" dir="auto">([^<]+)', text))


def test_an_item_of_another_project_is_not_found(tale: Story) -> None:
    from annotate.services.projects import project_create

    other = project_create(tale.olga, name="Other")
    item = Item.objects.first()
    assert item

    page = client_of(tale, "olga").get(reverse("item", args=[other.pk, item.pk]))

    assert page.status_code == 404

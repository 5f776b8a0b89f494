"""Raters against each other, two side by side, the profile of one, and the items behind each."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotate.models import Job, KeptFigure, Label
from annotate.selectors import figures as figures_module
from annotate.selectors.periods import periods_between
from annotate.selectors.rater_figures import People, pair_now, profile_now, profile_of
from annotate.selectors.tables import question_table
from annotate.services.figures import figures_run, figures_start
from annotate.services.projects import project_create
from annotate.tasks import job_do
from annotate.views import overview_shown
from tests.answers import says
from tests.personas import SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db

# Ana, Ben and the judge on six items: Ana calls praise what Ben and w1 call not mentioned.
SAID = [(0, 0, 0), (1, 1, 1), (0, 2, 2), (0, 2, 0), (0, 0, 1), (2, 2, 2)]


@pytest.fixture
def tale() -> Story:
    tale = story(labels_per_item=2)
    for item, (ana, ben, judge) in zip(tale.items("abcdef"), SAID, strict=True):
        says(tale, "ana", item, ana)
        says(tale, "ben", item, ben)
        says(tale, "w1", item, ben)
        says(tale, "j1", item, judge)
    return tale


def client_of(tale: Story, who: str = "vic") -> Client:
    client = Client()
    client.force_login(getattr(tale, who))
    return client


def page_of(tale: Story, name: str, *args: int, **query: Any) -> str:
    answer = client_of(tale).get(reverse(name, args=[tale.project.pk, *args]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def pk_of(tale: Story, name: str) -> int:
    return tale.project.raters.get(name=name).pk


def led_to(tale: Story, page: str, link: str) -> list[str]:
    """External ids of the items that the first link with this in its address leads to."""
    address = next(url for url in re.findall(r'href="([^"]+)"', page) if link in url)
    listed = client_of(tale).get(address.replace("&amp;", "&"))
    assert listed.status_code == 200
    return re.findall(r'class="items__more" dir="auto">([^<· ]+)', listed.content.decode())


def kept(tale: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there were too many labels to wait for."""
    monkeypatch.setattr(figures_module, "AT_ONCE", 3)
    monkeypatch.setattr(overview_shown, "AT_ONCE", 3)


def test_the_matrix_shows_share_interval_and_number_and_leads_to_the_items(tale: Story) -> None:
    page = page_of(tale, "raters")
    ana, ben = pk_of(tale, "Ana"), pk_of(tale, "Ben")

    text = words(page)
    assert ".67 .30 to .90" in text  # Wilson's interval of 4 of 6
    assert "of 6" in text
    pair = f"question={tale.question.pk}&amp;a={ana}&amp;b={ben}"
    assert led_to(tale, page, f"{pair}") == ["i3", "i4"]
    assert led_to(tale, page, f"{pair}&amp;both=1") == ["i1", "i2", "i3", "i4", "i5", "i6"]


def test_two_raters_side_by_side_count_what_each_said(tale: Story) -> None:
    ana, ben = tale.rater(tale.ana), tale.rater(tale.ben)
    counts = pair_now(tale.question, ana, ben)[str(ben.pk)]
    assert counts == [[2, 0, 2], [0, 1, 0], [0, 0, 1]]

    page = page_of(tale, "rater_pair", ana.pk, ben.pk)

    text = words(page)
    assert "They say the same of 4 of 6 items, and differ on 2." in text
    assert "Most often Ana says Positive where Ben says Not mentioned: 2 items." in text
    assert "kappa .50" in text
    assert led_to(tale, page, "a_says=0&amp;b_says=2") == ["i3", "i4"]
    assert led_to(tale, page, "a_says=1&amp;b_says=1") == ["i2"]


def test_a_profile_tells_leaning_and_agreement_and_leads_to_the_items(tale: Story) -> None:
    ana = tale.rater(tale.ana)

    profile = profile_now(tale.question, ana)

    # Beside Ben and w1, who say the same of everything.
    assert (profile["n_labels"], profile["agree"], profile["shared"]) == (6, 4, 6)
    assert profile["said"] == [4, 1, 1]
    own, others, more, low, high = profile["leaning"][0]
    assert (own, others) == (pytest.approx(4 / 6), pytest.approx(2 / 6))
    assert more == pytest.approx(1 / 3)
    assert low < more < high
    page = page_of(tale, "rater", ana.pk)
    assert "4 of 6 items" in words(page)
    assert led_to(tale, page, "a_says=0&amp;most_say=2") == ["i3", "i4"]
    assert led_to(tale, page, f"a={ana.pk}&amp;a_says=1") == ["i2"]
    assert len(led_to(tale, page, f"a={ana.pk}&amp;since=")) == 6


def test_a_judge_has_the_same_profile_beside_all_people(tale: Story) -> None:
    judge = tale.project.raters.get(name="j1")

    profile = profile_now(tale.question, judge)

    assert (profile["agree"], profile["shared"]) == (4, 6)
    assert [cell[:3] for cell in profile["against"] if cell[0] != cell[1]] == [[0, 2, 1], [1, 0, 1]]
    assert "A judge, beside the people" in words(page_of(tale, "rater", judge.pk))


def test_ties_of_the_others_count_for_nobody() -> None:
    tale = story()
    (item,) = tale.items(["a"])
    for who, choice in (("w1", 0), ("w2", 1), ("j1", 0)):
        says(tale, who, item, choice)
    judge = tale.project.raters.get(name="j1")

    profile = profile_now(tale.question, judge)

    assert (profile["shared"], profile["against"], profile["n_beside"]) == (0, [], 1)


def test_a_profile_goes_over_time(tale: Story) -> None:
    ana = tale.rater(tale.ana)
    long_ago = timezone.now() - timedelta(days=10)
    Label.objects.filter(rater=ana, item__external_id__in=["i1", "i2", "i3"]).update(
        created_at=long_ago
    )

    first, last = profile_now(tale.question, ana)["over_time"]

    assert (first["n"], first["agree"], first["shared"]) == (3, 2, 3)
    assert (last["n"], last["agree"], last["shared"]) == (3, 2, 3)
    page = page_of(tale, "rater", ana.pk)
    assert led_to(tale, page, f"since={first['since']}") == ["i1", "i2", "i3"]
    assert led_to(tale, page, f"since={last['since']}") == ["i4", "i5", "i6"]


def test_what_a_job_kept_is_what_is_found_now(tale: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    people = People.of(question_table(tale.question))
    ana, ben = tale.rater(tale.ana), tale.rater(tale.ben)
    now = {
        "profile": profile_of(tale.question, people, ana),
        "pair": pair_now(tale.question, ana, ben),
    }
    texts = [words(page_of(tale, *where)) for where in _pages(ana.pk, ben.pk)]
    kept(tale, monkeypatch)
    for where in _pages(ana.pk, ben.pk):
        assert "too many labels" in words(page_of(tale, *where))

    for _time in range(2):
        job_do(figures_start(tale.olga, tale.project).pk, figures_run)

    assert KeptFigure.objects.values("job").distinct().count() == 1
    assert Job.objects.filter(kind="figures", state="done").count() == 2
    assert KeptFigure.objects.get(name="profile", of=ana.pk).content == now["profile"]
    pairs = KeptFigure.objects.get(name="pairs", of=ana.pk).content
    assert pairs[str(ben.pk)] == now["pair"][str(ben.pk)]
    for where, before in zip(_pages(ana.pk, ben.pk), texts, strict=True):
        after = words(page_of(tale, *where))
        assert "These figures are of" in after
        assert after.split("In short")[-1][-200:] == before.split("In short")[-1][-200:]
    assert led_to(tale, page_of(tale, "rater", ana.pk), "most_say=2") == ["i3", "i4"]


def _pages(a: int, b: int) -> list[tuple[Any, ...]]:
    return [("raters",), ("rater", a), ("rater_pair", a, b)]


def test_a_rater_of_another_project_or_the_same_one_twice_is_not_found(tale: Story) -> None:
    other = project_create(tale.olga, name="Another", questions=(SENTIMENT,))
    client = client_of(tale, "olga")
    ana, ben = pk_of(tale, "Ana"), pk_of(tale, "Ben")

    for name, *args in (("rater", ana), ("rater_pair", ana, ben)):
        assert client.get(reverse(name, args=[other.pk, *args])).status_code == 404
    assert client.get(reverse("rater_pair", args=[tale.project.pk, ana, ana])).status_code == 404


def test_names_are_shown_as_text_and_pages_without_labels_say_what_comes() -> None:
    tale = story()
    empty = words(page_of(tale, "raters"))
    assert "once two of them have labelled" in empty
    assert "has not answered" in words(page_of(tale, "rater", tale.rater(tale.ana).pk))
    (item,) = tale.items(["a"])
    says(tale, "w<script>alert(1)</script>", item, 0)
    says(tale, "w2", item, 1)

    for where in (("raters",), *_pages(*[r.pk for r in tale.project.raters.order_by("pk")][-2:])):
        page = page_of(tale, *where)
        assert "<script>alert" not in page


def test_the_page_is_about_the_question_that_was_chosen() -> None:
    tale = story(questions=(SENTIMENT, STARS))
    stars = tale.project.questions.get(key="stars")

    page = page_of(tale, "raters", question=stars.pk)

    assert f'<option value="{stars.pk}" selected>' in page


def test_queries_do_not_grow_with_raters(django_assert_max_num_queries: Any) -> None:
    tale = story()
    for item in tale.items([str(n) for n in range(6)]):
        for n in range(12):
            says(tale, f"w{n}", item, n % 3)
    client = client_of(tale)
    a, b = [rater.pk for rater in tale.project.raters.order_by("-pk")[:2]]

    for name, *args in _pages(a, b):
        with django_assert_max_num_queries(20):
            client.get(reverse(name, args=[tale.project.pk, *args]))


def test_pages_of_very_many_labels_cost_a_fixed_number_of_queries(
    tale: Story, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    kept(tale, monkeypatch)
    job_do(figures_start(tale.olga, tale.project).pk, figures_run)
    client = client_of(tale)
    a, b = pk_of(tale, "Ana"), pk_of(tale, "Ben")

    for queries, name, *args in (
        (20, "overview"),
        (7, "raters"),
        (11, "rater", a),
        (9, "rater_pair", a, b),
    ):
        with django_assert_num_queries(queries):
            client.get(reverse(name, args=[tale.project.pk, *args]))


@pytest.mark.parametrize(
    ("days", "n", "length"), [(1, 1, 1), (26, 26, 1), (27, 5, 7), (400, 15, 28), (40_000, 22, 1820)]
)
def test_periods_are_of_one_length_and_hold_each_day_once(days: int, n: int, length: int) -> None:
    first = date(2026, 2, 3)
    last = first + timedelta(days=days - 1)

    periods = periods_between(first, last)

    assert {(period.until - period.since).days + 1 for period in periods} == {length}
    assert abs(len(periods) - n) <= 1
    assert first in periods[0]
    assert last in periods[-1]
    for one, next_one in pairwise(periods):
        assert next_one.since - one.until == timedelta(days=1)


def test_links_keep_within_this_house(tale: Story) -> None:
    page = page_of(tale, "raters")

    assert not [url for url in re.findall(r'href="([^"]+)"', page) if urlsplit(url).netloc]

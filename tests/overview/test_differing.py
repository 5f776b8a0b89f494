"""The map of disagreement: how far people differ and why, and the items behind each number."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import FigureName, KeptFigure
from annotate.selectors import differing
from annotate.selectors.differing import differing_of
from annotate.selectors.tables import question_table
from annotate.services.figures import figures_run, figures_start
from annotate.tasks import job_do
from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


def client_of(tale: Story, who: str = "rhea") -> Client:
    client = Client()
    client.force_login(getattr(tale, who))
    return client


def page_of(tale: Story, name: str = "differing", **query: Any) -> str:
    answer = client_of(tale).get(reverse(name, args=[tale.project.pk]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def tale() -> Story:
    """Forty items and four people: on every fourth two say 0 and two 1, on the others all agree but
    for one slip in a while."""
    tale = story()
    for n, item in enumerate(tale.items([f"Text {n}" for n in range(40)])):
        for k in range(4):
            split = n % 4 == 0
            slip = n % 10 == 1 and k == n % 3 and not split
            said = (n // 4 + k) % 2 if split else (n + slip) % 3
            says(tale, f"w{k}", item, said)
    return tale


def test_items_stand_by_how_far_people_differ_and_each_number_leads_to_them(tale: Story) -> None:
    assert "Here you will see which items people differ on" in words(page_of(tale))
    job_do(figures_start(tale.olga, tale.project).pk, figures_run)

    page = page_of(tale)
    text = words(page)
    cells = dict(re.findall(r'differ=(\d-\d)">([\d,]+)', page.replace("&amp;", "&")))
    agree = sum(int(n) for cell, n in cells.items() if cell.startswith("0"))
    far = sum(int(n) for cell, n in cells.items() if cell.startswith("2"))
    assert (agree, far, sum(map(int, cells.values()))) == (26, 10, 40)
    # What people are split over again and again is found to be ambiguous.
    assert cells["2-2"] == "10"
    assert "Rather ambiguous" in text
    listed = words(page_of(tale, "items", question=tale.question.pk, differ="2-2"))
    assert "10 items" in listed
    assert "More than half of the pairs differ · Rather ambiguous" in listed
    assert " i1 " in listed
    assert " i2 " not in listed
    mixed = page_of(tale, "items", question=tale.question.pk, differ="pair-0-1")
    assert "Items that some people call" in words(mixed)


def test_without_four_answers_an_item_the_reasons_are_not_told() -> None:
    tale = story()
    for n, item in enumerate(tale.items("abcdef")):
        says(tale, "w1", item, 0)
        says(tale, "w2", item, n % 2)
    job_do(figures_start(tale.olga, tale.project).pk, figures_run)

    text = words(page_of(tale))

    assert "Slips and ambiguity cannot be told apart" in text
    assert "Rather ambiguous" not in text
    assert ".50" in text  # half of the pairs differ


def test_of_very_many_items_some_are_drawn(tale: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differing, "MOST_ITEMS", 30)

    found = differing_of(tale.question, question_table(tale.question))
    again = differing_of(tale.question, question_table(tale.question))

    assert (found["n_items"], found["looked_at"]) == (40, 30)
    assert sum(n for _row, _column, n, _ids in found["cells"]) == 30
    assert found == again


def test_judges_are_a_group_of_their_own(tale: Story) -> None:
    for item in tale.project.items.order_by("pk"):
        says(tale, "j1", item, 2)

    found = differing_of(tale.question, question_table(tale.question))

    value, low, _high = found["parts"]["between"]
    assert 0 < low < value
    assert sum(n for _row, _column, n, _ids in found["cells"]) == 40
    assert np.isclose(
        found["parts"]["total"][0],
        sum(found["parts"][name][0] for name in ("rater_error", "ambiguity", "between")),
    )


def test_a_project_without_labels_has_an_empty_map() -> None:
    tale = story()
    job_do(figures_start(tale.olga, tale.project).pk, figures_run)

    assert KeptFigure.objects.get(name=FigureName.MAP).content["n_items"] == 0
    assert "No item has answers of two people yet." in words(page_of(tale))


def test_a_made_up_place_narrows_to_nothing_and_breaks_nothing(tale: Story) -> None:
    for odd in ("9-9", "pair-x-y", "pair", "²-1", "-"):
        page = page_of(tale, "items", question=tale.question.pk, differ=odd)
        assert "i1<" not in page

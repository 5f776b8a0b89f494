"""Items fetched before they are shown: which come, which do not, and what a reply is then."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate.models import (
    Assignment,
    Item,
    ItemStatus,
    Project,
    Slot,
    SlotState,
    Submission,
    Visibility,
)
from annotate.services.projects import guideline_publish
from tests.label.test_label import Desk, judge_says, statements
from tests.personas import story

pytestmark = pytest.mark.django_db

MANY = [f"Soup number {n}." for n in range(60)]


class Ahead(Desk):
    """A desk whose browser keeps what comes ahead, by item id: the HTML of its work."""

    def __init__(self, s, person):
        super().__init__(s, person)
        self.behind: dict[int, str] = {}
        self.work = ""

    @property
    def held(self):
        return [int(pk) for pk in re.search(r'data-held="([\d ]*)"', self.html)[1].split()]

    def open(self):
        super().open()
        self.work, self.behind = self.html, {}
        self._send("label_ahead", {"beside": self._fields()["beside"]})
        return self

    def _fields(self):
        part = re.search(r'<form[^>]*id="answer".*?</form>', self.work, re.S)[0]
        pairs = re.findall(r'<input type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', part)
        return {name: unescape(value) for name, value in pairs}

    @property
    def on(self):
        return int(self._fields()["item"])

    def _send(self, name, data):
        """Post it, having painted already what was behind; keep what comes to be behind."""
        have = [self.on, *self.behind]
        self.post(name, {"on": self.on, "have": " ".join(map(str, have)), **data})
        for work in re.findall(r"<template data-ahead>(.*?)</template>", self.html, re.S):
            pk = int(re.search(r'name="item"\s+value="(\d+)"', work)[1])
            assert pk not in have, "sent again"
            self.behind[pk] = work
        return self.response

    def answer(self, choice=0):
        data = {**self._fields(), f"q{self.s.question.pk}": choice}
        pk = next(iter(self.behind))
        self.work = self.behind.pop(pk)
        return self._send("label_submit", data)


def test_two_items_are_held_behind_the_one_on_the_screen_and_each_reply_brings_one_more() -> None:
    s = story()
    s.items(MANY)
    desk = Ahead(s, s.ana).open()
    assert len(desk.behind) == 2
    seen = [desk.on]
    for n in range(5):
        assert desk.answer(n % 3).status_code == 200
        assert len(desk.behind) == 2
        # How things stand, and no item but the new one: the work on the screen stays as it is.
        assert desk.html.count('id="answer"') == 1
        assert "data-moved" in desk.html
        assert desk.said.endswith("saved")
        assert desk.held == [desk.on, *desk.behind]
        seen.append(desk.on)
    assert len(set(seen)) == 6
    assert [sub.item_id for sub in Submission.objects.order_by("pk")] == seen[:5]
    assert Slot.objects.filter(state=SlotState.HELD).count() == 3


def test_a_page_without_javascript_holds_one_item() -> None:
    s = story()
    s.items(MANY)
    desk = Desk(s, s.ana, htmx=False).open()
    desk.submit(0)
    assert Slot.objects.filter(state=SlotState.HELD).count() == 0
    desk.open()
    assert Slot.objects.filter(state=SlotState.HELD).count() == 1


def test_of_the_last_items_nobody_holds_more_than_one() -> None:
    s = story()
    s.items(MANY[:18])
    assert Ahead(s, s.ana).open().behind == {}


def test_a_guideline_or_question_that_changed_brings_the_whole_screen_anew() -> None:
    s = story()
    s.items(MANY)
    desk = Ahead(s, s.ana).open()
    guideline_publish(s.olga, s.project, "# Other words")
    desk.post("label_submit", {**desk._fields(), f"q{s.question.pk}": 0, "on": 1, "have": "1"})
    assert desk.response["HX-Retarget"] == "#label"
    assert "Other words" in desk.html
    # What the browser had was made for the old one, so it is all sent again.
    assert len(re.findall("<template data-ahead>", desk.html)) == 2


def test_what_is_refused_comes_whole_and_what_is_gone_is_said() -> None:
    s = story()
    s.items(MANY)
    desk = Ahead(s, s.ana).open()
    first = desk.on
    desk.answer(99)
    assert desk.response.status_code == 422
    assert desk.item == first
    assert "data-moved" not in desk.html
    Item.objects.filter(pk=desk.on).update(status=ItemStatus.WITHDRAWN)
    assert desk.answer(0).status_code == 409
    assert "data-moved" in desk.html
    assert 'role="alert"' in desk.html


def test_leaving_keeps_the_items_whose_answers_are_under_way() -> None:
    s = story()
    s.items(MANY)
    desk = Ahead(s, s.ana).open()
    under_way = next(iter(desk.behind))
    desk.post("label_leave", {"item": [desk.on, under_way]})
    held = Assignment.objects.filter(rater=s.rater(s.ana), state="open")
    assert set(held.values_list("item_id", flat=True)) == {desk.on, under_way}


def test_ahead_too_people_label_blind_and_what_was_seen_is_recorded() -> None:
    s = story(labels_per_item=2)
    for item in s.items(MANY[:30]):
        judge_says(s, item, 2, rationale="Soup has no opinion.")
    blind = Ahead(s, s.ana).open()
    blind.answer(0)
    for work in (blind.html, *blind.behind.values()):
        assert "gpt-x" not in work
        assert "no opinion" not in work
    Project.objects.update(visibility=Visibility.SUGGESTION_FIRST)
    shown = Ahead(s, s.ben).open()
    shown.answer(0)
    shown.answer(1)
    assert all("gpt-x" in work for work in shown.behind.values())
    for submission in Submission.objects.filter(rater=s.rater(s.ben)):
        (seen,) = submission.exposure
        assert (seen["judge"], seen["choice"]) == ("gpt-x v3", 2)


def test_who_comes_back_finds_the_item_that_was_left() -> None:
    s = story()
    s.items(MANY)
    desk = Ahead(s, s.ana).open()
    oldest, _second, third = desk.held
    for left, found in ((third, third), ("x", oldest), (10**6, oldest)):
        desk.client.cookies["on"] = str(left)
        assert Desk.open(desk).item == found


@pytest.mark.parametrize("have", ["", "x", "1 x 999999999999999999999", "9 " * 500])
def test_what_a_browser_says_it_has_breaks_nothing(have) -> None:
    s = story()
    s.items(MANY)
    desk = Ahead(s, s.ana).open()
    data = {**desk._fields(), f"q{s.question.pk}": 0, "on": "x", "have": have}
    assert desk.post("label_submit", data).status_code == 200
    assert Slot.objects.filter(state=SlotState.HELD).count() == 3


def test_a_reply_with_an_item_ahead_costs_few_queries() -> None:
    s = story(labels_per_item=2)
    s.items(MANY)
    desk = Ahead(s, s.ana).open()
    desk.answer(0)
    with CaptureQueriesContext(connection) as captured:
        desk.answer(1)
    # As without: two more look whether others still have enough to do.
    # 35 on PostgreSQL, 33 on SQLite.
    assert len(statements(captured)) <= 35, "\n".join(statements(captured))

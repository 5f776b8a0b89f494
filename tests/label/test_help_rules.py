"""What people may see of judges: selectors/help_rules.py, services/reveals.py, the label screen."""

from __future__ import annotations

import pytest
from django.core import signing

from annotate.forms.label import SALT
from annotate.models import (
    Arm,
    Assignment,
    Label,
    LabelStatus,
    Project,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
    Visibility,
)
from annotate.selectors.help_rules import rule_of, shown_draw
from annotate.services.claims import claims_hold, claims_return
from annotate.services.reveals import submission_reveal
from annotate.services.submissions import submission_submit, submission_withdraw
from tests.label.test_label import Desk, judge_says
from tests.personas import story

pytestmark = pytest.mark.django_db

OF_THE_JUDGE = ("gpt-x", "no opinion", ".81", 'class="suggestion"')


def told(visibility, n_items=1, **more):
    """A project with this rule in which a judge has looked at every item."""
    s = story(**more)
    Project.objects.update(visibility=visibility)
    s.project.refresh_from_db()
    items = s.items([f"Soup {n}." for n in range(n_items)])
    for item in items:
        judge_says(s, item, 2, confidence=0.8125, rationale="Soup has no opinion.")
    return s, items


def hides(desk):
    """Whether nothing of a judge is in the page, its signed part included."""
    *_rest, exposure, _rule = signing.loads(desk.hidden()["seal"], salt=SALT)
    return exposure == [] and not any(words in desk.html for words in OF_THE_JUDGE)


def mine(s, person):
    return Submission.objects.filter(rater=s.rater(person)).order_by("pk")


# --- Own answer first --------------------------------------------------------------------------


@pytest.mark.parametrize("htmx", [True, False])
def test_the_own_answer_is_stored_before_anything_is_revealed(htmx) -> None:
    s, (item,) = told(Visibility.OWN_FIRST)
    desk = Desk(s, s.ana, htmx=htmx).open()
    assert hides(desk)
    assert "A judge has looked" in desk.html

    # Without an answer nothing is revealed.
    assert desk.post("label_reveal", desk.hidden()).status_code == 422
    assert hides(desk)
    assert not mine(s, s.ana).exists()

    field = f"q{s.question.pk}"
    desk.post("label_reveal", {**desk.hidden(), field: 0})
    assert desk.response.status_code == 200
    assert (desk.item, desk.checked) == (item.pk, {field: "0"})
    assert all(words in desk.html for words in OF_THE_JUDGE)
    (first,) = mine(s, s.ana)
    assert (first.status, first.visibility, first.arm) == ("submitted", "own_first", Arm.BLIND)
    assert (first.exposure, [shown["choice"] for shown in first.revealed]) == ([], [2])

    desk.submit(2)
    kept, revised = mine(s, s.ana)
    assert (kept.status, kept.labels.get().status) == ("withdrawn", LabelStatus.SUPERSEDED)
    assert (kept.labels.get().choice, revised.labels.get().choice) == (0, 2)
    assert (revised.status, revised.arm) == ("submitted", Arm.REVEALED)
    assert revised.exposure == kept.revealed
    # One slot, one counted.
    assert revised.slot_id == kept.slot_id
    assert Slot.objects.get(item=item).state == SlotState.FILLED


def test_who_keeps_the_answer_after_a_reveal_hands_nothing_in_twice() -> None:
    s, _items = told(Visibility.OWN_FIRST, n_items=2)
    desk = Desk(s, s.ana).open()
    first = desk.item
    desk.post("label_reveal", {**desk.hidden(), f"q{s.question.pk}": 0})
    desk.submit(0)
    assert desk.item != first
    assert hides(desk)
    (kept,) = mine(s, s.ana)
    assert (kept.status, kept.arm, len(kept.revealed)) == ("submitted", Arm.BLIND, 1)
    # A flag is news: then it is handed in again.
    desk.undo()
    desk.submit(0, flag="1")
    assert [sub.status for sub in mine(s, s.ana)] == ["withdrawn", "submitted"]


def test_no_way_round_makes_an_answer_after_a_reveal_a_blind_one() -> None:
    s, _items = told(Visibility.OWN_FIRST)
    rater, field = s.rater(s.ana), f"q{s.question.pk}"
    other_tab = Desk(s, s.ana).open()
    desk = Desk(s, s.ana).open()
    desk.post("label_reveal", {**desk.hidden(), field: 0})
    # A tab opened before the reveal.
    other_tab.submit(2)
    assert mine(s, s.ana).last().arm == Arm.REVEALED
    # Taken back, given back, claimed anew.
    submission_withdraw(rater, mine(s, s.ana).last().pk)
    claims_return(rater)
    assert hides(Desk(s, s.ana).open())
    Desk(s, s.ana).open().submit(1)
    last = mine(s, s.ana).last()
    assert (last.arm, [shown["choice"] for shown in last.exposure]) == (Arm.REVEALED, [2])


def test_only_this_rule_reveals_and_only_once() -> None:
    s, (item,) = told(Visibility.OWN_FIRST)
    rater = s.rater(s.ana)
    claims_hold(rater)
    first = submission_submit(rater, item, answers=s.answer(0), client_key="a")
    questions = list(s.project.questions.prefetch_related("options"))
    shown = submission_reveal(rater, first, s.project, questions)
    judge_says_again = Label.objects.get(rater__kind="judge").rater
    submission_submit(judge_says_again, item, answers=s.answer(1), client_key="again")
    assert submission_reveal(rater, first, s.project, questions) == shown


def test_a_project_that_turned_blind_stores_the_answer_and_reveals_nothing() -> None:
    s, _items = told(Visibility.OWN_FIRST)
    desk = Desk(s, s.ana).open()
    Project.objects.update(visibility=Visibility.BLIND)
    desk.post("label_reveal", {**desk.hidden(), f"q{s.question.pk}": 0})
    assert desk.response.status_code == 409
    assert "gpt-x" not in desk.html
    assert [(sub.status, sub.revealed) for sub in mine(s, s.ana)] == [("submitted", [])]


# --- A random share ----------------------------------------------------------------------------


def test_a_random_share_is_drawn_by_person_and_item_and_kept() -> None:
    s, items = told(Visibility.RANDOM_SHARE, n_items=12)
    rater_id = s.rater(s.ana).pk
    # Ids differ from database to database, and with them the draws: a seed that gives both.
    seed = next(
        seed
        for seed in range(99)
        if 3 < sum(shown_draw(seed, rater_id, item.pk) < 0.4 for item in items) < 9
    )
    Project.objects.update(shown_percent=40, seed=seed)
    s.project.refresh_from_db()
    desk, arms = Desk(s, s.ana).open(), {}
    for _item in items:
        item_id, rule = desk.item, rule_of(s.project, rater_id, desk.item)
        arms[item_id] = rule.arm
        assert hides(desk) == (rule.arm == Arm.BLIND)
        assert ("gpt-x v3" in desk.html) == (rule.arm == Arm.SHOWN)
        desk.submit(0)
    stored = {sub.item_id: sub for sub in mine(s, s.ana)}
    assert {pk: sub.arm for pk, sub in stored.items()} == arms
    assert set(arms.values()) == {Arm.BLIND, Arm.SHOWN}
    for sub in stored.values():
        assert (sub.visibility, sub.shown_probability) == ("random_share", 0.4)
        assert bool(sub.exposure) == (sub.arm == Arm.SHOWN)


def test_the_draw_is_even_and_differs_between_people() -> None:
    draws = [[shown_draw(7, rater, item) for item in range(4000)] for rater in (1, 2)]
    for of_one in draws:
        assert abs(sum(draw < 0.3 for draw in of_one) / 4000 - 0.3) < 0.03
    both = sum(a < 0.5 and b < 0.5 for a, b in zip(*draws, strict=True)) / 4000
    assert abs(both - 0.25) < 0.03


# --- Kept with every submission ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("visibility", "arm", "probability"),
    [(Visibility.BLIND, Arm.BLIND, 0.0), (Visibility.SUGGESTION_FIRST, Arm.SHOWN, 1.0)],
)
def test_the_rule_when_the_page_was_made_is_kept(visibility, arm, probability) -> None:
    s, _items = told(visibility)
    desk = Desk(s, s.ana).open()
    Project.objects.update(visibility=Visibility.OWN_FIRST)
    desk.submit(0)
    sub = mine(s, s.ana).get()
    assert (sub.visibility, sub.arm, sub.shown_probability) == (visibility, arm, probability)
    assert sub.status == SubmissionStatus.SUBMITTED
    assert Assignment.objects.get(rater=sub.rater).state == "submitted"

"""Items left to one rater: what claims, exports and progress make of it."""

from __future__ import annotations

import pytest
from django.db import transaction

from annotate.errors import Conflict
from annotate.models import (
    Arm,
    Assignment,
    Entrusted,
    Item,
    Rater,
    Slot,
    SlotState,
    Strategy,
    Visibility,
)
from annotate.selectors.export_rows import item_rows, label_rows
from annotate.selectors.help_rules import help_of
from annotate.selectors.overview import progress_of
from annotate.selectors.questions import questions_live
from annotate.services.answers import Answer
from annotate.services.claims import claim_given, claim_item, claims_hold, claims_return
from annotate.services.entrusting import entrusted_end, items_entrust, turns_end, turns_give
from annotate.services.items import ItemRow, items_take_in
from annotate.services.overlap import overlap_change
from annotate.services.submissions import submission_submit
from tests.personas import SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db


def expert(s: Story) -> Rater:
    """A rater without slots: here an imported one, of a model."""
    return Rater.objects.create(project=s.project, kind="judge", origin="imported", name="model x")


def says(s: Story, rater: Rater, item: Item, choice: int, confidence: float = 0.9) -> None:
    answer = Answer(choice=choice, confidence=confidence, confidence_source="imported")
    submission_submit(
        rater, item, answers={s.question.pk: answer}, client_key=f"{rater.pk} {item.pk}"
    )


def test_nobody_is_given_an_entrusted_item_until_it_is_taken_back() -> None:
    s = story()
    first, second = s.items(["One.", "Two."])
    judge = expert(s)
    says(s, judge, first, 0)
    items_entrust(s.question, judge, [first.pk])

    assert [a.item for a in claims_hold(s.rater(s.ana), wanted=3)] == [second]
    with pytest.raises(Conflict, match="all the labels"):
        claim_item(s.rater(s.ben), first)
    assert progress_of(s.project).wanted == 1

    assert entrusted_end(s.question, judge) == 1
    assert not Entrusted.objects.exists()
    assert [a.item for a in claims_hold(s.rater(s.ben), wanted=3)] == [first]
    assert progress_of(s.project).wanted == 2


def test_who_holds_the_item_still_hands_in_and_what_they_give_back_stays_excused() -> None:
    s = story(labels_per_item=2)
    (item,) = s.items(["One."])
    ana, ben = s.rater(s.ana), s.rater(s.ben)
    claims_hold(ana)
    claims_hold(ben)
    items_entrust(s.question, expert(s), [item.pk])

    submission = submission_submit(ana, item, answers=s.answer(1), client_key="a")
    claims_return(ben)

    assert submission.status == "submitted"
    assert set(Slot.objects.values_list("state", flat=True)) == {SlotState.FILLED, SlotState.OPEN}
    assert claims_hold(s.rater(s.cem)) == []


def test_a_checked_item_goes_on_being_asked() -> None:
    s = story()
    first, second = s.items(["One.", "Two."])
    items_entrust(s.question, expert(s), [first.pk, second.pk], checked=[second.pk])
    assert [a.item for a in claims_hold(s.rater(s.ana), wanted=3)] == [second]


def test_an_item_is_asked_while_one_question_of_it_is_not_entrusted() -> None:
    s = story(questions=(SENTIMENT, STARS))
    (item,) = s.items(["One."])
    judge = expert(s)
    items_entrust(s.question, judge, [item.pk])
    assert Slot.objects.filter(excused=True).count() == 0
    stars = s.project.questions.get(key="stars")
    items_entrust(stars, judge, [item.pk])
    assert Slot.objects.filter(excused=True).count() == 1
    entrusted_end(s.question, judge)
    assert Slot.objects.filter(excused=True).count() == 0


def test_more_labels_an_item_do_not_bring_entrusted_items_back() -> None:
    s = story()
    (item,) = s.items(["One."])
    items_entrust(s.question, expert(s), [item.pk])
    overlap_change(s.olga, s.project, 3)
    assert Slot.objects.filter(item=item, excused=True).count() == 3
    items_take_in(s.project, [ItemRow("i1", {"text": "One."}), ItemRow("i9", {"text": "Nine."})])
    assert [a.item.external_id for a in claims_hold(s.rater(s.ana), wanted=3)] == ["i9"]


def test_a_lead_can_give_an_entrusted_item_to_somebody_all_the_same() -> None:
    s = story()
    (item,) = s.items(["One."])
    items_entrust(s.question, expert(s), [item.pk])
    with transaction.atomic():
        assert claim_given(s.rater(s.ana), [item]) == 1
    claims_return(s.rater(s.ana))
    assert claims_hold(s.rater(s.ben)) == []


def test_items_come_in_their_turn_and_keep_how_they_were_drawn() -> None:
    s = story()
    items = s.items([f"Text {n}." for n in range(6)])
    in_order = sorted(items, key=lambda item: item.draw)
    last, fourth = in_order[5], in_order[3]
    turns_give(s.project, {last.pk: 0.0, fourth.pk: 1.0}, chances={fourth.pk: 0.25})

    for _turn in range(3):
        (held,) = claims_hold(s.rater(s.ana))
        submission_submit(
            s.rater(s.ana), held.item, answers=s.answer(), client_key=f"k{held.item_id}"
        )
    kept = list(
        Assignment.objects.order_by("pk").values_list(
            "item_id", "strategy", "inclusion_probability"
        )
    )
    assert kept[:2] == [(last.pk, Strategy.CHOSEN, None), (fourth.pk, Strategy.LOT, 0.25)]
    assert kept[2] == (in_order[0].pk, Strategy.RANDOM, in_order[0].draw)
    chances = {row["item_id"]: row["inclusion_probability"] for row in label_rows(s.project)}
    assert chances[fourth.external_id] == 0.25
    assert chances[last.external_id] is None


def test_turns_end() -> None:
    s = story()
    items = sorted(s.items(["One.", "Two.", "Three."]), key=lambda item: item.draw)
    turns_give(s.project, {items[2].pk: 0.0})
    turns_end(s.project, [items[2].pk])
    assert [a.item for a in claims_hold(s.rater(s.ana))] == [items[0]]


def test_nothing_of_judges_is_shown_on_an_item_drawn_by_lot() -> None:
    s = story()
    first, second = s.items(["One.", "Two."])
    s.project.visibility = Visibility.SUGGESTION_FIRST
    s.project.save(update_fields=["visibility"])
    for item in (first, second):
        says(s, expert(s) if item == first else Rater.objects.get(name="model x"), item, 0)
    turns_give(s.project, {second.pk: 0.0}, chances={second.pk: 0.5})
    rater = s.rater(s.ana)
    claims_hold(rater, wanted=1)
    claim_item(rater, first)
    questions = questions_live(s.project)

    assert help_of(s.project, rater, first, questions, {}).suggestions
    blind = help_of(s.project, rater, second, questions, {})
    assert not blind.suggestions
    assert blind.rule.arm == Arm.BLIND


def test_exports_give_the_entrusted_answer_marked_as_such() -> None:
    s = story()
    left, answered, asked = s.items(["One.", "Two.", "Three."])
    judge = expert(s)
    for item in (left, answered, asked):
        says(s, judge, item, 1, 0.8)
    claim_item(s.rater(s.ana), answered)
    submission_submit(s.rater(s.ana), answered, answers=s.answer(0), client_key="a")
    items_entrust(s.question, judge, [left.pk, answered.pk], checked=[answered.pk])

    for who in ("people", "all"):
        rows = {row["item_id"]: row for row in item_rows(s.project, who)}
        row = rows[left.external_id]
        assert row["sentiment"] == "negative"
        assert row["sentiment__source"] == "entrusted"
        assert row["sentiment__entrusted_to"] == "model x"
        assert row["sentiment__probability"] == 0.8
        assert rows[asked.external_id]["sentiment__source"] != "entrusted"
        assert rows[answered.external_id]["sentiment__entrusted_to"] == ""
    rows = {row["item_id"]: row for row in item_rows(s.project)}
    assert rows[answered.external_id]["sentiment"] == "positive"
    assert rows[asked.external_id]["sentiment"] is None

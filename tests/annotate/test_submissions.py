"""Handing in, skipping, undoing: services/submissions.py and services/claims.py."""

from __future__ import annotations

import pytest
from django.utils import timezone

from annotate.errors import BadInput, Conflict
from annotate.models import (
    Assignment,
    AssignmentState,
    Item,
    ItemSummary,
    Label,
    LabelStatus,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
)
from annotate.services.answers import Answer
from annotate.services.claims import claim_item, claims_expire, claims_hold, claims_return
from annotate.services.items import ItemRow, draw_number, items_take_in
from annotate.services.submissions import (
    submission_last,
    submission_skip,
    submission_submit,
    submission_withdraw,
)
from tests.personas import SENTIMENT, STARS, story

pytestmark = pytest.mark.django_db


def overdue(assignment):
    Assignment.objects.filter(pk=assignment.pk).update(lease_until=timezone.now())


def test_submitting_stores_labels_fills_the_slot_and_counts() -> None:
    s = story()
    (item,) = s.items(["Lovely soup."])
    rater = s.rater(s.ana)
    (assignment,) = claims_hold(rater)

    submission = submission_submit(
        rater, assignment.item, answers=s.answer(1), client_key="k1", seconds=3.5
    )

    assert submission.status == SubmissionStatus.SUBMITTED
    assert submission.labels.get().choice == 1
    assert Slot.objects.get(item=item).state == SlotState.FILLED
    summary = ItemSummary.objects.get(item=item, question=s.question)
    assert (summary.n_people, summary.people_counts) == (1, {"1": 1})
    assert claims_hold(rater) == []


def test_nobody_hands_in_what_was_not_given_to_them() -> None:
    s = story()
    (item,) = s.items(["Lovely soup."])
    with pytest.raises(Conflict):
        submission_submit(s.rater(s.ben), item, answers=s.answer(), client_key="k")
    assert not Label.objects.exists()


def test_the_same_key_again_is_the_same_submission() -> None:
    s = story()
    (item,) = s.items(["Lovely soup."])
    rater = s.rater(s.ana)
    claims_hold(rater)
    first = submission_submit(rater, item, answers=s.answer(0), client_key="k1")
    again = submission_submit(rater, item, answers=s.answer(1), client_key="k1")
    assert again.pk == first.pk
    assert Label.objects.get().choice == 0


def test_items_come_in_the_seeded_order_with_their_probability() -> None:
    s = story()
    items = s.items([f"text {n}" for n in range(20)])
    rater = s.rater(s.ana)
    seen = []
    for n in range(20):
        (assignment,) = claims_hold(rater)
        assert assignment.strategy == "random"
        assert assignment.inclusion_probability == pytest.approx(assignment.draw)
        seen.append(assignment.item.external_id)
        submission_submit(rater, assignment.item, answers=s.answer(), client_key=f"k{n}")
    expected = sorted(
        (item.external_id for item in items), key=lambda i: draw_number(s.project.seed, i)
    )
    assert seen == expected
    assert seen != [item.external_id for item in items]


def test_an_option_that_is_none_is_refused_by_name_and_nothing_is_stored() -> None:
    s = story()
    (item,) = s.items(["Lovely soup."])
    rater = s.rater(s.ana)
    claims_hold(rater)
    with pytest.raises(BadInput, match="Sentiment"):
        submission_submit(rater, item, answers=s.answer(9), client_key="k")
    assert not Submission.objects.exists()
    assert Slot.objects.get().state == SlotState.HELD


def test_a_required_question_needs_an_answer_and_an_optional_one_does_not() -> None:
    s = story(questions=(SENTIMENT, STARS))
    (item,) = s.items(["Lovely soup."])
    rater = s.rater(s.ana)
    claims_hold(rater)
    stars = s.project.questions.get(key="stars")
    with pytest.raises(BadInput, match="Sentiment"):
        submission_submit(rater, item, answers={stars.pk: Answer(choice=2)}, client_key="k")
    submission_submit(rater, item, answers=s.answer(), client_key="k")
    assert Label.objects.count() == 1


def test_overlap_is_filled_by_different_people_and_no_more() -> None:
    s = story(labels_per_item=2)
    (item,) = s.items(["Lovely soup."])
    for person in (s.ana, s.ben):
        rater = s.rater(person)
        (assignment,) = claims_hold(rater)
        submission_submit(rater, assignment.item, answers=s.answer(), client_key="k")
        assert claims_hold(rater) == []
    assert claims_hold(s.rater(s.cem)) == []
    with pytest.raises(Conflict):
        claim_item(s.rater(s.cem), item)


def test_a_late_submission_takes_a_free_slot_else_is_kept_as_surplus() -> None:
    s = story()
    (item,) = s.items(["Lovely soup."])
    ana, ben = s.rater(s.ana), s.rater(s.ben)
    (late,) = claims_hold(ana)
    overdue(late)
    assert claims_expire() == 1
    (taken,) = claims_hold(ben)
    submission_submit(ben, taken.item, answers=s.answer(0), client_key="b")

    surplus = submission_submit(ana, item, answers=s.answer(1), client_key="a")

    assert surplus.status == SubmissionStatus.SURPLUS
    assert surplus.labels.get().status == LabelStatus.SURPLUS
    assert ItemSummary.objects.get(item=item).people_counts == {"0": 1}


def test_a_late_submission_with_its_slot_still_free_counts() -> None:
    s = story()
    (item,) = s.items(["Lovely soup."])
    ana = s.rater(s.ana)
    (late,) = claims_hold(ana)
    overdue(late)
    claims_expire()
    assert (
        submission_submit(ana, item, answers=s.answer(), client_key="a").status
        == SubmissionStatus.SUBMITTED
    )
    assert Slot.objects.get().state == SlotState.FILLED


def test_undo_withdraws_and_gives_the_item_back_to_the_same_person() -> None:
    s = story()
    (item,) = s.items(["Lovely soup."])
    ana = s.rater(s.ana)
    claims_hold(ana)
    done = submission_submit(ana, item, answers=s.answer(0), client_key="a")
    last = submission_last(ana)
    assert last == done

    again = submission_withdraw(ana, done.pk)

    assert again.state == AssignmentState.OPEN
    assert Slot.objects.get().state == SlotState.HELD
    assert claims_hold(s.rater(s.ben)) == []
    assert ItemSummary.objects.get(item=item).n_people == 0
    submission_submit(ana, item, answers=s.answer(1), client_key="a2")
    assert Label.objects.get(status=LabelStatus.LIVE).choice == 1
    assert Submission.objects.filter(status=SubmissionStatus.SUBMITTED).count() == 1


def test_handing_in_from_a_second_tab_replaces_the_answer_in_the_same_slot() -> None:
    s = story(labels_per_item=2)
    (item,) = s.items(["Lovely soup."])
    ana = s.rater(s.ana)
    claims_hold(ana)
    submission_submit(ana, item, answers=s.answer(0), client_key="tab1")
    submission_submit(ana, item, answers=s.answer(2), client_key="tab2")
    assert Label.objects.get(status=LabelStatus.LIVE).choice == 2
    assert Slot.objects.filter(state=SlotState.FILLED).count() == 1


def test_skipping_frees_the_slot_for_others_and_never_comes_back() -> None:
    s = story()
    (item,) = s.items(["Lovely soup."])
    ana = s.rater(s.ana)
    claims_hold(ana)
    submission_skip(ana, item, client_key="s", comment="too hard", flagged=True)
    assert claims_hold(ana) == []
    assert [a.item for a in claims_hold(s.rater(s.ben))] == [item]
    assert ItemSummary.objects.get(item=item).reasons == ["flagged"]


def test_what_is_given_back_is_given_out_again() -> None:
    s = story()
    s.items(["Lovely soup."])
    ana = s.rater(s.ana)
    claims_hold(ana)
    assert claims_return(ana) == 1
    assert len(claims_hold(s.rater(s.ben))) == 1


def test_nobody_holds_the_last_open_items_ahead() -> None:
    s = story()
    s.items([f"text {n}" for n in range(5)])
    assert len(claims_hold(s.rater(s.ana), wanted=3)) == 1
    items_take_in(s.project, [ItemRow(f"more{n}", {"text": f"more {n}"}) for n in range(100)])
    assert len(claims_hold(s.rater(s.ana), wanted=9)) == 3


def test_an_item_given_out_keeps_its_content() -> None:
    s = story()
    (item,) = s.items(["Lovely soup."])
    claims_hold(s.rater(s.ana))
    (taken,) = items_take_in(s.project, [ItemRow("i1", {"text": "Dreadful soup."})])
    assert taken.outcome == "frozen"
    assert Item.objects.get(pk=item.pk).fields == {"text": "Lovely soup."}

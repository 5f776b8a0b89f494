"""Known items among the work: selectors/checks.py, services/checks.py and their pages."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate.errors import Conflict
from annotate.models import (
    Admission,
    Assignment,
    AssignmentState,
    Gold,
    GoldSource,
    ItemSummary,
    Label,
    LabelStatus,
    Project,
    Slot,
    SlotState,
    Strategy,
    Submission,
    SubmissionStatus,
)
from annotate.selectors.checks import Stage, on_known, qualification_of
from annotate.selectors.overview import progress_of, surplus_count
from annotate.services.checks import rater_admit
from annotate.services.claims import claim_item, claims_expire, claims_hold
from annotate.services.rulings import ruling_make
from annotate.services.submissions import submission_skip, submission_submit, submission_withdraw
from annotate.services.summaries import summaries_that_drifted
from tests.label.test_label import Desk, overdue
from tests.personas import story

pytestmark = pytest.mark.django_db


def known(s, items, choice=0):
    for item in items:
        Gold.objects.create(
            project=s.project,
            item=item,
            question=s.question,
            choice=choice,
            source=GoldSource.IMPORTED,
        )


def wants(s, **settings):
    Project.objects.update(**settings)
    s.project.refresh_from_db()


def full(s, n_known=3, n_open=6, **settings):
    """A project whose known items have their labels, of Cem, and others are open."""
    s_items = s.items([f"Soup {n}." for n in range(n_known + n_open)])
    cem = s.rater(s.cem)
    for item in s_items[:n_known]:
        claim_item(cem, item)
        submission_submit(cem, item, answers=s.answer(0), client_key=f"cem{item.pk}")
    known(s, s_items[:n_known])
    wants(s, **settings)
    return s_items


def work(s, person, n, choice=0):
    """What this person is given, in order, and hands in."""
    rater, given = s.rater(person), []
    for turn in range(n):
        held = claims_hold(rater)
        if not held:
            break
        given.append(held[0])
        submission_submit(
            rater, held[0].item, answers=s.answer(choice), client_key=f"{person}{turn}"
        )
    return given


# --- Mixed in ------------------------------------------------------------------------------------


def test_of_every_three_items_one_is_known_and_counts_nowhere() -> None:
    s = story()
    items = full(s, gold_every=3)
    given = work(s, s.ana, 99, choice=1)
    at = [n for n, one in enumerate(given) if one.strategy == Strategy.GOLD]
    # Two places of three hold new items: six of them make room for three known ones, no more.
    assert len(at) >= 2
    assert all(sum(n // 3 == block for n in at) <= 1 for block in range(3))
    assert {one.item_id for one in given} >= {item.pk for item in items[3:]}

    checks = Submission.objects.filter(status=SubmissionStatus.CHECK)
    assert checks.count() == len(at)
    assert set(checks.values_list("slot", flat=True)) == {None}
    # Exactly N: each item has one counted label, and the known ones that of Cem.
    live = Label.objects.filter(status=LabelStatus.LIVE)
    assert sorted(live.values_list("item_id", flat=True)) == sorted(item.pk for item in items)
    assert set(ItemSummary.objects.values_list("n_people", flat=True)) == {1}
    assert summaries_that_drifted(s.project) == []
    assert (progress_of(s.project).filled, surplus_count(s.project)) == (9, 0)
    found = on_known(s.project)[s.rater(s.ana).pk]
    assert (found.n, found.right) == (len(at), 0)


def test_a_known_item_with_an_open_slot_fills_it() -> None:
    s = story()
    items = s.items([f"Soup {n}." for n in range(4)])
    known(s, items)
    wants(s, gold_every=2)
    given = work(s, s.ana, 99)
    assert len(given) == 4
    assert Strategy.GOLD in {one.strategy for one in given}
    assert Submission.objects.filter(status=SubmissionStatus.SUBMITTED).count() == 4
    assert Slot.objects.filter(state=SlotState.FILLED).count() == 4


def test_the_places_differ_between_people_and_none_is_given_twice() -> None:
    s = story(labels_per_item=3)
    full(s, n_known=6, n_open=18, gold_every=4)
    places = {}
    for person in (s.ana, s.ben, s.rhea):
        given = work(s, person, 16)
        assert len({one.item_id for one in given}) == len(given)
        places[person] = [n for n, one in enumerate(given) if one.strategy == Strategy.GOLD]
        assert len(places[person]) == 4
    assert len({tuple(found) for found in places.values()}) > 1


def test_a_check_is_taken_back_held_and_given_back_like_any_other_item() -> None:
    s = story()
    full(s, n_known=1, n_open=2, gold_every=2)
    rater = s.rater(s.ana)
    while True:
        (held,) = claims_hold(rater)
        if held.strategy == Strategy.GOLD:
            break
        submission_submit(rater, held.item, answers=s.answer(0), client_key=f"{held.pk}")
    assert held.slot_id is None
    # The lease runs out: nobody's slot is freed, and it comes again.
    slots = list(Slot.objects.order_by("pk").values_list("state", flat=True))
    overdue()
    assert list(Slot.objects.order_by("pk").values_list("state", flat=True)) == slots
    desk = Desk(s, s.ana).open()
    assert desk.item == held.item_id
    desk.submit(1)
    assert desk.said == "Negative saved"
    assert desk.response.status_code == 200
    desk.undo()
    assert "Others have finished" not in desk.html
    desk.submit(0)
    mine = Submission.objects.filter(rater=rater, item=held.item_id).order_by("pk")
    assert [sub.status for sub in mine] == ["withdrawn", "check"]
    assert [sub.labels.get().status for sub in mine] == ["withdrawn", "check"]
    assert mine.last().assignment.state == AssignmentState.SUBMITTED


def test_late_it_is_a_check_and_no_surplus() -> None:
    s = story()
    full(s, n_known=1, n_open=4, gold_every=2)
    rater = s.rater(s.ana)
    given = work(s, s.ana, 2)
    held = next(one for one in given if one.strategy == Strategy.GOLD)
    submission_withdraw(rater, Submission.objects.get(item=held.item, rater=rater).pk)
    Assignment.objects.filter(pk=held.pk).update(lease_until="2020-01-01T00:00Z")
    claims_expire()
    late = submission_submit(rater, held.item, answers=s.answer(2), client_key="late")
    assert late.status == SubmissionStatus.CHECK


# --- Before other work ---------------------------------------------------------------------------


def test_who_qualifies_goes_on_and_is_not_asked_again() -> None:
    s = story()
    full(s, qualify_items=2, qualify_percent=100)
    given = work(s, s.ana, 99)
    assert [one.strategy for one in given[:3]] == ["qualify", "qualify", "random"]
    assert len(given) == 2 + 6
    rater = s.rater(s.ana)
    rater.refresh_from_db()
    assert rater.admission == Admission.PASSED
    with CaptureQueriesContext(connection) as queries:
        assert qualification_of(s.rater(s.ana)).stage == Stage.PASSED
    assert not [q for q in queries if "gold" in q["sql"].lower().replace("gold_", "")]
    # Leads are not asked, nor who worked here before.
    assert claims_hold(s.rater(s.rhea)) == []
    assert qualification_of(s.rater(s.cem)).stage == Stage.FREE


def test_who_is_below_waits_calmly_for_a_lead(client: Client) -> None:
    s = story()
    full(s, qualify_items=2, qualify_percent=80)
    work(s, s.ana, 1)
    last = work(s, s.ana, 99, choice=1)[-1]
    assert qualification_of(s.rater(s.ana)).stage == Stage.BELOW
    html = Desk(s, s.ana).open().html
    assert "Thank you for the first items" in html
    assert re.search(r'<form id="undo"[^>]*\bhidden\b', html)
    assert reverse("guideline", args=[s.project.pk]) in html
    # They cannot try again.
    sub = Submission.objects.get(item=last.item, rater=s.rater(s.ana))
    with pytest.raises(Conflict, match="first items are done"):
        submission_withdraw(s.rater(s.ana), sub.pk)
    with pytest.raises(Conflict, match="first items are done"):
        submission_submit(s.rater(s.ana), last.item, answers=s.answer(0), client_key="again")

    admit = reverse("member_admit", args=[s.project.pk, s.rater(s.ana).pk])
    client.force_login(s.olga)
    page = client.get(reverse("people_work", args=[s.project.pk])).content.decode()
    assert "waits for you: 1 of 2 right" in page
    assert admit in page
    assert client.post(admit, {"admission": "let_in"}).status_code == 302
    (held,) = claims_hold(s.rater(s.ana))
    assert held.strategy == Strategy.RANDOM
    # Kept out: what they hold goes to others, and what comes late is not stored.
    client.post(admit, {"admission": "out"})
    assert claims_hold(s.rater(s.ana)) == []
    with pytest.raises(Conflict, match="do not label"):
        submission_submit(s.rater(s.ana), held.item, answers=s.answer(0), client_key="late")
    assert "others label these items" in Desk(s, s.ana).open().html


def test_nothing_else_is_given_ahead_of_the_first_items() -> None:
    s = story()
    # So many that three would be held ahead.
    full(s, n_open=40, qualify_items=2, qualify_percent=80)
    held = claims_hold(s.rater(s.ana), wanted=3)
    assert [one.strategy for one in held] == ["qualify", "qualify"]


def test_skipped_first_items_are_done_with_and_without_any_nobody_is_asked() -> None:
    s = story()
    full(s, n_known=1, qualify_items=5)
    rater = s.rater(s.ana)
    (held,) = claims_hold(rater)
    submission_skip(rater, held.item, client_key="s")
    assert qualification_of(rater).stage == Stage.BELOW
    Gold.objects.all().delete()
    assert qualification_of(rater).stage == Stage.FREE
    rater_admit(s.olga, rater, Admission.LET_IN)
    assert claims_hold(rater)


# --- Telling -------------------------------------------------------------------------------------


def test_the_known_answer_is_told_with_its_reason_and_cannot_be_answered_anew() -> None:
    s = story()
    item, *_others = s.items(["Soup.", "Stew.", "Broth."])
    cem = s.rater(s.cem)
    claim_item(cem, item)
    submission_submit(cem, item, answers=s.answer(0), client_key="cem")
    ruling_make(
        s.rhea, item, s.question, choice=1, reason="rater_error", comment="Cold soup is a fault."
    )
    client = Client()
    client.force_login(s.rhea)
    client.post(reverse("gold_make", args=[s.project.pk]))
    assert Gold.objects.get().choice == 1
    wants(s, gold_every=2, gold_feedback=True)

    desk = Desk(s, s.ana).open()
    if desk.item != item.pk:
        desk.submit(0)
        assert "known answer" not in desk.html
    desk.submit(0)
    assert "Positive saved" in desk.said
    assert "The known answer is “Negative”, because: Cold soup is a fault." in desk.said
    assert re.search(r'<form id="undo"[^>]*\bhidden\b', desk.html)
    sub = Submission.objects.get(item=item, rater=s.rater(s.ana))
    assert sub.told_at is not None
    with pytest.raises(Conflict, match="told the known answer"):
        submission_withdraw(s.rater(s.ana), sub.pk)
    client.force_login(s.ana)
    text = " ".join(client.get(reverse("own_work", args=[s.project.pk])).content.decode().split())
    assert "you gave it 0 of 1 times" in text


def test_nothing_is_told_where_the_project_does_not_want_it(client: Client) -> None:
    s = story()
    full(s, n_known=2, n_open=2, gold_every=2)
    desk = Desk(s, s.ana).open()
    pages = [desk.html]
    for _turn in range(4):
        if 'id="answer"' not in desk.html:
            break
        pages.append(desk.submit(1).content.decode())
    assert Submission.objects.filter(status=SubmissionStatus.CHECK).exists()
    for page in pages:
        assert "known" not in page.lower().replace("unknown", "")
    client.force_login(s.ana)
    html = client.get(reverse("own_work", args=[s.project.pk])).content.decode()
    assert "does not tell known answers" in html


# --- Leads ---------------------------------------------------------------------------------------


def test_an_answer_from_before_it_was_known_is_no_check() -> None:
    s = story()
    full(s, n_known=2)
    assert on_known(s.project) == {}


def test_more_people_cost_no_more_queries(client: Client) -> None:
    s = story(labels_per_item=3)
    full(s, qualify_items=2, gold_every=3)
    client.force_login(s.rhea)
    url = reverse("people_work", args=[s.project.pk])

    def queries():
        with CaptureQueriesContext(connection) as found:
            assert client.get(url).status_code == 200
        return len(found)

    work(s, s.ana, 4)
    few = queries()
    work(s, s.ben, 4, choice=1)
    assert queries() == few


def test_the_settings_are_saved_and_checked(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    form = {
        "name": "New", "labels_per_item": 1, "visibility": "blind", "lease_minutes": 30,
        "gold_every": 20, "gold_feedback": "on", "qualify_items": 5, "qualify_percent": 75,
    }  # fmt: skip
    url = reverse("settings", args=[s.project.pk])
    assert client.post(url, {**form, "gold_every": 1}).status_code == 422
    assert client.post(url, form).status_code == 302
    s.project.refresh_from_db()
    found = s.project
    assert (found.gold_every, found.gold_feedback) == (20, True)
    assert (found.qualify_items, found.qualify_percent) == (5, 75)

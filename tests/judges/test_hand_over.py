"""Hand-overs: what they rest on, starting, the audit, stopping, taking back, estimates."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import Conflict
from annotate.models import (
    Arm,
    Assignment,
    Entrusted,
    Event,
    Label,
    Project,
    Rater,
    Slot,
    Strategy,
    Submission,
)
from annotate.selectors.export_rows import item_rows
from annotate.services.claims import claim_item
from annotate.services.projects import question_revise
from annotate.services.submissions import submission_submit
from judges.models import EndReason, HandOver, HandOverState, Part
from judges.selectors.hand_over_evidence import evidence_of
from judges.services.hand_overs import (
    blind_batch_run,
    blind_batch_start,
    hand_over_start,
    hand_over_start_run,
    hand_overs_watch,
)
from tests.judges.handing import (
    ITEMS,
    do,
    judged,
    people_label,
    started,
    taken_back,
    told,
    worked_out,
)
from tests.personas import PASSWORD, SENTIMENT

pytestmark = pytest.mark.django_db


def page(s, judge, who: str = "rhea", name: str = "hand_over") -> str:
    client = Client()
    assert client.login(username=who, password=PASSWORD)
    response = client.get(reverse(name, args=[s.project.pk, s.question.pk, judge.pk]))
    assert response.status_code == 200
    return " ".join(response.content.decode().replace("\u2068", "").replace("\u2069", "").split())


def test_a_judge_may_label_where_it_is_sure() -> None:
    s, judge = judged()
    people_label(s, 90)
    row = worked_out(s, judge)

    assert row.state == HandOverState.READY
    assert row.answer["n_known"] == 90
    assert row.answer["n_unread"] == ITEMS - 90
    assert row.answer["n_chosen"] > 100
    assert len(row.used) == 90
    sentence = (
        f"On Sentiment, gpt-x may label {row.answer['n_chosen']} of {ITEMS - 90} items unread "
        "with at most 10 % wrong (90 % sure)."
    )
    assert sentence in page(s, judge)


def test_starting_leaves_the_sure_items_to_the_judge_and_the_least_sure_come_next() -> None:
    s, judge = judged()
    people_label(s, 90)
    row = started(s, worked_out(s, judge))

    assert row.state == HandOverState.RUNNING
    parts = dict.fromkeys(Part.values, 0)
    for part in row.items.values_list("part", flat=True):
        parts[part] += 1
    assert parts[Part.LEFT] + parts[Part.AUDIT] == row.answer["n_chosen"]
    assert parts[Part.AUDIT] == row.answer["n_audit"] >= 20
    left = row.items.filter(part=Part.LEFT).values("item")
    assert not Slot.objects.filter(item__in=left, excused=False).exists()
    assert Entrusted.objects.count() == row.answer["n_chosen"]

    before = set(Submission.objects.filter(rater__user=s.ana).values_list("item_id", flat=True))
    given = people_label(s, ITEMS)
    assert not set(row.items.filter(part=Part.LEFT).values_list("item_id", flat=True)) & {
        item.pk for item in given
    }
    assert len(given) == parts[Part.PEOPLE] + parts[Part.AUDIT]
    order = list(
        Assignment.objects.exclude(item__in=before)
        .filter(strategy=Strategy.CHOSEN)
        .order_by("pk")
        .values_list("item_id", flat=True)
    )
    sure = dict(Label.objects.filter(rater=judge).values_list("item_id", "confidence"))
    assert [sure[i] for i in order] == sorted(sure[i] for i in order)
    lot = Assignment.objects.filter(strategy=Strategy.LOT)
    assert set(lot.values_list("inclusion_probability", flat=True)) == {
        row.items.filter(part=Part.AUDIT).values_list("probability", flat=True)[0]
    }
    rows = {r["item_id"]: r for r in item_rows(s.project)}
    sources = [r["sentiment__source"] for r in rows.values()]
    assert sources.count("entrusted") == parts[Part.LEFT]
    assert Event.objects.get(verb="hand_over.started").detail["seed"] == row.seed


def test_only_blind_labels_drawn_at_random_count() -> None:
    s, judge = judged(items=40)
    random_ones = people_label(s, 5)
    chosen = next(i for i in s.project.items.order_by("draw") if i.draw > random_ones[-1].draw)
    ben = s.rater(s.ben)
    claim_item(ben, chosen)
    submission_submit(ben, chosen, answers=s.answer(told(chosen)), client_key="chosen")
    Submission.objects.filter(client_key="chosen").update(arm=Arm.BLIND)
    Submission.objects.filter(item=random_ones[0], rater__user=s.ana).update(arm=Arm.SHOWN)

    found = evidence_of(s.question, judge, imported=False)
    assert found.known.sum() == 4
    assert dict(found.left_out) == {"helped": 1, "chosen": 1}
    assert found.unread.sum() == 40 - 6


def test_imported_labels_count_by_a_leads_word_only_and_that_is_kept() -> None:
    s, judge = judged(items=120)
    dora = Rater.objects.create(project=s.project, kind="person", origin="imported", name="dora")
    for item in s.project.items.order_by("draw")[:60]:
        submission_submit(dora, item, answers=s.answer(told(item)), client_key=f"d{item.pk}")
    assert worked_out(s, judge).answer["reason"] == "no_labels"
    row = worked_out(s, judge, imported=True)
    assert row.answer["n_known"] == 60
    assert "stated that the imported labels were blind" in page(s, judge)
    said = Event.objects.filter(verb="hand_over.asked").order_by("-pk")[0]
    assert said.detail["imported_said_blind_and_random"] is True


def test_ties_and_items_with_too_few_labels_are_left_out() -> None:
    s, judge = judged(items=30)
    Project.objects.update(labels_per_item=2)
    dora, emil = (
        Rater.objects.create(project=s.project, kind="person", origin="imported", name=n)
        for n in ("dora", "emil")
    )
    first = s.project.items.order_by("-draw")[0]
    for rater, choice in ((dora, 0), (emil, 1)):
        submission_submit(rater, first, answers=s.answer(choice), client_key="t")
    people_label(s, 3)
    s.question.refresh_from_db()
    found = evidence_of(
        type(s.question).objects.select_related("project").get(pk=s.question.pk),
        judge,
        imported=True,
    )
    assert found.known.sum() == 0
    assert dict(found.left_out) == {"tied": 1, "few": 3}


def test_too_few_labels_say_how_many_more_and_the_button_draws_them_blind() -> None:
    s, judge = judged()
    people_label(s, 10)
    row = worked_out(s, judge)
    assert row.threshold is None
    more = row.answer["more_labels"]
    shown = page(s, judge)
    assert f"about {more} more items labelled blind" in shown
    assert f"Have {more} more items labelled blind" in shown

    job = blind_batch_start(s.rhea, s.question, judge, more)
    do(job, blind_batch_run)
    assert job.state == "done", job.message
    drawn = set(Slot.objects.filter(chance__isnull=False).values_list("item_id", flat=True))
    assert len(drawn) == more
    given = people_label(s, more)
    assert {item.pk for item in given} == drawn
    again = worked_out(s, judge)
    assert again.answer["n_known"] == 10 + more


def test_a_start_is_refused_where_labels_came_in_since() -> None:
    s, judge = judged()
    people_label(s, 90)
    row = worked_out(s, judge)
    people_label(s, 1)
    job = hand_over_start(s.rhea, row)
    do(job, hand_over_start_run)
    row.refresh_from_db()
    assert job.state == "failed"
    assert row.state == HandOverState.READY
    assert not Entrusted.objects.exists()
    assert "Labels came in since" in page(s, judge)


def test_one_runs_at_a_question() -> None:
    s, judge = judged()
    people_label(s, 90)
    first, second = worked_out(s, judge), worked_out(s, judge)
    started(s, first)
    with pytest.raises(Conflict, match="running at this question"):
        hand_over_start(s.rhea, second)


def test_taking_back_asks_people_again() -> None:
    s, judge = judged()
    people_label(s, 90)
    row = taken_back(s, started(s, worked_out(s, judge)))
    assert (row.state, row.end_reason) == (HandOverState.ENDED, EndReason.WITHDRAWN)
    assert not Entrusted.objects.exists()
    assert not Slot.objects.filter(excused=True).exists()
    assert not Slot.objects.filter(turn__isnull=False).exists()
    assert len(people_label(s, ITEMS)) == ITEMS - 90


def test_it_goes_on_while_the_judge_keeps_its_word_and_stops_by_itself_when_not() -> None:
    s, judge = judged()
    people_label(s, 90)
    row = started(s, worked_out(s, judge))
    people_label(s, 20)
    assert hand_overs_watch() == 0

    people_label(s, ITEMS, wrong=True)
    assert hand_overs_watch() == 1
    assert hand_overs_watch() == 0
    row.refresh_from_db()
    assert (row.state, row.end_reason) == (HandOverState.ENDED, EndReason.AUDIT)
    assert not Slot.objects.filter(excused=True).exists()
    shown = page(s, judge)
    assert "erred more than promised" in shown
    assert "Not any more: on Sentiment, the hand-over of" in shown
    assert "may label 1" not in shown
    client = Client()
    client.login(username="rhea", password=PASSWORD)
    overview = client.get(reverse("overview", args=[s.project.pk])).content.decode()
    assert "hand-over stopped" in overview


def test_it_stops_where_the_question_changes() -> None:
    s, judge = judged()
    people_label(s, 90)
    row = started(s, worked_out(s, judge))
    question_revise(s.olga, s.question, SENTIMENT)
    assert hand_overs_watch() == 1
    row.refresh_from_db()
    assert row.end_reason == EndReason.QUESTION


def test_corrected_estimates_stand_with_the_probabilities_that_make_them_legal() -> None:
    s, judge = judged()
    people_label(s, 90)
    row = worked_out(s, judge)
    by_option = {r["option"]: r for r in row.estimates["rows"] if r["what"] == "share"}
    truth = sum(told(item) == 0 for item in s.project.items.all()) / ITEMS
    corrected = by_option["Positive"]["corrected"]
    assert corrected["low"] < truth < corrected["high"]
    assert by_option["Positive"]["saved"] > 0
    assert row.estimates["design"]["base"] == 90 / ITEMS
    shown = page(s, judge, name="corrected")
    assert "Legal, because 90 of the 300 items came to people at random" in shown
    assert "each with a probability of 30 %" in shown


def test_estimates_weigh_what_was_drawn_to_check_by_its_probability() -> None:
    s, judge = judged()
    people_label(s, 90)
    started(s, worked_out(s, judge))
    people_label(s, ITEMS)
    row = worked_out(s, judge)
    design = row.estimates["design"]
    assert design["n_random"] == 90
    assert design["n_checked"] == HandOver.objects.order_by("pk")[0].answer["n_audit"]
    share = next(r for r in row.estimates["rows"] if r["option"] == "Positive")["corrected"]
    truth = sum(told(item) == 0 for item in s.project.items.all()) / ITEMS
    assert share["low"] < truth < share["high"]


def test_estimates_are_not_legal_without_random_blind_labels() -> None:
    s, judge = judged(items=60)
    assert worked_out(s, judge).estimates["why_not"] == "no_people"
    assert "Not legal yet" in page(s, judge, name="corrected")
    people_label(s, 5)
    assert worked_out(s, judge).estimates["why_not"] == "few"


def test_answers_of_people_are_what_the_project_exports_where_they_checked() -> None:
    s, judge = judged()
    people_label(s, 90)
    row = started(s, worked_out(s, judge))
    people_label(s, ITEMS, wrong=True)
    checked = set(row.items.filter(part=Part.AUDIT).values_list("item__external_id", flat=True))
    rows = {r["item_id"]: r for r in item_rows(s.project)}
    assert {rows[i]["sentiment"] for i in checked} == {"unknown"}
    assert {rows[i]["sentiment__source"] for i in checked} == {"majority"}

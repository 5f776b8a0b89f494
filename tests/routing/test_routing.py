"""Routing: tried, switched on, kept in line with what is said, and taken back as a whole."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate.errors import BadInput, Conflict
from annotate.models import (
    Assignment,
    Item,
    Job,
    Label,
    NextLook,
    Rater,
    RaterKind,
    RoutedItem,
    RoutingPlan,
    Slot,
    Strategy,
)
from annotate.selectors.routing import plan_on, standing
from annotate.services.answers import Answer
from annotate.services.claims import claims_hold
from annotate.services.hand_ins import HandIn, submissions_submit
from annotate.services.jobs import job_take
from annotate.services.projects import question_add
from annotate.services.raters import rater_imported
from annotate.services.routing import (
    costs_suggested,
    routing_end,
    routing_end_run,
    routing_learn,
    routing_refresh_run,
    routing_start,
    routing_trial_run,
    routing_try,
)
from annotate.services.submissions import submission_submit, submission_withdraw
from tests.personas import SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db

RULE = (0.95, 1)


def ran(job: Job, work: Any) -> Job:
    running = job_take(job.pk)
    assert running is not None
    work(running)
    job.refresh_from_db()
    return job


def past(*, n_items: int = 60, more: int = 20, judge: bool = False) -> Story:
    """Three imported people, right nine times in ten, on the first items; ``more`` without labels.
    With a judge as good as they are, on all items."""
    tale = story(labels_per_item=3)
    items = tale.items([f"Text {n}." for n in range(n_items + more)])
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, len(items))
    raters = [(f"w{n}", RaterKind.PERSON, n_items) for n in range(3)]
    if judge:
        raters.append(("j1", RaterKind.JUDGE, n_items + more))
    for name, kind, upto in raters:
        rater = rater_imported(tale.project, name=name, kind=kind)
        said = np.where(rng.random(len(items)) < 0.9, truth, (truth + 1) % 3)
        submissions_submit(
            rater,
            [
                HandIn(
                    item,
                    {tale.question.pk: Answer(int(code))},
                    f"{name}:{item.pk}",
                    None,
                    False,
                    "",
                )
                for item, code in zip(items[:upto], said[:upto], strict=True)
            ],
        )
    return tale


def tried(tale: Story) -> Job:
    return ran(routing_try(tale.rhea, tale.project), routing_trial_run)


def switched_on(tale: Story, *, control_percent: int = 10, **costs: float) -> RoutingPlan:
    tried(tale)
    plan = routing_start(
        tale.rhea,
        tale.project,
        rule=RULE,
        control_percent=control_percent,
        costs=costs_suggested(tale.question) | costs,
        expert_right=0.95,
    )
    assert plan.refresh is not None
    assert ran(plan.refresh, routing_refresh_run).state == "done"
    plan.refresh_from_db()
    return plan


def client_of(tale: Story, who: str = "rhea") -> Client:
    client = Client()
    client.force_login(getattr(tale, who))
    return client


def words(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def test_a_trial_says_what_rules_would_have_saved() -> None:
    tale = past()
    page = reverse("routing", args=[tale.project.pk])
    assert "Nothing changes by trying." in words(client_of(tale).get(page))

    job = tried(tale)

    assert job.state == "done"
    rules = {(r["certainty"], r["least_people"]): r for r in job.result["rules"]}
    assert rules[RULE]["n_items"] == 60
    assert rules[RULE]["n_labels"] == 180
    low, high = rules[RULE]["saved_interval"]
    assert 0 < low < rules[RULE]["saved"] < high < 1
    text = words(client_of(tale).get(page))
    assert re.search(
        r"Stopping at 95 % certainty would have saved \d+ % \(\d+ to \d+\) of 180 labels at no "
        r"more than [\d.]+ points of accuracy \([\d.]+ to [\d.]+\)",
        text,
    )
    assert "These are few items" in text
    assert not RoutedItem.objects.exists()


def test_where_answers_are_known_the_loss_is_of_accuracy() -> None:
    from annotate.services.rulings import ruling_make

    tale = past()
    for item in Item.objects.order_by("pk")[:40]:
        label = Label.objects.filter(item=item).order_by("pk")[0]
        ruling_make(tale.rhea, item, tale.question, choice=label.choice, reason="ambiguous_item")

    rule = tried(tale).result["rules"][2]

    assert rule["n_known"] == 40
    assert rule["lost"] == pytest.approx(rule["accuracy_all"] - rule["accuracy"])
    page = words(client_of(tale).get(reverse("routing", args=[tale.project.pk])))
    assert "on 40 known answers." in page


def test_without_labels_of_two_people_it_says_what_to_do() -> None:
    tale = story()
    tale.items(["One.", "Two."])
    job = tried(tale)

    assert job.state == "failed"
    page = words(client_of(tale).get(reverse("routing", args=[tale.project.pk])))
    assert "Have some items labelled twice" in page


def test_settled_items_are_not_asked_for_and_the_lot_leaves_some_out() -> None:
    tale = past()
    plan = switched_on(tale)

    rows = RoutedItem.objects.filter(plan=plan)
    assert rows.count() == 80
    settled, control = rows.filter(settled=True), rows.filter(next=NextLook.CONTROL)
    assert 30 < settled.count() < 60
    assert 2 <= control.count() <= 16
    assert not settled.filter(next=NextLook.CONTROL).exists()
    assert not Slot.objects.filter(item__in=settled.values("item"), excused=False).exists()
    assert not Slot.objects.filter(item__in=control.values("item"), excused=True).exists()
    chances = set(
        Slot.objects.filter(item__in=control.values("item")).values_list("chance", flat=True)
    )
    assert chances == {0.1}
    # Nobody has looked at the last twenty: none of them is settled.
    last = Item.objects.order_by("-pk")[:20]
    assert not settled.filter(item__in=last).exists()
    now = standing(plan)
    assert (now.items, now.settled) == (80, settled.count())
    assert now.spared == 3 * settled.count()


def test_people_get_what_gains_most_and_a_label_settles_at_once() -> None:
    tale = past()
    plan = switched_on(tale, control_percent=1)
    ana = tale.rater(tale.ana)

    (held,) = claims_hold(ana)

    row = RoutedItem.objects.get(plan=plan, item=held.item)
    assert held.strategy in (Strategy.CHOSEN, Strategy.LOT)
    assert held.inclusion_probability == (None if held.strategy == Strategy.CHOSEN else 0.01)
    best = RoutedItem.objects.filter(plan=plan, next=NextLook.PERSON).order_by("-gain")[0]
    assert row.gain == pytest.approx(best.gain)

    # Three who agree settle it; the first who takes it back unsettles it.
    stored = submission_submit(ana, held.item, answers=tale.answer(0), client_key="a")
    for who in ("w0", "w1"):
        rater = Rater.objects.get(name=who)
        if not Label.objects.filter(item=held.item, rater=rater).exists():
            submission_submit(rater, held.item, answers=tale.answer(0), client_key=f"{who}x")
    row.refresh_from_db()
    assert row.settled
    assert Slot.objects.filter(item=held.item, state="open", excused=True).count() == 2
    before = row.certainty
    submission_withdraw(ana, stored.pk)
    row.refresh_from_db()
    assert row.certainty < before


def test_of_an_item_drawn_by_lot_the_turn_does_not_hang_on_what_was_said() -> None:
    tale = past()
    plan = switched_on(tale, control_percent=50)
    control = RoutedItem.objects.filter(plan=plan, next=NextLook.CONTROL)
    turns = {
        slot.ordinal: slot.turn for slot in Slot.objects.filter(item__in=control.values("item"))
    }
    for slot in Slot.objects.filter(item__in=control.values("item")):
        assert slot.turn == turns[slot.ordinal]
    assert 25 <= control.count() <= 55


def test_a_cheap_judge_is_next_where_it_adds_most_for_its_price() -> None:
    tale = past(judge=True)
    judge = Rater.objects.get(name="j1")
    Label.objects.filter(rater=judge, item__in=Item.objects.order_by("-pk")[:20]).update(
        status="withdrawn"
    )
    plan = switched_on(tale)

    new = RoutedItem.objects.filter(plan=plan, item__in=Item.objects.order_by("-pk")[:20])
    whom = set(new.exclude(next=NextLook.CONTROL).values_list("next", "rater"))
    assert whom == {(NextLook.JUDGE, judge.pk)}
    page = words(client_of(tale).get(reverse("routing", args=[tale.project.pk])))
    assert "Run this judge on them" in page
    # It costs more than a person: people come first.
    routing_end(tale.rhea, tale.project)
    ran(Job.objects.get(kind="routing_end"), routing_end_run)
    plan = switched_on(tale, judges={str(judge.pk): 50.0})
    new = RoutedItem.objects.filter(plan=plan, item__in=Item.objects.order_by("-pk")[:20])
    assert set(new.exclude(next=NextLook.CONTROL).values_list("next", flat=True)) == {
        NextLook.PERSON
    }


def test_an_expert_is_next_where_the_price_is_right() -> None:
    tale = past()
    plan = switched_on(tale, expert=0.1)

    assert RoutedItem.objects.filter(plan=plan, next=NextLook.EXPERT).count() > 10
    assert not RoutedItem.objects.filter(plan=plan, next=NextLook.PERSON).exists()


def test_switched_off_every_label_is_asked_for_again() -> None:
    tale = past()
    switched_on(tale)
    assert Slot.objects.filter(excused=True).exists()

    job = ran(routing_end(tale.rhea, tale.project), routing_end_run)

    assert job.state == "done"
    assert not Slot.objects.filter(excused=True).exists()
    assert not Slot.objects.filter(turn__isnull=False).exists()
    assert not RoutedItem.objects.exists()
    assert plan_on(tale.project) is None
    ana = tale.rater(tale.ana)
    (held,) = claims_hold(ana)
    assert held.strategy == Strategy.RANDOM
    assert held.inclusion_probability is not None
    assert Assignment.objects.count() == 1


def test_items_that_come_in_later_get_their_turn_when_it_learns_anew() -> None:
    tale = past()
    plan = switched_on(tale)
    tale.items([f"Text {n}." for n in range(90)])

    ran(routing_learn(tale.rhea, tale.project), routing_refresh_run)

    assert RoutedItem.objects.filter(plan=plan).count() == 90


def test_what_is_refused() -> None:
    tale = past()
    start = {
        "control_percent": 10,
        "costs": costs_suggested(tale.question),
        "expert_right": 0.95,
    }
    with pytest.raises(BadInput, match="Try the rule"):
        routing_start(tale.rhea, tale.project, rule=RULE, **start)
    tried(tale)
    with pytest.raises(BadInput, match="Try the rule"):
        routing_start(tale.rhea, tale.project, rule=(0.7, 1), **start)
    with pytest.raises(BadInput, match="1 to 90"):
        routing_start(tale.rhea, tale.project, rule=RULE, **start | {"control_percent": 0})
    costs = start["costs"] | {"person": 0.0}
    with pytest.raises(BadInput, match="above 0"):
        routing_start(tale.rhea, tale.project, rule=RULE, **start | {"costs": costs})
    routing_start(tale.rhea, tale.project, rule=RULE, **start)
    with pytest.raises(Conflict, match="already"):
        routing_start(tale.rhea, tale.project, rule=RULE, **start)


def test_another_question_opens_what_was_settled_and_the_page_says_so() -> None:
    tale = past()
    plan = switched_on(tale)

    question_add(tale.olga, tale.project, STARS)

    assert not Slot.objects.filter(excused=True).exists()
    assert RoutedItem.objects.filter(plan=plan, settled=True).exists()
    page = words(client_of(tale).get(reverse("routing", args=[tale.project.pk])))
    assert "The questions of this project have changed since" in page
    assert "Switch off" in page


def test_two_questions_are_not_for_it() -> None:
    tale = story(questions=(SENTIMENT, STARS))
    page = client_of(tale).get(reverse("routing", args=[tale.project.pk]))

    assert "Not for this project" in words(page)
    with pytest.raises(BadInput, match="one question"):
        routing_try(tale.rhea, tale.project)


def test_a_lead_switches_it_on_and_off_in_the_browser() -> None:
    tale = past()
    tried(tale)
    client = client_of(tale)
    form = {
        "rule": "0.95:1",
        "control_percent": "10",
        "cost_person": "1",
        "cost_expert": "5",
        "expert_right": "95",
    }

    wrong = client.post(reverse("routing_on", args=[tale.project.pk]), form | {"cost_person": "0"})
    assert wrong.status_code == 422
    client.post(reverse("routing_on", args=[tale.project.pk]), form)
    plan = plan_on(tale.project)
    assert plan is not None
    assert plan.refresh is not None
    ran(plan.refresh, routing_refresh_run)

    page = words(client.get(reverse("routing", args=[tale.project.pk])))
    assert re.search(r"\d+ of 80 items are settled: \d+ labels need not be asked for", page)
    assert "When it was switched on: Stopping at 95 % certainty" in page
    off = client.post(reverse("routing_off", args=[tale.project.pk]), follow=True)
    assert "Routing is switched off" in words(off)


def test_routing_by_the_api() -> None:
    tale = past()
    client = client_of(tale)
    address = reverse("api_routing", args=[tale.project.pk])
    assert client.get(address).json()["is_on"] is False
    started = client.post(reverse("api_routing_trial", args=[tale.project.pk]))
    assert started.status_code == 202
    ran(Job.objects.get(pk=started.json()["id"]), routing_trial_run)
    assert len(client.get(address).json()["trial"]) == 6

    on = client.post(address, {"certainty": 0.95}, content_type="application/json")

    assert (on.status_code, on.json()["is_on"]) == (202, True)
    plan = plan_on(tale.project)
    assert plan is not None
    assert plan.refresh is not None
    ran(plan.refresh, routing_refresh_run)
    now = client.get(address).json()
    assert now["settled"] > 0
    assert sum(row["items"] for row in now["next"]) == 80
    assert client.delete(address).status_code == 202
    assert client.get(address).json()["is_on"] is False


def test_what_routing_adds_to_a_label(django_assert_max_num_queries: Any) -> None:
    """Where it is on, some queries, however many items there are; where it is off, none."""
    tale = past()
    ana = tale.rater(tale.ana)
    (held,) = claims_hold(ana)
    with CaptureQueriesContext(connection) as off:
        submission_submit(ana, held.item, answers=tale.answer(0), client_key="a")
    assert "routing" not in str(off.captured_queries)
    switched_on(tale)
    (held,) = claims_hold(ana)
    with django_assert_max_num_queries(len(off) + 12):
        submission_submit(ana, held.item, answers=tale.answer(0), client_key="b")

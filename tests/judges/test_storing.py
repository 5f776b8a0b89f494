"""Many replies stored at once: as one by one, each once, in a number of queries that stays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate.models import Item, ItemStatus, Label
from judges.models import Call, Run, RunItem, Spending
from judges.prompting.how import How, Repeats
from judges.providers.prices import to_steps
from judges.services.calls import Result, calls_claim
from judges.services.runs import run_start
from judges.services.spending import spending_of
from judges.services.storing import Replied, call_store, calls_store
from tests.judges.judging import scripted_version
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

CALL = ("item__external_id", "variant", "repeat", "state", "outcome", "choice", "confidence")
MORE = ("distribution", "error", "raw_reply", "price", "paid_beside", "reserved", "lease_token")
RESULTS = (
    Result(outcome="label", choice=1, confidence=0.7, distribution={0: 0.3, 1: 0.7}, raw="B"),
    Result(outcome="unparseable", raw="As an AI I \x00 love soup", error="No letter."),
    Result(outcome="label", choice=0, price=Decimal("0.002")),
    Result(outcome="refused", error="I would rather not."),
    Result(outcome="label", choice=2, price=None),
    Result(outcome="failed", error="Cut.", price=Decimal(0)),
)


def told(run: Run) -> tuple[Any, ...]:
    run.refresh_from_db()
    spent = Spending.objects.get(project=run.project)
    return (
        sorted(map(repr, Call.objects.values_list(*CALL, *MORE))),
        sorted(map(repr, Label.objects.values_list("item__external_id", "choice", "confidence"))),
        sorted(map(repr, RunItem.objects.values_list("item__external_id", "ending", "choice"))),
        (run.spent, run.reserved, spent.spent, spent.reserved),
    )


def claimed(how: How | None = None) -> tuple[Story, Run, list[Replied]]:
    s = story()
    items = s.items([f"dish {n}" for n in range(6)])
    version = scripted_version(s, **({"how": how} if how else {}))
    run = run_start(s.olga, version)
    spending_of(s.project)
    claim = calls_claim(run, most=60, bound=lambda _call: to_steps(Decimal("0.01")))
    Item.objects.filter(pk=items[4].pk).update(status=ItemStatus.WITHDRAWN)
    replies = [
        Replied(call, claim.token, RESULTS[n % len(RESULTS)]) for n, call in enumerate(claim.calls)
    ]
    run = Run.objects.select_related("version__rater__project", "version__guideline").get(pk=run.pk)
    return s, run, replies


@pytest.mark.parametrize("how", [None, How(repeats=Repeats(3, delta=0)), How(orders="both")])
def test_it_writes_what_one_by_one_would(how: How | None) -> None:
    _s, run, replies = claimed(how)
    assert len(replies) >= 6
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        one_by_one = [
            call_store(
                run, Call.objects.select_related("item").get(pk=r.call.pk), r.token, r.result
            )
            for r in replies
        ]
        written = told(run)
        cursor.execute("ROLLBACK TO SAVEPOINT before")

    at_once = calls_store(run, replies)

    assert told(run) == written
    assert [stored.outcome for stored in at_once] == [stored.outcome for stored in one_by_one]
    assert sorted(s.ending for s in at_once if s.ending) == sorted(
        s.ending for s in one_by_one if s.ending
    )


def test_what_is_not_ours_any_more_is_dropped_and_the_rest_is_stored_once() -> None:
    _s, run, replies = claimed()
    lost, gone = replies[0].call, replies[2].call
    Call.objects.filter(pk=lost.pk).update(lease_token="another worker's")
    Call.objects.filter(pk=gone.pk).update(state="waiting", lease_token="", lease_until=None)
    stored = calls_store(run, [*replies, replies[3]])
    assert [bool(one.outcome) for one in stored] == [False, True, False, True, True, True, False]
    assert set(Call.objects.exclude(state="closed").values_list("pk", flat=True)) == {
        lost.pk,
        gone.pk,
    }
    assert not Label.objects.filter(item__in=[lost.item, gone.item]).exists()


def test_queries_do_not_grow_with_replies() -> None:
    _s, run, replies = claimed(How(repeats=Repeats(8, delta=0)))
    assert len(replies) > 40
    with CaptureQueriesContext(connection) as seen:
        calls_store(run, replies)
    assert len(seen) <= 32

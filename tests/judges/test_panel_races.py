"""Two workers close the answers of two members of an item at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from annotate.models import Label, Submission
from judges.models import Call, CallState, Outcome, Run, RunItem
from judges.selectors.panel_items import standing
from judges.selectors.panels import panel_of
from judges.services import endings
from judges.services.calls import Result, calls_claim
from judges.services.runs import run_start
from judges.services.storing import call_store
from tests.judges.panelling import panel
from tests.judges.racing import at_once
from tests.personas import story

Close = Callable[[Run, Call, str, int, threading.Barrier], object]


def close_guarded(
    run: Run, call: Call, token: str, choice: int, meeting: threading.Barrier
) -> object:
    meeting.wait(30)
    return call_store(run, call, token, Result(outcome=Outcome.LABEL, choice=choice))


def close_without_guard(
    run: Run, call: Call, token: str, choice: int, meeting: threading.Barrier
) -> object:
    """What one would write at first: close it, look at what there is, go on from that."""
    calls = list(Call.objects.filter(run=run, item=call.item))
    meeting.wait(30)
    Call.objects.filter(pk=call.pk, lease_token=token).update(
        state=CallState.CLOSED, outcome="label", choice=choice, lease_token="", lease_until=None
    )
    for each in calls:
        if each.pk == call.pk:
            each.state, each.outcome, each.choice = CallState.CLOSED, "label", choice
    if standing(panel_of(run.version), call.item_id, calls).found:
        place = RunItem.objects.get(run=run, item=call.item)
        endings.items_end(run, {call.item_id: place}, {call.item_id: call.item})
    return None


def both_close(run: Run, close: Close, choices: tuple[int, int]) -> None:
    """The two members that are asked at once about an item answer at the same moment."""
    members = [row.version for row in run.version.members.order_by("place")][:2]
    claims = [calls_claim(run, most=1, member=each) for each in members]
    assert len({claim.calls[0].item_id for claim in claims}) == 1

    def closing(pk: int, token: str, choice: int) -> Callable[[threading.Barrier], object]:
        def go(meeting: threading.Barrier) -> object:
            own = Run.objects.select_related("version__rater__project", "version__connection")
            call = Call.objects.select_related("item__project").get(pk=pk)
            found = own.get(pk=run.pk)
            panel_of(found.version)
            return close(found, call, token, choice, meeting)

        return go

    at_once(
        *(
            closing(claim.calls[0].pk, claim.token, choice)
            for claim, choice in zip(claims, choices, strict=True)
        )
    )


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_that_agree_at_once_make_one_label_and_two_that_differ_ask_the_third_once() -> None:
    s = story()
    s.items([f"dish {n}" for n in range(12)])
    version = panel(s, ["ann", "bob", "cid"])
    run = run_start(s.olga, version)
    third = version.members.get(place=2).version
    for done in range(1, 7):
        both_close(run, close_guarded, (1, 1))
        assert Label.objects.count() == Submission.objects.count() == done
        both_close(run, close_guarded, (0, 1))
        assert Call.objects.filter(run=run, member=third).count() == done
    assert RunItem.objects.filter(run=run, ending="label", asked=2).count() == 6
    assert RunItem.objects.filter(run=run, ending="").count() == 6


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_neither_sees_that_it_is_over() -> None:
    s = story()
    s.items(["dish 0"])
    run = run_start(s.olga, panel(s, ["ann", "bob", "cid"]))
    both_close(run, close_without_guard, (1, 1))
    assert set(Call.objects.values_list("state", flat=True)) == {"closed"}
    assert not Label.objects.exists()

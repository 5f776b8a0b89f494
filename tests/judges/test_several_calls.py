"""Items asked in several calls: one label an item, by whichever worker closes the last one."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from annotate.models import Item, ItemStatus, JobState, Label, LabelStatus, Submission
from judges.models import Call, CallState, Ending, JudgeVersion, Outcome, Purpose, Run, RunItem
from judges.prompting.how import How, Repeats
from judges.prompting.plan import CallKey, Told, combine, first_calls, orders_of, variant_parts
from judges.providers.base import Request
from judges.selectors.items import items_unasked
from judges.selectors.runs import run_progress
from judges.services import endings, pace
from judges.services import run_work as run_work_module
from judges.services.calls import Result, calls_claim
from judges.services.retrying import run_retry_failed
from judges.services.runs import run_start
from judges.services.storing import call_store
from judges.services.versions import judge_version_create
from tests.judges.judging import answering, by_words, scripted_connection, work
from tests.judges.racing import at_once
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_work_module, "WAKE_SECONDS", 0.05)
    monkeypatch.setattr(pace, "FIRST_BACKOFF_SECONDS", 0.01)


def version_asking(s: Story, how: How, *, concurrency: int = 1) -> JudgeVersion:
    return judge_version_create(
        s.olga,
        s.question,
        scripted_connection(s, concurrency=concurrency),
        name="Script",
        model="script-1",
        parameters={"want": "letter", "temperature": 0.7, "seed": 1, "how": how.as_dict()},
    )


def test_a_letter_that_is_said_by_its_place_is_no_label_and_one_by_its_option_is() -> None:
    s = story()
    s.items(["Lovely soup.", "Odd soup."])
    asked: list[Request] = []

    def places(request: Request) -> str:
        asked.append(request)
        if "Odd" in request.user:
            return "A"  # whatever is shown first
        return next(o.letter for o in request.options if o.code == 0)

    version = version_asking(s, How(orders="both"))
    with answering(places):
        run = work(run_start(s.olga, version))
    assert {tuple(o.code for o in request.options) for request in asked} == {(0, 1, 2), (2, 1, 0)}
    assert run.job.state == JobState.DONE
    assert run.job.result == {"label": 1, "undecided": 1}
    assert (run.job.done, run.job.total) == (2, 2)
    label = Label.objects.get(status=LabelStatus.LIVE)
    assert (label.item.external_id, label.choice) == ("i1", 0)
    assert (label.confidence, label.confidence_source) == (1.0, "votes")
    odd = RunItem.objects.get(item__external_id="i2")
    assert (odd.ending, odd.choice) == ("undecided", None)
    assert odd.distribution == {"0": 0.5, "2": 0.5}
    found = run_progress(run)
    assert (found.n_calls, found.ended, found.labels, found.undecided) == (4, 2, 1, 1)
    assert [(f.outcome, f.n) for f in found.failures] == [("undecided", 1)]
    assert [item.external_id for item in items_unasked(version)] == ["i2"]


def test_repeats_have_seeds_of_their_own_and_their_shares_are_the_confidence() -> None:
    s = story()
    s.items(["Lovely soup."])
    answers = iter(["A", "A", "B", "Well ...", "A"])
    with answering(lambda _: next(answers)) as model:
        run = work(run_start(s.olga, version_asking(s, How(repeats=Repeats(5, delta=0)))))
    assert [request.seed for request in model.asked] == [1, 2, 3, 4, 5]
    label = Label.objects.get()
    assert (label.choice, label.confidence) == (0, pytest.approx(0.75))
    assert Submission.objects.get().client_key == f"run:{run.pk}:{label.item_id}"


def test_more_calls_are_written_with_the_answer_that_wants_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])

    def until_three(_how: How, _n: int, told: list[Told]) -> tuple[CallKey, ...]:
        said = [one.code for one in told]
        return () if said.count(0) == len(said) else (CallKey("plain", len(told)),)[: 4 - len(said)]

    monkeypatch.setattr(endings, "next_calls", until_three)
    with answering(by_words):
        run = work(run_start(s.olga, version_asking(s, How(repeats=Repeats(2, delta=0)))))
    calls = Call.objects.filter(item__external_id="i2").order_by("repeat")
    assert [call.repeat for call in calls] == [0, 1, 2, 3]
    assert Call.objects.filter(item__external_id="i1").count() == 2
    assert run.job.result == {"label": 2}
    assert Label.objects.count() == 2


def test_an_item_whose_calls_all_fail_is_marked_and_asked_again_on_demand() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    version = version_asking(s, How(repeats=Repeats(2, delta=0)))
    with answering(lambda r: "Well ..." if "Cold" in r.user else "A"):
        run = work(run_start(s.olga, version))
    cold = RunItem.objects.get(item__external_id="i2")
    assert cold.ending == Ending.UNPARSEABLE
    assert cold.error
    run = run_retry_failed(s.olga, run)
    assert RunItem.objects.get(pk=cold.pk).ending == ""
    with answering(by_words) as model:
        work(run)
    assert len(model.asked) == 2
    assert run.job.result == {"label": 2}


def test_an_item_withdrawn_meanwhile_ends_as_failed_and_other_purposes_hand_nothing_in() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    version = version_asking(s, How(repeats=Repeats(2, delta=0)))
    run = run_start(s.olga, version, selection={"limit": 1})
    Item.objects.filter(pk=run.calls.first().item_id).update(status=ItemStatus.WITHDRAWN)  # type: ignore[union-attr]
    with answering(by_words):
        work(run)
    place = RunItem.objects.get()
    assert place.ending == "failed"
    assert "withdrawn" in place.error
    for purpose in (Purpose.TRIAL, Purpose.AUDIT, Purpose.ANCHOR):
        with answering(by_words):
            other = work(run_start(s.olga, version, purpose=purpose))
        assert other.job.result == {"label": 1}
    assert not Label.objects.exists()
    assert items_unasked(version).count() == 1


def test_a_trial_asks_items_that_are_labelled_and_leaves_their_labels() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    version = version_asking(s, How(orders="both"))
    with answering(by_words):
        work(run_start(s.olga, version))
        before = list(Label.objects.values())
        run = work(run_start(s.olga, version, purpose=Purpose.TRIAL))
    assert run.job.total == 2
    assert list(Label.objects.values()) == before


# --- The plan -----------------------------------------------------------------------------------


def told(*codes: int | None, **more: object) -> list[Told]:
    return [
        Told(CallKey("plain", n), "label" if code is not None else "failed", code, **more)  # type: ignore[arg-type]
        for n, code in enumerate(codes)
    ]


def test_rotations_put_each_option_once_in_each_place() -> None:
    how = How(orders="rotations")
    keys = first_calls(how, 3)
    orders = [orders_of(how, 3)[variant_parts(key.variant)[0]] or (0, 1, 2) for key in keys]
    assert sorted(zip(*orders, strict=True)) == sorted(
        zip(*[orders[k] for k in (2, 0, 1)], strict=True)
    )
    assert all(sorted(place) == [0, 1, 2] for place in zip(*orders, strict=True))


def test_the_order_of_calls_changes_nothing_and_a_tie_is_no_label() -> None:
    how = How(repeats=Repeats(4, delta=0))
    calls = told(2, 0, 2, None)
    assert combine(how, 3, calls) == combine(how, 3, calls[::-1])
    assert combine(how, 3, calls).code == 2
    tie = combine(how, 3, told(0, 2, 2, 0))
    assert (tie.outcome, tie.code) == ("undecided", None)
    assert combine(how, 3, told(None, None)).outcome == "failed"


@pytest.mark.parametrize(
    "stored",
    [{"orders": "mine"}, {"repeats": 3}, {"repeats": {"most": 0}}, {"ask": "x"}, {"new": 1}],
)
def test_a_way_to_ask_that_does_not_fit_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"[.]$"):
        How.from_dict(stored)
    assert How.from_dict(How(orders="both", repeats=Repeats(3, delta=0)).as_dict()) == How(
        orders="both", repeats=Repeats(3, delta=0)
    )


# --- Two workers close the last two calls of an item --------------------------------------------

Close = Callable[[Run, Call, str, threading.Barrier], object]


def close_guarded(run: Run, call: Call, token: str, meeting: threading.Barrier) -> object:
    meeting.wait(30)
    return call_store(run, call, token, Result(outcome=Outcome.LABEL, choice=1))


def close_without_guard(run: Run, call: Call, token: str, meeting: threading.Barrier) -> object:
    """What one would write at first: look whether mine is the last one, then close it."""
    others = Call.objects.filter(run=run, item=call.item).exclude(pk=call.pk)
    last = not others.exclude(state=CallState.CLOSED).exists()
    meeting.wait(30)
    Call.objects.filter(pk=call.pk, lease_token=token).update(
        state=CallState.CLOSED, outcome=Outcome.LABEL, choice=1, lease_token="", lease_until=None
    )
    if last:
        place = RunItem.objects.get(run=run, item=call.item)
        endings.items_end(run, {call.item_id: place}, {call.item_id: call.item})
    return None


def both_close(run: Run, close: Close) -> None:
    claim = calls_claim(run, most=2)
    assert len(claim.calls) == 2

    def closing(pk: int) -> Callable[[threading.Barrier], object]:
        def go(meeting: threading.Barrier) -> object:
            own = Run.objects.select_related("version__rater__project", "version__guideline")
            call = Call.objects.select_related("item__project").get(pk=pk)
            return close(own.get(pk=run.pk), call, claim.token, meeting)

        return go

    at_once(*(closing(call.pk) for call in claim.calls))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_workers_that_close_the_last_two_calls_hand_in_exactly_one_label() -> None:
    s = story()
    s.items([f"dish {n}" for n in range(12)])
    run = run_start(s.olga, version_asking(s, How(repeats=Repeats(2, delta=0))))
    for done in range(1, 13):
        both_close(run, close_guarded)
        assert Label.objects.count() == Submission.objects.count() == done
    assert RunItem.objects.filter(ending=Ending.LABEL).count() == 12


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_neither_hands_it_in() -> None:
    s = story()
    s.items(["dish 0"])
    run = run_start(s.olga, version_asking(s, How(repeats=Repeats(2, delta=0))))
    both_close(run, close_without_guard)
    assert set(Call.objects.values_list("state", flat=True)) == {"closed"}
    assert not Label.objects.exists()

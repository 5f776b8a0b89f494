"""Runs in an endpoint's batch lane: services/batch_runs.py, batch_looks.py, batch_sweeping.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias

import pytest
from django.utils import timezone

from annotate.errors import BadInput
from annotate.models import Job, JobState, Label, Project
from annotate.services.jobs import NUDGE_AGAIN, job_cancel, job_pause, job_resume, job_take
from judges.models import (
    Batch,
    BatchStage,
    Call,
    CallState,
    Connection,
    JudgeVersion,
    Run,
    Spending,
)
from judges.prompting.how import How, Repeats
from judges.providers.prices import to_steps
from judges.selectors.runs import run_read
from judges.services import batch_runs, batches
from judges.services.batch_asking import BatchAsker
from judges.services.batch_looks import Looks
from judges.services.batch_runs import BatchedRun
from judges.services.batch_sweeping import batches_sweep
from judges.services.calls import calls_claim
from judges.services.costs import cost_estimate
from judges.services.lanes import lanes_of
from judges.services.panels import panel_version
from judges.services.prices import price_set
from judges.services.retrying import run_retry_failed
from judges.services.run_work import FAILURES_IN_A_ROW, NONSENSE_IN_A_ROW
from judges.services.runs import run_start
from judges.services.storing import Replied, calls_store
from judges.services.versions import ZERO_SHOT, chat_version, classifier_version
from tests.judges.batch_endpoint import AnthropicLane, Lane, OpenAILane, by_praise
from tests.judges.batching import judge_at, looked, started
from tests.judges.judging import scripted_version, work
from tests.judges.providers.endpoint import refusal
from tests.personas import story

pytestmark = pytest.mark.django_db

TEXTS = ["Lovely soup.", "Cold soup.", "Great staff.", "Slow staff.", "Good bread."]
ANSWERS = [0, 1, 0, 1, 0]
Open: TypeAlias = Callable[[Lane], Lane]


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda lane: stack.enter_context(lane.running())


@pytest.fixture(params=["openai", "anthropic"])
def lane(request: pytest.FixtureRequest, opened: Open) -> Lane:
    return opened(OpenAILane() if request.param == "openai" else AnthropicLane())


def choices(version: JudgeVersion) -> dict[str, int]:
    labels = Label.objects.filter(rater=version.rater).select_related("item")
    return {label.item.external_id: label.choice for label in labels}  # type: ignore[misc]


def money_settled(run: Run) -> None:
    """Nothing is held back, and spent is the sum of the calls, at the project too."""
    run.refresh_from_db()
    project = Spending.objects.get(project=run.project)
    calls = Call.objects.filter(run=run).values_list("price", "paid_beside")
    paid = sum((to_steps(price) if price else 0) + beside for price, beside in calls)
    assert (run.spent, run.reserved) == (paid, 0)
    assert (project.spent, project.reserved) == (paid, 0)


def test_a_run_in_batches_is_handed_in_once_and_labelled_from_what_comes_back(lane: Lane) -> None:
    s = story()
    s.items(TEXTS)
    version = judge_at(s, lane)

    run = work(started(s, version))

    assert [len(names) for names in lane.handed_in.values()] == [5]
    assert run.job.state == JobState.QUEUED
    assert "5 calls are handed in" in run.job.message
    assert set(Call.objects.values_list("state", flat=True)) == {CallState.SENT}
    run.refresh_from_db()
    assert (run.spent, run.reserved > 0) == (0, True)
    # The worker is free: nobody is told of the job before the next look is due.
    due = Batch.objects.get().look_at - NUDGE_AGAIN
    assert abs(run.job.nudged_at - due) < timedelta(seconds=5)  # type: ignore[operator]

    work(run)
    assert not Label.objects.exists()

    lane.end()
    run = looked(run)

    assert run.job.state == JobState.DONE
    assert run.job.result == {"label": 5}
    assert choices(version) == dict(zip([f"i{n}" for n in range(1, 6)], ANSWERS, strict=True))
    assert Batch.objects.get().stage == BatchStage.CLOSED
    assert len(lane.requests) == 5
    assert lane.discarded  # the endpoint need not keep the texts
    call = Call.objects.first()
    assert call is not None
    assert (call.raw_reply in "AB", call.tokens_in, call.seconds) == (True, 12, None)
    money_settled(run)


def test_a_call_in_the_batch_lane_costs_half(lane: Lane) -> None:
    s = story()
    s.items(["Lovely soup."])
    run = work(started(s, judge_at(s, lane)))
    lane.end()
    looked(run)
    # 12 tokens read and 1 written, at $0.40 and $1.60, or $1 and $5, a million; halved.
    whole = Decimal("0.0000064") if isinstance(lane, OpenAILane) else Decimal("0.000017")
    assert Call.objects.get().price == whole / 2


def test_a_project_s_own_price_holds_in_the_batch_lane_too(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup."])
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    price_set(
        s.olga,
        version.connection,
        model=version.model,
        input=Decimal(1_000),
        output=Decimal(2_000),
    )
    run = work(started(s, version))
    lane.end()
    looked(run)
    assert Call.objects.get().price == Decimal("0.014")


# --- Workers that die, endpoints that break off ---------------------------------------------------


def test_a_batch_whose_worker_died_is_not_handed_in_again(lane: Lane) -> None:
    s = story()
    s.items(TEXTS)
    run = work(started(s, judge_at(s, lane)))
    Job.objects.filter(pk=run.job_id).update(
        state=JobState.RUNNING, lease_token="dead", lease_until=timezone.now()
    )
    run = work(run)
    lane.end()
    run = looked(run)
    assert run.job.state == JobState.DONE
    assert len(lane.requests) == 5


def test_a_batch_that_arrived_although_nobody_heard_of_it_is_found_again(lane: Lane) -> None:
    s = story()
    s.items(TEXTS)
    version = judge_at(s, lane)
    lane.at_creation, lane.kept_first = [None], True

    run = work(started(s, version))
    assert Batch.objects.get().stage == BatchStage.SENDING
    assert run.job.state == JobState.QUEUED
    assert "Finding out" in run.job.message

    run = looked(run)  # OpenAI's is found now, Anthropic's when it has ended
    lane.end()
    run = looked(run)

    assert run.job.state == JobState.DONE
    assert len(lane.requests) == 5
    assert len(choices(version)) == 5
    money_settled(run)


def test_a_batch_that_never_arrived_is_handed_in_anew_and_may_have_cost(lane: Lane) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    version = judge_at(s, lane)
    lane.at_creation = [None]

    run = work(started(s, version))
    run.refresh_from_db()
    held = run.reserved
    run = looked(run)
    lane.end()
    run = looked(run)

    assert run.job.state == JobState.DONE
    assert len(lane.requests) == 2
    assert choices(version) == {"i1": 0, "i2": 1}
    money_settled(run)
    assert run.spent > held > 0
    assert [batch.stage for batch in Batch.objects.all()] == [BatchStage.CLOSED] * 2
    assert set(Call.objects.values_list("attempts", flat=True)) == {1}


def test_what_was_gathered_by_a_worker_that_died_is_gathered_again(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    run = started(s, version)
    # As far as a worker may come before anything is sent: no money is lost with it.
    batch = batches.batch_begin(run)
    claim = calls_claim(run, most=2, bound=lambda _call: 1_000)
    batches.calls_join(batch, claim.token, {call.pk: "" for call in claim.calls})

    run = work(run)
    lane.end()
    run = looked(run)

    assert len(lane.requests) == 2
    assert len(choices(version)) == 2
    money_settled(run)
    assert run.spent < 2_000


def test_no_call_goes_with_a_batch_that_was_given_up() -> None:
    s = story()
    s.items(["Lovely soup."])
    run = run_start(s.olga, scripted_version(s))
    batch = batches.batch_begin(run)
    batches.batch_give_up(batch, error="Its worker was taken for dead.", may_have_cost=False)
    claim = calls_claim(run, most=1)
    assert batches.calls_join(batch, claim.token, {call.pk: "" for call in claim.calls}) == set()
    assert not batches.batch_sending(batch)
    assert Call.objects.get().state == CallState.CLAIMED


def test_a_batch_given_up_while_it_is_handed_in_is_cancelled_at_the_endpoint(
    opened: Open,
) -> None:
    s = story()
    s.items(["Lovely soup."])
    lane = opened(OpenAILane())
    run = started(s, judge_at(s, lane))
    running = job_take(run.job_id)
    assert running is not None
    run = run_read(running.job)
    loop = BatchedRun(running, run, lanes_of(run))
    asker = loop._lanes[0].asker
    assert isinstance(asker, BatchAsker)
    loop._rows()
    asker.prepare(lambda work: work(), lambda _said: None)
    batch = batches.batch_begin(run)
    requests = loop._fill(loop._lanes[0], asker, batch)
    batches.batch_sending(batch)
    remote_id: Future[str] = Future()
    remote_id.set_result(asker.lane.submit(requests, batch.key))

    batches.batch_give_up(batch, error="Its worker was taken for dead.", may_have_cost=True)
    loop._sent(asker, batch, remote_id)

    assert lane.cancelled == list(lane.batches)
    assert Batch.objects.get().stage == BatchStage.CLOSED
    assert Call.objects.get().state == CallState.WAITING


def test_two_that_collect_the_same_batch_at_once_store_it_once(opened: Open) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    run = work(started(s, version))
    lane.end()
    run = run_read(run.job)
    asker = BatchAsker(run, version)
    asker.prepare(lambda work: work(), lambda _said: None)
    stored: list[str] = []

    def looks(store: Callable[[Sequence[Replied]], object]) -> Looks:
        return Looks(run, asker, store=store, aside=lambda work: work(), beat=lambda: None)

    def meanwhile(replies: Sequence[Replied]) -> None:
        # The other one has the same replies, and is quicker.
        looks(lambda theirs: calls_store(run, theirs)).look(Batch.objects.get())
        stored.extend(came.outcome for came in calls_store(run, replies))

    looks(meanwhile).look(Batch.objects.get())

    assert stored == [""] * 5
    assert len(choices(version)) == 5
    money_settled(run)


# --- Paused, cancelled, expired -------------------------------------------------------------------


def test_cancelling_a_run_cancels_its_batch_and_keeps_what_was_answered(opened: Open) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(OpenAILane(lambda item: None if "soup" in item else by_praise(item)))
    version = judge_at(s, lane)
    run = work(started(s, version))

    job_cancel(s.olga, run.job)
    assert batches_sweep() == 1  # at once, though the next look is not due
    assert lane.cancelled == list(lane.batches)
    assert batches_sweep() == 0
    lane.end(way="cancelled")
    Batch.objects.update(look_at=timezone.now())
    assert batches_sweep() == 1

    assert choices(version) == {"i3": 0, "i4": 1, "i5": 0}
    left = Call.objects.filter(state=CallState.WAITING)
    assert [(call.attempts, call.reserved, call.batch) for call in left] == [(0, None, None)] * 2
    assert lane.discarded
    money_settled(run)


def test_a_batch_that_ended_before_it_could_be_cancelled_is_collected(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup."])
    lane = opened(AnthropicLane())
    version = judge_at(s, lane)
    run = work(started(s, version))
    lane.end()
    at = f"/v1/messages/batches/{next(iter(lane.batches))}/cancel"
    lane.route("POST", at, lambda _: refusal(409, "It has ended."))
    job_cancel(s.olga, run.job)
    assert batches_sweep() == 1
    assert choices(version) == {"i1": 0}
    money_settled(run)


def test_what_comes_while_a_run_is_paused_is_kept_and_not_asked_again(lane: Lane) -> None:
    s = story()
    s.items(TEXTS)
    version = judge_at(s, lane)
    run = work(started(s, version))
    job_pause(s.olga, run.job)
    lane.end()
    assert batches_sweep() == 0  # not due
    Batch.objects.update(look_at=timezone.now())
    assert batches_sweep() == 1
    assert len(choices(version)) == 5

    job_resume(s.olga, run.job)
    run = work(run)

    assert (run.job.state, run.job.result) == (JobState.DONE, {"label": 5})
    assert len(lane.requests) == 5
    money_settled(run)


def test_a_run_that_goes_on_is_left_to_its_own_worker(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup."])
    lane = opened(OpenAILane())
    work(started(s, judge_at(s, lane)))
    Batch.objects.update(look_at=timezone.now())
    assert batches_sweep() == 0


def test_what_expired_is_handed_in_again_costs_nothing_and_is_marked_in_the_end(
    lane: Lane,
) -> None:
    s = story()
    s.items(TEXTS)
    lane.says = lambda item: None if "Slow" in item else by_praise(item)
    version = judge_at(s, lane)
    run = work(started(s, version))
    while run.job.state == JobState.QUEUED:
        lane.end(way="expired")
        run = looked(run)
    assert run.job.result == {"label": 4, "failed": 1}
    assert [len(names) for names in lane.handed_in.values()] == [5, 1, 1]
    failed = Call.objects.get(outcome="failed")
    assert (failed.attempts, failed.price, failed.paid_beside) == (3, 0, 0)
    assert "expired" in failed.error
    money_settled(run)


def test_a_batch_of_which_nothing_was_answered_pauses_the_run_and_blames_no_item(
    lane: Lane,
) -> None:
    s = story()
    s.items(TEXTS)
    lane.says = lambda _item: None
    run = work(started(s, judge_at(s, lane)))
    lane.end(way="expired")
    run = looked(run)
    assert run.job.state == JobState.PAUSED
    assert "Nothing of a batch of 5 calls was answered" in run.job.message
    assert set(Call.objects.values_list("state", "attempts")) == {(CallState.WAITING, 0)}
    money_settled(run)


def test_an_item_that_is_never_answered_is_marked_after_its_last_try(lane: Lane) -> None:
    s = story()
    s.items(["Lovely soup.", "Slow staff."])
    lane.says = lambda item: None if "Slow" in item else "A"
    run = started(s, judge_at(s, lane))
    Run.objects.filter(pk=run.pk).update(max_attempts=1)
    run = work(run)
    lane.end(way="expired")
    run = looked(run)
    assert run.job.result == {"label": 1, "failed": 1}
    failed = Call.objects.get(outcome="failed")
    assert "expired" in failed.error
    money_settled(run)


# --- What the endpoint refuses --------------------------------------------------------------------


def test_a_batch_that_is_not_taken_pauses_the_run_and_costs_nothing(opened: Open) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(OpenAILane())
    run = work(started(s, judge_at(s, lane)))
    lane.end(way="failed", message="Line 2 has no model.")
    run = looked(run)
    assert run.job.state == JobState.PAUSED
    assert "Line 2 has no model." in run.job.message
    assert set(Call.objects.values_list("state", "attempts")) == {(CallState.WAITING, 0)}
    money_settled(run)

    job_resume(s.olga, run.job)
    run = work(run)
    lane.end()
    run = looked(run)
    assert run.job.state == JobState.DONE
    money_settled(run)


def test_too_much_at_once_is_handed_in_by_halves_one_after_the_other(opened: Open) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    run = work(started(s, version))
    lane.end(way="failed", message="Over the token limit of what waits.")
    sizes = [5]
    while (run := looked(run)).job.state == JobState.QUEUED:
        sizes.append(len(list(lane.handed_in.values())[-1]))
        lane.end()
    assert run.job.state == JobState.DONE
    assert sizes == [5, 2, 2, 1]
    assert len(choices(version)) == 5
    money_settled(run)


def test_a_lane_that_is_full_is_tried_again_later_and_not_for_ever(lane: Lane) -> None:
    s = story()
    s.items(["Lovely soup."])
    full = refusal(429, "The queue is full.", headers={"Retry-After": "600"})
    run = started(s, judge_at(s, lane))
    for _try in range(FAILURES_IN_A_ROW - 1):
        lane.at_creation = [full]
        run = work(run)
        assert run.job.state == JobState.QUEUED
        assert (run.job.nudged_at - timezone.now()).total_seconds() > 500  # type: ignore[operator]
        money_settled(run)
    lane.at_creation = [full]
    run = work(run)
    assert run.job.state == JobState.PAUSED
    assert "The queue is full." in run.job.message

    job_resume(s.olga, run.job)
    run = work(run)
    lane.end()
    assert looked(run).job.state == JobState.DONE


def test_a_request_too_large_for_the_endpoint_is_halved(opened: Open) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(AnthropicLane())
    lane.at_creation = [refusal(413, "Request exceeds the maximum size")]
    run = work(started(s, judge_at(s, lane)))
    assert [len(names) for names in lane.handed_in.values()] == [2]
    assert run.job.state == JobState.QUEUED


@pytest.mark.parametrize("at", ["creation", "lines"])
def test_what_concerns_the_judge_pauses_the_run(opened: Open, at: str) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(OpenAILane())
    run = started(s, judge_at(s, lane))
    gone = refusal(404, "The model is not found")
    if at == "creation":
        lane.at_creation = [gone]
        run = work(run)
    else:
        lane.says = lambda item: gone if "Cold" in item else by_praise(item)
        run = work(run)
        lane.end()
        run = looked(run)
        assert Label.objects.count() == 4
    assert run.job.state == JobState.PAUSED
    assert "does not know the model" in run.job.message
    waiting = Call.objects.filter(state=CallState.WAITING)
    assert {call.attempts for call in waiting} == {0}
    assert waiting.count() == (5 if at == "creation" else 1)
    money_settled(run)


def test_replies_that_never_parse_pause_the_run_and_are_kept(opened: Open) -> None:
    s = story()
    s.items([f"Dish {n}." for n in range(NONSENSE_IN_A_ROW + 5)])
    lane = opened(OpenAILane(lambda _item: "I would say so"))
    run = work(started(s, judge_at(s, lane)))
    lane.end()
    run = looked(run)
    assert run.job.state == JobState.PAUSED
    assert "does not answer in the form asked for" in run.job.message
    Batch.objects.update(look_at=timezone.now())
    batches_sweep()
    assert set(Call.objects.values_list("outcome", flat=True)) == {"unparseable"}
    assert Batch.objects.get().stage == BatchStage.CLOSED
    assert not Label.objects.exists()


def test_a_batch_that_the_endpoint_has_lost_is_handed_in_again(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup."])
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    run = work(started(s, version))
    del lane.endpoint.routes["GET", "/v1/batches/batch_1"]
    run = looked(looked(run))
    assert len(lane.batches) == 1  # an endpoint may err once
    run = looked(run)
    assert len(lane.batches) == 2
    lane.end()
    assert looked(run).job.state == JobState.DONE
    assert len(choices(version)) == 1
    money_settled(run)


def test_an_endpoint_that_is_away_for_a_while_is_asked_later(lane: Lane) -> None:
    s = story()
    s.items(["Lovely soup."])
    run = work(started(s, judge_at(s, lane)))
    name = next(iter(lane.batches))
    at = "/v1/batches" if isinstance(lane, OpenAILane) else "/v1/messages/batches"
    route = lane.endpoint.routes["GET", f"{at}/{name}"]
    lane.route("GET", f"{at}/{name}", lambda _: refusal(503, "Back soon."))
    run = looked(run)
    assert run.job.state == JobState.QUEUED
    batch = Batch.objects.get()
    assert (batch.failures, "Back soon." in batch.error) == (1, True)
    assert batch.look_at > timezone.now() + timedelta(seconds=90)
    lane.route("GET", f"{at}/{name}", route)
    lane.end()
    assert looked(run).job.state == JobState.DONE


# --- Limits, sizes, ways of asking ----------------------------------------------------------------


def test_a_limit_holds_over_batches(opened: Open) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    bound = cost_estimate(version, 1, in_batches=True).high
    assert bound is not None
    cap = to_steps(bound) * 3
    run = work(started(s, version, cap=cap))
    sizes = []
    while run.job.state == JobState.QUEUED:
        sizes.append(len(list(lane.handed_in.values())[-1]))
        run.refresh_from_db()
        assert run.spent + run.reserved <= cap
        lane.end()
        run = looked(run)
    # What the first cost is far below what was held back, so the others find room then.
    assert run.job.state == JobState.DONE
    assert sum(sizes) == 5
    assert max(sizes) < 5
    assert len(choices(version)) == 5
    money_settled(run)


def test_a_limit_that_admits_nothing_pauses_the_run(opened: Open) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(OpenAILane())
    run = work(started(s, judge_at(s, lane), cap=1))
    assert run.job.state == JobState.PAUSED
    assert "limit" in run.job.message
    assert not lane.handed_in
    assert not Batch.objects.exists()


def test_more_than_a_batch_holds_goes_in_several(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    monkeypatch.setattr(batch_runs, "MAX_REQUESTS", 2)
    run = work(started(s, version))
    assert [len(names) for names in lane.handed_in.values()] == [2, 2, 1]
    for name in list(lane.batches)[::-1]:
        lane.end(name)
        run = looked(run)
    assert run.job.state == JobState.DONE
    assert len(choices(version)) == 5
    money_settled(run)


def test_a_batch_is_filled_by_bytes_too(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(OpenAILane())
    monkeypatch.setattr(batch_runs, "MAX_SENT_BYTES", batch_runs.SPARE_BYTES + 3_500)
    work(started(s, judge_at(s, lane)))
    sizes = [len(names) for names in lane.handed_in.values()]
    assert sum(sizes) == 5
    assert max(sizes) < 5
    assert set(Call.objects.values_list("attempts", flat=True)) == {1}


def test_an_item_asked_in_several_calls_has_one_label_when_the_last_batch_is_in(
    lane: Lane,
) -> None:
    s = story()
    s.items(["Lovely soup."])
    version = judge_at(s, lane, how=How(repeats=Repeats(most=8)))
    letters = iter("ABAAAAAAAAAA")
    lane.says = lambda _item: next(letters)
    run = work(started(s, version))
    while run.job.state == JobState.QUEUED:
        assert not Label.objects.exists()
        lane.end()
        run = looked(run)
    assert run.job.state == JobState.DONE
    assert choices(version) == {"i1": 0}
    assert len(lane.batches) > 1
    assert Label.objects.get().confidence_source == "votes"
    money_settled(run)


def test_what_was_answered_before_is_not_handed_in(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup."])
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    run = work(started(s, version))
    lane.end()
    looked(run)
    # The same request again, by another item of the same words.
    s.items(["Lovely soup.", "Lovely soup.", "Cold soup."])
    run = work(started(s, version))
    assert [len(names) for names in lane.handed_in.values()] == [1, 1]
    lane.end()
    run = looked(run)
    assert run.job.result == {"label": 2}
    assert Call.objects.exclude(reused=None).count() == 1


def test_what_ended_without_a_label_can_be_asked_again(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    lane = opened(OpenAILane(lambda item: "?" if "Cold" in item else "A"))
    version = judge_at(s, lane)
    run = work(started(s, version))
    lane.end()
    run = looked(run)
    assert run.job.result == {"label": 1, "unparseable": 1}
    lane.says = by_praise
    run = run_retry_failed(s.olga, run)
    assert Call.objects.get(state=CallState.WAITING).batch is None
    run = work(run)
    lane.end()
    run = looked(run)
    assert choices(version) == {"i1": 0, "i2": 1}
    money_settled(run)


def test_no_batch_is_handed_in_once_data_may_not_leave(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup."])
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    Connection.objects.update(leaves_machine=True)
    Project.objects.update(data_may_leave=True)
    run = started(s, JudgeVersion.objects.get(pk=version.pk))
    Project.objects.update(data_may_leave=False)
    run = work(run)
    assert run.job.state == JobState.PAUSED
    assert not lane.handed_in


# --- Who can be asked so, and at what price -------------------------------------------------------


def test_only_what_has_a_batch_lane_is_run_in_it(opened: Open) -> None:
    s = story()
    s.items(TEXTS)
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    Connection.objects.update(capabilities={})
    with pytest.raises(BadInput, match="Test the connection with this model first"):
        started(s, version)
    Connection.objects.update(capabilities={version.model: {"temperature": True}})
    with pytest.raises(BadInput, match="was not found to have a batch lane"):
        started(s, version)
    classifier = classifier_version(s.olga, s.question, mode=ZERO_SHOT)
    with pytest.raises(BadInput, match="was not found to have a batch lane"):
        started(s, classifier)
    other = chat_version(s.olga, s.question, version.connection, model="other")
    panel = panel_version(s.olga, s.question, [version, other])
    with pytest.raises(BadInput, match="one after the other"):
        started(s, panel)
    assert not Run.objects.exists()


def test_the_estimate_is_of_the_lane_that_is_asked_for(opened: Open) -> None:
    s = story()
    s.items([f"Dish {n}." for n in range(8)])
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    bound, in_batches = cost_estimate(version, 10), cost_estimate(version, 10, in_batches=True)
    assert in_batches.high == bound.high / 2  # type: ignore[operator]

    run = work(started(s, version))
    lane.end()
    looked(run)
    each = Call.objects.values_list("price", flat=True).first()
    assert each is not None
    past, in_batches = cost_estimate(version, 10), cost_estimate(version, 10, in_batches=True)
    assert (past.basis, past.mean) == ("past", each * 20)
    assert in_batches.mean == each * 10

"""What runs spend: reserved, settled, never above a limit (services/spending.py, costs.py)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import F, Sum
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotate.errors import BadInput, Conflict
from annotate.models import Job, JobState, Label
from annotate.services.jobs import job_resume
from judges.models import Call, CallState, JudgeVersion, Run, Spending
from judges.providers.base import ProviderError, Request
from judges.providers.prices import from_steps, to_steps
from judges.providers.scripted import scripted_reply
from judges.selectors.judges import judge_row
from judges.selectors.money import dollars
from judges.selectors.runs import run_progress
from judges.services import pace
from judges.services import run_work as run_work_module
from judges.services.calls import Result, call_wait, calls_claim, calls_expire, calls_sweep
from judges.services.connections import connection_add
from judges.services.costs import cost_estimate
from judges.services.retrying import run_retry_failed
from judges.services.runs import run_start
from judges.services.spending import (
    cap_read,
    project_cap_set,
    reserve,
    run_cap_set,
    settle,
    spending_of,
)
from judges.services.storing import call_store
from judges.services.versions import chat_version
from tests.api.asking import Api
from tests.judges.judging import answering, by_words, priced_version, scripted_version, work
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

# Of priced_version: 100 tokens in at 0.001, 1 out at 0.1.
A_CALL = Decimal("0.2")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_work_module, "WAKE_SECONDS", 0.05)
    monkeypatch.setattr(pace, "FIRST_BACKOFF_SECONDS", 0.01)


def priced(s: Story, n: int, **more: object) -> JudgeVersion:
    s.items([f"Lovely dish {k}." for k in range(n)])
    return priced_version(s, **more)  # type: ignore[arg-type]


def books(run: Run) -> tuple[Decimal, Decimal]:
    """(spent, reserved) of the run; that the project's and the calls' say the same is checked."""
    run.refresh_from_db()
    row = Spending.objects.get(project=run.project)
    runs = Run.objects.aggregate(spent=Sum("spent"), reserved=Sum("reserved"))
    assert (row.spent, row.reserved) == (runs["spent"], runs["reserved"])
    calls = Call.objects.filter(run=run)
    found = calls.aggregate(price=Sum("price"), beside=Sum("paid_beside"), held=Sum("reserved"))
    assert run.spent == to_steps(found["price"] or Decimal(0)) + (found["beside"] or 0)
    assert run.reserved == (found["held"] or 0)
    return from_steps(run.spent), from_steps(run.reserved)


def test_each_call_has_its_price_from_its_tokens_and_the_run_is_their_sum() -> None:
    s = story()
    version = priced(s, 4, concurrency=2)
    with answering(by_words):
        run = work(run_start(s.olga, version))
    assert set(Call.objects.values_list("price", flat=True)) == {A_CALL}
    assert books(run) == (4 * A_CALL, 0)
    found = run_progress(run)
    assert (found.spent, found.spent_per_label, found.unpriced) == (4 * A_CALL, A_CALL, 0)
    cost = judge_row(version).cost
    assert cost is not None
    assert cost.said == "$0.20"


def test_a_limit_pauses_the_run_before_it_is_passed_and_a_higher_one_lets_it_go_on() -> None:
    s = story()
    version = priced(s, 12, concurrency=3)
    most = Decimal(3)
    with answering(by_words) as model:
        run = work(run_start(s.olga, version, cap=cap_read(most)))
    assert run.job.state == JobState.PAUSED
    assert "limit of $3.00" in run.job.message
    assert "resume" in run.job.message
    spent, reserved = books(run)
    n = len(model.asked)
    assert 0 < n < 12
    assert (spent, reserved) == (n * A_CALL, 0)
    # It stopped for the call that might have passed it, and not earlier.
    bound = max(from_steps(b) for b in [_bound(version)])
    assert spent + bound > most >= spent

    run_cap_set(s.olga, run, cap_read(Decimal(500)))
    job_resume(s.olga, run.job)
    with answering(by_words):
        work(run)
    assert run.job.state == JobState.DONE
    assert books(run)[0] == 12 * A_CALL
    assert Label.objects.count() == 12
    with pytest.raises(Conflict):
        run_cap_set(s.olga, run, None)


def _bound(version: JudgeVersion) -> int:
    from judges.services.asking import ChatAsker

    call = Call.objects.select_related("item").order_by("-pk")[0]
    asker = ChatAsker(call.run, call.run.version)
    with answering(by_words):
        asker.prepare(lambda work: work(), lambda said: None)
    bound = asker.bound(call)
    assert bound is not None
    return bound


def test_the_limit_of_the_project_holds_over_its_runs() -> None:
    s = story()
    version = priced(s, 12)
    project_cap_set(s.olga, s.project, cap_read("3.5"))
    with answering(by_words):
        first = work(run_start(s.olga, version, selection={"limit": 2}))
        second = work(run_start(s.olga, version))
    assert first.job.state == JobState.DONE
    assert second.job.state == JobState.PAUSED
    assert "project’s limit of $3.50" in second.job.message
    books(second)
    assert spending_of(s.project).spent <= to_steps(Decimal("3.5"))
    with pytest.raises(BadInput, match="spent already"):
        project_cap_set(s.olga, s.project, 1)


def test_a_model_without_a_known_price_runs_unlimited_only_and_says_that_nobody_knows() -> None:
    s = story()
    s.items(["Lovely."])
    s.project.data_may_leave = True
    s.project.save()
    there = connection_add(s.olga, s.project, name="There", base_url="https://a.example.org/v1")
    version = chat_version(s.olga, s.question, there, model="unheard-of")
    with pytest.raises(BadInput, match="No price is known for unheard-of"):
        run_start(s.olga, version, cap=cap_read(1))
    project_cap_set(s.olga, s.project, cap_read(1))
    with pytest.raises(BadInput, match="This project has a limit"):
        run_start(s.olga, version)
    project_cap_set(s.olga, s.project, None)
    assert cost_estimate(version, 5).basis == "unknown"
    run = run_start(s.olga, version)
    # A limit that comes later stops it at the next call.
    project_cap_set(s.olga, s.project, cap_read(1))
    with answering(by_words) as model:
        work(run)
    assert (run.job.state, model.asked) == (JobState.PAUSED, [])
    project_cap_set(s.olga, s.project, None)
    job_resume(s.olga, run.job)
    with answering(by_words):
        work(run)
    found = run_progress(run)
    assert (found.labels, found.unpriced, found.spent_per_label) == (1, 1, None)


@pytest.mark.parametrize("entered", ["0", "-1", "nan", "inf", "lots", "1e40"])
def test_a_limit_is_an_amount_above_0(entered: str) -> None:
    with pytest.raises(BadInput):
        cap_read(entered)


def test_calls_in_flight_at_a_kill_count_what_was_reserved_and_are_asked_again() -> None:
    s = story()
    version = priced(s, 3)
    run = run_start(s.olga, version)
    spending_of(s.project)
    claim = calls_claim(run, most=2, bound=lambda call: 700)
    assert len(claim.calls) == 2
    assert books(run) == (0, from_steps(1400))
    Call.objects.filter(state=CallState.CLAIMED).update(lease_until=timezone.now())
    assert calls_expire(run) == 2
    assert calls_expire(run) == 0
    assert books(run) == (from_steps(1400), 0)
    # The dead one's late reply changes nothing.
    late = Result(outcome="label", choice=0, price=Decimal(1))
    assert call_store(run, claim.calls[0], claim.token, late).outcome == ""
    assert not call_wait(run, claim.calls[0], claim.token)
    with answering(by_words):
        work(run)
    assert books(run) == (3 * A_CALL + from_steps(1400), 0)


def test_what_a_dead_worker_held_back_in_a_cancelled_run_is_not_held_for_ever() -> None:
    s = story()
    version = priced(s, 3)
    run = run_start(s.olga, version)
    spending_of(s.project)
    calls_claim(run, most=2, bound=lambda call: 700)
    Call.objects.filter(state=CallState.CLAIMED).update(lease_until=timezone.now())
    # A run that goes on looks at its own.
    assert calls_sweep() == 0
    Job.objects.filter(pk=run.job_id).update(state=JobState.CANCELLED)
    assert calls_sweep() == 2
    assert calls_sweep() == 0
    assert books(run) == (from_steps(1400), 0)


@pytest.mark.parametrize(
    ("error", "may_have_cost"),
    [
        (ProviderError("timeout", "No answer."), True),
        (ProviderError("server_error", "It broke off."), True),
        (ProviderError("server_error", "A fault (500).", answered=True), False),
    ],
)
def test_what_broke_off_counts_what_was_reserved_and_a_refusal_by_status_nothing(
    error: ProviderError, may_have_cost: bool
) -> None:
    s = story()
    version = priced(s, 1)
    answers = iter([error, "A"])
    with answering(lambda _: next(answers)):
        run = work(run_start(s.olga, version))
    bound = from_steps(_bound(version))
    assert books(run) == (A_CALL + (bound if may_have_cost else 0), 0)


def test_a_reply_that_tells_no_tokens_costs_what_was_reserved() -> None:
    s = story()
    version = priced(s, 1)
    with answering(lambda _: scripted_reply("A", tokens_in=None)):
        run = work(run_start(s.olga, version))
    assert books(run) == (from_steps(_bound(version)), 0)
    assert run_progress(run).unpriced == 0


def test_asking_again_what_failed_keeps_what_it_cost() -> None:
    s = story()
    version = priced(s, 4)

    def half(request: Request) -> str:
        return "A" if "dish 1" in request.user or "dish 2" in request.user else "Well ..."

    with answering(half):
        run = work(run_start(s.olga, version))
    assert run.job.result == {"label": 2, "unparseable": 2}
    labelled = set(Label.objects.values_list("pk", flat=True))
    run = run_retry_failed(s.olga, run)
    assert run.job.state == JobState.QUEUED
    with pytest.raises(Conflict):
        run_retry_failed(s.olga, run)
    with answering(by_words) as model:
        work(run)
    assert len(model.asked) == 2
    assert run.job.result == {"label": 4}
    assert books(run) == (6 * A_CALL, 0)
    assert labelled < set(Label.objects.values_list("pk", flat=True))
    with pytest.raises(BadInput, match="ended without a label"):
        run_retry_failed(s.olga, run)
    run.job.refresh_from_db()
    assert run.job.state == JobState.DONE


def test_nothing_is_asked_again_while_another_run_of_the_judge_goes_on() -> None:
    s = story()
    version = priced(s, 3)
    with answering(lambda _: "Well ..."):
        run = work(run_start(s.olga, version, selection={"limit": 1}))
    run_start(s.olga, version)
    with pytest.raises(Conflict, match="not finished"):
        run_retry_failed(s.olga, run)


def test_the_estimate_is_a_bound_until_items_were_asked_and_then_has_an_interval() -> None:
    s = story()
    version = priced(s, 30)
    before = cost_estimate(version, 10)
    assert before.basis == "bound"
    assert before.high is not None
    tokens = iter(range(60, 160, 10))
    with answering(lambda _: scripted_reply("A", tokens_in=next(tokens))):
        run = work(run_start(s.olga, version, selection={"limit": 10}))
    after = cost_estimate(version, 20)
    assert (after.basis, after.n_past) == ("past", 10)
    assert after.mean is not None
    assert after.low is not None
    assert after.high is not None
    assert after.mean == pytest.approx(2 * books(run)[0])
    # By hand: mean .205 and deviation .0302765 of a call, t(9) = 2.262157, 20 (1 + 2) = 60.
    assert float(after.high - after.mean) == pytest.approx(2.262157 * 0.0302765 * 60**0.5, rel=1e-4)
    assert after.mean - after.low == pytest.approx(after.high - after.mean)
    assert after.high < 2 * before.high
    assert cost_estimate(scripted_version(s), 20).basis == "free"


def test_the_screens_and_the_api_show_what_is_spent_and_take_limits() -> None:
    s = story()
    version = priced(s, 6)
    client = Client()
    client.force_login(s.olga)
    page = client.get(reverse("judge", args=[s.project.pk, version.pk])).content.decode()
    assert "items cost at most" in page
    asked = {"limit": 3, "cap": "0.0001"}
    response = client.post(reverse("judge_run", args=[s.project.pk, version.pk]), asked)
    assert response.status_code == 302
    run = Run.objects.get()
    assert run.cap == 10_000
    with answering(by_words):
        work(run)
    page = client.get(reverse("run", args=[s.project.pk, run.pk])).content.decode()
    assert "of $0.00010 at most" in page
    client.post(reverse("run_cap", args=[s.project.pk, run.pk]), {"cap": "100"})
    page = client.get(reverse("run", args=[s.project.pk, run.pk])).content.decode()
    assert 'value="100"' in page
    api = Api(s.olga, s.project.pk)
    shown = api.get(f"runs/{run.pk}/").json()["progress"]
    assert (shown["cap"], shown["spent"]) == ("100.00000000", "0.00000000")
    assert api.post(f"runs/{run.pk}/cap/", {"cap": "90.5"}).json()["progress"]["cap"] == (
        "90.50000000"
    )
    assert api.post("spending/", {"cap": "7"}).json()["cap"] == "7.00000000"
    assert (
        "of $7.00 at most"
        in client.get(reverse("connections", args=[s.project.pk])).content.decode()
    )
    client.post(reverse("spending_cap", args=[s.project.pk]), {"cap": ""})
    assert spending_of(s.project).cap is None
    estimate = api.get(f"judges/{version.pk}/estimate/?items=3").json()
    assert (estimate["basis"], estimate["n_items"]) == ("bound", 3)


@pytest.mark.parametrize(
    ("amount", "written"),
    [("0", "$0"), ("0.00000012", "$0.00000012"), ("0.0034", "$0.0034"), ("1204.5", "$1,204.50")],
)
def test_amounts_are_written_with_the_digits_that_matter(amount: str, written: str) -> None:
    assert dollars(Decimal(amount)) == written


# --- Many at once -------------------------------------------------------------------------------


def reserve_without_guard(run: Run, amount: int, meeting: threading.Barrier) -> bool:
    """What one would write at first: look whether it fits, then add."""
    now = Run.objects.get(pk=run.pk)
    fits = now.cap is None or now.spent + now.reserved + amount <= now.cap
    meeting.wait(30)
    if fits:
        Run.objects.filter(pk=run.pk).update(reserved=F("reserved") + amount)
    return fits


def both(run: Run, take: Callable[[threading.Barrier], bool], rounds: int) -> list[bool]:
    got: list[bool] = []
    failed: list[BaseException] = []
    meeting = threading.Barrier(2)

    def go() -> None:
        try:
            for _round in range(rounds):
                meeting.wait(30)
                got.append(take(meeting))
        except BaseException as error:  # noqa: BLE001 (shown by the test)
            failed.append(error)
            meeting.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    return got


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_workers_never_reserve_past_a_limit_and_without_the_guard_they_do() -> None:
    s = story()
    run = run_start(s.olga, priced(s, 3), cap=1000)
    spending_of(s.project)
    got = both(run, lambda _meeting: reserve(run, 90) == "", rounds=12)
    run.refresh_from_db()
    assert sum(got) == 11
    assert run.reserved == 990
    settle(run, reserved=990, spent=950)
    got = both(run, lambda meeting: reserve_without_guard(run, 40, meeting), rounds=1)
    run.refresh_from_db()
    assert sum(got) == 2
    assert run.spent + run.reserved > 1000

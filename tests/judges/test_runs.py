"""Runs of language-model judges: services/runs.py, run_work.py, calls.py."""

from __future__ import annotations

import threading

import pytest
from django.utils import timezone

from annotate.errors import BadInput, Conflict, JobStopped, NotAllowed
from annotate.models import Item, ItemStatus, JobState, Label, LabelStatus, Project
from annotate.services.items import ItemRow, draw_number, items_take_in
from annotate.services.jobs import job_cancel, job_pause, job_resume
from annotate.services.projects import OptionDraft, QuestionDraft, question_revise
from judges.models import Call, CallState, Outcome
from judges.providers.base import ProviderError, Request
from judges.providers.scripted import scripted_reply
from judges.services import flow, pace
from judges.services import run_work as run_work_module
from judges.services import runs as runs_module
from judges.services.calls import calls_claim, calls_expire
from judges.services.connections import connection_add
from judges.services.flow import Flow
from judges.services.runs import run_start
from judges.services.versions import chat_version
from tests.judges.judging import answering, by_words, scripted_connection, scripted_version, work
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

TEXTS = ["Lovely soup.", "Cold soup.", "Great staff.", "Slow staff.", "Good bread."]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_work_module, "WAKE_SECONDS", 0.05)
    monkeypatch.setattr(pace, "FIRST_BACKOFF_SECONDS", 0.01)


def many(n: int) -> list[str]:
    return [f"{'Lovely' if k % 2 else 'Poor'} dish number {k}." for k in range(n)]


def calls_of(s: Story) -> dict[str, Call]:
    return {c.item.external_id: c for c in Call.objects.select_related("item")}


def test_a_run_hands_in_one_label_an_item_with_what_is_known_of_it() -> None:
    s = story()
    items = s.items(TEXTS)
    version = scripted_version(s)
    reply = scripted_reply("A", logprobs={"A": -0.2231435513, "B": -1.8971199849}, tokens_in=91)

    with answering(lambda r: reply if "Lovely" in r.user else by_words(r)):
        run = work(run_start(s.olga, version))

    assert run.job.state == JobState.DONE
    assert run.job.result == {"label": 5}
    assert (run.job.done, run.job.total) == (5, 5)
    labels = Label.objects.filter(rater=version.rater, status=LabelStatus.LIVE)
    assert {label.item_id: label.choice for label in labels} == dict(
        zip([item.pk for item in items], [0, 1, 0, 1, 0], strict=True)
    )
    label = labels.get(item=items[0])
    assert label.confidence == pytest.approx(0.842, abs=1e-3)
    assert label.confidence_source == "logprob"
    assert label.distribution["1"] == pytest.approx(0.158, abs=1e-3)
    call = Call.objects.get(item=items[0])
    assert (call.raw_reply, call.tokens_in, call.attempts) == ("A", 91, 1)
    assert call.label_mass == pytest.approx(0.95, abs=1e-3)
    assert call.seconds is not None
    assert call.request_hash
    assert not Item.objects.filter(frozen_at=None).exists()


def test_the_judge_is_told_the_guideline_the_options_and_the_items_own_words_in_the_question() -> (
    None
):
    s = story(
        questions=(
            QuestionDraft(
                "aspect",
                "Aspect",
                "single",
                (OptionDraft("y", "Yes", "It is."), OptionDraft("n", "No")),
                text="Is {aspect} praised?",
            ),
        )
    )
    items_take_in(s.project, [ItemRow("1", {"text": "Nice waiters.", "aspect": "service"})])
    version = scripted_version(s, system="Be brief.", ask_rationale=True)
    with answering(
        lambda _: '{"rationale": "<b>said</b>", "answer": "A", "confidence": 80}'
    ) as model:
        work(run_start(s.olga, version))
    (asked,) = model.asked
    assert "Is service praised?" in asked.user
    assert "Judge the text only." in asked.user
    assert "A. Yes - It is." in asked.user
    assert asked.system.startswith("Be brief.")
    label = Label.objects.get()
    assert (label.rationale, label.confidence, label.confidence_source) == (
        "<b>said</b>",
        0.8,
        "stated",
    )


@pytest.mark.parametrize(
    "reply", ["I would say A", "", "D", "A\x00", "a", '{"answer": "A"}', "\ud800", "A or B"]
)
def test_a_reply_that_does_not_parse_is_kept_and_is_no_label(reply: str) -> None:
    s = story()
    s.items(["Lovely soup."])
    with answering(lambda _: reply):
        run = work(run_start(s.olga, scripted_version(s)))
    call = Call.objects.get()
    assert (call.outcome, call.choice) == (Outcome.UNPARSEABLE, None)
    assert call.error
    assert call.raw_reply == reply.replace("\x00", "\\x00").replace("\ud800", "\\ud800")
    assert not Label.objects.exists()
    assert run.job.result == {"unparseable": 1}


def test_refusals_and_items_too_long_concern_that_item_only() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup.", "Great staff."])

    def script(request: Request) -> str | ProviderError:
        if "Cold" in request.user:
            return ProviderError("refused", "It refuses.", raw="I cannot help with that.")
        if "Great" in request.user:
            return ProviderError("too_long", "Too long.")
        return "A"

    with answering(script):
        run = work(run_start(s.olga, scripted_version(s)))
    calls = calls_of(s)
    assert [calls[k].outcome for k in ("i1", "i2", "i3")] == ["label", "refused", "failed"]
    assert calls["i2"].raw_reply == "I cannot help with that."
    assert run.job.state == JobState.DONE
    assert Label.objects.count() == 1


@pytest.mark.parametrize(
    "kind", ["key_refused", "model_gone", "unreachable", "billing", "bad_config"]
)
def test_what_concerns_the_judge_pauses_the_run_with_its_sentence_and_resuming_goes_on(
    kind: str,
) -> None:
    s = story()
    s.items(many(6))
    version = scripted_version(s, concurrency=2)
    asked = []

    def breaks(request: Request) -> str | ProviderError:
        asked.append(request)
        return "A" if len(asked) <= 3 else ProviderError(kind, "Mend the key.")  # type: ignore[arg-type]

    with answering(breaks):
        run = work(run_start(s.olga, version))
    assert run.job.state == JobState.PAUSED
    assert run.job.message == "Mend the key."
    closed = Call.objects.filter(state=CallState.CLOSED)
    assert closed.count() == 3 == Label.objects.count()
    waiting = Call.objects.filter(state=CallState.WAITING)
    assert waiting.count() == 3
    assert not waiting.filter(attempts__gt=0).exists()

    job_resume(s.olga, run.job)
    with answering(by_words) as mended:
        work(run)
    assert run.job.state == JobState.DONE
    assert len(mended.asked) == 3
    assert Label.objects.count() == 6


def test_a_passing_fault_is_asked_again_and_given_up_after_some_attempts() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    tries: dict[str, int] = {"Lovely": 0, "Cold": 0}

    def script(request: Request) -> str | ProviderError:
        word = "Lovely" if "Lovely" in request.user else "Cold"
        tries[word] += 1
        if word == "Cold" or tries[word] == 1:
            return ProviderError("timeout", "No answer in time.")
        return "A"

    with answering(script):
        run = work(run_start(s.olga, scripted_version(s)))
    assert tries == {"Lovely": 2, "Cold": 3}
    calls = calls_of(s)
    assert (calls["i1"].outcome, calls["i1"].attempts) == ("label", 2)
    assert (calls["i2"].outcome, calls["i2"].error) == ("failed", "No answer in time.")
    assert run.job.result == {"label": 1, "failed": 1}


@pytest.mark.parametrize("n", [4, 30])
def test_a_server_that_stays_away_pauses_the_run_and_no_item_is_to_blame(n: int) -> None:
    s = story()
    s.items(many(n))
    with answering(lambda _: ProviderError("server_error", "It is ill.")):
        run = work(run_start(s.olga, scripted_version(s)))
    assert run.job.state == JobState.PAUSED
    assert "It is ill." in run.job.message
    assert not Call.objects.filter(state=CallState.CLOSED).exists()


def test_items_that_always_fail_do_not_pause_a_run_whose_other_items_are_done() -> None:
    """They are asked again when all others are, so their failures stand in a row."""
    s = story()
    s.items(many(30))

    def script(request: Request) -> str | ProviderError:
        number = int(request.user.rpartition("number ")[2].partition(".")[0])
        return ProviderError("server_error", "It is ill.") if number % 3 == 0 else "A"

    with answering(script) as model:
        run = work(run_start(s.olga, scripted_version(s)))
    assert run.job.state == JobState.DONE
    assert run.job.result == {"label": 20, "failed": 10}
    assert len(model.asked) == 20 + 10 * run.max_attempts


def test_being_told_to_wait_holds_all_calls_and_gives_the_worker_back() -> None:
    s = story()
    s.items(many(3))
    with answering(lambda _: ProviderError("rate_limited", "Slow down.", 600.0)) as model:
        run = work(run_start(s.olga, scripted_version(s)))
    assert len(model.asked) == 1
    assert run.job.state == JobState.QUEUED
    assert Call.objects.filter(not_before__gt=timezone.now()).count() == 1
    assert Call.objects.filter(state=CallState.WAITING, attempts=0).count() == 3


def test_a_model_that_talks_nonsense_is_stopped_before_it_has_cost_much() -> None:
    s = story()
    s.items(many(40))
    with answering(lambda _: "As an AI I love soup"):
        run = work(run_start(s.olga, scripted_version(s)))
    assert run.job.state == JobState.PAUSED
    assert "does not answer in the form" in run.job.message
    assert Call.objects.filter(outcome=Outcome.UNPARSEABLE).count() == 20
    assert not Label.objects.exists()


def test_what_failed_beside_the_reply_that_stops_a_run_is_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All replies come at once: the twentieth that does not parse, and behind it errors."""
    s = story()
    s.items(many(25))

    def all_at_once(flow: Flow) -> bool:
        return not flow._asked

    all_asked = threading.Barrier(25, timeout=20)

    def script(request: Request) -> str | ProviderError:
        number = int(request.user.rpartition("number ")[2].partition(".")[0])
        all_asked.wait()
        return "soup" if number < 20 else ProviderError("timeout", "No answer in time.")

    monkeypatch.setattr(Flow, "_enough", all_at_once)
    monkeypatch.setattr(flow, "GATHERED_SECONDS", 60)
    with answering(script):
        run = work(run_start(s.olga, scripted_version(s, concurrency=25)))
    assert run.job.state == JobState.PAUSED
    assert Call.objects.filter(state=CallState.CLOSED).count() == 20
    assert Call.objects.filter(state=CallState.WAITING, error="No answer in time.").count() == 5


def test_an_endpoint_that_is_not_there_pauses_the_run_with_a_sentence() -> None:
    s = story()
    s.items(["Lovely soup."])
    connection = connection_add(s.olga, s.project, name="Gone", base_url="http://127.0.0.1:9/v1")
    run = work(run_start(s.olga, chat_version(s.olga, s.question, connection, model="m")))
    assert run.job.state == JobState.PAUSED
    assert "cannot be reached" in run.job.message
    assert Call.objects.get().state == CallState.WAITING


def test_pausing_keeps_what_was_asked_and_asks_no_more() -> None:
    s = story()
    s.items(many(8))
    run = run_start(s.olga, scripted_version(s))

    def script(request: Request) -> str:
        if len(model.asked) == 3:
            # As the person at the browser does it; the script runs in the pool's thread.
            paused.set()
        if len(model.asked) == 4:
            assert written.wait(20)
        return "A"

    paused, written = threading.Event(), threading.Event()
    original = run_work_module.RunLoop._beat

    def beat(loop: run_work_module.RunLoop, message: str | None = None) -> None:
        if paused.is_set():
            paused.clear()
            job_pause(s.olga, run.job)
            loop._beaten_at = 0.0
            written.set()
        original(loop, message)

    run_work_module.RunLoop._beat = beat  # type: ignore[method-assign]
    try:
        with answering(script) as model, pytest.raises(JobStopped):
            work(run)
    finally:
        run_work_module.RunLoop._beat = original  # type: ignore[method-assign]
    run.job.refresh_from_db()
    assert run.job.state == JobState.PAUSED
    # One that stood ready may follow before the pause is seen, and one more.
    asked = len(model.asked)
    assert 3 <= asked <= 5
    assert Label.objects.count() == asked
    assert not Call.objects.filter(state=CallState.CLAIMED).exists()

    job_resume(s.olga, run.job)
    with answering(by_words) as later:
        work(run)
    assert len(later.asked) == 8 - asked
    assert run.job.state == JobState.DONE

    with pytest.raises(Conflict):
        job_cancel(s.olga, run.job)


def test_a_run_takes_items_in_the_projects_random_order_and_the_next_goes_on_where_it_ended() -> (
    None
):
    s = story()
    s.items(many(10))
    version = scripted_version(s)
    with answering(by_words):
        run = work(run_start(s.olga, version, selection={"strategy": "random", "limit": 4}))
        first = [c.item.external_id for c in run.calls.order_by("pk").select_related("item")]
        second = work(run_start(s.olga, version, selection={"strategy": "all"}))
    by_draw = sorted((f"i{n}" for n in range(1, 11)), key=lambda i: draw_number(7, i))
    assert first == by_draw[:4]
    rest = [c.item.external_id for c in second.calls.order_by("pk").select_related("item")]
    assert rest == by_draw[4:]
    with pytest.raises(BadInput, match="labelled them all"):
        run_start(s.olga, version)


def test_another_seed_is_another_order() -> None:
    s = story()
    s.items(many(12))
    run = run_start(s.olga, scripted_version(s), seed=99)
    order = [c.item.external_id for c in run.calls.order_by("pk").select_related("item")]
    assert order == sorted((f"i{n}" for n in range(1, 13)), key=lambda i: draw_number(99, i))


def test_a_large_run_is_laid_out_by_the_worker_and_is_the_same_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s = story()
    s.items(many(20))
    monkeypatch.setattr(runs_module, "LAID_OUT_AT_ONCE", 4)
    monkeypatch.setattr(runs_module, "CHUNK", 3)
    run = run_start(s.olga, scripted_version(s), selection={"limit": 13})
    assert (run.calls.count(), run.job.total) == (4, 13)
    first = calls_claim(run, most=1).calls[0]
    # The worker died while it wrote: some are there, and items came in since.
    Call.objects.create(run=run, item=Item.objects.order_by("draw")[4])
    items_take_in(s.project, [ItemRow(f"new{n}", {"text": "Lovely."}) for n in range(9)])
    Call.objects.filter(pk=first.pk).update(lease_until=timezone.now())
    with answering(by_words):
        work(run)
    assert run.job.result == {"label": 13}
    assert run.calls.count() == Label.objects.count() == 13
    run.refresh_from_db()
    assert run.selection["laid_out"] is True


@pytest.mark.parametrize(
    "selection", [{"limit": 0}, {"limit": 10**30}, {"limit": "5"}, {"strategy": "mine"}]
)
def test_a_selection_that_makes_no_sense_is_refused(selection: dict[str, object]) -> None:
    s = story()
    s.items(many(2))
    with pytest.raises(BadInput):
        run_start(s.olga, scripted_version(s), selection=selection)


def test_a_judge_has_one_unfinished_run_at_a_time() -> None:
    s = story()
    s.items(many(3))
    version = scripted_version(s)
    run = run_start(s.olga, version, selection={"strategy": "random", "limit": 1})
    with pytest.raises(Conflict, match="not finished"):
        run_start(s.olga, version)
    job_cancel(s.olga, run.job)
    run_start(s.olga, version)


def test_data_that_must_stay_is_not_sent_elsewhere_and_a_change_of_mind_stops_a_run() -> None:
    s = story()
    s.items(many(3))
    connection = scripted_connection(s, leaves=True)
    version = chat_version(s.olga, s.question, connection, model="m")
    with pytest.raises(NotAllowed, match="keeps its data on this machine"):
        run_start(s.olga, version)
    Project.objects.update(data_may_leave=True)
    run = run_start(s.olga, version)
    Project.objects.update(data_may_leave=False)
    with answering(by_words) as model:
        work(run)
    assert run.job.state == JobState.PAUSED
    assert model.asked == []


def test_a_question_replaced_meanwhile_ends_the_run_with_a_sentence() -> None:
    s = story()
    s.items(many(3))
    version = scripted_version(s)
    with answering(by_words):
        work(run_start(s.olga, version, selection={"strategy": "random", "limit": 1}))
        run = run_start(s.olga, version)
        question_revise(
            s.olga,
            s.question,
            QuestionDraft(
                "sentiment", "S", "single", (OptionDraft("a", "A"), OptionDraft("b", "B"))
            ),
        )
        with pytest.raises(Conflict, match="replaced"):
            work(run)
    job_cancel(s.olga, run.job)
    with pytest.raises(Conflict, match="replaced"):
        run_start(s.olga, version)


def test_an_item_withdrawn_meanwhile_is_a_failed_call_and_no_label() -> None:
    s = story()
    s.items(many(2))
    run = run_start(s.olga, scripted_version(s))
    Item.objects.filter(external_id="i1").update(status=ItemStatus.WITHDRAWN)
    with answering(by_words):
        work(run)
    call = calls_of(s)["i1"]
    assert (call.outcome, call.raw_reply) == ("failed", "B")
    assert "withdrawn" in call.error
    assert Label.objects.count() == 1


def test_a_claim_that_ran_out_is_asked_again_and_the_late_reply_is_dropped() -> None:
    s = story()
    s.items(["Lovely soup."])
    run = run_start(s.olga, scripted_version(s))
    late = calls_claim(run, most=5)
    assert calls_claim(run, most=5).calls == ()
    assert calls_expire(run) == 0
    Call.objects.update(lease_until=timezone.now())
    with answering(by_words):
        work(run)
    from judges.services.calls import Result
    from judges.services.storing import call_store

    stored = call_store(run, late.calls[0], late.token, Result(outcome=Outcome.LABEL, choice=1))
    assert stored.outcome == ""
    assert Label.objects.get().choice == 0
    assert Call.objects.get().attempts == 2

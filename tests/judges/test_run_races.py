"""Runs under kill -9 and with two workers at once: real processes and threads, a real database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from annotate.models import Job, JobState, Label, LabelStatus, Submission
from judges.models import Call, CallState, Outcome, Run
from judges.services.calls import Claim, Result, calls_claim
from judges.services.runs import run_start
from judges.services.storing import call_store
from tests.judges.judging import scripted_version
from tests.personas import story

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

AT_ONCE = 3
ANSWERED_BEFORE = 10

# A worker whose judge answers so many calls and then thinks for ever; it writes down each call.
WORKER = """
import re, sys, threading
import django
django.setup()
from judges.models import ProviderName
from judges.providers.scripted import ScriptedProvider
from judges.services import providers
from judges import tasks

job_id, log, answers = int(sys.argv[1]), open(sys.argv[2], "a", buffering=1), int(sys.argv[3])
lock = threading.Lock()

def script(request):
    global answers
    with lock:
        print(re.search(r"dish (\\d+)", request.user)[1], file=log)
        answers -= 1
        thinks = answers < 0
        if thinks:
            print("thinking", flush=True)  # under the lock: print writes a line in two pieces
    if thinks:
        threading.Event().wait()
    return "A"

providers.PROVIDERS[ProviderName.SCRIPTED] = lambda wanted: ScriptedProvider(script)
tasks.run(job_id)
print("left", flush=True)
"""


@contextmanager
def worker(
    env: dict[str, str], run: Run, log: Path, answers: int
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(run.job_id), str(log), str(answers)],
        env=env,
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            # One that thinks for ever must not keep a test that failed from ending.
            process.kill()


def test_kill_9_in_the_middle_loses_nothing_doubles_nothing_and_asks_again_what_was_in_flight(
    process_env: dict[str, str], tmp_path: Path
) -> None:
    s = story()
    s.items([f"dish {n}" for n in range(30)])
    version = scripted_version(s, concurrency=AT_ONCE)
    run = run_start(s.olga, version)
    log = tmp_path / "asked"

    with worker(process_env, run, log, ANSWERED_BEFORE) as first:
        assert first.stdout is not None
        for _call in range(AT_ONCE):
            assert first.stdout.readline() == "thinking\n"
        os.kill(first.pid, signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL

    states = Counter(Call.objects.values_list("state", flat=True))
    # In flight: what is asked, and what came back a moment ago and was about to be stored. What is
    # claimed beside it stood ready.
    in_flight = len(set(log.read_text().split())) - states["closed"]
    assert states["closed"] + in_flight == ANSWERED_BEFORE + AT_ONCE
    assert AT_ONCE <= in_flight <= states["claimed"]
    assert states["waiting"] == 30 - states["closed"] - states["claimed"] > 0
    assert Job.objects.get(pk=run.job_id).state == JobState.RUNNING
    # The minute passes after which a silent worker is taken for dead.
    Job.objects.update(lease_until=timezone.now())
    Call.objects.filter(state=CallState.CLAIMED).update(lease_until=timezone.now())

    with worker(process_env, run, log, 1000) as second:
        assert second.stdout is not None
        assert second.stdout.readline() == "left\n"
        assert second.wait() == 0

    assert Job.objects.get(pk=run.job_id).state == JobState.DONE
    assert set(Call.objects.values_list("state", "outcome")) == {("closed", "label")}
    live = Label.objects.filter(rater=version.rater, status=LabelStatus.LIVE)
    assert live.count() == live.values("item").distinct().count() == 30
    assert Label.objects.count() == Submission.objects.count() == 30
    asked = Counter(log.read_text().split())
    assert len(asked) == 30
    assert sorted(asked.values())[-in_flight:] == [2] * in_flight
    assert sum(asked.values()) == 30 + in_flight


def claim_without_guard(run: Run, meeting: threading.Barrier) -> Claim:
    """What one would write at first: look for waiting calls, then take those."""
    ids = list(
        Call.objects.filter(run=run, state=CallState.WAITING)
        .order_by("pk")
        .values_list("pk", flat=True)[:5]
    )
    meeting.wait(30)
    Call.objects.filter(pk__in=ids).update(
        state=CallState.CLAIMED, lease_token="x", lease_until=timezone.now()
    )
    return Claim("x", tuple(Call.objects.filter(pk__in=ids)))


def both_claim(run: Run, claim: Callable[[threading.Barrier], Claim], rounds: int) -> list[int]:
    """Two threads claim round after round; returns the ids of the calls each was given."""
    given: list[int] = []
    failed: list[BaseException] = []
    meeting = threading.Barrier(2)

    def work() -> None:
        try:
            for _round in range(rounds):
                meeting.wait(30)
                given.extend(call.pk for call in claim(meeting).calls)
        except BaseException as error:  # noqa: BLE001 (shown by the test)
            failed.append(error)
            meeting.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    return given


def test_two_workers_never_claim_the_same_call() -> None:
    s = story()
    s.items([f"dish {n}" for n in range(60)])
    run = run_start(s.olga, scripted_version(s))
    given = both_claim(run, lambda _meeting: calls_claim(run, most=3), rounds=12)
    assert len(set(given)) == len(given)
    # The next ones after those a rival holds: nothing is left lying.
    while claim := calls_claim(run, most=7).calls:
        given += [call.pk for call in claim]
    assert sorted(given) == sorted(Call.objects.values_list("pk", flat=True))


def test_without_the_guard_two_workers_do_claim_the_same_call() -> None:
    s = story()
    s.items([f"dish {n}" for n in range(10)])
    run = run_start(s.olga, scripted_version(s))
    given = both_claim(run, lambda meeting: claim_without_guard(run, meeting), rounds=1)
    assert len(given) == 2 * len(set(given)) == 10


def test_of_two_replies_to_one_call_one_is_stored() -> None:
    s = story()
    s.items(["dish 0"])
    run = run_start(s.olga, scripted_version(s))
    claim = calls_claim(run, most=1)
    run = Run.objects.select_related("version__rater__project", "version__guideline").get(pk=run.pk)
    stored: list[str] = []
    meeting = threading.Barrier(2)

    def store(choice: int) -> None:
        try:
            call = Call.objects.select_related("item__project").get(pk=claim.calls[0].pk)
            meeting.wait(30)
            result = Result(outcome=Outcome.LABEL, choice=choice)
            stored.append(call_store(run, call, claim.token, result).outcome)
        finally:
            connection.close()

    threads = [threading.Thread(target=store, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(stored) == ["", "label"]
    assert Label.objects.get().choice == Call.objects.get().choice

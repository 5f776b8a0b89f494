"""How many calls a connection gets at once (services/pace.py)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from annotate.models import JobState
from judges.models import Call, CallState, Connection, Pace
from judges.providers.base import ProviderError, Request
from judges.services import pace
from judges.services import run_work as run_work_module
from judges.services.calls import calls_claim
from judges.services.connections import connection_add, connection_edit
from judges.services.pace import grow, pace_of, room, slow_down
from judges.services.runs import run_start
from judges.services.versions import chat_version
from tests.judges.judging import answering, scripted_connection, scripted_version, work
from tests.personas import story

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_work_module, "WAKE_SECONDS", 0.05)
    monkeypatch.setattr(pace, "FIRST_BACKOFF_SECONDS", 0.01)


def limit_of(connection: Connection) -> int:
    return Pace.objects.get(connection=connection).limit


def test_it_is_halved_once_for_what_was_asked_before_and_never_below_one() -> None:
    s = story()
    connection = scripted_connection(s, concurrency=9)
    assert pace_of(connection).limit == 9
    asked_at = timezone.now()
    assert slow_down(connection, asked_at=asked_at, seconds=30)
    assert limit_of(connection) == 4
    # The others that were in flight then hear the same: it is no new word.
    assert not slow_down(connection, asked_at=asked_at, seconds=60)
    assert limit_of(connection) == 4
    assert room(connection).n == 0
    held = Pace.objects.get(connection=connection).hold_until
    assert held is not None
    assert timezone.now() + timedelta(seconds=50) < held
    # A shorter wait does not shorten a longer one.
    slow_down(connection, asked_at=asked_at, seconds=1)
    assert Pace.objects.get(connection=connection).hold_until == held
    for expected in (2, 1, 1):
        assert slow_down(connection, asked_at=timezone.now(), seconds=0)
        assert limit_of(connection) == expected


def test_it_grows_by_one_up_to_what_the_owner_set_and_follows_the_owner() -> None:
    s = story()
    connection = scripted_connection(s, concurrency=3)
    pace_of(connection)
    slow_down(connection, asked_at=timezone.now(), seconds=0)
    assert grow(connection, 1)
    assert not grow(connection, 1)
    assert grow(connection, 2)
    assert not grow(connection, 3)
    Connection.objects.update(concurrency=2)
    assert room(connection).limit == 2


def test_a_new_number_of_the_owner_is_tried_from_its_start() -> None:
    s = story()
    url = "http://localhost:9/v1"
    connection = connection_add(s.olga, s.project, name="Mine", base_url=url, concurrency=8)
    pace_of(connection)
    slow_down(connection, asked_at=timezone.now(), seconds=0)
    connection_edit(s.olga, connection, name="Mine", base_url=url, concurrency=8)
    assert limit_of(connection) == 4
    connection_edit(s.olga, connection, name="Mine", base_url=url, concurrency=6)
    assert limit_of(connection) == 6


def test_two_runs_share_what_their_connection_gets() -> None:
    s = story()
    s.items([f"dish {n}" for n in range(20)])
    connection = scripted_connection(s, concurrency=5)
    runs = [
        run_start(s.olga, chat_version(s.olga, s.question, connection, model=model))
        for model in ("one", "two")
    ]
    pace_of(connection)
    assert len(calls_claim(runs[0], most=3, paced=True).calls) == 3
    assert len(calls_claim(runs[1], most=5, paced=True).calls) == 2
    full = calls_claim(runs[0], most=5, paced=True)
    assert full.calls == ()
    assert full.room is not None
    assert full.room.n == 0
    # What a dead worker held does not count once its lease is over.
    Call.objects.filter(run=runs[0], state=CallState.CLAIMED).update(lease_until=timezone.now())
    assert len(calls_claim(runs[1], most=5, paced=True).calls) == 3


def test_a_run_told_to_slow_down_asks_fewer_at_once_and_then_more_again() -> None:
    s = story()
    s.items([f"Lovely dish {n}" for n in range(60)])
    version = scripted_version(s, concurrency=8)
    lock, told = threading.Lock(), threading.Event()

    def script(request: Request) -> str | ProviderError:
        with lock:
            first = not told.is_set()
            told.set()
        return ProviderError("rate_limited", "Slow down.", 0.05) if first else "A"

    with answering(script):
        run = work(run_start(s.olga, version))
    assert run.job.state == JobState.DONE
    assert run.job.result == {"label": 60}
    # Halved to 4, and grown since by one for each as many answers.
    assert 5 <= limit_of(version.connection) <= 8


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_workers_never_have_more_in_flight_than_the_connection_gets() -> None:
    s = story()
    s.items([f"dish {n}" for n in range(40)])
    connection = scripted_connection(s, concurrency=7)
    runs = [
        run_start(s.olga, chat_version(s.olga, s.question, connection, model=model))
        for model in ("one", "two", "three")
    ]
    pace_of(connection)
    failed: list[BaseException] = []
    meeting = threading.Barrier(3)

    def claim(n: int) -> None:
        try:
            for _round in range(4):
                meeting.wait(30)
                calls_claim(runs[n], most=2, paced=True)
        except BaseException as error:  # noqa: BLE001 (shown by the test)
            failed.append(error)
            meeting.abort()
        finally:
            database.close()

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert Call.objects.filter(state=CallState.CLAIMED).count() == 7

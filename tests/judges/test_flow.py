"""Pieces in threads, each followed by the next of its lane: services/flow.py."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest

from judges.models import Outcome
from judges.providers.base import ProviderError
from judges.services.asking import Answered, Piece
from judges.services.calls import Result
from judges.services.flow import CameBack, Flow
from judges.services.lanes import Lane

PATIENCE = 20.0
LABEL = Result(outcome=Outcome.LABEL)
NONSENSE = Result(outcome=Outcome.UNPARSEABLE)


class Endpoint:
    """Answers a call when it is told to; counts what it is asked at once."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.changed = threading.Condition()
        self.answers: dict[int, Answered | Exception] = {}

    def work(self, number: int) -> Callable[[], list[Answered]]:
        def ask() -> list[Answered]:
            with self.changed:
                self.asked.append(number)
                self.changed.notify_all()
                self.changed.wait_for(lambda: number in self.answers, PATIENCE)
                answer = self.answers[number]
            if isinstance(answer, Exception) and not isinstance(answer, ProviderError):
                raise answer
            return [answer]

        return ask

    def answer(self, number: int, answer: Answered | Exception = LABEL) -> None:
        with self.changed:
            self.answers[number] = answer
            self.changed.notify_all()

    def wait_for(self, *numbers: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.asked == list(numbers), PATIENCE), self.asked


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def lane_of(width: int, admitted: int) -> Lane:
    lane = Lane.__new__(Lane)
    vars(lane).update(
        asker=SimpleNamespace(width=width, chunk=1),
        paced=True,
        under_way=0,
        ready=0,
        unstored=0,
        shut=False,
        admitted=admitted,
        workers=1,
        _hold_until=None,
    )
    return lane


def piece(number: int) -> Piece:
    return Piece("token", cast("Any", (number,)))


def numbers(came: list[CameBack]) -> list[int]:
    return sorted(cast("int", back.piece.calls[0]) for back in came)


def test_an_answer_is_followed_by_the_next_without_the_loop(pool: ThreadPoolExecutor) -> None:
    flow, endpoint, lane = Flow(pool), Endpoint(), lane_of(2, 2)
    for number in range(4):
        flow.add(lane, piece(number), endpoint.work(number))
    endpoint.wait_for(0, 1)
    assert flow.standing(lane) == (2, 2)
    endpoint.answer(0)
    endpoint.wait_for(0, 1, 2)
    endpoint.answer(1)
    endpoint.wait_for(0, 1, 2, 3)
    # Two came and are still claimed.
    assert flow.standing(lane) == (2, 2)
    came = flow.came(PATIENCE)
    assert numbers(came) == [0, 1]
    flow.stored(came)
    assert flow.standing(lane) == (2, 0)
    for number in (2, 3):
        endpoint.answer(number)


@pytest.mark.parametrize(
    "answer", [NONSENSE, ProviderError("rate_limited", "Slow down."), ValueError("ours")]
)
def test_what_is_no_label_stops_its_lane_until_the_loop_has_looked(
    pool: ThreadPoolExecutor, answer: Any
) -> None:
    flow, endpoint, lane = Flow(pool), Endpoint(), lane_of(1, 1)
    for number in range(3):
        flow.add(lane, piece(number), endpoint.work(number))
        endpoint.wait_for(0)
    endpoint.answer(0, answer)
    (back,) = flow.came(PATIENCE)
    assert back.answers in ([answer], answer)
    # Neither room nor another piece opens it again.
    flow.begin(lane)
    assert (endpoint.asked, lane.ready, lane.wanted) == ([0], 2, 0)
    flow.go_on(lane)
    endpoint.wait_for(0, 1)
    assert [p.calls for p in flow.take_back(lane)] == [(2,)]
    endpoint.answer(1)
    assert numbers(flow.came(PATIENCE)) == [1]
    assert not flow.busy


def test_no_more_are_asked_than_the_connection_admits(pool: ThreadPoolExecutor) -> None:
    flow, endpoint, lane = Flow(pool), Endpoint(), lane_of(4, 1)
    for number in range(3):
        flow.add(lane, piece(number), endpoint.work(number))
    endpoint.wait_for(0)
    lane.admitted = 2
    flow.begin(lane)
    endpoint.wait_for(0, 1)
    # It admits fewer: one goes, and none follows.
    lane.admitted = 1
    endpoint.answer(0)
    assert numbers(flow.came(PATIENCE)) == [0]
    assert (endpoint.asked, lane.under_way, lane.ready) == ([0, 1], 1, 1)
    endpoint.answer(1)
    endpoint.wait_for(0, 1, 2)
    endpoint.answer(2)


def test_once_stopped_nothing_begins_and_what_is_asked_comes_back(pool: ThreadPoolExecutor) -> None:
    flow, endpoint, lane = Flow(pool), Endpoint(), lane_of(1, 1)
    for number in range(2):
        flow.add(lane, piece(number), endpoint.work(number))
    endpoint.wait_for(0)
    assert [p.calls for p in flow.held()] == [(0,), (1,)]
    flow.stop()
    endpoint.answer(0)
    assert numbers(flow.came(PATIENCE)) == [0]
    flow.go_on(lane)
    assert endpoint.asked == [0]
    assert [p.calls for p in flow.take_back(lane)] == [(1,)]

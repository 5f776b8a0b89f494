"""Pieces of work in threads, each followed by the next of its lane at once.

The loop of a run is at the database for much of the time: it claims and stores. So that the
endpoint need not wait for it, pieces that are claimed already stand ready, and the thread that has
an answer begins with the next of them, as long as what came speaks for asking on. Whatever else
came stops its lane until the loop has looked at it.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

from django.utils import timezone

from judges.models import Outcome
from judges.services.asking import Answered, Piece
from judges.services.lanes import Lane

# What came is stored many at a time, but not later than this.
GATHERED_SECONDS = 0.1

Work: TypeAlias = Callable[[], list[Answered]]


@dataclass(frozen=True)
class CameBack:
    """A piece with its answers, or with the exception that its work raised."""

    lane: Lane
    piece: Piece
    answers: list[Answered] | Exception


class Flow:
    """Shared by the loop's thread, which adds and takes, and by the threads that ask."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._changed = threading.Condition()
        self._ready: dict[Lane, deque[tuple[Piece, Work]]] = defaultdict(deque)
        self._asked: dict[int, Piece] = {}  # by identity
        self._stopped = False
        self._came: list[CameBack] = []
        self._first_came = 0.0

    @property
    def busy(self) -> bool:
        """Whether anything is asked, or came and was not taken."""
        with self._changed:
            return bool(self._asked or self._came)

    def held(self) -> list[Piece]:
        """What is asked, and what stands ready: their claims must be kept."""
        with self._changed:
            ready = [piece for pieces in self._ready.values() for piece, _work in pieces]
            return [*self._asked.values(), *ready]

    def standing(self, lane: Lane) -> tuple[int, int]:
        """Pieces of a lane that are asked, and its calls that are claimed but not asked: those that
        stand ready, and those that came and are not stored.
        """
        with self._changed:
            return lane.under_way, lane.ready + lane.unstored

    def add(self, lane: Lane, piece: Piece, work: Work) -> None:
        """Ask this now where its lane has room for it, else as soon as it has."""
        with self._changed:
            self._ready[lane].append((piece, work))
            lane.ready += len(piece.calls)
            self._begin(lane)

    def begin(self, lane: Lane) -> None:
        """Ask what stands ready, as far as there is room by now."""
        with self._changed:
            self._begin(lane)

    def go_on(self, lane: Lane) -> None:
        """Ask on in a lane: the loop has looked at what came."""
        with self._changed:
            # But for what came since.
            lane.shut = any(b.lane is lane and not _all_labels(b.answers) for b in self._came)
            self._begin(lane)

    def take_back(self, lane: Lane) -> list[Piece]:
        """What stands ready in a lane and was not asked; it is not asked any more."""
        with self._changed:
            pieces = [piece for piece, _work in self._ready.pop(lane, ())]
            lane.ready = 0
            return pieces

    def stored(self, came: list[CameBack]) -> None:
        """What came is stored, or put back: its calls are not claimed any more."""
        with self._changed:
            for back in came:
                back.lane.unstored -= len(back.piece.calls)

    def stop(self) -> None:
        """Begin nothing more. What is asked comes back all the same."""
        with self._changed:
            self._stopped = True

    def came(self, seconds: float) -> list[CameBack]:
        """What came: several together, or what there is after a tenth of a second; nothing where
        nothing comes within ``seconds``.
        """
        until = time.monotonic() + seconds
        with self._changed:
            while not self._enough():
                left = self._wait_until(until) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            came, self._came = self._came, []
            return came

    def _enough(self) -> bool:
        return bool(self._came) and 4 * len(self._came) >= len(self._asked)

    def _wait_until(self, until: float) -> float:
        return self._first_came + GATHERED_SECONDS if self._came else until

    # --- With the lock held, or in the threads that ask -------------------------------------------

    def _begin(self, lane: Lane) -> None:
        while (taken := self._take(lane)) is not None:
            self._pool.submit(self._ask_on, lane, *taken)

    def _take(self, lane: Lane) -> tuple[Piece, Work] | None:
        """The next that may be asked now."""
        pieces = self._ready.get(lane)
        if self._stopped or not pieces or not lane.may_ask:
            return None
        piece, work = pieces.popleft()
        piece.asked_at = timezone.now()
        lane.ready -= len(piece.calls)
        lane.under_way += 1
        self._asked[id(piece)] = piece
        return piece, work

    def _ask_on(self, lane: Lane, piece: Piece, work: Work) -> None:
        taken: tuple[Piece, Work] | None = (piece, work)
        while taken is not None:
            piece, work = taken
            answers: list[Answered] | Exception
            try:
                answers = work()
            except Exception as error:  # noqa: BLE001 (the loop's thread looks at it)
                answers = error
            with self._changed:
                self._came_back(CameBack(lane, piece, answers))
                taken = self._take(lane)

    def _came_back(self, back: CameBack) -> None:
        del self._asked[id(back.piece)]
        back.lane.under_way -= 1
        back.lane.unstored += len(back.piece.calls)
        back.lane.shut |= not _all_labels(back.answers)
        if not self._came:
            self._first_came = time.monotonic()
        self._came.append(back)
        if self._enough() or len(self._came) == 1:
            self._changed.notify()


def _all_labels(answers: list[Answered] | Exception) -> bool:
    """Nothing that came speaks against asking on before it is looked at."""
    if isinstance(answers, Exception):
        return False
    return all(getattr(answer, "outcome", "") == Outcome.LABEL for answer in answers)

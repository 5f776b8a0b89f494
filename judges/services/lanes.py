"""Who is asked in a run: a lane for the judge, or one for each member of a panel.

A lane knows its connection's pace and how its judge has been doing; what a run does with it is
services/run_work.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from judges.models import JudgeVersion, Run
from judges.selectors.panels import is_panel, panel_of
from judges.services import pace
from judges.services.askers import asker_of
from judges.services.asking import Asker
from judges.services.reusing import reuses


class Lane:
    """One judge that is asked in a run. ``member`` is None for the run's own version."""

    def __init__(self, run: Run, member: JudgeVersion | None = None) -> None:
        self.member = member
        self.version = member or run.version
        self.connection = self.version.connection
        self.asker: Asker = asker_of(run, self.version)
        # The classifier answers many calls at once here: nobody tells it to slow down.
        self.paced = self.asker.chunk == 1
        self.reuses = reuses(run, self.version)
        self.under_way = 0  # pieces
        self.ready = 0  # calls that are claimed and asked as soon as there is room
        self.unstored = 0  # calls that came back and are still claimed
        self.shut = False  # until the loop has looked at what came
        self.admitted = 0  # pieces that the connection admits at once, to this worker
        self.workers = 1  # at the run: each takes its share of the width
        self.limit = 0  # calls that the connection gets at once, as last seen
        self.crowded = False  # whether others have all of them
        self.labelled = False  # whether a call of this worker's has brought a label
        self.failed_in_a_row = 0
        self.limited_in_a_row = 0
        self.nonsense_in_a_row = 0
        self._answered_at_limit = 0
        self._hold_until: datetime | None = None

    @property
    def share(self) -> int:
        """Pieces that this worker asks at once at most."""
        return -(-self.asker.width // self.workers)

    @property
    def room(self) -> int:
        """Calls that may be asked beside those under way."""
        return max(0, self.share - self.under_way) * self.asker.chunk

    @property
    def ahead(self) -> int:
        """Calls that are kept ready, so that no answer has to wait for the next claim. None of a
        judge that answers many at once: it takes longer than a claim.
        """
        return -(-self.share // 2) if self.paced else 0

    @property
    def wanted(self) -> int:
        """Calls to claim now, those to be kept ready among them. 0 while enough stand ready and all
        that may be asked are, and while it is shut.
        """
        waits = self.under_way < self.share and not self.may_ask
        if self.shut:
            return 0
        if 2 * self.ready >= max(1, self.ahead) and not waits:
            return 0
        return max(0, self.room + self.ahead - self.ready)

    @property
    def may_ask(self) -> bool:
        """Whether one piece more may be asked now."""
        most = min(self.share, self.admitted) if self.paced else self.share
        return self.under_way < most and not self.shut and not self.held_seconds

    @property
    def held_seconds(self) -> float:
        """Until the endpoint may be asked again, as it wished."""
        if self._hold_until is None:
            return 0.0
        return max(0.0, (self._hold_until - timezone.now()).total_seconds())

    def named(self, message: str) -> str:
        """A sentence of its judge, which in a panel says whose."""
        return message if self.member is None else f"{self.member}: {message}"

    def heed(self, room: pace.Room | None, under_way: int = 0) -> None:
        """What the connection admits at once, to all its workers together, beside the pieces of
        ours that were under way when it was asked.
        """
        if room is None:
            return
        self.crowded = room.n <= 0
        self.admitted = max(0, under_way + room.n)
        self.limit = room.limit
        if room.held_until is not None:
            self._hold_until = max(room.held_until, self._hold_until or room.held_until)

    def grow(self) -> None:
        """After as many answers as are admitted at once, one more."""
        self._answered_at_limit += 1
        if self.paced and self._answered_at_limit >= self.limit > 0:
            self._answered_at_limit = 0
            if self.limit < self.asker.width:
                pace.grow(self.connection, self.limit)

    def slow_down(self, *, asked_at: datetime, seconds: float) -> None:
        """The endpoint was asked too much: nothing for so many seconds, then half as much."""
        self._hold_until = timezone.now() + timedelta(seconds=seconds)
        if self.paced:
            pace.slow_down(self.connection, asked_at=asked_at, seconds=seconds)
            self._answered_at_limit = 0

    def answered(self) -> None:
        """A call of it was answered and stored."""
        self.failed_in_a_row = 0
        self.limited_in_a_row = 0


def lanes_of(run: Run) -> list[Lane]:
    """The lanes of a run, in the order in which a panel asks its members."""
    if is_panel(run.version):
        return [Lane(run, member) for member in panel_of(run.version).members]
    return [Lane(run)]

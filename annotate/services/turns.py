"""Taking turns at writing, where the database has one writer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_turn = threading.RLock()


@contextmanager
def write_turn() -> Iterator[None]:
    """Let the threads of this process write one after the other on SQLite; elsewhere do nothing.

    SQLite itself lets a writer that finds the database taken sleep and look again, each time for
    longer: of eight that write at once some then wait for seconds. What other processes write is
    still left to that. Take the turn before a transaction begins; taking it twice does no harm.
    """
    if connection.vendor != "sqlite":
        yield
        return
    with _turn:
        yield

"""Workers that do something at the same moment, in threads with connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection


def at_once(*works: Callable[[threading.Barrier], object]) -> None:
    """Do all of it side by side; each gets the barrier at which they can meet. None may fail."""
    failed: list[BaseException] = []
    meeting = threading.Barrier(len(works))

    def do(work: Callable[[threading.Barrier], object]) -> None:
        try:
            work(meeting)
        except BaseException as error:  # noqa: BLE001 (shown by the test)
            failed.append(error)
            meeting.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed

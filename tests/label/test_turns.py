"""Writers of one process take turns where the database has one writer: services/turns.py."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from annotate.services import turns


@pytest.mark.django_db
def test_a_second_thread_waits_on_sqlite_and_on_nothing_else() -> None:
    def could_take() -> bool:
        taken = turns._turn.acquire(blocking=False)
        if taken:
            turns._turn.release()
        return taken

    with ThreadPoolExecutor(1) as other:
        with turns.write_turn(), turns.write_turn():
            assert other.submit(could_take).result() is (connection.vendor != "sqlite")
        assert other.submit(could_take).result()


@pytest.mark.django_db
def test_the_turn_is_given_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), turns.write_turn():
        raise ZeroDivisionError
    with ThreadPoolExecutor(1) as other:
        assert other.submit(turns._turn.acquire, blocking=False).result()
        other.submit(turns._turn.release).result()

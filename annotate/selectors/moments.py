"""Reading what belongs together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_moment() -> Iterator[bool]:
    """Everything read inside is of one moment, and no writer waits for it.

    Inside somebody's transaction that cannot be promised: PostgreSQL shows each statement what is
    there by then. Yields whether it holds.
    """
    if connection.in_atomic_block:
        yield connection.vendor == "sqlite"
    elif connection.vendor == "sqlite":
        # Not atomic(): that would take the lock that writers need.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield True
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield True

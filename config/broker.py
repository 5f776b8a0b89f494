"""The queue in a folder, for one machine with nothing installed: kombu's, with whole messages.

Kombu's filesystem transport opens a message under its final name and then writes it, so that a
worker that looks in between takes an empty file, loses the message and stops. It also takes
messages by moving them to the system's folder for temporary files, which may be another disk. Here
a message appears complete, by one rename, and is taken by one rename inside its own folder; the
table of queues is replaced, never rewritten. Several processes may put and take at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem, virtual
from kombu.utils.json import dumps, loads

HIDDEN = "."  # a name that starts with it belongs to no queue


def _write_whole(path: Path, content: str) -> None:
    """Make `path` appear with all its content, or not at all."""
    part = path.with_name(f"{HIDDEN}{uuid.uuid4()}.part")
    try:
        part.write_text(content, encoding="utf-8")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class Channel(filesystem.Channel):
    def _put(  # type: ignore[override]  # the stubs of kombu's two classes disagree
        self, queue: str, payload: Any, **kwargs: Any
    ) -> None:
        # Taken in the order of their names. Nanoseconds since 1970 keep the order over a restart of
        # the machine, which the monotonic clock does not.
        name = f"{time.time_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, dumps(payload))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = Path(self.data_folder_in)
        wanted = f"{queue}.msg"
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 (names only: this is polled)
            if name.startswith(HIDDEN) or name.partition(".")[2] != wanted:
                continue
            taken = folder / f"{HIDDEN}{uuid.uuid4()}.taken"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:  # another worker was faster
                continue
            payload = taken.read_text(encoding="utf-8")
            taken.unlink()
            return loads(payload)
        raise Empty

    # --- The table of queues: exchange -> [(routing key, pattern, queue)] -----------------------

    def _queue_bind(
        self, exchange: str, routing_key: str | None, pattern: str | None, queue: str
    ) -> None:
        row = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._table_held():
            rows = self.get_table(exchange)
            if row not in rows:
                _write_whole(self._table_of(exchange), dumps([row, *rows]))

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any
    ) -> None:
        virtual.Channel._delete(self, queue, exchange, routing_key, pattern, *args, **kwargs)
        row = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._table_held():
            rows = self.get_table(exchange)
            if row in rows:
                rest = [other for other in rows if other != row]
                _write_whole(self._table_of(exchange), dumps(rest))

    def _table_of(self, exchange: str) -> Path:
        # Kombu's own, which refuses names that lead elsewhere; its type stubs do not know it.
        return Path(self._exchange_file(exchange))  # type: ignore[attr-defined]

    @contextlib.contextmanager
    def _table_held(self) -> Iterator[None]:
        self.control_folder.mkdir(parents=True, exist_ok=True)
        with (self.control_folder / f"{HIDDEN}lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    Channel = Channel
    # State of its own: kombu's may hold connections of other folders.
    global_state = virtual.BrokerState()

    @property
    def default_connection_params(self) -> dict[str, Any]:
        """No host: without this kombu warns at every start that it falls back to localhost."""
        return {"port": self.default_port}

"""The queue in a folder: whole messages, each taken once, in order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

from config.broker import Transport

ROOT = Path(__file__).resolve().parents[2]
MESSAGES_EACH = 150

PUT_AND_TAKE = """
import sys
from queue import Empty
from tests.broker.test_broker import open_connection
from pathlib import Path
role, folder, name, count = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
with open_connection(folder) as connection, connection.SimpleQueue("jobs") as jobs:
    if role == "put":
        for number in range(count):
            jobs.put(f"{name}-{number}-" + "x" * 5000)
    else:
        while True:
            try:
                message = jobs.get(timeout=3)
            except Empty:
                break
            message.ack()
            print(message.payload.rstrip("x"), flush=True)
"""


def open_connection(folder: Path) -> Connection:
    return Connection(
        "filesystem://",
        transport="config.broker:Transport",
        transport_options={
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
            "polling_interval": 0.01,
        },
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "messages").mkdir()
    (tmp_path / "control").mkdir()
    # A process remembers the queues it made; each test has a folder without them.
    Transport.global_state.clear()
    return tmp_path


@pytest.fixture
def connection(folder: Path) -> Iterator[Connection]:
    with open_connection(folder) as connection:
        yield connection


def test_messages_come_out_in_the_order_they_went_in(connection: Connection) -> None:
    with connection.SimpleQueue("jobs") as jobs:
        for number in range(20):
            jobs.put({"number": number})
        taken = [jobs.get_nowait() for _ in range(20)]
        for message in taken:
            message.ack()

        assert [message.payload["number"] for message in taken] == list(range(20))
        with pytest.raises(Empty):
            jobs.get_nowait()


def test_a_queue_takes_only_its_own_messages(connection: Connection) -> None:
    with connection.SimpleQueue("jobs") as jobs, connection.SimpleQueue("other") as other:
        other.put("for the other")
        with pytest.raises(Empty):
            jobs.get_nowait()
        assert other.get_nowait().payload == "for the other"


def test_a_message_that_was_cut_off_while_written_is_seen_by_nobody(
    connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.SimpleQueue("jobs") as jobs:
        jobs.put("whole")
        with monkeypatch.context() as patch:

            def full_disk(*_: object) -> None:
                raise OSError(28, "No space left on device")

            patch.setattr(Path, "replace", full_disk)
            with pytest.raises(OSError, match="No space left"):
                jobs.put("cut off", retry=False)

        assert jobs.get_nowait().payload == "whole"
        with pytest.raises(Empty):
            jobs.get_nowait()
        assert list((folder / "messages").iterdir()) == []


@pytest.mark.race
def test_processes_that_put_and_take_at_once_lose_and_double_nothing(folder: Path) -> None:
    def start(role: str, name: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", PUT_AND_TAKE, role, str(folder), name, str(MESSAGES_EACH)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    processes = [start("take", "x"), start("take", "y"), start("put", "a"), start("put", "b")]
    ended = [process.communicate(timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0] * 4, ended
    taken = [line for out, _ in ended for line in out.split()]
    put = [f"{name}-{number}-" for name in ("a", "b") for number in range(MESSAGES_EACH)]
    assert sorted(taken) == sorted(put)

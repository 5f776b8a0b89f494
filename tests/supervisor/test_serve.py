"""manage.py serve as a person starts it: the address answers, nothing dies or stays for good."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 120
CELERY_WORKER = re.compile(r"-m\0celery\0.*\0worker\0")


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def environment(folder: Path, static: Path) -> dict[str, str]:
    """As on a machine with nothing installed: SQLite, the file-backed queue, an own folder."""
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "CELERY_BROKER_URL"}}
    return {**kept, "DATA_DIR": str(folder), "STATIC_ROOT": str(static), "PYTHONUNBUFFERED": "1"}


def manage(folder: Path, static: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment(folder, static),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Served:
    """A running `manage.py serve`, and what it has said."""

    def __init__(self, folder: Path, static: Path) -> None:
        self.folder = folder
        self.static = static
        self.port = free_port()
        self.process = manage(folder, static, "serve", "--port", str(self.port))
        self.said: list[str] = []

    def wait_for(self, words: str) -> str:
        assert self.process.stdout is not None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            line = self.process.stdout.readline()
            if not line and self.process.poll() is not None:
                break
            self.said.append(line.rstrip())
            if words in line:
                return line.rstrip()
        pytest.fail(f"never said {words!r}: {self.said}")

    def descendants(self) -> dict[int, str]:
        """Process id and command line of what it started, and of what they started (Linux)."""
        found: dict[int, str] = {}
        unseen = [self.process.pid]
        while unseen:
            for task in Path(f"/proc/{unseen.pop()}/task").iterdir():
                for pid in map(int, (task / "children").read_text().split()):
                    found[pid] = Path(f"/proc/{pid}/cmdline").read_text()
                    unseen.append(pid)
        return found

    def worker(self) -> int:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for pid, command in self.descendants().items():
                if CELERY_WORKER.search(command):
                    return pid
        pytest.fail("no worker runs")


def gone(pidfds: list[int]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    waiting = set(pidfds)
    while waiting and time.monotonic() < deadline:
        ended, _, _ = select.select(list(waiting), [], [], 1)
        waiting -= set(ended)
    for pidfd in pidfds:
        os.close(pidfd)
    return not waiting


@contextlib.contextmanager
def serving(folder: Path, static: Path) -> Iterator[Served]:
    served = Served(folder, static)
    try:
        served.wait_for("Ctrl-C stops it.")
        yield served
    finally:
        if served.process.poll() is None:
            served.process.terminate()
        served.process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data folder with an empty database, and the collected static files."""
    folder = tmp_path_factory.mktemp("prepared")
    static = tmp_path_factory.mktemp("static")
    prepare = manage(folder, static, "prepare")
    said, _ = prepare.communicate(timeout=PATIENCE_SECONDS)
    assert prepare.returncode == 0, said
    return folder, static


@pytest.fixture(scope="module")
def served(prepared: tuple[Path, Path]) -> Iterator[Served]:
    with serving(*prepared) as served:
        yield served


def test_it_prints_an_address_that_shows_the_log_in(served: Served) -> None:
    address = next(line.split()[-1] for line in served.said if "Concord is at" in line)

    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 (our own address)
        page = answer.read().decode()

    assert answer.status == 200
    assert 'name="password"' in page
    styles = re.search(r'href="(/static/css/app\.[0-9a-f]+\.css)"', page)
    assert styles, "static files are collected under hashed names"
    with urllib.request.urlopen(address + styles.group(1).lstrip("/")) as answer:  # noqa: S310
        assert answer.status == 200


def test_without_anybody_it_says_how_the_first_owner_is_made(served: Served) -> None:
    assert any("manage.py createowner" in line for line in served.said)


def test_a_killed_worker_is_back_and_a_line_says_so(served: Served) -> None:
    first = served.worker()
    os.kill(first, signal.SIGKILL)

    served.wait_for("worker | was killed by SIGKILL; starting it again in")

    assert served.worker() != first


def test_a_port_in_use_is_said_and_another_one_named(served: Served, tmp_path: Path) -> None:
    second = manage(tmp_path, served.static, "serve", "--port", str(served.port))
    said, _ = second.communicate(timeout=PATIENCE_SECONDS)

    assert f"Cannot listen on 127.0.0.1, port {served.port}: Address already in use." in said
    assert f"bin/run --port {served.port + 1}" in said
    assert "Traceback" not in said


def test_a_second_one_on_the_same_data_is_refused(served: Served) -> None:
    second = manage(served.folder, served.static, "serve", "--port", str(free_port()))
    said, _ = second.communicate(timeout=PATIENCE_SECONDS)

    assert second.returncode == 1
    assert "already running on the data folder" in said


def test_what_it_keeps_is_for_its_owner_only(served: Served) -> None:
    assert (served.folder / "secret_key").stat().st_mode & 0o077 == 0
    assert (served.folder / "serve.lock").stat().st_mode & 0o077 == 0


def test_preparing_again_does_nothing(served: Served) -> None:
    again = manage(served.folder, served.static, "prepare")
    said, _ = again.communicate(timeout=PATIENCE_SECONDS)

    assert (again.returncode, said) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_whichever_way_it_ends_no_process_is_left(
    prepared: tuple[Path, Path], tmp_path: Path, number: signal.Signals
) -> None:
    folder, static = prepared
    shutil.copy(folder / "concord.sqlite3", tmp_path)
    with serving(tmp_path, static) as served:
        served.worker()
        pidfds = [os.pidfd_open(pid) for pid in served.descendants()]
        assert len(pidfds) >= 3  # worker, web server, and the web server's own process

        served.process.send_signal(number)

        assert served.process.wait(PATIENCE_SECONDS) == (0 if number == signal.SIGINT else -number)
        assert gone(pidfds)
        with socket.socket() as trial:
            trial.settimeout(5)
            assert trial.connect_ex(("127.0.0.1", served.port)) != 0

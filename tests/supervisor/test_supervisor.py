"""The supervisor with real programs: each test starts it in a process of its own."""

from __future__ import annotations

import json
import os
import queue
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.supervisor import ending_of, restart_delay

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 20

SUPERVISE = """
import json, sys
from pathlib import Path
from config.supervisor import Probe, Program, Supervisor
plan = json.loads(sys.argv[1])
probe = Probe("127.0.0.1", plan["port"], "localhost") if plan["port"] else None
sys.exit(Supervisor(
    [Program(**program) for program in plan["programs"]],
    folder=Path.cwd(), probe=probe, grace=plan["grace"],
    write=lambda text: print(text, flush=True), on_ready=lambda: print("READY", flush=True),
).run())
"""

# Says its process id, then waits for a signal.
WAITER = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: (print("told to stop", flush=True), os._exit(0)))
print("pid", os.getpid(), flush=True)
while True: signal.pause()
"""
DEAF = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pid", os.getpid(), flush=True)
while True: signal.pause()
"""
# Says its own process id and that of a child of its own.
PARENT = """
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("pid", os.getpid(), "child", child.pid, flush=True)
signal.pause()
"""


class Running:
    """A supervisor process and what it has said."""

    def __init__(
        self, programs: dict[str, str], *, port: int = 0, grace: float = 10, waits: str = ""
    ) -> None:
        plan = {
            "port": port,
            "grace": grace,
            "programs": [
                {"name": name, "argv": [sys.executable, "-c", code], "waits": name == waits}
                for name, code in programs.items()
            ],
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISE, json.dumps(plan)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            # Names are padded to one width; what is compared here is not.
            self._lines.put(re.sub(r" +\|", " |", line.rstrip("\n"), count=1))

    def wait_for(self, words: str) -> str:
        """Take the first line not taken yet that has `words` in it; fails when none comes."""
        for line in self.said:
            if words in line:
                self.said.remove(line)
                return line
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE_SECONDS)
            except queue.Empty:
                pytest.fail(f"never said {words!r}; said: {self.said}")
            if words in line:
                return line
            self.said.append(line)

    def pid(self, name: str) -> int:
        return int(self.wait_for(f"{name} | pid ").split()[3])


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Running] = []

    def begin(programs: dict[str, str], **options: object) -> Running:
        started.append(Running(programs, **options))
        return started[-1]

    yield begin
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait(PATIENCE_SECONDS)
        if running.process.stdout is not None:
            running.process.stdout.close()


def handle_on(pid: int) -> int:
    return os.pidfd_open(pid)


def wait_until_gone(pidfd: int) -> None:
    """Wait until the process behind the handle has ended, however it was re-parented."""
    ended, _, _ = select.select([pidfd], [], [], PATIENCE_SECONDS)
    os.close(pidfd)
    assert ended, "the process is still running"


def test_a_program_killed_from_outside_is_started_again_and_a_line_says_so(start: Start) -> None:
    running = start({"worker": WAITER})
    first = running.pid("worker")
    os.kill(first, signal.SIGKILL)

    said = running.wait_for("worker | was killed by SIGKILL")
    assert said == "worker | was killed by SIGKILL; starting it again in 1 s"
    assert running.pid("worker") != first


def test_a_program_that_keeps_failing_is_tried_less_and_less_often(start: Start) -> None:
    running = start({"web": "raise SystemExit(3)"})

    running.wait_for("web | ended with exit code 3; starting it again in 1 s")
    running.wait_for("web | ended with exit code 3; starting it again in 2 s")
    assert [restart_delay(failures) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_program_that_cannot_be_started_does_not_end_the_others(start: Start) -> None:
    running = start({"web": WAITER, "llm": "import a_module_that_is_not_there"})

    running.pid("web")
    running.wait_for("llm | ModuleNotFoundError")
    running.wait_for("llm | ended with exit code 1")
    running.process.terminate()
    running.wait_for("web | told to stop")
    assert running.process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_every_program_in_good_order(start: Start, number: signal.Signals) -> None:
    running = start({"web": WAITER, "worker": WAITER})
    handles = [handle_on(running.pid("web")), handle_on(running.pid("worker"))]

    running.process.send_signal(number)
    running.wait_for("told to stop")
    running.wait_for("told to stop")

    assert running.process.wait(PATIENCE_SECONDS) == 0
    for handle in handles:
        wait_until_gone(handle)


def test_a_program_that_does_not_heed_is_killed_when_its_time_is_up(start: Start) -> None:
    running = start({"worker": DEAF}, grace=0.3)
    handle = handle_on(running.pid("worker"))

    running.process.terminate()

    running.wait_for("worker | did not stop in time; killing it")
    wait_until_gone(handle)
    assert running.process.wait(PATIENCE_SECONDS) == 0


def test_a_second_signal_does_not_wait(start: Start) -> None:
    running = start({"worker": DEAF}, grace=600)
    handle = handle_on(running.pid("worker"))

    running.process.send_signal(signal.SIGINT)
    running.wait_for("Stopping (SIGINT)")
    running.process.send_signal(signal.SIGINT)

    wait_until_gone(handle)
    assert running.process.wait(PATIENCE_SECONDS) == 0


def test_a_killed_supervisor_leaves_no_program_behind(start: Start) -> None:
    running = start({"worker": DEAF})
    handle = handle_on(running.pid("worker"))

    running.process.kill()

    wait_until_gone(handle)


def test_what_a_dead_program_leaves_behind_is_killed(start: Start) -> None:
    running = start({"web": PARENT})
    words = running.wait_for("web | pid").split()
    program, its_child = int(words[3]), int(words[5])
    handle = handle_on(its_child)

    os.kill(program, signal.SIGKILL)

    wait_until_gone(handle)


def test_programs_have_their_own_process_group_so_ctrl_c_reaches_them_once(start: Start) -> None:
    running = start({"worker": WAITER})
    pid = running.pid("worker")

    assert os.getpgid(pid) == pid
    assert os.getpgid(pid) != os.getpgid(running.process.pid)


def test_a_waiting_program_starts_when_the_web_server_answers(start: Start) -> None:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    server = (
        "import http.server\n"
        f"server = http.server.HTTPServer(('127.0.0.1', {port}),"
        " http.server.SimpleHTTPRequestHandler)\n"
        "print('listening', flush=True)\n"
        "server.serve_forever()\n"
    )
    running = start({"web": server, "clock": WAITER}, port=port, waits="clock")

    running.wait_for("READY")
    assert "web | listening" in running.said
    assert not any("clock" in line for line in running.said)
    running.wait_for("clock | pid")


def test_words_for_every_ending() -> None:
    assert ending_of(1) == "ended with exit code 1"
    assert ending_of(-signal.SIGTERM) == "was killed by SIGTERM"
    assert ending_of(-63) == "was killed by signal 63"

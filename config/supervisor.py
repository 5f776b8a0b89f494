"""Run several programs as one: start them, hand on what they say, start again what dies.

Standard library only, one thread, no Django. `manage.py serve` names the programs.

What it promises:
- a program that ends by itself is started again, after 1 s, then 2, 4 ... 30 s; one that ran for a
  minute starts again from 1 s;
- SIGINT, SIGTERM or SIGHUP end all of them: SIGTERM to each, SIGKILL after `grace` seconds. A
  second signal kills at once;
- nothing outlives it: whatever a program leaves behind in its process group is killed, and on Linux
  the kernel kills the programs if this process is itself killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = 60.0
PROBE_EVERY_SECONDS = 0.2
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Program:
    """One program to keep running. `env` is added to the environment of this process."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False
    """Start it only when the probe has had its answer, so that it does not slow the others down."""


@dataclass(frozen=True)
class Probe:
    """Where the web server answers; any HTTP reply at all means that it is ready."""

    host: str
    port: int
    host_header: str


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    start_at: float | None = None
    unfinished: bytes = b""


def _kernel_call_for_orphans() -> Callable[[], None] | None:
    """Return what a child calls so that the kernel kills it when this process dies (Linux only)."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def die_with_parent() -> None:
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it died before the call
            os._exit(1)

    return die_with_parent


def restart_delay(failures: int) -> float:
    """Seconds to wait before the start that follows `failures` (>= 1) quick ends in a row."""
    return float(min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(failures - 1, 10)))


def ending_of(returncode: int) -> str:
    """Say in words how a program ended: an exit code, or the name of the signal that killed it."""
    if returncode < 0:
        try:
            return f"was killed by {signal.Signals(-returncode).name}"
        except ValueError:
            return f"was killed by signal {-returncode}"
    return f"ended with exit code {returncode}"


class Supervisor:
    """Keeps `programs` running until a signal; see the module's promises."""

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        folder: Path,
        write: Callable[[str], None],
        probe: Probe | None = None,
        on_ready: Callable[[], None] | None = None,
        grace: float = 15.0,
    ) -> None:
        self._children = [_Child(program) for program in programs]
        self._folder = folder
        self._write = write
        self._probe = probe
        self._on_ready = on_ready
        self._grace = grace
        self._width = max(len(child.program.name) for child in self._children)
        self._selector = selectors.DefaultSelector()
        self._in_child = _kernel_call_for_orphans()
        self._signals: list[int] = []
        self._kill_at: float | None = None
        self._ready = probe is None
        self._asking: socket.socket | None = None
        self._ask_at = 0.0

    # --- The loop ---------------------------------------------------------------------------

    def run(self) -> int:
        """Run until a signal has ended everything; returns the exit code, 0 after a signal."""
        with self._signals_handled():
            for child in self._children:
                if self._ready or not child.program.waits:
                    self._start(child)
            while True:
                for key, _ in self._selector.select(self._seconds_to_next_duty()):
                    key.data()
                self._heed_signals()
                self._reap()
                if self._kill_at is None:
                    self._restart_what_is_due()
                    self._ask_whether_ready()
                elif not any(child.process for child in self._children):
                    break
                elif time.monotonic() >= self._kill_at:
                    self._kill_the_rest()
        self._stop_asking()
        self._selector.close()
        return 0

    def _seconds_to_next_duty(self) -> float:
        due = [child.start_at for child in self._children if child.start_at is not None]
        if self._kill_at is not None:
            due = [self._kill_at]
        elif not self._ready:
            due.append(self._ask_at)
        # At most a second: a child's end wakes the loop, this only guards against a lost signal.
        return max(0.0, min([1.0, *(moment - time.monotonic() for moment in due)]))

    # --- Starting and ending ----------------------------------------------------------------

    def _start(self, child: _Child) -> None:
        child.start_at = None
        child.started_at = time.monotonic()
        try:
            # One thread only, so running code between fork and exec is safe.
            child.process = subprocess.Popen(  # noqa: S603 (programs named by serve, no shell)
                list(child.program.argv),
                cwd=self._folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **child.program.env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C in the terminal reaches this process alone
                preexec_fn=self._in_child,
            )
        except OSError as error:
            self._plan_restart(child, f"could not be started: {error}")
            return
        assert child.process.stdout is not None  # noqa: S101 (a pipe was asked for)
        pipe = child.process.stdout
        os.set_blocking(pipe.fileno(), False)
        self._selector.register(pipe, selectors.EVENT_READ, lambda: self._hand_on(child))

    def _reap(self) -> None:
        for child in self._children:
            if child.process is None:
                continue
            returncode = child.process.poll()
            if returncode is None:
                continue
            # Its own children (a web server's processes) must not hold the port or the work.
            self._signal_group(child, signal.SIGKILL)
            self._hand_on(child)
            self._close_pipe(child)
            child.process = None
            if self._kill_at is None:
                self._plan_restart(child, ending_of(returncode))

    def _plan_restart(self, child: _Child, ending: str) -> None:
        now = time.monotonic()
        if now - child.started_at >= HEALTHY_AFTER_SECONDS:
            child.failures = 0
        child.failures += 1
        delay = restart_delay(child.failures)
        child.start_at = now + delay
        self._say(child.program.name, f"{ending}; starting it again in {delay:g} s")

    def _restart_what_is_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.start_at is not None and child.start_at <= now:
                self._start(child)

    def _heed_signals(self) -> None:
        signals, self._signals = self._signals, []
        for number in signals:
            if number not in ENDING_SIGNALS:
                continue
            if self._kill_at is None:
                self._stop_all(signal.Signals(number).name)
            else:
                self._kill_the_rest()

    def _stop_all(self, reason: str) -> None:
        self._write(f"Stopping ({reason}) ...")
        self._kill_at = time.monotonic() + self._grace
        self._stop_asking()
        for child in self._children:
            child.start_at = None
            # To the program, not its group: it ends its own children in good order.
            if child.process is not None:
                child.process.terminate()

    def _kill_the_rest(self) -> None:
        for child in self._children:
            if child.process is not None:
                self._say(child.program.name, "did not stop in time; killing it")
                self._signal_group(child, signal.SIGKILL)
        self._kill_at = time.monotonic() + self._grace

    def _signal_group(self, child: _Child, number: signal.Signals) -> None:
        assert child.process is not None  # noqa: S101 (callers have looked)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, number)

    # --- What they say ----------------------------------------------------------------------

    def _say(self, name: str, text: str) -> None:
        self._write(f"{name:<{self._width}} | {text}")

    def _hand_on(self, child: _Child) -> None:
        """Hand on the whole lines that wait in the child's pipe, each with its name before it."""
        if child.process is None or child.process.stdout is None or child.process.stdout.closed:
            return
        while True:
            try:
                piece = os.read(child.process.stdout.fileno(), 65536)
            except BlockingIOError:
                return
            if not piece:
                self._close_pipe(child)
                return
            *lines, child.unfinished = (child.unfinished + piece).split(b"\n")
            for line in lines:
                self._say(child.program.name, line.decode(errors="replace").rstrip("\r"))

    def _close_pipe(self, child: _Child) -> None:
        if child.process is None or child.process.stdout is None or child.process.stdout.closed:
            return
        if child.unfinished:
            self._say(child.program.name, child.unfinished.decode(errors="replace"))
            child.unfinished = b""
        self._selector.unregister(child.process.stdout)
        child.process.stdout.close()

    # --- Whether the web server answers -------------------------------------------------------

    def _ask_whether_ready(self) -> None:
        now = time.monotonic()
        if self._ready or self._probe is None or now < self._ask_at:
            return
        self._ask_at = now + PROBE_EVERY_SECONDS
        if self._asking is not None:
            return
        probe = self._probe
        request = f"GET / HTTP/1.0\r\nHost: {probe.host_header}\r\n\r\n".encode()
        try:
            # The server listens on this machine: connecting takes no time or fails at once.
            asking = socket.create_connection((probe.host, probe.port), timeout=1.0)
            asking.sendall(request)
        except OSError:
            return
        self._asking = asking
        self._selector.register(asking, selectors.EVENT_READ, self._answered)

    def _answered(self) -> None:
        assert self._asking is not None  # noqa: S101 (registered together)
        try:
            answer = self._asking.recv(16)
        except OSError:
            answer = b""
        self._stop_asking()
        if not answer.startswith(b"HTTP/"):
            return
        self._ready = True
        for child in self._children:
            if child.program.waits and child.process is None:
                self._start(child)
        if self._on_ready is not None:
            self._on_ready()

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._selector.unregister(self._asking)
            self._asking.close()
            self._asking = None

    # --- Signals ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals_handled(self) -> Iterator[None]:
        """Turn signals into bytes on a socket that the loop waits for, and put all back after."""
        ours, theirs = socket.socketpair()
        os.set_blocking(ours.fileno(), False)
        os.set_blocking(theirs.fileno(), False)

        def take() -> None:
            with contextlib.suppress(BlockingIOError):
                self._signals.extend(ours.recv(256))

        self._selector.register(ours, selectors.EVENT_READ, take)
        handled = (*ENDING_SIGNALS, signal.SIGCHLD)
        before = {number: signal.signal(number, lambda *_: None) for number in handled}
        wakeup_before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.unregister(ours)
            ours.close()
            theirs.close()

"""The processes of an installation, for benches that kill them: worker, clock, broker.

Worker and clock are Celery's own, as `manage.py serve` starts them, on the database and the broker
that the environment names. The Redis here is one of the bench's, on a port of its own, and keeps
nothing on disk: a restart loses every message that waited.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.label import ROOT

CELERY = (sys.executable, "-m", "celery", "--quiet", "-A", "config")
WORKER = (
    *(*CELERY, "worker", "--loglevel", "WARNING", "--pool", "threads", "--concurrency", "4"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
)
CLOCK = (*CELERY, "beat", "--loglevel", "WARNING")
STARTS_WITHIN = 20.0


class Redis:
    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise SystemExit("redis-server is not installed: it is the broker beside PostgreSQL.")
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            self._port = int(trial.getsockname()[1])
        self._argv = [
            *(program, "--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(folder)),
            *("--save", "", "--appendonly", "no", "--loglevel", "warning"),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(self._argv, stdout=subprocess.DEVNULL)
        until = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                return
            time.sleep(0.05)
        raise SystemExit("redis-server does not answer.")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Machine:
    """Workers and a clock, which write what they say into ``log``."""

    def __init__(self, log: Path, redis: Redis | None, n_workers: int) -> None:
        self.redis = redis
        self._log = log.open("ab")
        self._env = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
        }
        self.workers = [self._worker(n) for n in range(n_workers)]
        self.clock = self._started(CLOCK)

    def worker_kill(self, n: int) -> None:
        """SIGKILL, as a machine short of memory does it: nothing is handed over or tidied up."""
        os.kill(self.workers[n].pid, signal.SIGKILL)
        self.workers[n].wait()

    def worker_start(self, n: int) -> None:
        self.workers[n] = self._worker(n)

    def dead(self) -> str:
        """Which of them ended by itself; "" where none did."""
        for process in (*self.workers, self.clock):
            if process.poll() is not None:
                name = "clock" if process is self.clock else "worker"
                return f"the {name} ended by itself with {process.returncode}"
        return ""

    def stop(self) -> None:
        for process in (self.clock, *self.workers):
            process.terminate()
        for process in (self.clock, *self.workers):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()

    def _worker(self, n: int) -> subprocess.Popen[bytes]:
        # Each has a name of its own: it is by their names that workers know how many live.
        return self._started((*WORKER, "--hostname", f"worker{n}@%h"))

    def _started(self, argv: tuple[str, ...]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv, cwd=ROOT, env=self._env, stdout=self._log, stderr=subprocess.STDOUT
        )


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[Redis | None]:
    """Beside PostgreSQL a Redis, else files in the data folder; named in the environment, so before
    the settings are read.
    """
    os.environ.pop("CELERY_BROKER_URL", None)
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        yield None
        return
    redis = Redis(folder)
    redis.start()
    os.environ["CELERY_BROKER_URL"] = redis.url
    try:
        yield redis
    finally:
        redis.kill()


@contextlib.contextmanager
def machine(log: Path, redis: Redis | None, n_workers: int) -> Iterator[Machine]:
    running = Machine(log, redis, n_workers)
    try:
        yield running
    finally:
        running.stop()

"""How fast people can label: 1, 8 and 32 annotators without thinking time, against a real server.

    python -m bench.label [--quick] [--seconds 15]

Starts gunicorn as `manage.py serve` does (with DATABASE_URL on PostgreSQL: two processes, as the
example service), on a database made for this and dropped afterwards, and lets each annotator submit
over HTTP as the screen does: one request a label, whose reply is the next item. Prints each figure
beside its goal, and ends with 1 where one falls short or the database does not hold exactly what
was accepted.

Goals are the best of three annotation tools on such a machine (two cores, the clients on the same
two): Label Studio 1.23, doccano 1.8.4 and Potato 2.12. They ask for the next item and submit in two
requests or more; their two medians, and their two 95th percentiles, are added up. 32 of these
clients are some 100 to 300 people.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[1]
ANNOTATORS = (1, 8, 32)
TICKS = os.sysconf("SC_CLK_TCK")
HIDDEN = re.compile(r'<input type="hidden"\s+name="(\w+)"\s+value="([^"]*)"')
ANSWER = re.compile(r'<form[^>]*id="answer".*?</form>', re.DOTALL)
QUESTION = re.compile(r'name="(q\d+)"')


@dataclass(frozen=True)
class Goal:
    """Milliseconds from submit to the next item, labels a second, CPU milliseconds a label."""

    p50: float
    p95: float
    rate: float
    cpu: float


# By number of items, then of annotators.
GOALS = {
    10_000: {1: Goal(68, 94, 14, 44), 8: Goal(207, 292, 37, 44), 32: Goal(861, 1289, 34, 44)},
    100_000: {1: Goal(72, 94, 14, 66), 8: Goal(282, 376, 28, 66), 32: Goal(1125, 1375, 28, 66)},
}


@dataclass
class Measured:
    waits: list[float] = field(default_factory=list)  # seconds
    errors: list[str] = field(default_factory=list)
    seconds: float = 0
    cpu: float = 0  # seconds of the server and its database

    def figures(self) -> Goal:
        waits = sorted(self.waits) or [float("nan")]
        n = max(1, len(self.waits))
        return Goal(
            p50=statistics.median(waits) * 1000,
            p95=waits[min(len(waits) - 1, int(len(waits) * 0.95))] * 1000,
            rate=len(self.waits) / self.seconds,
            cpu=self.cpu / n * 1000,
        )


# --- The database, and what is in it ----------------------------------------------------------


@contextlib.contextmanager
def own_database(folder: Path) -> Iterator[str]:
    """A database for this run: SQLite in the folder, or a new one beside DATABASE_URL's."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
        return
    import psycopg
    from psycopg import sql

    name = f"concord_bench_{os.getpid()}"
    identifier = sql.Identifier(name)
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
        try:
            yield urlsplit(given)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def prepare(env: dict[str, str]) -> None:
    os.environ.update(env)
    subprocess.run(
        [sys.executable, "manage.py", "prepare"], cwd=ROOT, env=env, check=True, capture_output=True
    )
    import django

    django.setup()


def project_made(n_items: int) -> tuple[int, list[str]]:
    """A project of so many items of two sentences, and a session of each annotator."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from annotate.models import Role, User
    from annotate.services.items import ItemRow, items_take_in
    from annotate.services.members import member_add
    from annotate.services.projects import OptionDraft, QuestionDraft, project_create

    owner, _new = User.objects.get_or_create(username="owner", is_founder=True)
    question = QuestionDraft(
        key="sentiment",
        name="Sentiment",
        kind="single",
        text="What does the writer think of the service?",
        options=(
            OptionDraft("positive", "Positive", "Praise, even faint.", "green"),
            OptionDraft("negative", "Negative", "A complaint, even a mild one.", "red"),
            OptionDraft("unknown", "Not mentioned", "Nothing about the service.", "slate"),
        ),
    )
    project = project_create(
        owner,
        name=f"{n_items} items",
        questions=[question],
        guideline="# Service only\n\nWaiters, speed, friendliness.\n" * 5,
        seed=n_items,
    )
    for start in range(0, n_items, 1000):
        items_take_in(
            project,
            [
                ItemRow(
                    str(n),
                    {
                        "text": f"Visit {n}: the food was fine and the table by the "
                        "window quiet. The waiter came late, but made up for it with a smile."
                    },
                )
                for n in range(start, min(n_items, start + 1000))
            ],
        )
    sessions = []
    for n in range(max(ANNOTATORS)):
        person, _new = User.objects.get_or_create(username=f"annotator{n}")
        member_add(owner, project, person, Role.ANNOTATOR)
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.create()
        sessions.append(str(session.session_key))
    return project.pk, sessions


def stored_exactly(project_id: int, accepted: int) -> bool:
    """Every accepted label is there once, and no item has more than the one it wants."""
    from annotate.models import Slot, SlotState, Submission, SubmissionStatus

    counted = Submission.objects.filter(project_id=project_id, status=SubmissionStatus.SUBMITTED)
    filled = Slot.objects.filter(project_id=project_id, state=SlotState.FILLED).count()
    return (
        counted.count() == accepted == filled
        and counted.values("item").distinct().count() == accepted
    )


# --- The server -------------------------------------------------------------------------------


@contextlib.contextmanager
def server(env: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Start gunicorn; yields its port and process id."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = int(trial.getsockname()[1])
    workers = "2" if env["DATABASE_URL"].startswith("postgres") else "1"
    command = [
        *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"),
        *("--workers", workers, "--worker-class", "gthread", "--threads", "8"),
        *("--timeout", "120", "--log-level", "warning", "--no-control-socket"),
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    try:
        wait_until_it_answers(port, process)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit("The server ended before it answered.")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/account/login/")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise SystemExit("The server did not answer within a minute.")


def cpu_seconds(pid: int, database: str) -> float:
    """CPU so far of the server's processes and of PostgreSQL's for its database (from /proc)."""
    total = 0.0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text()
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        fields = stat[stat.rindex(")") + 2 :].split()
        ours = folder.name == str(pid) or fields[1] == str(pid)
        if ours or (database and command.startswith("postgres:") and database in command):
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


# --- The annotators ---------------------------------------------------------------------------


class Annotator(threading.Thread):
    """Submits as fast as the replies come, on one connection, as a browser would."""

    def __init__(self, port: int, project_id: int, session: str, measured: Measured) -> None:
        super().__init__(daemon=True)
        self.base = f"/projects/{project_id}/label/"
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookies = f"sessionid={session}"
        self.measured = measured
        self.stop = threading.Event()
        self.page = self._opened()

    def _opened(self) -> str:
        self.connection.request("GET", self.base, headers={"Cookie": self.cookies})
        response = self.connection.getresponse()
        page = response.read().decode()
        if response.status != 200:
            raise SystemExit(f"The label screen answered {response.status}.")
        for cookie in response.headers.get_all("Set-Cookie") or []:
            self.cookies += "; " + cookie.partition(";")[0]
        token = re.search(r'X-CSRFToken": "([^"]+)"', page)
        self.token = token[1] if token else ""
        return page

    def run(self) -> None:
        while not self.stop.is_set():
            form = ANSWER.search(self.page)
            if form is None:
                self.measured.errors.append("no item")
                return
            data = {name: unescape(value) for name, value in HIDDEN.findall(form[0])}
            question = QUESTION.search(form[0])
            data[question[1] if question else ""] = "1"
            data["seconds"] = "3.2"
            began = time.perf_counter()
            status, page = self._send(urlencode(data))
            if status == 200:
                self.measured.waits.append(time.perf_counter() - began)
                self.page = page
            else:
                self.measured.errors.append(f"status {status}")

    def _send(self, body: str) -> tuple[int, str]:
        headers = {
            "Cookie": self.cookies,
            "X-CSRFToken": self.token,
            "HX-Request": "true",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        for _attempt in range(2):
            try:
                self.connection.request("POST", f"{self.base}submit/", body=body, headers=headers)
                response = self.connection.getresponse()
                return response.status, response.read().decode()
            except (OSError, http.client.HTTPException):
                # The server closes a connection that was idle: a browser opens another and sends
                # again, and the client key makes that harmless.
                self.connection.close()
        return 0, ""


def measure(
    port: int, pid: int, database: str, project_id: int, sessions: list[str], seconds: float
) -> tuple[Measured, int]:
    """Let one annotator a session label for so long. Returns the figures, and all accepted."""
    measured = Measured()
    annotators = [Annotator(port, project_id, session, measured) for session in sessions]
    for annotator in annotators:
        annotator.start()
    time.sleep(1.5)  # warm: caches, connections
    warm = len(measured.waits)
    began, cpu = time.perf_counter(), cpu_seconds(pid, database)
    time.sleep(seconds)
    waits = measured.waits[warm:]
    result = Measured(
        waits, seconds=time.perf_counter() - began, cpu=cpu_seconds(pid, database) - cpu
    )
    for annotator in annotators:
        annotator.stop.set()
    for annotator in annotators:
        annotator.join()
    result.errors = measured.errors
    return result, len(measured.waits)


# --- The report -------------------------------------------------------------------------------


def report(n_items: int, people: int, measured: Measured) -> bool:
    """Print a line; True where every figure reaches its goal."""
    goal, got = GOALS[n_items][people], measured.figures()
    reached = {
        "p50": got.p50 <= goal.p50,
        "p95": got.p95 <= goal.p95,
        "rate": got.rate >= goal.rate,
        "cpu": got.cpu <= goal.cpu,
    }
    units = {"p50": "ms", "p95": "ms", "rate": "/s", "cpu": "ms CPU"}
    parts = [
        f"{name} {getattr(got, name):7.1f} {units[name]} (goal {getattr(goal, name):g})"
        f"{'' if reached[name] else ' SHORT'}"
        for name in units
    ]
    print(f"{n_items:>7,} items, {people:>2} annotators:  " + "   ".join(parts), flush=True)
    if measured.errors:
        print(f"        {len(measured.errors)} errors, such as {measured.errors[0]}")
    return all(reached.values()) and not measured.errors


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10,000 items only")
    parser.add_argument("--seconds", type=float, default=15, help="for each number of annotators")
    options = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="concord-bench-") as name, contextlib.ExitStack() as up:
        folder = Path(name)
        url = up.enter_context(own_database(folder))
        env = {
            **{k: v for k, v in os.environ.items() if k not in {"DEBUG", "CONCORD_MODE"}},
            "DATABASE_URL": url,
            "DATA_DIR": name,
            "STATIC_ROOT": str(folder / "static"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "OMP_NUM_THREADS": "1",
        }
        database = urlsplit(url).path.lstrip("/") if url.startswith("postgres") else ""
        print("PostgreSQL" if database else "SQLite", f"on {os.cpu_count()} cores", flush=True)
        prepare(env)
        for n_items in [10_000] if options.quick else [10_000, 100_000]:
            project_id, sessions = project_made(n_items)
            accepted = 0
            with server(env) as (port, pid):
                for people in ANNOTATORS:
                    measured, stored = measure(
                        port, pid, database, project_id, sessions[:people], options.seconds
                    )
                    accepted += stored
                    good = report(n_items, people, measured) and good
            exact = stored_exactly(project_id, accepted)
            good = good and exact
            print(f"        {accepted:,} accepted, stored exactly: {'yes' if exact else 'NO'}")
        close_connections()
    return 0 if good else 1


def close_connections() -> None:
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        close_pool = getattr(connection, "close_pool", None)
        if close_pool is not None:
            close_pool()


if __name__ == "__main__":
    sys.exit(main())

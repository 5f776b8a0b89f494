"""A run against a faulty endpoint while its worker is killed: what is promised, counted.

    python -m bench.judge_faults [--quick] [--items N] [--kills 5] [--workers 2]

The endpoint (bench/faulty_endpoint.py) answers 429 in bursts, 500, too late, half, nonsense, a
letter that is no option, or without its tokens, and about some items always 500 or 400. Worker and
clock are the real ones. The worker is killed with SIGKILL again and again, at calls in flight, and
started again; what then takes the run up is the sweeper, when the lease has run out. Once the
broker is restarted under it, the job paused and resumed. The limit is first set below what all
costs, so that the run pauses, then raised.

On SQLite with the broker of files (1,000 items), or in a new database beside that of DATABASE_URL
with a Redis of its own, which is killed and comes back empty (10,000 items). --quick: 200 items,
3 kills, and leases are taken for run out at once, instead of waiting for a minute.

--workers 2: two at one run, with as many calls at once as make it wide, killed in turn while the
other goes on.

Prints what it found beside what is promised, and ends with 1 where they differ.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.fault_promises import Promise, Seen, at_least, at_most, exactly, promises
from bench.faulty_endpoint import A_CALL, Endpoint
from bench.judge_processes import Machine, Redis, broker, machine
from bench.judge_setup import in_a_process, judge_made
from bench.label import close_connections, own_database

ITEMS = {"SQLite": 1_000, "PostgreSQL": 10_000}
QUICK_ITEMS = 200
KILLS, QUICK_KILLS = 5, 3
AT_ONCE, WIDE = 8, 64
TIMEOUT, WIDE_TIMEOUT = 2, 6
LATENCY = 0.02
# By then a worker that lives has renewed what it holds.
RENEWED_WITHIN = 8.0
# Nothing closed for so long: it hangs.
PATIENCE = 240.0
LOOKS_EVERY = 0.1
# A lease, the sweeper's turn, and what the queue and a worker that starts take.
TAKEN_UP_WITHIN = 60 + 15 + 15
BROKER_AWAY = 3.0
# More than a call can cost: what is counted for each that is in flight at a kill.
A_RESERVATION = 8 * A_CALL


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="200 items, 3 kills, short leases")
    parser.add_argument("--items", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--workers", type=int, default=1, help="at one run; not with --quick")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick and options.workers > 1:
        parser.error("with --quick all leases run out, also those of workers that live")
    where = "PostgreSQL" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "SQLite"
    n_items = options.items or (QUICK_ITEMS if options.quick else ITEMS[where])
    kills = options.kills or (QUICK_KILLS if options.quick else KILLS)
    if options.here:
        folder = Path(os.environ["DATA_DIR"])
        return measured(folder, n_items, kills, options.workers, quick=options.quick)
    with (
        tempfile.TemporaryDirectory(prefix="concord-bench-") as name,
        own_database(Path(name)) as url,
    ):
        arguments = ["--items", str(n_items), "--kills", str(kills)]
        arguments += ["--workers", str(options.workers)]
        arguments += ["--quick"] if options.quick else []
        return 0 if in_a_process("bench.judge_faults", url, Path(name), arguments) else 1


def measured(folder: Path, n_items: int, kills: int, n_workers: int, *, quick: bool) -> int:
    with broker(folder) as redis:
        import django

        django.setup()
        try:
            return scene_played(folder, redis, n_items, kills, n_workers, quick=quick)
        finally:
            close_connections()


def scene_played(
    folder: Path, redis: Redis | None, n_items: int, kills: int, n_workers: int, *, quick: bool
) -> int:
    from judges.services.runs import run_start

    at_once, timeout = (AT_ONCE, TIMEOUT) if n_workers == 1 else (WIDE, WIDE_TIMEOUT)
    endpoint = Endpoint(latency=LATENCY, faults=True, gives_up=timeout)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    version = judge_made(endpoint.url, n_items=n_items, at_once=at_once, timeout=timeout)
    before = (kills + 1) // 2
    # Enough for about half of the items, and for what is lost at the kills before.
    cap = n_items * A_CALL * 3 // 4 + before * at_once * A_RESERVATION
    endpoint.cap = cap
    run = run_start(version.created_by, version, selection={"strategy": "all"}, cap=cap)
    log = folder / "machine.log"
    began = time.perf_counter()
    with machine(log, redis, n_workers) as running:
        scene = Scene(run, endpoint, running, quick=quick)
        try:
            scene.play(n_items, cap, before=before, after=kills - before)
        except Stuck as stuck:
            scene.seen.problems.append(str(stuck))
    seconds = time.perf_counter() - began
    run.refresh_from_db()
    run.job.refresh_from_db()
    checked = promises(run, endpoint, scene.seen, n_items=n_items, at_once=at_once)
    checked += scene.promises(kills)
    kept = told(run, endpoint, scene.seen, checked, seconds)
    if not kept:
        print("  what worker and clock said last:")
        print("\n".join(f"    {line}" for line in log.read_text().splitlines()[-20:]))
    endpoint.shutdown()
    return 0 if kept else 1


class Stuck(Exception):
    """The run does not go on, or ended where it should not."""


class Scene:
    """A run, the machine that does it, and what befalls it."""

    def __init__(self, run: Any, endpoint: Endpoint, running: Machine, *, quick: bool) -> None:
        self.seen = Seen()
        self._run = run
        self._endpoint = endpoint
        self._machine = running
        self._quick = quick
        self._paused_at_limit = False

    def play(self, n_items: int, cap: int, *, before: int, after: int) -> None:
        """All of it: kills before the first limit and after it, the broker's restart between."""
        from annotate.tasks import job_nudge
        from judges.services.spending import run_cap_set

        job_nudge(self._run.job)
        for kill in range(1, before + 1):
            share = cap * kill // (before + 1)
            self._until(lambda share=share: self._look().spent >= share)
            if kill == before:
                self._broker_restarted()
            self._killed()
        self._until(lambda: self._state() == "paused", rests="paused")
        self._paused_at_limit = "limit" in str(self._job().message)
        # More than all costs.
        self._endpoint.cap = 4 * n_items * A_CALL + cap
        run_cap_set(self._run.created_by, self._run, self._endpoint.cap)
        self._resumed()
        first = self._closed()
        for kill in range(1, after + 1):
            share = first + (n_items - first) * kill // (after + 1)
            self._until(lambda share=share: self._closed() >= share)
            self._killed()
        self._until(lambda: self._state() == "done", rests="done")

    def promises(self, kills: int) -> list[Promise]:
        found = [
            exactly("paused at the first limit", int(self._paused_at_limit), 1),
            exactly("done", int(self._state() == "done"), 1),
            exactly("kills", len(self.seen.waits), kills),
        ]
        if not self._quick and len(self._machine.workers) == 1:
            longest = round(max(self.seen.waits, default=0))
            found.append(at_most("seconds until a killed run goes on", longest, TAKEN_UP_WITHIN))
        if len(self._machine.workers) > 1:
            n_workers = len(self._machine.workers)
            found.append(at_least("workers at the run at once", self.seen.most_workers, n_workers))
        if self.seen.closed_without_broker is not None:
            closed = self.seen.closed_without_broker
            found.append(at_least("calls closed while Redis was away", closed, 1))
        return found

    # --- What befalls it ------------------------------------------------------------------------

    def _killed(self) -> None:
        """Kill the worker with calls in flight, start another, and let that one go on."""
        from annotate.tasks import send
        from judges.models import Call

        victim = len(self.seen.waits) % len(self._machine.workers)
        self._until(lambda: self._claimed().exists())
        killed_at = time.monotonic()
        self._machine.worker_kill(victim)
        for pk, reserved in self._lost().items():
            self.seen.in_flight[pk] += 1
            self.seen.lost[pk] += reserved
        closed = Call.objects.filter(run=self._run, state="closed")
        for pk, closed_at in closed.values_list("pk", "closed_at"):
            self.seen.closed_at.setdefault(pk, closed_at)
        n = self._closed()
        if self._quick:
            self._leases_run_out()
            send(self._run.job)
        self._machine.worker_start(victim)
        self._until(lambda: self._closed() > n)
        self.seen.waits.append(time.monotonic() - killed_at)

    def _lost(self) -> dict[int, int]:
        """What was reserved for the calls that the worker held which was killed just now."""
        from django.db.models import F
        from django.utils import timezone

        from annotate.services.jobs import LEASE

        lost = self._claimed()
        at_most = timezone.now() + LEASE
        claimed = dict(lost.values_list("pk", "lease_token"))
        if len(self._machine.workers) > 1:
            time.sleep(RENEWED_WITHIN)
            lost = lost.filter(
                pk__in=claimed, lease_token__in=set(claimed.values()), lease_until__lte=at_most
            )
        found = dict(lost.values_list("pk", F("reserved")))
        self.seen.most_in_flight = max(self.seen.most_in_flight, len(found))
        return {pk: reserved or 0 for pk, reserved in found.items()}

    def _leases_run_out(self) -> None:
        from django.utils import timezone

        from annotate.models import Job

        now = timezone.now()
        self._claimed().update(lease_until=now)
        Job.objects.filter(pk=self._run.job_id, state="running").update(lease_until=now)

    def _broker_restarted(self) -> None:
        """Restart Redis under a worker that works; then the same worker must hear of the job again.
        The broker of files cannot be away: there the job is only paused and resumed.
        """
        from annotate.services.jobs import job_pause

        workers, redis = list(self._machine.workers), self._machine.redis
        if redis is not None:
            closed = self._closed()
            redis.kill()
            back_at = time.monotonic() + BROKER_AWAY
            self._until(lambda: time.monotonic() >= back_at)
            self.seen.closed_without_broker = self._closed() - closed
            redis.start()
        if self._state() == "running":
            job_pause(self._run.created_by, self._job())
            self._until(lambda: not self._claimed().exists(), rests="paused")
            self._resumed()
            closed = self._closed()
            self._until(lambda: self._closed() > closed)
        if self._machine.workers != workers:
            self.seen.problems.append("a worker did not outlive the broker's restart")

    def _resumed(self) -> None:
        from annotate.services.jobs import job_resume
        from annotate.tasks import job_nudge

        job_nudge(job_resume(self._run.created_by, self._job()))

    # --- Looking on -------------------------------------------------------------------------------

    def _until(self, there: Callable[[], bool], *, rests: str = "") -> None:
        """Wait for something, while the run makes progress and nothing dies by itself. Raises
        Stuck where neither comes, or where the job rests in another state than ``rests``.
        """
        latest, moved_at = -1, time.monotonic()
        while not there():
            progress = self._look().spent + self._closed()
            if progress != latest:
                latest, moved_at = progress, time.monotonic()
            state = self._state()
            if state not in {"queued", "running", rests} and not there():
                raise Stuck(f"the run is {state}: {self._job().message}")
            if time.monotonic() - moved_at > PATIENCE:
                raise Stuck(f"nothing happened for {PATIENCE:.0f} s; the run is {state}")
            dead = self._machine.dead()
            if dead:
                raise Stuck(dead)
            time.sleep(LOOKS_EVERY)

    def _look(self) -> Any:
        """The run as it stands; what it spends is held against the limit at each look."""
        from datetime import timedelta

        from django.utils import timezone

        from annotate.models import Heartbeat
        from judges.models import Run

        signs = Heartbeat.objects.filter(worker__startswith=f"run {self._run.pk}: ")
        lately = signs.filter(seen_at__gte=timezone.now() - timedelta(seconds=4)).count()
        self.seen.most_workers = max(self.seen.most_workers, lately)
        run = Run.objects.get(pk=self._run.pk)
        if run.cap is not None:
            self.seen.above_cap = max(self.seen.above_cap, run.spent + run.reserved - run.cap)
        return run

    def _job(self) -> Any:
        from annotate.models import Job

        return Job.objects.get(pk=self._run.job_id)

    def _state(self) -> str:
        return str(self._job().state)

    def _closed(self) -> int:
        from judges.models import Call

        return int(Call.objects.filter(run=self._run, state="closed").count())

    def _claimed(self) -> Any:
        from judges.models import Call

        return Call.objects.filter(run=self._run, state="claimed")


def told(run: Any, endpoint: Endpoint, seen: Seen, checked: list[Promise], seconds: float) -> bool:
    """Print it all; whether every promise was kept."""
    from django.db import connection

    where = "PostgreSQL, Redis" if connection.vendor == "postgresql" else "SQLite, broker of files"
    print(f"{where}, {os.cpu_count()} cores: {seconds:.0f} s")
    print(f"  the endpoint told   {dict(endpoint.told.most_common())}")
    print(f"  the run ended with  {run.job.message} {run.job.result}")
    in_flight = seen.in_flight.total()
    print(f"  in flight at kills  {in_flight}; going on after, s: {[round(w) for w in seen.waits]}")
    print(f"  charged {endpoint.charged:,} of {run.spent:,} counted as spent")
    print(f"  {'':<44} {'found':>14} {'promised':>16}")
    for promise in checked:
        mark = "" if promise.kept else "  BROKEN"
        print(f"  {promise.name:<44} {promise.found:>14,} {promise.goal:>16}{mark}")
    for problem in seen.problems:
        print(f"  BROKEN: {problem}")
    broken = sum(not promise.kept for promise in checked) + len(seen.problems)
    print("  all promises kept" if not broken else f"  {broken} broken")
    return not broken


if __name__ == "__main__":
    raise SystemExit(main())

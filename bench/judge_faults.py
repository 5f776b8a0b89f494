"""A run against a faulty endpoint while its worker is killed: what is promised, counted.

    python -m bench.judge_faults [--quick] [--items 10000] [--kills 5]

The endpoint (bench/faulty_endpoint.py) answers 429 in bursts, 500, too late, half, nonsense, a
letter that is no option, or without its tokens. The worker's process is killed with SIGKILL again
and again, as soon as so many more calls are closed; its lease is then taken for run out, instead of
waiting for a minute. The limit is first set below what all costs, so that the run pauses, then
raised. On SQLite, or in a new database beside that of DATABASE_URL. --quick: 300 items, 3 kills.

Ends with 1 unless: every item ended labelled or marked with a reason, once; spent is the sum of the
calls; what the endpoint charged is not above what is counted as spent, nor ever above the limit;
what was asked beyond one call an item is explained by faults and by what was in flight at a kill.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.faulty_endpoint import A_CALL, FAULTS, Endpoint
from bench.judge_setup import in_a_process, judge_made, worker_started
from bench.label import close_connections, own_database

ITEMS, QUICK_ITEMS = 10_000, 300
KILLS, QUICK_KILLS = 5, 3
AT_ONCE = 8
TIMEOUT = 1
PATIENCE = 3_600.0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="300 items, 3 kills")
    parser.add_argument("--items", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    n_items = options.items or (QUICK_ITEMS if options.quick else ITEMS)
    kills = options.kills or (QUICK_KILLS if options.quick else KILLS)
    if options.here:
        return measured(n_items, kills)
    with (
        tempfile.TemporaryDirectory(prefix="concord-bench-") as name,
        own_database(Path(name)) as url,
    ):
        arguments = ["--items", str(n_items), "--kills", str(kills)]
        return 0 if in_a_process("bench.judge_faults", url, Path(name), arguments) else 1


def measured(n_items: int, kills: int) -> int:
    import django

    django.setup()
    from django.db import connection

    from judges.services.runs import run_start
    from judges.services.spending import run_cap_set

    endpoint = Endpoint(latency=0.02, faults=True)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    version = judge_made(endpoint.url, n_items=n_items, at_once=AT_ONCE, timeout=TIMEOUT)
    # Enough for about half of the items.
    cap = n_items * A_CALL // 2 + 500_000
    run = run_start(version.created_by, version, selection={"strategy": "all"}, cap=cap)
    began = time.perf_counter()
    in_flight = 0
    for kill in range(1, kills + 1):
        # The kills are spread over the part that the first limit admits.
        in_flight += killed(run, at=kill * n_items // (3 * (kills + 1)))
    paused = worker_done(run)
    problems = [] if paused == "paused" else [f"it did not pause at its limit, but is {paused}"]
    if endpoint.charged > cap:
        problems.append(f"the endpoint charged {endpoint.charged}, above the limit {cap}")
    charged_first = endpoint.charged
    run_cap_set(version.created_by, run, 100 * cap)
    resumed(run)
    ended = worker_done(run)
    if ended != "done":
        problems.append(f"it did not end, but is {ended}")
    seconds = time.perf_counter() - began
    # Replies that the client gave up on are still being written.
    time.sleep(4)
    problems += checked(run, endpoint, n_items, in_flight)
    where = "PostgreSQL" if connection.vendor == "postgresql" else "SQLite"
    run.refresh_from_db()
    print(f"{where}: {n_items:,} items, {kills} kills, {seconds:.0f} s")
    print(f"  endpoint  {dict(sorted(endpoint.told.items()))}")
    print(f"  items     {run.job.result}")
    print(f"  in flight at the kills {in_flight}")
    print(f"  at the first limit {cap}: charged {charged_first}")
    print(
        f"  spent {run.spent}, charged {endpoint.charged}, most at once {endpoint.most_in_flight}"
    )
    for problem in problems:
        print(f"  WRONG: {problem}")
    print("  all promises kept" if not problems else f"  {len(problems)} broken")
    endpoint.shutdown()
    close_connections()
    return 1 if problems else 0


def killed(run: Any, *, at: int) -> int:
    """Let a worker close so many calls, kill it, and let its lease run out; calls in flight."""
    from django.utils import timezone

    from annotate.models import Job
    from judges.models import Call

    worker = worker_started(run.job_id)
    until = time.monotonic() + PATIENCE
    while Call.objects.filter(run=run, state="closed").count() < at:
        if worker.poll() is not None:
            if Job.objects.get(pk=run.job_id).state != "queued":
                return 0
            worker = worker_started(run.job_id)  # it was told to wait, and gave the job back
        if time.monotonic() > until:
            break
        time.sleep(0.02)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    now = timezone.now()
    claimed = Call.objects.filter(run=run, state="claimed")
    in_flight = claimed.count()
    claimed.update(lease_until=now)
    Job.objects.filter(pk=run.job_id, state="running").update(lease_until=now)
    return in_flight


def worker_done(run: Any) -> str:
    """Let workers work until the job rests; its state."""
    from annotate.models import Job

    while True:
        worker_started(run.job_id).wait()
        state = str(Job.objects.get(pk=run.job_id).state)
        if state not in {"queued", "running"}:
            return state
        time.sleep(0.2)


def resumed(run: Any) -> None:
    from annotate.models import Job
    from annotate.services.jobs import job_resume

    job = Job.objects.get(pk=run.job_id)
    if job.state == "paused":
        job_resume(job.created_by, job)


def checked(run: Any, endpoint: Endpoint, n_items: int, in_flight: int) -> list[str]:
    """What is not as promised."""
    from annotate.models import Label, Submission
    from judges.models import Call, Run, Spending
    from judges.providers.prices import to_steps

    run = Run.objects.select_related("job").get(pk=run.pk)
    calls = Call.objects.filter(run=run)
    labelled = calls.filter(outcome="label").count()
    unsaid = calls.exclude(outcome="label").filter(error="").count()
    submissions = Submission.objects.filter(project=run.project).count()
    labels = Label.objects.filter(project=run.project)
    # Added here: SQLite adds decimals as floating-point numbers.
    money = calls.values_list("price", "paid_beside")
    counted = sum((to_steps(price) if price else 0) + beside for price, beside in money)
    project = Spending.objects.get(project=run.project)
    asked = sum(endpoint.told.values())
    passing = sum(endpoint.told[name] for name in ("limited", "broken", "slow", "cut"))
    expected = {
        "every item has one call": (calls.count(), n_items),
        "every call is closed": (calls.filter(state="closed").count(), n_items),
        "what has no label has a reason": (unsaid, 0),
        "one label a labelled item": (labels.count(), labelled),
        "no item has two": (labels.values("item").distinct().count(), labelled),
        "one submission a label": (
            submissions,
            labelled,
        ),
        "spent is the sum of calls": (run.spent, counted),
        "the project's is the run's": (project.spent, run.spent),
        "nothing stays reserved": (run.reserved + project.reserved, 0),
    }
    wrong = [f"{name}: {is_} instead of {be}" for name, (is_, be) in expected.items() if is_ != be]
    if endpoint.charged > run.spent:
        wrong.append(f"the endpoint charged {endpoint.charged}, counted are {run.spent}")
    if asked > n_items + passing + in_flight:
        wrong.append(f"{asked} asked: {n_items} items, {passing} faults, {in_flight} in flight")
    if endpoint.most_in_flight > AT_ONCE + in_flight + endpoint.told["slow"]:
        wrong.append(f"{endpoint.most_in_flight} at once, of {AT_ONCE}")
    missing = [name for name in FAULTS if not endpoint.told[name]]
    if missing:
        wrong.append(f"faults that never came: {', '.join(missing)}")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())

"""A run in a faulty batch lane while its worker is killed: what is promised, counted.

    python -m bench.judge_batches [--quick] [--items 5000] [--kills 6]

The endpoint (bench/batch_endpoint.py) breaks off while a batch is handed in, before it has kept it
or after; has no room for so many at once; fails looks; and leaves requests expired, broken,
answered with nonsense, or out. The worker's process is killed with SIGKILL in turn while it hands
in, while it stores what came, and at any time; its lease is then taken for run out, and so is the
time to the next look, instead of waiting for them. The limit is first set below what all costs, so
that the run pauses, then raised. On SQLite, or in a new database beside that of DATABASE_URL.
--quick: 300 items, 3 kills.

Ends with 1 unless: every item ended labelled or marked with a reason, once; no request that was
answered was ever handed in again; spent is the sum of the calls; what the endpoint charged is not
above what is counted as spent, nor ever above the limit; nothing stays reserved.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from bench.batch_endpoint import BatchEndpoint
from bench.faulty_endpoint import A_CALL
from bench.judge_setup import bench_of_kills, judge_made, resumed
from bench.label import ROOT, close_connections

# In full, and with --quick.
ITEMS = (5_000, 300)
KILLS = (6, 3)
PATIENCE = 1_800.0
MOMENTS = ("handing in", "storing", "any time")

# Works on the job until it rests. The endpoint is quick here, so looks are due at once.
WORKER = """
import sys, time
import django
django.setup()
from django.utils import timezone
from annotate.models import Job
from judges import tasks
from judges.models import Batch
job = int(sys.argv[1])
while Job.objects.get(pk=job).state in {"queued", "running"}:
    tasks.run(job)
    time.sleep(0.1)
    Batch.objects.filter(run__job=job).update(look_at=timezone.now())
"""


def main() -> int:
    return bench_of_kills(
        "bench.judge_batches", __doc__, items=ITEMS, kills=KILLS, measured=measured
    )


def measured(n_items: int, kills: int) -> int:
    import django

    django.setup()
    from django.db import connection

    from judges.services.costs import cost_estimate
    from judges.services.runs import run_start
    from judges.services.spending import run_cap_set

    endpoint = BatchEndpoint(room=n_items // 5)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    version = judge_made(endpoint.url, n_items=n_items, at_once=4, timeout=5)
    place = version.connection
    place.capabilities = {"bench": {"temperature": True, "batch": True}}
    place.save()
    bound = cost_estimate(version, n_items, in_batches=True).high
    assert bound is not None
    # What all cost is a tenth of what is held back for them: the first limit is below that.
    cap = max(n_items * A_CALL // 2, int(bound * 10**8) // 8)
    run = run_start(
        version.created_by, version, selection={"strategy": "all"}, cap=cap, in_batches=True
    )
    began = time.perf_counter()
    half = (kills + 1) // 2
    killed = [kill(run, endpoint, MOMENTS[n % len(MOMENTS)]) for n in range(half)]
    paused = worked(run)
    problems = [] if paused == "paused" else [f"it did not pause at its limit, but is {paused}"]
    if endpoint.charged > cap:
        problems.append(f"the endpoint charged {endpoint.charged}, above the limit {cap}")
    run_cap_set(version.created_by, run, 100 * cap)
    resumed(run)
    killed += [kill(run, endpoint, MOMENTS[n % len(MOMENTS)]) for n in range(half, kills)]
    while worked(run) == "paused":
        resumed(run)
    seconds = time.perf_counter() - began
    problems += checked(run, endpoint, n_items)
    where = "PostgreSQL" if connection.vendor == "postgresql" else "SQLite"
    run.refresh_from_db()
    print(f"{where}: {n_items:,} items, killed while {', '.join(killed)}; {seconds:.0f} s")
    print(f"  endpoint  {dict(sorted(endpoint.told.items()))}")
    print(f"  items     {run.job.result}")
    print(f"  handed in {sum(endpoint.handed_in.values()):,} requests, answered once each")
    print(f"  spent {run.spent}, charged {endpoint.charged}")
    for problem in problems:
        print(f"  WRONG: {problem}")
    print("  all promises kept" if not problems else f"  {len(problems)} broken")
    endpoint.shutdown()
    close_connections()
    return 1 if problems else 0


def started(run: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, str(run.job_id)], cwd=ROOT)


def kill(run: Any, endpoint: BatchEndpoint, moment: str) -> str:
    """Let a worker work up to such a moment, kill it, and let its lease run out."""
    from django.utils import timezone

    from annotate.models import Job
    from judges.models import Batch, Call

    worker = started(run)
    chance = random.Random(len(endpoint.batches))
    closed = Call.objects.filter(run=run, state="closed").count()
    until = time.monotonic() + (PATIENCE if moment != "any time" else chance.uniform(2, 5))
    while time.monotonic() < until and worker.poll() is None:
        if moment == "handing in" and endpoint.creating:
            break
        if moment == "storing" and Call.objects.filter(run=run, state="closed").count() > closed:
            break
        time.sleep(0.01)
    if worker.poll() is not None:
        return "it rested"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    now = timezone.now()
    Call.objects.filter(run=run, state="claimed").update(lease_until=now)
    Batch.objects.filter(run=run).update(look_at=now)
    Job.objects.filter(pk=run.job_id, state="running").update(lease_until=now)
    return moment


def worked(run: Any) -> str:
    """Let a worker work until the job rests; its state."""
    from annotate.models import Job

    started(run).wait()
    return str(Job.objects.get(pk=run.job_id).state)


def checked(run: Any, endpoint: BatchEndpoint, n_items: int) -> list[str]:
    """What is not as promised."""
    from annotate.models import Label, Submission
    from judges.models import Batch, Call, Run, Spending
    from judges.providers.prices import to_steps

    run = Run.objects.select_related("job").get(pk=run.pk)
    calls = Call.objects.filter(run=run)
    labelled = calls.filter(outcome="label").count()
    labels = Label.objects.filter(project=run.project)
    # Added here: SQLite adds decimals as floating-point numbers.
    money = calls.values_list("price", "paid_beside")
    counted = sum((to_steps(price) if price else 0) + beside for price, beside in money)
    project = Spending.objects.get(project=run.project)
    expected = {
        "the job is done": (run.job.state, "done"),
        "every item has one call": (calls.count(), n_items),
        "every call is closed": (calls.filter(state="closed").count(), n_items),
        "what has no label has a reason": (
            calls.exclude(outcome="label").filter(error="").count(),
            0,
        ),
        "one label a labelled item": (labels.count(), labelled),
        "no item has two": (labels.values("item").distinct().count(), labelled),
        "one submission a label": (
            Submission.objects.filter(project=run.project).count(),
            labelled,
        ),
        "every batch is closed": (Batch.objects.filter(run=run).exclude(stage="closed").count(), 0),
        "nothing answered is asked again": (max(endpoint.answered.values()), 1),
        "spent is the sum of calls": (run.spent, counted),
        "the project's is the run's": (project.spent, run.spent),
        "nothing stays reserved": (run.reserved + project.reserved, 0),
    }
    wrong = [f"{name}: {is_} instead of {be}" for name, (is_, be) in expected.items() if is_ != be]
    if endpoint.charged > run.spent:
        wrong.append(f"the endpoint charged {endpoint.charged}, counted are {run.spent}")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())

"""What the benches of runs share: a database of their own, a project, a judge, workers."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.faulty_endpoint import INPUT, OUTPUT
from bench.label import ROOT, own_database

PATIENCE = 3_600.0

WORKER = """
import sys
import django
django.setup()
from judges import tasks
tasks.run(int(sys.argv[1]))
"""

HELPER = """
import sys
import time
import django
django.setup()
from annotate.models import Job
from judges import tasks
while Job.objects.get(pk=int(sys.argv[1])).state == "queued":
    time.sleep(0.05)
tasks.help_run(int(sys.argv[1]))
"""


def in_a_process(module: str, url: str, folder: Path, arguments: list[str]) -> bool:
    """Run ``module --here`` on a fresh database: settings are read once a process."""
    env = {
        **{k: v for k, v in os.environ.items() if k not in {"DEBUG", "CONCORD_MODE"}},
        "DATABASE_URL": url,
        "DATA_DIR": str(folder),
        "STATIC_ROOT": str(folder / "static"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=env, check=True)
    here = [sys.executable, "-m", module, "--here", *arguments]
    return subprocess.run(here, cwd=ROOT, env=env, check=False).returncode == 0


def bench_of_kills(
    module: str,
    doc: str | None,
    *,
    items: tuple[int, int],
    kills: tuple[int, int],
    measured: Callable[[int, int], int],
) -> int:
    """The command of a bench over so many items, whose worker is killed so often: in full, and with
    --quick. ``measured`` is called in a process of its own, on a fresh database; the exit code.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    quick = f"{items[1]} items, {kills[1]} kills"
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--items", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    n_items, n_kills = options.items or items[options.quick], options.kills or kills[options.quick]
    if options.here:
        return measured(n_items, n_kills)
    with (
        tempfile.TemporaryDirectory(prefix="concord-bench-") as name,
        own_database(Path(name)) as url,
    ):
        arguments = ["--items", str(n_items), "--kills", str(n_kills)]
        return 0 if in_a_process(module, url, Path(name), arguments) else 1


def judge_made(url: str, *, n_items: int, at_once: int, timeout: int) -> Any:
    """A judge version behind ``url`` in a new project with so many items."""
    from annotate.models import User
    from annotate.services.items import ItemRow, items_take_in
    from annotate.services.projects import OptionDraft, QuestionDraft, project_create
    from judges.services.connections import connection_add
    from judges.services.prices import price_set
    from judges.services.versions import chat_version

    owner, _new = User.objects.get_or_create(username="owner", is_founder=True)
    options = (OptionDraft("good", "Good"), OptionDraft("poor", "Poor"))
    draft = QuestionDraft(key="q", name="Question", kind="single", text="Which?", options=options)
    project = project_create(owner, name=f"{n_items} at {at_once}", questions=[draft], seed=1)
    for start in range(0, n_items, 1_000):
        items_take_in(
            project,
            [
                ItemRow(f"i{n}", {"text": f"Dish number {n}."})
                for n in range(start, min(start + 1_000, n_items))
            ],
        )
    connection = connection_add(
        owner,
        project,
        name="Endpoint",
        base_url=url,
        concurrency=at_once,
        timeout_seconds=timeout,
    )
    # As if it had been tested: a bench of runs does not measure the test.
    connection.capabilities = {"bench": {"temperature": True}}
    connection.save()
    price_set(owner, connection, model="bench", input=Decimal(INPUT), output=Decimal(OUTPUT))
    return chat_version(owner, project.questions.get(), connection, model="bench")


def worker_started(job_id: int) -> subprocess.Popen[bytes]:
    """A worker's process on this job, and nothing else."""
    return subprocess.Popen([sys.executable, "-c", WORKER, str(job_id)], cwd=ROOT)


def helper_started(job_id: int) -> subprocess.Popen[bytes]:
    """A process that takes a share of the job's run once another worker is at it."""
    return subprocess.Popen([sys.executable, "-c", HELPER, str(job_id)], cwd=ROOT)


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
    """Let it go on where it was paused."""
    from annotate.models import Job
    from annotate.services.jobs import job_resume

    job = Job.objects.get(pk=run.job_id)
    if job.state == "paused":
        print(f"  resumed after: {job.message}")
        job_resume(job.created_by, job)

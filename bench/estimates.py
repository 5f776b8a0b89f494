"""From labels in the database to stored estimates: seconds and share of each step, peak memory.

    python -m bench.estimates [--quick] [--items 1000000]

Makes 5 labels an item by 500 raters over 5 options in a PostgreSQL database of its own (beside that
of DATABASE_URL, else on 127.0.0.1) and drops it afterwards; runs the real service from the queued
job to the last row, by iBCC until it settles and by Dawid-Skene with 20 rounds; and ends with 1
where one takes longer than its goal or stores another number of rows. --quick: 50,000 items, on
SQLite as well, which has no goal.

The goal is 45 s for a million items on two cores, PostgreSQL on the same two; for others in
proportion. Memory is what the process takes at its peak beyond what it took before the job.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.label import ROOT, close_connections, own_database

GOAL_SECONDS = 45
GOAL_ITEMS = 1_000_000
QUICK_ITEMS = 50_000
ROUNDS = 20
SERVER = "postgres://postgres@127.0.0.1:5432/postgres"
STEPS = ("read", "build table", "compute", "store", "rest")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="50,000 items, on SQLite as well")
    parser.add_argument("--items", type=int, default=GOAL_ITEMS)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    n_items = QUICK_ITEMS if options.quick else options.items
    if options.here:
        return measured(n_items)
    given = os.environ.get("DATABASE_URL", "")
    os.environ["DATABASE_URL"] = given if given.startswith("postgres") else SERVER
    good = True
    with tempfile.TemporaryDirectory(prefix="concord-bench-") as name:
        folder = Path(name)
        if options.quick:
            good = in_a_process(n_items, f"sqlite:///{folder / 'bench.sqlite3'}", folder)
        with own_database(folder) as url:
            good = in_a_process(n_items, url, folder) and good
    return 0 if good else 1


def in_a_process(n_items: int, url: str, folder: Path) -> bool:
    """One of its own for each database: settings are read once, and memory is its own."""
    env = {
        **{k: v for k, v in os.environ.items() if k not in {"DEBUG", "CONCORD_MODE"}},
        "DATABASE_URL": url,
        "DATA_DIR": str(folder),
        "STATIC_ROOT": str(folder / "static"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=env, check=True)
    here = [sys.executable, "-m", "bench.estimates", "--here", "--items", str(n_items)]
    return subprocess.run(here, cwd=ROOT, env=env, check=False).returncode == 0


def measured(n_items: int) -> int:
    import django

    django.setup()
    from django.db import connection

    from annotate.models import Question
    from bench.many_labels import project_made

    began = time.perf_counter()
    question = Question.objects.filter(project__name=f"{n_items} items").first()
    question = question or project_made(n_items)
    on_postgres = connection.vendor == "postgresql"
    print(
        f"{'PostgreSQL' if on_postgres else 'SQLite'} on {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}: {n_items:,} items, {5 * n_items:,} labels "
        f"(made in {time.perf_counter() - began:.0f} s)",
        flush=True,
    )
    goal = GOAL_SECONDS * n_items / GOAL_ITEMS if on_postgres else None
    good = True
    for method, told in (("ibcc", "iBCC"), ("dawid_skene", "Dawid-Skene")):
        good = one(question, method, told, goal) and good
    again(question)
    close_connections()
    return 0 if good else 1


def one(question: Any, method: str, told: str, goal: float | None) -> bool:
    """Run the service on a queued job and print a line; True where all is well."""
    from annotate.models import EstimateRun
    from annotate.selectors.table_files import columns_forget
    from annotate.services.estimates import estimate_run, estimate_start
    from annotate.tasks import job_do

    columns_forget([question.pk])
    run = estimate_start(question.project.created_by, question, method=method)
    before = peak_reset()
    began, cpu = time.perf_counter(), own_cpu()
    with_steps = Steps()
    with_steps.watch()
    try:
        job_do(run.job_id, estimate_run)
    finally:
        with_steps.leave()
    total, cpu = time.perf_counter() - began, own_cpu() - cpu
    memory = peak() - before
    run = EstimateRun.objects.select_related("job").get(pk=run.pk)
    stored = run.item_estimates.count()
    seconds = with_steps.seconds
    seconds["rest"] = total - sum(seconds.values())
    parts = "  ".join(f"{s} {seconds[s]:.1f} s ({seconds[s] / total:.0%})" for s in STEPS)
    short = goal is not None and total > goal
    beside = f" (goal {goal:g}){' SHORT' if short else ''}" if goal is not None else ""
    print(f"  {told}, {run.iterations} rounds: {total:.1f} s{beside}, {cpu:.1f} s of own CPU")
    print(f"    {parts}")
    exact = stored == run.n_items == question.project.items.count() and run.job.state == "done"
    print(f"    {memory:,.0f} MB, {stored:,} stored{'' if exact else ': NOT ALL'}", flush=True)
    return exact and not short


def again(question: Any) -> None:
    """The table once more, with no label changed since."""
    from annotate.selectors.tables import question_table

    began = time.perf_counter()
    question_table(question)
    print(f"  the same table again: {time.perf_counter() - began:.1f} s", flush=True)


class Steps:
    """How long each step takes, by standing around the functions that do it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._kept: list[tuple[Any, str, Any]] = []

    def watch(self) -> None:
        from annotate.selectors import label_blocks
        from annotate.services import estimates

        blocks, table = label_blocks.label_blocks, estimates.question_table

        def read(*args: Any, **more: Any) -> Iterator[Any]:
            found = blocks(*args, **more)
            while True:
                began = time.perf_counter()
                block = next(found, None)
                self.seconds["read"] += time.perf_counter() - began
                if block is None:
                    return
                yield block

        def built(*args: Any, **more: Any) -> Any:
            began, before = time.perf_counter(), self.seconds["read"]
            found = table(*args, **more)
            inside = self.seconds["read"] - before
            self.seconds["build table"] += time.perf_counter() - began - inside
            return found

        self._put(label_blocks, "label_blocks", read)
        self._put(label_blocks, "labels_mark", self._timed("read", label_blocks.labels_mark))
        self._put(estimates, "question_table", built)
        self._put(estimates, "compute", self._timed("compute", estimates.compute))
        self._put(estimates, "_parameters", parameters)
        for name in ("rows_clear", "items_store", "raters_store"):
            self._put(estimates, name, self._timed("store", getattr(estimates, name)))

    def leave(self) -> None:
        for where, name, real in self._kept:
            setattr(where, name, real)

    def _put(self, where: Any, name: str, what: Any) -> None:
        self._kept.append((where, name, getattr(where, name)))
        setattr(where, name, what)

    def _timed(self, step: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **more: Any) -> Any:
            began = time.perf_counter()
            try:
                return real(*args, **more)
            finally:
                self.seconds[step] += time.perf_counter() - began

        return timed


def parameters(run: Any, *_table: Any) -> dict[str, Any]:
    """All rounds of Dawid-Skene: no early stop."""
    return {"max_iterations": ROUNDS, "tolerance": 0.0} if run.method == "dawid_skene" else {}


# --- The process (from /proc) -------------------------------------------------------------------


def own_cpu() -> float:
    spent = os.times()
    return spent.user + spent.system


def peak_reset() -> float:
    """Forget the peak so far; returns the megabytes held now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak() -> float:
    return _status("VmHWM")


def _status(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    sys.exit(main())

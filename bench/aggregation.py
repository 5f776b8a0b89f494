"""How fast labels are combined, and in how much memory: ours beside crowd-kit and krippendorff.

    python -m bench.aggregation [--quick] [--only dawid_skene]

Both sides get the same labels in one run: so many items with 5 labels each by 500 raters over 5
classes, in random order, ids as whole numbers. Each measurement is a process of its own on one
core. Counted is its CPU time, from the table in memory (ours: a LabelTable; theirs: a DataFrame, or
for alpha the counts by item) to the estimate, and the highest its memory rose above that table.
Prints each figure beside its goal and ends with 1 where one falls short.

The other libraries are large, and have an environment of their own beside .venv (it is looked for
first; else they must be installed where this runs):

    python -m venv .venv-bench
    .venv-bench/bin/python -m pip install --require-hashes -r requirements-bench.txt

Goals: Dawid-Skene at a million items in at most 1/12 of crowd-kit's CPU time and 400 MB. The others
are the ratios and the memory of a plain vectorised implementation against the same libraries. GLAD
of crowd-kit takes minutes at 100,000 items; at a million only our memory has a goal.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
OTHERS = ROOT / ".venv-bench/bin/python"
if not OTHERS.exists() and find_spec("crowdkit") and find_spec("krippendorff"):
    OTHERS = Path(sys.executable)
N_RATERS, N_CLASSES, PER_ITEM = 500, 5, 5
REPEATS = 3  # of what takes seconds; the middle one counts. What takes longer runs once
LONG = 5.0
# Rounds of a comparison in equal rounds; ours may stop earlier, where not a last digit moves.
ROUNDS = {"dawid_skene": 20, "mace": 51}


@dataclass(frozen=True)
class Goal:
    """`ratio`: so many times less CPU than theirs; `memory`: MB above the table. None: no goal."""

    ratio: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Contest:
    """One row of the table; `ours` and `theirs` know what its name stands for."""

    name: str
    what: str
    goals: dict[int, Goal]
    quick: int  # the number of items with --quick


# Pairwise comparison (Bradley-Terry against choix) will be a row here too.
CONTESTS = (
    Contest(
        "dawid_skene",
        "20 rounds",
        {100_000: Goal(ratio=10.9), 1_000_000: Goal(ratio=12, memory=400)},
        quick=100_000,
    ),
    Contest(
        "mace",
        "one start, 51 rounds",
        {100_000: Goal(ratio=7.4), 1_000_000: Goal(ratio=11.9, memory=671)},
        quick=20_000,
    ),
    Contest(
        "glad",
        "each to its own end",
        {100_000: Goal(ratio=21.5), 1_000_000: Goal(memory=547)},
        quick=3_000,
    ),
    Contest(
        "alpha",
        "nominal; theirs from counts",
        {100_000: Goal(ratio=0.5), 1_000_000: Goal(ratio=1.1, memory=119)},
        quick=100_000,
    ),
)


# --- The labels -------------------------------------------------------------------------------


def labels_made(n_items: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Raters with a confusion each, right half of the time: far from settled after 20 rounds."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(N_CLASSES, n_items, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    ability = rng.uniform(0.2, 0.7, (N_RATERS, N_CLASSES, 1))
    errors = rng.dirichlet(np.ones(N_CLASSES), (N_RATERS, N_CLASSES))
    cumulated = np.cumsum(ability * np.eye(N_CLASSES) + (1 - ability) * errors, axis=2)
    items = rng.permutation(np.repeat(np.arange(n_items), PER_ITEM))
    raters = rng.integers(0, N_RATERS, len(items))
    draws = rng.random(len(items))
    codes = np.zeros(len(items), dtype=np.int32)
    for code in range(N_CLASSES - 1):
        codes += draws > cumulated[raters, truth[items], code]
    return {
        "items": items.astype(np.int32),
        "raters": raters.astype(np.int32),
        "codes": codes,
        "truth": truth.astype(np.int8),
    }


# --- What is measured: from labels to something to call ---------------------------------------


def ours(name: str, labels: dict[str, np.ndarray]) -> Callable[[], Any]:
    from consensus.table import LabelTable

    table = LabelTable(
        labels["items"],
        labels["raters"],
        labels["codes"],
        len(labels["truth"]),
        N_RATERS,
        N_CLASSES,
    )
    if name == "alpha":
        from consensus.agreement import krippendorff_alpha

        return lambda: krippendorff_alpha(table)
    from consensus.methods import aggregate

    parameters: dict[str, Any] = {
        "dawid_skene": {"max_iterations": 20, "tolerance": 0},
        "mace": {"restarts": 1, "max_iterations": 51, "tolerance": 0},
        "glad": {},
    }[name]
    return lambda: aggregate(table, name, seed=1, **parameters)


def theirs(name: str, labels: dict[str, np.ndarray]) -> Callable[[], Any]:
    if name == "alpha":
        import krippendorff

        cells = labels["items"].astype(np.int64) * N_CLASSES + labels["codes"]
        counts = np.bincount(cells, minlength=len(labels["truth"]) * N_CLASSES)
        counts = counts.reshape(-1, N_CLASSES)
        return lambda: krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
    import pandas as pd
    from crowdkit import aggregation

    frame = pd.DataFrame(
        {"task": labels["items"], "worker": labels["raters"], "label": labels["codes"]}
    )
    model = {
        "dawid_skene": lambda: aggregation.DawidSkene(n_iter=20, tol=-math.inf),
        "mace": lambda: aggregation.MACE(n_restarts=1, n_iter=50),
        "glad": lambda: aggregation.GLAD(),
    }[name]
    return lambda: model().fit(frame)


def right_share(result: Any, truth: np.ndarray) -> float | None:
    """Speed that is bought with errors is none: the share of items given their true class."""
    if isinstance(result, float):
        return None
    if hasattr(result, "choice"):
        return float((result.choice == truth).mean())
    return float((result.labels_.sort_index().to_numpy() == truth).mean())


# --- One measurement, in a process of its own -------------------------------------------------


def memory_now() -> float:
    """MB this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def memory_peak() -> float:
    """MB this process had at most since `forget_peak`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def measured_here(side: str, name: str, folder: Path) -> dict[str, Any]:
    prepare = {"ours": ours, "theirs": theirs}[side]
    prepare(name, labels_made(50))()  # so that what is imported late is not counted
    stored = {column.stem: np.load(column) for column in folder.glob("*.npy")}
    truth = stored["truth"]
    run = prepare(name, stored)
    del stored
    forget_peak()
    before, times, memory, result = memory_now(), [], 0.0, None
    while len(times) < REPEATS and sum(times) < LONG:
        result = None
        began = time.process_time()
        result = run()
        times.append(time.process_time() - began)
        memory = memory or memory_peak() - before  # later runs find memory that the first one had
    return {
        "cpu": statistics.median(times),
        "memory": memory,
        "right": right_share(result, truth),
        "rounds": getattr(result, "iterations", None),
        "value": result if isinstance(result, float) else None,
    }


def measured(side: str, name: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable if side == "ours" else str(OTHERS), "-m", "bench.aggregation"]
    command += ["--measure", side, name, str(folder)]
    one_core = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    env = {**os.environ, **one_core, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- The report -------------------------------------------------------------------------------


def contest_held(contest: Contest, n_items: int, folder: Path) -> bool:
    """Measure both sides and print a line; True where every goal is reached."""
    goal = contest.goals.get(n_items, Goal(ratio=contest.goals[100_000].ratio))
    mine = measured("ours", contest.name, folder)
    rounds = ROUNDS.get(contest.name)
    short = rounds is not None and mine["rounds"] < rounds
    if short:
        mine["cpu"] *= rounds / mine["rounds"]
    parts = [f"ours {described(mine)}"]
    if short:
        parts[0] += f" [scaled from {mine['rounds']} rounds]"
    good = True
    if goal.memory is not None:
        reached = mine["memory"] <= goal.memory
        parts[0] += f" (goal {goal.memory:g}{'' if reached else ' SHORT'})"
        good = good and reached
    if goal.ratio is not None:
        other = measured("theirs", contest.name, folder)
        ratio = other["cpu"] / mine["cpu"]
        reached = ratio >= goal.ratio
        parts.append(f"theirs {described(other)}")
        parts.append(f"{ratio:.1f} times (goal {goal.ratio:g}{'' if reached else ' SHORT'})")
        good = good and reached and agree(mine, other)
        if not agree(mine, other):
            parts.append("DIFFERENT RESULT")
    print(f"{n_items:>9,} items, {contest.name} ({contest.what}):")
    print("            " + "   ".join(parts), flush=True)
    return good


def described(run: dict[str, Any]) -> str:
    right = "" if run["right"] is None else f", {run['right']:.1%} right"
    return f"{run['cpu']:7.2f} s CPU, {run['memory']:6.0f} MB{right}"


def agree(mine: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether ours is right as often as theirs, or (alpha) says the same."""
    if mine["value"] is not None:
        return bool(abs(mine["value"] - other["value"]) < 1e-9)
    return bool(mine["right"] > other["right"] - 0.01)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few items, under a minute")
    parser.add_argument("--only", choices=[c.name for c in CONTESTS], help="one row of the table")
    parser.add_argument("--items", type=int, help="one size of the table")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        side, name, folder = options.measure
        print(json.dumps(measured_here(side, name, Path(folder))))
        return 0
    if not OTHERS.exists():
        print("crowd-kit and krippendorff are wanted, in .venv-bench beside .venv. Make it by\n")
        print("    python -m venv .venv-bench")
        print(f"    {OTHERS.relative_to(ROOT)} -m pip install --require-hashes", end=" ")
        print("-r requirements-bench.txt")
        return 2
    contests = [c for c in CONTESTS if options.only in {None, c.name}]
    by_size: dict[int, list[Contest]] = {}
    for contest in contests:
        for n_items in [contest.quick] if options.quick else contest.goals:
            if options.items in {None, n_items}:
                by_size.setdefault(n_items, []).append(contest)
    good = True
    for n_items, rows in sorted(by_size.items()):
        with tempfile.TemporaryDirectory(prefix="concord-bench-") as name:
            for column, values in labels_made(n_items).items():
                np.save(Path(name) / f"{column}.npy", values)
            for contest in rows:
                good = contest_held(contest, n_items, Path(name)) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

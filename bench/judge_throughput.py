"""Labels a second of a run beside a bare loop that stores nothing, on an endpoint of fixed latency.

    python -m bench.judge_throughput [--quick] [--at-once 1 8 32 128]

The endpoint is on loopback and answers each call after 200 ms. The bare loop is httpx with asyncio,
so many calls in flight, replies thrown away. The run is the real one: one worker's process claims,
asks, stores calls and labels; its rate is taken over the calls it closed, from the first to the
last. On SQLite, or in a new database beside that of DATABASE_URL. --quick: 1 and 8 in flight.
Endpoint, bare loop and worker share the processors of the machine, whose number is printed.

Goals: at 32 in flight one worker does at least 90 % of the bare loop's calls a second; at 128,
where one is bound by its processor, two workers at the same run do more than one. SQLite lets one
process write at a time, and all that a worker does between two replies ends in a write: there two
must not get in each other's way by more than a tenth. Exits 1 where one of them falls short, or a
call or label is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.judge_setup import helper_started, in_a_process, judge_made, worker_started
from bench.label import close_connections, own_database
from bench.steady_endpoint import steady_endpoint

LATENCY = 0.2
SHARE_AT_32 = 0.9
# What two workers do at least, of what one does.
TWO_OF_ONE = {"postgresql": 1.0, "sqlite": 0.9}
SECONDS = 8.0  # as long as a run without any cost of its own takes


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="1 and 8 in flight")
    parser.add_argument("--at-once", type=int, nargs="+")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    widths = options.at_once or ([1, 8] if options.quick else [1, 8, 32, 128])
    if options.here:
        return measured(widths)
    with (
        tempfile.TemporaryDirectory(prefix="concord-bench-") as name,
        own_database(Path(name)) as url,
    ):
        arguments = ["--at-once", *map(str, widths)]
        return 0 if in_a_process("bench.judge_throughput", url, Path(name), arguments) else 1


def measured(widths: list[int]) -> int:
    import django

    django.setup()
    from django.db import connection

    where = "PostgreSQL" if connection.vendor == "postgresql" else "SQLite"
    print(f"{where} on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {LATENCY} s a call")
    print("at once workers   bare/s    run/s   share   rows/s  tokens/s   worker MB")
    short: list[str] = []
    for at_once in widths:
        n = max(10, int(SECONDS / LATENCY * at_once))
        with steady_endpoint(LATENCY) as url:
            bare = asyncio.run(bare_loop(url, n, at_once))
            rate = one(url, n, at_once, bare, short)
            if at_once == 32 and rate < SHARE_AT_32 * bare:
                short.append(f"{rate / bare:.0%} of the bare loop at 32, not {SHARE_AT_32:.0%}")
            if at_once >= 128:
                two = one(url, n, at_once, bare, short, workers=2)
                if two <= TWO_OF_ONE[connection.vendor] * rate:
                    short.append(f"two workers do {two:.0f}/s at {at_once}, one {rate:.0f}/s")
    close_connections()
    print("; ".join(short) or "all goals met")
    return 1 if short else 0


async def bare_loop(url: str, n: int, at_once: int) -> float:
    """Calls a second of httpx with asyncio, nothing stored."""
    import httpx2

    body = {"model": "bench", "messages": [{"role": "user", "content": "Dish."}], "max_tokens": 8}
    left = iter(range(n))

    async def ask(client: httpx2.AsyncClient) -> None:
        for _call in left:
            reply = await client.post(f"{url}/chat/completions", json=body)
            reply.json()

    limits = httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx2.AsyncClient(limits=limits, timeout=30, trust_env=False) as client:
        began = time.perf_counter()
        await asyncio.gather(*(ask(client) for _ in range(at_once)))
        return n / (time.perf_counter() - began)


def one(
    url: str, n: int, at_once: int, bare: float, short: list[str], *, workers: int = 1
) -> float:
    """Run over so many items, print a line; calls a second. Adds to ``short`` what is missing."""
    from django.db.models import Count, Max, Min, Sum

    from annotate.models import Label
    from judges.models import Call
    from judges.services.runs import run_start

    version = judge_made(url, n_items=n, at_once=at_once, timeout=30)
    run = run_start(version.created_by, version, selection={"strategy": "all"})
    at_work = [worker_started(run.job_id)]
    at_work += [helper_started(run.job_id) for _helper in range(workers - 1)]
    for process in at_work:
        process.wait()
    found: dict[str, Any] = Call.objects.filter(run=run, outcome="label").aggregate(
        n=Count("pk"),
        first=Min("closed_at"),
        last=Max("closed_at"),
        tokens_in=Sum("tokens_in"),
        tokens_out=Sum("tokens_out"),
    )
    # The first calls came after one latency, which the loop beside it has as well.
    seconds = (found["last"] - found["first"]).total_seconds() + LATENCY
    rate = found["n"] / seconds
    tokens = (found["tokens_in"] + found["tokens_out"]) / seconds
    # Of each: the call, its submission, its label.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{at_once:7d} {workers:7d} {bare:8.1f} {rate:8.1f}   {rate / bare:5.0%}"
        f" {3 * rate:8.0f} {tokens:9.0f} {peak:11.0f}",
        flush=True,
    )
    labels = Label.objects.filter(project=run.project).count()
    if not found["n"] == labels == n:
        short.append(f"{found['n']} calls and {labels} labels of {n} at {at_once}")
    return float(rate)


if __name__ == "__main__":
    raise SystemExit(main())

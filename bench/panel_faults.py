"""A panel's run against a faulty endpoint while its worker is killed: what is promised, counted.

    python -m bench.panel_faults [--quick] [--items 2000] [--kills 5]

Faults as in bench/judge_faults.py; the worker is a process that does the run and nothing else.
Three judges, of which the third is asked where the first two are not of one mind (on a quarter of
the items, and where one of them gave no answer). --quick: 200 items, 3 kills.

Ends with 1 unless: every item ended once, labelled or marked with a reason, as its calls say; no
judge was asked who could not have changed the ending; spent is the sum of the calls, not below what
the endpoint charged, which is never above the limit; and what was asked beyond one call a judge and
item is explained by faults and by what was in flight at a kill.
"""

from __future__ import annotations

import re
import threading
import time
import zlib
from typing import Any

from bench.faulty_endpoint import A_CALL, INPUT, OUTPUT, PASSING, Endpoint
from bench.judge_setup import bench_of_kills, judge_made, killed, resumed, worker_done
from bench.label import close_connections

# In full, and with --quick.
ITEMS = (2_000, 200)
KILLS = (5, 3)
AT_ONCE = 8
TIMEOUT = 1
JUDGES = ("bench", "bench-2", "bench-3")


def main() -> int:
    return bench_of_kills(
        "bench.panel_faults", __doc__, items=ITEMS, kills=KILLS, measured=measured
    )


def letter(asked: dict[str, Any]) -> str:
    """A, or B by the one or the other judge on a quarter of the dishes."""
    dish = re.search(r"Dish number (\d+)", str(asked["messages"]))
    drawn = zlib.crc32((dish[1] if dish else "").encode()) % 8
    return "B" if (asked["model"], drawn) in {("bench", 0), ("bench-2", 1)} else "A"


def panel_made(url: str, n_items: int) -> Any:
    from decimal import Decimal

    from judges.services.panels import panel_version
    from judges.services.prices import price_set
    from judges.services.versions import chat_version

    first = judge_made(url, n_items=n_items, at_once=AT_ONCE, timeout=TIMEOUT)
    owner, connection = first.created_by, first.connection
    for model in JUDGES[1:]:
        connection.capabilities[model] = {"temperature": True}
        price_set(owner, connection, model=model, input=Decimal(INPUT), output=Decimal(OUTPUT))
    connection.save()
    more = [chat_version(owner, first.question, connection, model=model) for model in JUDGES[1:]]
    return panel_version(owner, first.question, [first, *more])


def measured(n_items: int, kills: int) -> int:
    import django

    django.setup()
    from django.db import connection

    from judges.selectors.panel_runs import panel_tally
    from judges.services.runs import run_start
    from judges.services.spending import run_cap_set

    endpoint = Endpoint(latency=0.02, faults=True)
    endpoint.letter = letter
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    version = panel_made(endpoint.url, n_items)
    cap = n_items * A_CALL + 500_000  # for about half of what it takes
    run = run_start(version.created_by, version, selection={"strategy": "all"}, cap=cap)
    began = time.perf_counter()
    in_flight = 0
    for kill in range(1, kills + 1):
        in_flight += killed(run, at=2 * kill * n_items // (3 * (kills + 1)))
    paused = worker_done(run)
    problems = [] if paused == "paused" else [f"it did not pause at its limit, but is {paused}"]
    if endpoint.charged > cap:
        problems.append(f"the endpoint charged {endpoint.charged}, above the limit {cap}")
    run_cap_set(version.created_by, run, 100 * cap)
    resumed(run)
    ended = worker_done(run)
    if ended != "done":
        problems.append(f"it did not end, but is {ended}")
    seconds = time.perf_counter() - began
    time.sleep(4)  # replies that the client gave up on are still being written
    problems += checked(run, endpoint, n_items, in_flight)
    where = "PostgreSQL" if connection.vendor == "postgresql" else "SQLite"
    run.refresh_from_db()
    tally = panel_tally(run)
    print(f"{where}: {n_items:,} items, {kills} kills, {seconds:.0f} s")
    print(f"  endpoint  {dict(sorted(endpoint.told.items()))}")
    print(f"  items     {run.job.result}; by judges asked {tally.by_number}")
    print(f"  answers   {tally.answers:,} of {tally.everybody:,}, {tally.saved_share:.1%} saved")
    print(f"  in flight at the kills {in_flight}; spent {run.spent}, charged {endpoint.charged}")
    for problem in problems:
        print(f"  WRONG: {problem}")
    print("  all promises kept" if not problems else f"  {len(problems)} broken")
    endpoint.shutdown()
    close_connections()
    return 1 if problems else 0


def checked(run: Any, endpoint: Endpoint, n_items: int, in_flight: int) -> list[str]:
    """What is not as promised."""
    from annotate.models import Label, Submission
    from judges.models import Call, Run, Spending
    from judges.providers.prices import to_steps

    run = Run.objects.select_related("version__connection", "version__question").get(pk=run.pk)
    calls = Call.objects.filter(run=run)
    n_calls = calls.count()
    labelled = run.items.filter(ending="label").count()
    labels = Label.objects.filter(project=run.project)
    money = calls.values_list("price", "paid_beside")
    counted = sum((to_steps(price) if price else 0) + beside for price, beside in money)
    project = Spending.objects.get(project=run.project)
    passing = sum(endpoint.told[name] for name in PASSING)
    unsaid = run.items.exclude(ending="label").filter(error="").count()
    expected = {
        "every item ended": (run.items.exclude(ending="").count(), n_items),
        "every call is closed": (calls.filter(state="closed").count(), n_calls),
        "what has no label has a reason": (unsaid, 0),
        "one label a labelled item": (labels.count(), labelled),
        "no item has two": (labels.values("item").distinct().count(), labelled),
        "all are the panel's": (labels.filter(rater=run.version.rater).count(), labelled),
        "one submission a label": (
            Submission.objects.filter(project=run.project).count(),
            labelled,
        ),
        "every item ended as its calls say": (as_said(run), n_items),
        "spent is the sum of calls": (run.spent, counted),
        "the project's is the run's": (project.spent, run.spent),
        "nothing stays reserved": (run.reserved + project.reserved, 0),
    }
    wrong = [f"{name}: {is_} instead of {be}" for name, (is_, be) in expected.items() if is_ != be]
    if endpoint.charged > run.spent:
        wrong.append(f"the endpoint charged {endpoint.charged}, counted are {run.spent}")
    asked = sum(endpoint.told.values())
    if asked > n_calls + passing + in_flight:
        wrong.append(f"{asked} asked: {n_calls} calls, {passing} faults, {in_flight} in flight")
    return wrong


def as_said(run: Any) -> int:
    """Items whose ending follows from their calls, and whose judges all had to be asked."""
    from collections import defaultdict

    from judges.models import Call
    from judges.prompting.panel import asked_next
    from judges.selectors.panel_items import standing
    from judges.selectors.panels import panel_of

    panel = panel_of(run.version)
    by_item = defaultdict(list)
    for call in Call.objects.filter(run=run):
        by_item[call.item_id].append(call)
    good = 0
    for place in run.items.all():
        now = standing(panel, place.item_id, by_item[place.item_id])
        votes, ballot = now.votes(discussed=False), panel.ballot(place.item_id)
        asked: dict[int, Any] = {}
        while more := asked_next(ballot, asked, {}):
            asked |= {at: votes[at] for at, _talk in more if at in votes}
            if any(at not in votes for at, _talk in more):
                break
        found = now.found
        same = found is not None and (found.outcome, found.code) == (place.ending, place.choice)
        good += same and set(asked) == set(votes)
    return good


if __name__ == "__main__":
    raise SystemExit(main())

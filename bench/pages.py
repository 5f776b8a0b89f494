"""How long the pages of a large project take: the 95th percentile of each beside its goal.

    python -m bench.pages [--quick] [--items 100000 1000000]

Makes five raters an item (four people, one judge) in a PostgreSQL database of its own (beside that
of DATABASE_URL, else on 127.0.0.1) and drops it afterwards. Each line is one kind of page, asked
for again and again with other filters, words and places in the list, through the whole of Django
but without a socket. Ends with 1 where one misses its goal: 300 ms at 100,000 items, 1 s at a
million. --quick: 20,000 items, on SQLite as well, which has no goal.

Another page is another Page in PAGES.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.estimates import SERVER
from bench.label import ROOT, close_connections, own_database

QUICK_ITEMS = 20_000
ITEMS = (100_000, 1_000_000)
# Milliseconds, up to so many items.
GOALS = {100_000: 300, 1_000_000: 1000}
ROUNDS = 3
# Of the slowest query so many characters are shown.
SHOWN = 500


@dataclass(frozen=True)
class World:
    """The project that is looked at. ``ids`` are items a hundredth of the list apart, in its
    order; ``doubtful`` the same of the review queue, as (doubt, item). ``most``: people with the
    most labels."""

    project: int
    question: int
    ids: list[int]
    doubtful: list[tuple[float, int]]
    raters: list[int]
    most: list[int]
    judge: int


@dataclass(frozen=True)
class Page:
    """One kind of page. ``queries`` gives the queries to ask it with, each a dict; what the path
    names in braces is taken out of them."""

    name: str
    path: str
    queries: Callable[[World], list[dict[str, Any]]] = field(default=lambda _world: [{}])


def _places(world: World) -> list[int]:
    """Near the beginning, in the middle, near the end, and between."""
    return [world.ids[n] for n in (1, 25, 50, 75, 90, 97)]


def _with_places(**query: Any) -> Callable[[World], list[dict[str, Any]]]:
    return lambda world: [query, *({**query, "after": pk} for pk in _places(world))]


def _words(*words: str) -> Callable[[World], list[dict[str, Any]]]:
    return lambda world: [
        {"q": word, **place}
        for word in words
        for place in ({}, {"after": world.ids[50]}, {"before": world.ids[90]})
    ]


def _queue(**query: Any) -> Callable[[World], list[dict[str, Any]]]:
    def asked(world: World) -> list[dict[str, Any]]:
        places = [world.doubtful[n] for n in (0, 25, 50, 75, 97)]
        return [query, *({**query, "after": f"{d!r}:{pk}"} for d, pk in places)]

    return asked


def _raters(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"rater": pk} for pk in world.raters[:4]]
    found += [{"rater": pk, "answer": 1, "after": world.ids[50]} for pk in world.raters[4:8]]
    return [*found, {"rater": world.judge, "answer": 2, "after": world.ids[75]}]


def _pairs(world: World) -> list[dict[str, Any]]:
    one, two = world.raters[0], world.raters[N_APART]
    return [{"a": one, "b": two}, {"a": one, "b": world.judge}]


def _each_rater(world: World) -> list[dict[str, Any]]:
    """The raters whose profiles are kept, and one whose is not."""
    return [{"rater": pk} for pk in (*world.most[:4], world.judge, world.raters[-1])]


def _each_pair(world: World) -> list[dict[str, Any]]:
    one, *others = world.most
    return [{"rater": one, "other": other} for other in (*others[:4], world.judge)]


# Raters so far apart meet at items (bench.many_labels).
N_APART = 125

PAGES = [
    Page("review: the queue", "review/", _queue()),
    Page("review: people split", "review/", _queue(reason="people_split")),
    Page("review: judge against people", "review/", _queue(reason="judge_differs")),
    Page("review: low confidence", "review/", _queue(reason="unsure")),
    Page("review: flagged", "review/", _queue(reason="flagged")),
    Page("items: pages, shallow and deep", "items/", _with_places()),
    Page(
        "items: backwards",
        "items/",
        lambda world: [{"before": pk} for pk in _places(world)],
    ),
    Page("items: a common word", "items/", _words("breakfast", "price")),
    Page("items: a rare word", "items/", _words("peacock", "Visit 4711:")),
    Page("items: a word that is nowhere", "items/", _words("xylophone")),
    Page("items: an id", "items/", _words("i4711")),
    Page("items: metadata", "items/", _with_places(meta="site", meta_value="site-17")),
    Page("items: split people", "items/", _with_places(disagreement="split")),
    Page("items: in review because", "items/", _with_places(reason="judge_differs")),
    Page("items: flagged", "items/", _with_places(reason="flagged")),
    Page("items: ruled", "items/", _with_places(state="ruled")),
    Page("items: more answers wanted", "items/", _with_places(state="in_work")),
    Page("items: somebody says", "items/", _with_places(answer=2)),
    Page("items: one rater's", "items/", _raters),
    Page("items: an unsure judge", "items/", _with_places(confidence="below_60")),
    Page("items: two who differ", "items/", _pairs),
    Page("overview", "overview/"),
    Page("raters: the matrix", "raters/"),
    Page("a rater's profile", "raters/{rater}/", _each_rater),
    Page("two raters side by side", "raters/{rater}/{other}/", _each_pair),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="20,000 items, on SQLite as well")
    parser.add_argument("--items", type=int, nargs="+", default=list(ITEMS))
    parser.add_argument("--only", default="", help="pages whose name has this in it")
    parser.add_argument("--slow", action="store_true", help="also the slowest query of each page")
    parser.add_argument("--here", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        return measured(options.here, options.only, slow=options.slow)
    given = os.environ.get("DATABASE_URL", "")
    os.environ["DATABASE_URL"] = given if given.startswith("postgres") else SERVER
    more = ["--only", options.only, *(["--slow"] if options.slow else [])]
    good = True
    for n_items in [QUICK_ITEMS] if options.quick else options.items:
        with tempfile.TemporaryDirectory(prefix="concord-bench-") as name:
            folder = Path(name)
            if options.quick:
                sqlite = f"sqlite:///{folder / 'bench.sqlite3'}"
                good = in_a_process(n_items, sqlite, folder, more) and good
            with own_database(folder) as url:
                good = in_a_process(n_items, url, folder, more) and good
    return 0 if good else 1


def in_a_process(n_items: int, url: str, folder: Path, more: list[str]) -> bool:
    """One of its own for each database: settings are read once."""
    env = {
        **{k: v for k, v in os.environ.items() if k not in {"DEBUG", "CONCORD_MODE"}},
        "DATABASE_URL": url,
        "DATA_DIR": str(folder),
        "STATIC_ROOT": str(folder / "static"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    prepare = [sys.executable, "manage.py", "prepare"]
    subprocess.run(prepare, cwd=ROOT, env=env, check=True, capture_output=True)
    here = [sys.executable, "-m", "bench.pages", "--here", str(n_items), *more]
    return subprocess.run(here, cwd=ROOT, env=env, check=False).returncode == 0


def measured(n_items: int, only: str, *, slow: bool) -> int:
    import django

    django.setup()
    from django.db import connection

    from bench.pages_filled import filled

    began = time.perf_counter()
    question = filled(n_items)
    world = world_of(question)
    on_postgres = connection.vendor == "postgresql"
    print(
        f"{'PostgreSQL' if on_postgres else 'SQLite'} on {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}: {n_items:,} items, 5 raters an item "
        f"(made in {time.perf_counter() - began:.0f} s)",
        flush=True,
    )
    goal = next((ms for most, ms in GOALS.items() if n_items <= most), None)
    client = client_of(question.project.created_by)
    # What a process reads and compiles once, at its first pages.
    for page in PAGES:
        asked(client, world, page, page.queries(world)[0])
    good = True
    for page in PAGES:
        if only in page.name:
            good = one(client, world, page, goal if on_postgres else None, slow=slow) and good
    close_connections()
    return 0 if good else 1


def one(client: Any, world: World, page: Page, goal: int | None, *, slow: bool) -> bool:
    """Ask for a kind of page and print a line; True where it is fast enough."""
    waits, most, slowest = [], 0, (0.0, "")
    for query in page.queries(world):
        for _round in range(ROUNDS):
            ms, queries = asked(client, world, page, query)
            waits.append(ms)
            most = max(most, len(queries))
            slowest = max(slowest, *(_took(query) for query in queries))
    waits.sort()
    p50, p95 = waits[len(waits) // 2], waits[min(len(waits) - 1, int(len(waits) * 0.95))]
    short = goal is not None and p95 > goal
    beside = f" (goal {goal}){' SHORT' if short else ''}" if goal is not None else ""
    print(
        f"  {page.name:<34} p50 {p50:6.0f} ms   p95 {p95:6.0f} ms{beside}   {most} queries",
        flush=True,
    )
    if slow:
        print(f"    {slowest[0] * 1000:.0f} ms: {slowest[1][:SHOWN]}", flush=True)
    return not short


def _took(query: dict[str, str]) -> tuple[float, str]:
    return float(query["time"]), query["sql"]


def asked(
    client: Any, world: World, page: Page, query: dict[str, Any]
) -> tuple[float, list[dict[str, str]]]:
    """Milliseconds of one request, and its queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    in_path = {name: query[name] for name in query if f"{{{name}}}" in page.path}
    path = f"/projects/{world.project}/{page.path.format(**in_path)}"
    query = {name: value for name, value in query.items() if name not in in_path}
    began = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path, query, headers={"host": "127.0.0.1"})
        body = response.content
    ms = (time.perf_counter() - began) * 1000
    if response.status_code != 200 or b"</html>" not in body:
        raise SystemExit(f"{path}?{urlencode(query)} answered {response.status_code}.")
    return ms, list(queries)


def client_of(user: Any) -> Any:
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client


def world_of(question: Any) -> World:
    from annotate.models import ItemSummary, Rater, RaterKind

    project = question.project
    ids = project.items.order_by("pk").values_list("pk", flat=True)
    waiting = (
        ItemSummary.objects.filter(question=question, state="open")
        .exclude(reason="")
        .order_by("-doubt", "item_id")
        .values_list("doubt", "item_id")
    )
    raters = Rater.objects.filter(project=project)
    people = raters.filter(kind=RaterKind.PERSON).order_by("pk")
    return World(
        project=project.pk,
        question=question.pk,
        ids=list(_hundredths(list(ids))),
        doubtful=list(_hundredths(list(waiting))),
        raters=list(people.values_list("pk", flat=True)),
        most=_most(question),
        judge=raters.get(kind=RaterKind.JUDGE).pk,
    )


def _most(question: Any) -> list[int]:
    from django.db.models import Count

    from annotate.models import Label, RaterKind

    labels = Label.objects.filter(question=question, rater__kind=RaterKind.PERSON)
    counted = labels.values_list("rater_id").annotate(n=Count("pk")).order_by("-n", "rater_id")
    return [rater_id for rater_id, _n in counted[:12]]


def _hundredths(rows: list[Any]) -> Iterator[Any]:
    for n in range(100):
        yield rows[n * len(rows) // 100]


if __name__ == "__main__":
    sys.exit(main())

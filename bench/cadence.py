"""How fast the next item is there: one person at the keyboard of a real browser, a real server.

    python -m bench.cadence [--quick]

Chromium (CHROMIUM names one, else the usual names on the PATH) against gunicorn as `manage.py
serve` starts it, on a database made for this and dropped afterwards; with DATABASE_URL on
PostgreSQL. Twice: with the network of this machine, about six labels a second, and with 200 ms
added to each request, one label a second. Prints each figure beside its goal, and ends with 1 where
one falls short, where the item painted takes no key, or where the database does not hold each label
as it was pressed.

From a key press to the next item painted: from the time stamp of Enter's event to the first task
after the frame that shows the other item, so a frame of up to 17 ms is in it. Weights are bytes
over the wire. Interactive: the options take keys.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench.label import (
    ROOT,
    close_connections,
    own_database,
    prepare,
    project_made,
    server,
)

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
VIEW = {"width": 1440, "height": 900}
# Milliseconds; kB are 1,000 bytes.
MEDIAN, P95, DELAY, INTERACTIVE = 32.0, 60.0, 200, 400.0
WEIGHT_KB, SCRIPT_KB, STYLE_KB = 100.0, 60.0, 25.0
WARM_UP = 3

# In the page: when keys are taken first, and how long each label took to be followed by the next.
WATCH = """
(() => {
  const seen = window.cadence = { interactive: null, waits: [] };
  const item = () => document.querySelector("#work input[name=item]")?.value ?? "";
  let pressed = null, before = "";
  addEventListener("keydown", (event) => {
    if (event.key === "Enter") [pressed, before] = [event.timeStamp, item()];
  }, true);
  new MutationObserver(() => {
    if (seen.interactive === null && document.querySelector(".option input[aria-keyshortcuts]"))
      seen.interactive = performance.now();
    if (pressed === null || item() === before || item() === "") return;
    const from = pressed;
    pressed = null;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => seen.waits.push(performance.now() - from);
      channel.port2.postMessage(null);
    });
  }).observe(document, { childList: true, subtree: true, attributes: true });
})();
"""


@dataclass
class Traffic:
    """What went over the wire: requests and bytes, by the browser's own count."""

    requests: int = 0
    size: float = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    _kinds: dict[str, str] = field(default_factory=dict)

    def watch(self, session: Any) -> None:
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")

    def reset(self) -> None:
        self.requests, self.size = 0, 0
        self.by_kind.clear()

    def _sent(self, event: dict[str, Any]) -> None:
        self.requests += 1
        self._kinds[event["requestId"]] = event.get("type", "")

    def _finished(self, event: dict[str, Any]) -> None:
        self.size += event["encodedDataLength"]
        self.by_kind[self._kinds.get(event["requestId"], "")] += event["encodedDataLength"]


@dataclass
class Report:
    """Each figure beside its goal."""

    good: bool = True

    def line(self, name: str, value: float, goal: float, unit: str) -> None:
        short = not value <= goal
        self.good = self.good and not short
        print(
            f"    {name:<46} {value:8.1f} {unit:<4} (goal {goal:g}){' SHORT' if short else ''}",
            flush=True,
        )

    def fact(self, name: str, *, holds: bool, why: str = "") -> None:
        self.good = self.good and holds
        print(f"    {name:<46} {'yes' if holds else 'NO ' + why:>8}", flush=True)


def chromium() -> str:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if not path:
        raise SystemExit("No Chromium found: name one with CHROMIUM=/path/to/it.")
    return path


# --- Opening ------------------------------------------------------------------------------------


@contextlib.contextmanager
def profile(browser: Browser, port: int, session: str) -> Iterator[BrowserContext]:
    """A browser without anything cached, logged in."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{port}", viewport=VIEW)  # type: ignore[arg-type]
    context.add_cookies(
        [{"name": "sessionid", "value": session, "url": f"http://127.0.0.1:{port}"}]
    )
    context.add_init_script(WATCH)
    yield context
    context.close()


def opened(page: Page, project_id: int) -> None:
    page.goto(f"/projects/{project_id}/label/")
    page.wait_for_function("() => cadence.interactive !== null")


def cold_starts(
    browser: Browser, port: int, project_id: int, session: str, times: int, report: Report
) -> None:
    """Load the screen with nothing cached: how soon it takes keys, and what it weighs."""
    interactive, traffic = [], Traffic()
    for _time in range(times):
        with profile(browser, port, session) as context:
            page = context.new_page()
            traffic = Traffic()
            traffic.watch(context.new_cdp_session(page))
            opened(page, project_id)
            page.wait_for_load_state("networkidle")
            interactive.append(page.evaluate("cadence.interactive"))
    report.line(
        f"cold start to interactive, median of {times}",
        statistics.median(interactive),
        INTERACTIVE,
        "ms",
    )
    report.line("first load, all of it", traffic.size / 1000, WEIGHT_KB, "kB")
    report.line("    scripts", traffic.by_kind["Script"] / 1000, SCRIPT_KB, "kB")
    report.line("    style sheets", traffic.by_kind["Stylesheet"] / 1000, STYLE_KB, "kB")


# --- Labelling ----------------------------------------------------------------------------------


@dataclass
class Sitting:
    """What was pressed for which item, and what the browser measured."""

    pressed: dict[int, int] = field(default_factory=dict)
    not_ready: int = 0
    twice: int = 0


def sit(page: Page, labels: int, pause: float) -> Sitting:
    """Label so many items: a digit as soon as one is painted, and Enter ``pause`` ms later."""
    sitting = Sitting()
    for n in range(labels):
        item = int(page.locator("#work input[name=item]").input_value())
        choice = n % 3
        page.keyboard.press(str(choice + 1))
        checked = page.evaluate("document.querySelector('.option :checked')?.value ?? ''")
        sitting.not_ready += checked != str(choice)
        sitting.twice += item in sitting.pressed
        sitting.pressed[item] = choice
        page.wait_for_timeout(pause)
        done = page.evaluate("cadence.waits.length")
        page.keyboard.press("Enter")
        page.wait_for_function("(n) => cadence.waits.length > n", arg=done)
    page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.includes('unsent'))")
    return sitting


def labelled(
    browser: Browser,
    port: int,
    project_id: int,
    session: str,
    *,
    labels: int,
    pause: float,
    delay: int,
    report: Report,
) -> dict[int, int]:
    """Let one person label, and report. Returns the choice pressed, by item."""
    with profile(browser, port, session) as context:
        page = context.new_page()
        opened(page, project_id)
        page.wait_for_load_state("networkidle")
        network = context.new_cdp_session(page)
        traffic = Traffic()
        traffic.watch(network)
        if delay:
            conditions = {"downloadThroughput": -1, "uploadThroughput": -1}
            network.send(
                "Network.emulateNetworkConditions",
                {"offline": False, "latency": delay, **conditions},
            )
        warm = sit(page, WARM_UP, pause)
        page.evaluate("cadence.waits.length = 0")
        traffic.reset()
        sitting = sit(page, labels, pause)
        page.wait_for_load_state("networkidle")
        waits = sorted(page.evaluate("cadence.waits"))
    report.line("key press to next item painted, median", statistics.median(waits), MEDIAN, "ms")
    report.line("    95th percentile", waits[int(len(waits) * 0.95)], P95, "ms")
    report.line("requests a label", traffic.requests / labels, 1, "")
    print(f"    {'bytes a label':<46} {traffic.size / labels / 1000:8.1f} kB", flush=True)
    report.fact(
        "another item each time", holds=sitting.twice == 0, why=f"{sitting.twice} came twice"
    )
    report.fact(
        "ready for the next key", holds=sitting.not_ready == 0, why=f"{sitting.not_ready} were not"
    )
    return {**warm.pressed, **sitting.pressed}


def stored_as_pressed(project_id: int, username: str, pressed: dict[int, int]) -> bool:
    """Every label is in the database, once, with the answer whose key was pressed on its item."""
    from annotate.models import Label, LabelStatus, Submission

    mine = {"project_id": project_id, "rater__user__username": username}
    labels = Label.objects.filter(
        submission__project_id=project_id,
        rater__user__username=username,
        status=LabelStatus.LIVE,
    )
    stored = list(labels.values_list("item_id", "choice"))
    return (
        Submission.objects.filter(**mine).count() == len(pressed) == len(stored)
        and dict(stored) == pressed
    )


# --- The whole ----------------------------------------------------------------------------------


def measured(browser: Browser, env: dict[str, str], n_items: int, *, quick: bool) -> bool:
    report = Report()
    project_id, sessions = project_made(n_items)
    with server(env) as (port, _pid):
        print(f"{n_items:,} items", flush=True)
        cold_starts(browser, port, project_id, sessions[2], 3 if quick else 9, report)
        for n, (labels, pause, delay) in enumerate(
            [(40 if quick else 200, 120, 0), (12 if quick else 60, 960, DELAY)]
        ):
            words = f"with {delay} ms of network delay added, one label a second"
            print(f"  {words if delay else 'about six labels a second'}", flush=True)
            pressed = labelled(
                browser,
                port,
                project_id,
                sessions[n],
                labels=labels,
                pause=pause,
                delay=delay,
                report=report,
            )
            exact = stored_as_pressed(project_id, f"annotator{n}", pressed)
            report.fact(f"all {len(pressed)} labels stored as pressed, once", holds=exact)
    return report.good


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10,000 items, fewer labels")
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
            # Playwright's loop runs in this thread, beside which the database is asked.
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
        }
        os.chdir(ROOT)
        kind = "PostgreSQL" if urlsplit(url).scheme.startswith("postgres") else "SQLite"
        prepare(env)
        playwright = up.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGS)
        print(f"{kind} on {os.cpu_count()} cores, Chromium {browser.version}", flush=True)
        for n_items in [10_000] if options.quick else [10_000, 100_000]:
            good = measured(browser, env, n_items, quick=options.quick) and good
        browser.close()
        close_connections()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

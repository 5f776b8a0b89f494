"""A real Chromium against the real pages, served from this process."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def chromium_path() -> str | None:
    """Find a Chromium: CHROMIUM names one, else the usual names on the PATH."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        words = "no Chromium found: install chromium, or name one with CHROMIUM=/path/to/it"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    # Playwright's loop runs in this thread for the rest of the session; the ORM is called beside
    # it, never from inside a coroutine.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
            yield browser
            browser.close()


class UnderWay:
    """Counts the requests that the live server's threads are answering."""

    def __init__(self) -> None:
        self._n = 0
        self._changed = threading.Condition()

    def started(self, **_: Any) -> None:
        self._add(1)

    def finished(self, **_: Any) -> None:
        self._add(-1)

    def wait(self) -> None:
        """Until none is under way: emptying the tables meets no request that still reads them."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._n <= 0, timeout=30)

    def _add(self, n: int) -> None:
        with self._changed:
            self._n += n
            self._changed.notify_all()


@pytest.fixture
def under_way(live_server: Any) -> Iterator[UnderWay]:
    counter = UnderWay()
    request_started.connect(counter.started)
    request_finished.connect(counter.finished)
    yield counter
    request_started.disconnect(counter.started)
    request_finished.disconnect(counter.finished)


@pytest.fixture
def page(browser: Browser, live_server: Any, under_way: UnderWay) -> Iterator[Page]:
    """Open a fresh, empty browser profile whose addresses start at the live server."""
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1440, "height": 900}, locale="en-GB"
    )
    context.set_default_timeout(10_000)
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    under_way.wait()
    assert not errors, f"scripts of the page failed: {errors}"

"""Pictures of every screen of a running Concord, wide and narrow, light and dark, to be looked at.

    bin/run &
    python -m bench.screens --user dora --password ... [--url http://127.0.0.1:8000]

Prints each picture with the width that its page needs beside the width it has (a page that scrolls
sideways falls short) and what the browser complained of; exits 1 where anything fell short.
``--language de`` asks for them in German, ``--quick`` takes the overview, label and review screens
only.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = {"wide": (1440, 900), "narrow": (390, 844)}
QUICK = ("overview", "label", "review")
# Screens of a project, by the last part of their address; "" is the list of one's projects.
SCREENS = {
    "home": "/",
    "start": "/projects/new/",
    "account": "/account/",
    "overview": "/projects/{project}/overview/",
    "label": "/projects/{project}/label/",
    "review": "/projects/{project}/review/",
    "items": "/projects/{project}/items/",
    "judges": "/projects/{project}/judges/",
    "data": "/projects/{project}/data/",
    "people": "/projects/{project}/people/",
    "settings": "/projects/{project}/settings/",
}


def main() -> int:
    options = _options()
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    names = QUICK if options.quick else tuple(SCREENS)
    short = 0
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for scheme in ("light", "dark"):
            for width, (across, down) in WIDTHS.items():
                page = _page(browser, scheme, across, down, options.language)
                project = _log_in(page, options)
                for name in names:
                    short += _take(page, options.url, name, project, folder, f"{width}-{scheme}")
                page.context.close()
        browser.close()
    print(f"{short} fell short" if short else "every page fits, and the browser had no complaint")
    return 1 if short else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--project", default="", help="number of the project; else the first")
    parser.add_argument("--out", default="screenshots")
    parser.add_argument("--language", default="en", help="what the browser asks for")
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


def _page(browser: Browser, scheme: str, across: int, down: int, language: str) -> Page:
    context = browser.new_context(
        locale=language,
        viewport={"width": across, "height": down},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    return context.new_page()


def _log_in(page: Page, options: argparse.Namespace) -> str:
    page.goto(f"{options.url}/account/login/")
    page.fill("[name=username]", options.user)
    page.fill("[name=password]", options.password)
    page.press("[name=password]", "Enter")
    page.wait_for_load_state("networkidle")
    if options.project:
        return str(options.project)
    found = re.search(r"/projects/(\d+)/", page.content())
    if found is None:
        sys.exit(f"No project was found for {options.user}: is the password right?")
    return found[1]


def _take(page: Page, url: str, name: str, project: str, folder: Path, suffix: str) -> int:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    reply = page.goto(url + SCREENS[name].format(project=project))
    page.wait_for_load_state("networkidle")
    needs = page.evaluate("document.documentElement.scrollWidth")
    has = page.evaluate("document.documentElement.clientWidth")
    status = reply.status if reply else 0
    page.screenshot(path=folder / f"{name}-{suffix}.png", full_page=True)
    bad = status != 200 or needs > has or bool(complaints)
    said = "; ".join(complaints)
    print(f"{name}-{suffix}: {status}, {needs} of {has} px {said}".rstrip())
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())

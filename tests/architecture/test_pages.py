"""The site as a whole, as the demo's owner walks it: every link leads to a sound page."""

from __future__ import annotations

from collections import Counter, deque
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import Resolver404, resolve

from annotate.services.demo import demo_create

pytestmark = pytest.mark.django_db
# Enough of each kind of page: the demo has more than a hundred items.
OF_A_KIND = 3


class Page(HTMLParser):
    """What a page is made of: counts of its landmarks, its links, its ids."""

    VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.targets: list[str] = []
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags[tag] += 1
        if tag == "html":
            self.language = found.get("lang") or ""
        if found.get("id"):
            self.ids[str(found["id"])] += 1
        if tag == "a" and found.get("href") and "download" not in found:
            self.links.append(str(found["href"]))
        self.targets += str(found.get("aria-labelledby") or "").split()
        if tag == "label" and found.get("for"):
            self.targets.append(str(found["for"]))


def walked(client: Client, most: int = OF_A_KIND) -> dict[str, str]:
    """Follow every link from the start page; returns address -> HTML. Fails on a dead link.

    ``most``: so many pages of a kind.
    """
    pages: dict[str, str] = {}
    seen = {"/"}
    of_a_kind: Counter[str] = Counter()
    waiting = deque([("/", "(start)")])
    while waiting:
        address, source = waiting.popleft()
        try:
            kind = resolve(urlsplit(address).path).view_name
        except Resolver404:
            pytest.fail(f"{source} links to {address}, which leads nowhere")
        of_a_kind[kind] += 1
        if of_a_kind[kind] > most:
            continue
        answer = client.get(address, follow=True)
        assert answer.status_code == 200, f"{address} (linked from {source}): {answer.status_code}"
        if not answer.headers["Content-Type"].startswith("text/html"):
            continue
        pages[address] = answer.content.decode()
        for link in Page(pages[address]).links:
            target = urldefrag(urljoin(address, link)).url
            if urlsplit(target).netloc or not target.startswith("/") or target in seen:
                continue
            seen.add(target)
            waiting.append((target, address))
    return pages


@pytest.fixture
def pages(client: Client) -> dict[str, str]:
    demo_create()
    owner = get_user_model().objects.get(username="dora")
    client.force_login(owner)
    return walked(client)


def test_every_page_of_the_demo_is_sound(pages: dict[str, str]) -> None:
    assert len(pages) > 10, sorted(pages)
    faults = []
    for address, text in pages.items():
        page = Page(text)
        if page.tags["h1"] != 1:
            faults.append(f"{address}: {page.tags['h1']} h1")
        if page.tags["main"] != 1:
            faults.append(f"{address}: {page.tags['main']} main")
        if page.tags["title"] < 1 or not page.language:
            faults.append(f"{address}: no title or no language")
        faults += [f"{address}: id {name} twice" for name, n in page.ids.items() if n > 1]
        faults += [
            f"{address}: label or aria-labelledby for #{name}, which is not there"
            for name in page.targets
            if name not in page.ids
        ]
        faults += [
            f"{address}: {words!r} on the page"
            for words in ("{{", "{%", "&amp;lt;", "None</", "[object ")
            if words in text
        ]

    assert faults == []

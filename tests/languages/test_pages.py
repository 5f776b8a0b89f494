"""Every page of the demo in every language: it holds together, and no text of ours is left over."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils.translation import deactivate

from annotate.services.demo import demo_create
from tests.architecture.test_pages import walked

pytestmark = pytest.mark.django_db
LOCALE = Path(__file__).resolve().parents[2] / "locale"
# Names that the demo gave its questions, or roles it wrote down when it was made.
OF_THE_DEMO = {"Topic"}


class Texts(HTMLParser):
    """The texts of a page and what is read out of it, one by one."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attrs if value and name != "value"}

    def handle_data(self, data: str) -> None:
        self.found.add(" ".join(data.split()))


@pytest.mark.parametrize(("asked", "folder"), [("de", "de"), ("zh-CN", "zh_Hans")])
def test_a_page_says_nothing_in_english_that_is_translated(asked: str, folder: str) -> None:
    catalogue = polib.pofile(str(LOCALE / folder / "LC_MESSAGES" / "django.po"))
    # A word alone may be a name; a sentence is ours. Another context may say the same in English.
    english = {
        entry.msgid
        for entry in catalogue
        if len(entry.msgid.split()) > 1 and entry.msgstr not in {"", entry.msgid}
    } - OF_THE_DEMO
    demo_create()
    client = Client(headers={"Accept-Language": asked})
    client.force_login(get_user_model().objects.get(username="dora"))

    try:
        pages = walked(client, most=1)
    finally:
        deactivate()

    assert len(pages) > 10
    left = {
        address: sorted(found)
        for address, html in pages.items()
        if (found := Texts(html).found & english)
    }
    assert left == {}
    broken = [address for address, html in pages.items() if re.search(r"%\(\w+\)s|\{\{|\{%", html)]
    assert broken == []

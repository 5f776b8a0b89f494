"""Guidelines come out as HTML that cannot do anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from annotate.selectors.guidelines import guideline_html

TAGS = {"p", "a", "h3", "table", "thead", "tbody", "tr", "th", "td"}


class Found(HTMLParser):
    """What a browser would see: tags, and attributes with their values."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![picture](https://example.org/track.png)",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](&#x6a;avascript:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:alert(1)>",
    '[a](https://example.org "x\\" onmouseover=\\"alert(1)")',
    "# <svg onload=alert(1)>",
    "| <iframe src=//x> |\n|-|\n| <style>*{}</style> |",
    "[x]: javascript:alert(1)\n\n[x]",
    '<a href="https://example.org" onclick="alert(1)">link</a>',
]


def test_markdown_is_rendered() -> None:
    html = guideline_html("# Title\n\n**bold** and *thin*\n\n1. one\n\n| a |\n|-|\n| b |")
    for part in ("<h3>Title</h3>", "<strong>bold</strong>", "<em>thin</em>", "<ol>", "<td>b</td>"):
        assert part in html


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_harmful_comes_through(attack: str) -> None:
    found = Found(guideline_html(attack))
    assert found.tags <= TAGS
    for name, value in found.attributes:
        assert name in {"href", "title", "rel"}
        if name == "href":
            assert value is not None
            assert value.startswith("https://example.org")


def test_what_is_no_markdown_is_shown_as_written() -> None:
    assert "&lt;script&gt;" in guideline_html("<script>alert(1)</script>")


def test_links_tell_nothing_of_us() -> None:
    html = guideline_html("[the handbook](https://example.org/handbook)")
    assert 'href="https://example.org/handbook"' in html
    for word in ("noopener", "nofollow"):
        assert re.search(rf'rel="[^"]*{word}', html)


def test_headings_leave_room_for_the_page() -> None:
    html = guideline_html("# 1\n\n## 2\n\n###### 6")
    assert re.findall(r"<(h\d)>", html) == ["h3", "h4", "h6"]

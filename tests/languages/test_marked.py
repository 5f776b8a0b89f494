"""Every text that a person sees on a page is marked for translation."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
# The page of samples is for who builds Concord.
NAMES = sorted(
    str(path.relative_to(TEMPLATES))
    for path in TEMPLATES.rglob("*.html")
    if path.name != "styleguide.html"
)
# Attributes that are read out or shown, besides data-text-… and the like.
SPOKEN = {"alt", "aria-description", "aria-label", "placeholder", "title"}
SPOKEN_DATA = re.compile(r"data-(text|label|said|most-said|announce|key-group|confirm)\b")
# The same in every language: names, signs of statistics.
SAME = {"CSV", "Concord", "F", "Latin", "Windows", "numpy", "p", "scipy"}
# Blocks of base.html that hold a class, not a text.
CLASSES = {"block html_class", "block main_class"}
SILENT = {"code", "kbd", "pre", "script", "style", "svg"}


class Texts(HTMLParser):
    """The texts of a page, without those whose element is code or a picture."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self._inside.append(tag)
        for name, value in attrs:
            if value and (name in SPOKEN or SPOKEN_DATA.match(name)):
                self._take(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self._take(data)

    def _take(self, text: str) -> None:
        words = re.findall(r"[^\W\d_]+", text)
        if any(word not in SAME for word in words):
            self.found.append(" ".join(text.split()))


def unmarked(source: str) -> list[str]:
    """The texts of a template outside of its tags; what a tag shows is Django's or the data's."""
    kept: list[str] = []
    skipped_to = ""
    for token in Lexer(source).tokenize():
        tag = token.contents.split(None, 1)[0] if token.contents.strip() else ""
        if skipped_to:
            if token.token_type == TokenType.BLOCK and tag == skipped_to:
                skipped_to = ""
        elif token.token_type == TokenType.BLOCK and tag in {
            *("blocktranslate", "blocktrans", "comment", "verbatim")
        }:
            skipped_to = f"end{tag}"
        elif token.contents.strip() in CLASSES:
            skipped_to = "endblock"
        elif token.token_type == TokenType.TEXT:
            kept.append(token.contents)
    return Texts("".join(kept)).found


@pytest.mark.parametrize("name", NAMES)
def test_a_template_shows_no_text_that_is_not_marked(name: str) -> None:
    assert unmarked((TEMPLATES / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello {{ name }}</p>", ["Hello"]),
        ('<p>{% translate "Hello" %}</p>', []),
        ("<p>{% blocktranslate %}Hello{% endblocktranslate %} 3 %</p>", []),
        ('<a title="Hello"{% if x %} hidden{% endif %}>{{ x }}</a>', ["Hello"]),
        ("{% comment %}Hello{% endcomment %}<code>hello</code>", []),
    ],
)
def test_the_search_finds_what_it_should(source: str, found: list[str]) -> None:
    assert unmarked(source) == found


# --- Code ---------------------------------------------------------------------------------------

# The API, commands and what is asked of models speak English; providers know no framework, and what
# they say of an endpoint is kept as it was (docs/languages.md).
ENGLISH = {"api", "local_llm", "management", "migrations", "prompting", "providers"}
MODULES = sorted(
    path
    for package in ("annotate", "judges")
    for path in (ROOT / package).rglob("*.py")
    if not ENGLISH & set(path.parts)
)
# A log, a mistake in the program, or a file for the operator is no text for a person on a page.
NOT_SHOWN = {
    *("_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"),
    *("debug", "info", "warning", "error", "exception", "log"),
    *("AssertionError", "LookupError", "RuntimeError", "TypeError", "ValueError"),
}
SENTENCE = re.compile(r"[A-Z“].*[a-z]+ [a-z]+.*[.?!:]\s*", re.S)


def unmarked_sentences(source: str) -> list[str]:
    tree = ast.parse(source)
    fine: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            if name in NOT_SHOWN:
                fine.update(id(part) for part in ast.walk(node))
        if isinstance(node, ast.Expr):  # a docstring
            fine.add(id(node.value))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in fine
        and SENTENCE.fullmatch(node.value)
    ]


def test_code_says_no_sentence_that_is_not_marked() -> None:
    found = {
        str(path.relative_to(ROOT)): sentences
        for path in MODULES
        if (sentences := unmarked_sentences(path.read_text(encoding="utf-8")))
    }
    # Its words are those of the file of log-ins, not of a page.
    found.pop("annotate/services/demo.py", None)
    # And these are told to models.
    found.pop("judges/services/audit_remedies.py", None)

    assert found == {}


def test_the_search_in_code_finds_what_it_should() -> None:
    assert unmarked_sentences('raise BadInput("Choose one of the options.")') != []
    assert unmarked_sentences('raise BadInput(_("Choose one of the options."))') == []
    assert unmarked_sentences('def f():\n    """What it does to whom."""') == []

"""Shared parts of the screens: what they write for numbers, readers of screens and bad text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django import forms
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.template.loader import render_to_string

from config.styleguide import SampleForm, sample

SCRIPT = "<script>alert(1)</script>"


def render(part: str, /, **context: Any) -> str:
    return render_to_string(f"components/{part}.html", context)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.742, ".74"),
        (0.0, ".00"),
        (0.994, ".99"),
        (0.996, "&gt;.99"),
        (1, "1"),
        (-0.08, "−.08"),
        (-0.001, ".00"),
        (-0.999, "−1"),
    ],
)
def test_fraction_is_written_with_two_digits_and_no_false_one(value: float, written: str) -> None:
    assert render("fraction", value=value).strip() == written


def test_interval_says_value_and_range_and_draws_them() -> None:
    html = render("interval", name="alpha", value=0.742, low=0.713, high=0.771)
    assert words(html) == "alpha .74 .71 to .77"
    assert 'x1="0.7130" x2="0.7710"' in html


@pytest.mark.parametrize("value", [None, ""])
def test_interval_without_a_value_says_why_instead_of_a_number(value: object) -> None:
    html = render("interval", name="alpha", value=value, undefined="every label is the same")
    assert words(html) == "alpha every label is the same"
    assert "<svg" not in html


def test_interval_of_zero_is_a_number() -> None:
    assert words(render("interval", value=0, low=-0.2, high=0.2)) == ".00 −.20 to .20"


def test_progress_says_what_it_is_out_of_and_can_be_read_by_the_browser() -> None:
    html = render("progress", done=1034, total=12000, label="items")
    assert words(html) == "1,034 of 12,000 items"
    assert 'value="1034" max="12000"' in html


def test_progress_of_unknown_length_shows_what_is_done() -> None:
    html = render("progress", done=34, total=None, label="rows read")
    assert words(html) == "34 rows read"


def test_shares_repeat_the_bar_in_words() -> None:
    html = render("shares", shares=sample()["shares"], total=293)
    assert "Positive 55 % 162 of 293" in words(html)
    assert 'width="55.200%"' in html
    assert "url(#texture-green)" in html


def test_an_empty_share_takes_no_width_but_is_named() -> None:
    none = {"name": "Negative", "colour": "red", "percent": 0, "count": 0}
    html = render("shares", shares=[none], total=3)
    assert "shares__bar" in html
    assert 'width="0' not in html
    assert words(html) == "Negative 0 % 0 of 3"


@pytest.mark.parametrize(
    ("kind", "drawn", "said"),
    [
        ("person", "<circle", "Person ana"),
        ("judge", "<rect", "Judge ana"),
        ("ruling", "<path", "Ruling ana"),
    ],
)
def test_a_rater_is_told_by_shape_and_word(kind: str, drawn: str, said: str) -> None:
    html = render("rater", kind=kind, name="ana")
    assert drawn in html
    assert words(html) == said


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("rater", {"kind": "judge", "name": SCRIPT, "note": SCRIPT}),
        ("option_chip", {"name": SCRIPT, "colour": SCRIPT}),
        ("notice", {"text": SCRIPT, "title": SCRIPT}),
        ("page_head", {"title": SCRIPT, "text": SCRIPT}),
        ("command", {"command": SCRIPT}),
        ("confirm_dialog", {"id": "x", "title": SCRIPT, "goes": [SCRIPT], "must_equal": SCRIPT}),
    ],
)
def test_script_in_a_name_stays_text(name: str, context: dict[str, Any]) -> None:
    html = render(name, **context)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("name", ["name", "overlap", "mode", "leave"])
def test_a_field_points_to_its_help_and_its_error(name: str) -> None:
    field = SampleForm({"overlap": "three"})[name]
    html = render("field", field=field)
    ids = set(re.findall(r'\bid="([^"]+)"', html))
    described = {
        one for found in re.findall(r'aria-describedby="([^"]+)"', html) for one in found.split()
    }
    assert f"{field.auto_id}_error" in ids
    assert described <= ids
    if field.help_text:
        assert f"{field.auto_id}_helptext" in described
    assert 'aria-invalid="true"' in html


def test_errors_on_top_link_to_the_fields() -> None:
    html = render("form_errors", form=SampleForm({"overlap": "three"}))
    assert "nothing was lost" in html
    assert 'href="#id_name"' in html


def test_a_form_without_errors_has_no_summary() -> None:
    assert render("form_errors", form=forms.Form({})).strip() == ""


@pytest.mark.parametrize(
    ("level", "hue", "role"),
    [
        (constants.ERROR, 'data-hue="error"', 'role="alert"'),
        (constants.WARNING, 'data-hue="doubt"', 'role="status"'),
        (constants.SUCCESS, 'data-hue="agreement"', 'role="status"'),
    ],
)
def test_messages_are_told_by_level(level: int, hue: str, role: str) -> None:
    html = render("messages", messages=[Message(level, "Four lines were refused.")])
    assert hue in html
    assert role in html


def test_a_job_asks_for_itself_only_while_it_lives() -> None:
    job = {"pk": 7, "title": "Export", "state_label": "Running", "done": 1, "total": 2}
    assert 'hx-trigger="every 1s"' in render("job", job={**job, "is_live": True}, poll_url="/j/7/")
    assert "hx-trigger" not in render("job", job={**job, "is_live": False}, poll_url="/j/7/")


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "413", "429", "500"])
def test_error_pages_need_no_context(code: str) -> None:
    html = render_to_string(f"errors/{code}.html")
    assert html.count("<h1") == 1
    assert code[:3] in words(html)

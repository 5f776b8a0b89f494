"""Reviewing by keyboard: an option, a reason, the next item; undo; next; the note."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotate.models import Ruling, RulingStatus
from tests.answers import says
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tale() -> Story:
    tale = story()
    for item in tale.items(["First text", "Second text", "<b>Third</b> text"]):
        says(tale, "w1", item, 0)
        says(tale, "w2", item, 1)
        says(tale, "j1", item, 2, confidence=0.55, rationale="<img src=x onerror=alert(1)>")
    return tale


@pytest.fixture
def desk(page: Page, tale: Story) -> Page:
    page.goto("/account/login/")
    page.get_by_label("Username").fill("rhea")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    page.goto(f"/projects/{tale.project.pk}/review/")
    return page


def test_two_keys_rule_and_the_next_item_comes(desk: Page) -> None:
    expect(desk.locator("#work").get_by_text("First text")).to_be_visible()

    desk.keyboard.press("2")
    desk.keyboard.press("a")

    expect(desk.locator("#work").get_by_text("Second text")).to_be_visible()
    expect(
        desk.locator("#work").get_by_text("Ruled: Negative, because: ambiguous item")
    ).to_be_visible()
    ruling = Ruling.objects.get()
    assert (ruling.choice, ruling.reason) == (1, "ambiguous_item")


def test_a_reason_without_an_option_says_so_and_rules_nothing(desk: Page) -> None:
    desk.keyboard.press("e")

    expect(desk.locator("[data-choose-first]")).to_be_visible()
    assert not Ruling.objects.exists()
    desk.keyboard.press("1")
    desk.keyboard.press("e")
    expect(desk.locator("#work").get_by_text("Second text")).to_be_visible()


def test_control_z_takes_the_last_ruling_back(desk: Page) -> None:
    desk.keyboard.press("3")
    desk.keyboard.press("j")
    expect(desk.locator("#work").get_by_text("Second text")).to_be_visible()

    desk.keyboard.press("Control+z")

    expect(desk.locator("#work").get_by_text("First text")).to_be_visible()
    expect(desk.locator("#work").get_by_text("The ruling was taken back")).to_be_visible()
    assert Ruling.objects.get().status == RulingStatus.WITHDRAWN


def test_keys_right_after_the_next_item_came_meet_its_live_form(desk: Page) -> None:
    """No moment in which the form is there and not yet htmx's: it would be sent as a plain one."""
    desk.evaluate("""
        window.samePage = true;
        const press = (key) =>
          document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        const next = () => setTimeout(() => { press("3"); press("j"); });
        document.addEventListener("htmx:afterSwap", next, { once: true });
    """)
    desk.keyboard.press("3")
    desk.keyboard.press("j")

    expect(desk.locator("#work").get_by_text("<b>Third</b> text")).to_be_visible()
    assert desk.evaluate("window.samePage")
    assert Ruling.objects.count() == 2


def test_a_note_is_kept_and_enter_in_it_rules_nothing(desk: Page) -> None:
    desk.keyboard.press("1")
    desk.keyboard.press("c")
    desk.keyboard.type("unclear subject")
    desk.keyboard.press("Enter")
    expect(desk.locator("#work").get_by_text("First text")).to_be_visible()
    assert not Ruling.objects.exists()

    # Enter went on to the reasons.
    desk.keyboard.press("d")

    expect(desk.locator("#work").get_by_text("Second text")).to_be_visible()
    assert Ruling.objects.get().comment == "unclear subject"


def test_next_and_previous_walk_the_queue_and_what_raters_wrote_stays_text(
    desk: Page,
) -> None:
    def alerted(dialog: Any) -> None:
        raise AssertionError(f"a script of a rater ran: {dialog.message}")

    desk.on("dialog", alerted)
    desk.keyboard.press("n")
    expect(desk.locator("#work").get_by_text("Second text")).to_be_visible()
    desk.keyboard.press("n")

    expect(desk.locator("#work").get_by_text("<b>Third</b> text")).to_be_visible()
    expect(desk.locator("#work").get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    desk.keyboard.press("p")
    expect(desk.locator("#work").get_by_text("Second text")).to_be_visible()
    assert not Ruling.objects.exists()


def test_the_last_ruling_empties_the_queue_and_can_be_taken_back(desk: Page) -> None:
    for text in ("First text", "Second text", "<b>Third</b> text"):
        expect(desk.locator("#work").get_by_text(text)).to_be_visible()
        desk.keyboard.press("1")
        desk.keyboard.press("e")
    expect(desk.locator("#work").get_by_text("Nothing to settle")).to_be_visible()

    desk.keyboard.press("Control+z")

    expect(desk.locator("#work").get_by_text("<b>Third</b> text")).to_be_visible()
    assert Ruling.objects.filter(status=RulingStatus.LIVE).count() == 2

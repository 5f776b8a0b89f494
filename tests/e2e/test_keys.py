"""Keys, as keys.js presses them: declared on the control, silent in text, off at will."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.django_db(transaction=True)

CONTROLS = """
() => {
  const form = document.createElement("form");
  form.innerHTML = `
    <button type="submit" name="action" value="skip" aria-keyshortcuts="s">Skip this</button>
    <label><input type="radio" name="answer" value="1" aria-keyshortcuts="1"> First</label>
    <button type="button" value="undo" aria-keyshortcuts="Control+Z">Undo</button>
    <button type="button" value="later" aria-keyshortcuts="l" disabled>Later</button>
    <button type="button" value="save" data-keys-in-text
      aria-keyshortcuts="Enter Control+Enter">Save</button>
    <textarea aria-label="Comment"></textarea>`;
  window.pressed = [];
  form.addEventListener("click", (event) => {
    const control = event.target.closest("button, input");
    if (control) window.pressed.push(control.value);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.querySelector("main").replaceChildren(form);
  document.activeElement.blur();
}
"""


@pytest.fixture
def keyed(page: Page) -> Page:
    page.goto("/account/login/")
    page.evaluate(CONTROLS)
    return page


def pressed(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.pressed")
    return found


def test_a_key_presses_the_control_that_declares_it(keyed: Page) -> None:
    for key in ("s", "1", "Control+z", "Enter"):
        keyed.keyboard.press(key)
    assert pressed(keyed) == ["skip", "1", "undo", "save"]
    expect(keyed.get_by_label("First")).to_be_checked()


def test_a_disabled_control_and_a_foreign_modifier_stay_quiet(keyed: Page) -> None:
    for key in ("l", "Control+s", "Alt+1", "z"):
        keyed.keyboard.press(key)
    assert pressed(keyed) == []


def test_typing_is_typing(keyed: Page) -> None:
    keyed.get_by_label("Comment").focus()
    keyed.keyboard.type("s1?")
    keyed.keyboard.press("Control+z")
    keyed.keyboard.press("Control+Enter")
    assert pressed(keyed) == ["save"]
    expect(keyed.locator("#keys")).not_to_be_visible()


def test_the_list_is_written_from_the_controls(keyed: Page) -> None:
    keyed.keyboard.press("?")
    dialog = keyed.get_by_role("dialog", name="Keys on this page")
    expect(dialog).to_be_visible()
    expect(dialog.locator("dt")).to_have_text(
        ["Skip this", "First", "Undo", "Save", "Show this list"]
    )
    # What lies under the dialog is out of reach.
    keyed.keyboard.press("s")
    assert pressed(keyed) == []


def test_single_keys_can_be_switched_off_and_stay_off(keyed: Page) -> None:
    keyed.keyboard.press("?")
    keyed.get_by_label("Single keys are on").uncheck()
    keyed.keyboard.press("Escape")
    keyed.reload()
    keyed.evaluate(CONTROLS)
    for key in ("s", "1", "?", "Control+z", "Enter"):
        keyed.keyboard.press(key)
    assert pressed(keyed) == ["undo", "save"]

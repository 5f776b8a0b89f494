"""The label screen in a real browser: keys, undo, a lost connection, a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from annotate.models import (
    Item,
    Label,
    LabelStatus,
    Project,
    RaterKind,
    Submission,
    SubmissionStatus,
    Visibility,
)
from annotate.services.projects import OptionDraft, QuestionDraft
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from tests.personas import PASSWORD, SENTIMENT, STARS, story

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = ["Lovely soup.", "Dreadful soup.", "It was soup.", "No soup at all.", "Soup again."]


def log_in(page: Page, name: str) -> None:
    page.goto("/account/login/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(re.compile(r"/$"))


def open_label(page: Page, s, name: str = "ana") -> None:
    log_in(page, name)
    page.goto(f"/projects/{s.project.pk}/label/")
    # The digits are given to the options by label.js: it is at work.
    expect(page.locator(".option input[aria-keyshortcuts]").first).to_be_attached()


def shown(page: Page) -> str:
    return page.locator(".label__text").first.inner_text()


def next_item(page: Page, before: str) -> str:
    """Wait for another item than the one before; returns its text."""
    expect(page.locator(".label__text").first).not_to_have_text(before)
    return shown(page)


def wait_said(page: Page, words: str) -> None:
    expect(page.locator("[data-said]")).to_have_text(words)


def test_text_pasted_from_elsewhere_is_counted_and_what_stands_in_the_item_is_not(
    page: Page,
) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    page.keyboard.press("c")
    paste = """text => {
        const data = new DataTransfer();
        data.setData("text/plain", text);
        const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
        document.getElementById("comment").dispatchEvent(event);
    }"""

    page.evaluate(paste, shown(page))
    page.evaluate(paste, "As a model, I cannot.")
    page.reload()
    expect(page.locator(".option input[aria-keyshortcuts]").first).to_be_attached()
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    wait_said(page, "Negative saved")

    assert Submission.objects.get().pasted == len("As a model, I cannot.")


# --- Keys -------------------------------------------------------------------------------------


def test_labelling_by_keyboard_alone(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)

    page.keyboard.press("2")
    expect(page.locator(".option :checked")).to_have_value("1")
    expect(page.locator(".definition[data-current]")).to_contain_text("A complaint")
    page.keyboard.press("Enter")

    second = next_item(page, first)
    wait_said(page, "Negative saved")
    expect(page.locator(".label__item")).to_be_focused()
    page.keyboard.press("s")
    page.keyboard.press("s")
    next_item(page, second)
    wait_said(page, "Skipped")
    page.keyboard.press("f")
    page.keyboard.press("c")
    page.keyboard.type("s is no shortcut here")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    wait_said(page, "Positive saved")

    stored = Submission.objects.order_by("pk")
    assert [sub.status for sub in stored] == ["submitted", "skipped", "submitted"]
    assert [sub.item.fields["text"] for sub in stored][:2] == [first, second]
    assert (stored[2].flagged, stored[2].comment) == (True, "s is no shortcut here")
    assert all(sub.seconds is not None and sub.seconds > 0 for sub in stored)


def test_undo_after_submit_brings_it_back_and_what_was_begun_is_kept(page: Page) -> None:
    s = story(questions=(SENTIMENT, STARS))
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)
    # The digits move on from question to question.
    page.keyboard.press("3")
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    second = next_item(page, first)
    page.keyboard.press("1")

    page.keyboard.press("Control+z")

    assert next_item(page, second) == first
    expect(page.locator(".option :checked")).to_have_count(2)
    stars = s.project.questions.get(key="stars")
    expect(page.locator(f"[name=q{stars.pk}]:checked")).to_have_value("3")
    # The first question has the keys again.
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    assert next_item(page, first) == second
    expect(page.locator(f"[name=q{s.question.pk}]:checked")).to_have_value("0")
    wait_said(page, "2 answers saved")
    live = Label.objects.filter(status=LabelStatus.LIVE, question=s.question).get()
    assert live.choice == 1


def test_a_missing_answer_is_asked_for_without_a_request(page: Page) -> None:
    s = story(questions=(SENTIMENT, STARS))
    s.items(TEXTS)
    open_label(page, s)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Enter")
    expect(page.locator(".question--wrong")).to_have_count(1)
    expect(page.locator(".question--wrong")).to_contain_text("Choose an answer first.")
    page.keyboard.press("1")
    expect(page.locator(".question--wrong")).to_have_count(0)
    assert asked == []


def test_where_the_project_says_so_a_key_chooses_and_submits(page: Page) -> None:
    s = story()
    Project.objects.update(submit_on_choice=True)
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)
    # Arrows look around without submitting.
    page.locator(".option input").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".option :checked")).to_have_count(1)
    assert shown(page) == first
    page.keyboard.press("3")
    second = next_item(page, first)
    wait_said(page, "Not mentioned saved")
    page.locator(".option").first.click()
    next_item(page, second)
    wait_said(page, "Positive saved")
    assert [label.choice for label in Label.objects.order_by("pk")] == [2, 0]


def test_more_than_nine_options_are_filtered_by_typing(page: Page) -> None:
    names = ["Food", "Service", "Décor", "Price", "Noise", "Parking", "Drinks", "Music", "Staff"]
    names += ["Waiting", "Location", "Other food"]
    options = tuple(OptionDraft(f"o{n}", name, f"About {name}.") for n, name in enumerate(names))
    s = story(questions=(QuestionDraft(key="topic", name="Topic", kind="single", options=options),))
    s.items(TEXTS)
    log_in(page, "ana")
    page.goto(f"/projects/{s.project.pk}/label/")
    filter_box = page.get_by_placeholder("Type to filter")
    expect(filter_box).to_be_focused()
    first = shown(page)

    page.keyboard.type("dec")
    expect(page.locator(".option:visible")).to_have_text(["Décor"])
    expect(page.locator(".definition[data-current]")).to_contain_text("About Décor.")
    page.keyboard.press("Control+a")
    page.keyboard.type("food")
    expect(page.locator(".option:visible")).to_have_text(["Food", "Other food"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".option :checked")).to_have_value("11")
    expect(page.locator(".option:visible")).to_have_count(12)
    page.keyboard.press("Enter")

    next_item(page, first)
    wait_said(page, "Other food saved")
    expect(filter_box).to_be_focused()
    # Esc leaves the filter for the other keys.
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.keyboard.press("s")
    wait_said(page, "Skipped")


def test_a_key_pressed_the_moment_the_item_is_there_needs_no_page_load(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    loads: list[str] = []
    page.on("load", lambda: loads.append(page.url))
    page.evaluate(
        """() => document.addEventListener("concord:shown", () => setTimeout(() =>
             document.querySelector("dialog [data-skip]").click()), {once: true})"""
    )
    page.keyboard.press("s")
    page.keyboard.press("s")
    third = Item.objects.order_by("draw")[2]
    expect(page.locator(".label__text")).to_have_text(third.fields["text"])
    assert loads == []


def test_the_list_of_keys_names_them_and_they_can_be_switched_off(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    page.keyboard.press("?")
    keys = page.locator("#keys")
    for words in ("Choose an option", "Skip this item", "Submit, next item", "Flag for a lead"):
        expect(keys).to_contain_text(words)
    page.get_by_label("Single keys are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(page.locator(".option :checked")).to_have_count(0)


def test_g_hides_the_guideline_and_nothing_moves(page: Page) -> None:
    s = story()
    s.items([*TEXTS[:2], "long " * 2000])
    open_label(page, s)
    places = set()
    for _item in range(3):
        places.add(str(page.locator(".options").bounding_box()))
        page.keyboard.press("g")
        places.add(str(page.locator(".options").bounding_box()))
        before = shown(page)
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        if _item < 2:
            next_item(page, before)
    assert len(places) == 1


# --- Skipping ---------------------------------------------------------------------------------


def test_a_reason_for_skipping_is_one_key_and_another_takes_words(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Why skip it?")
    expect(dialog).to_be_visible()
    # The digits are the reasons' now, and Esc goes back to the item.
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("s")
    page.keyboard.press("3")
    second = next_item(page, first)
    wait_said(page, "Skipped")
    page.keyboard.press("s")
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("Say in a few words why.")
    page.keyboard.type("3 texts in one")
    page.keyboard.press("Enter")
    next_item(page, second)
    wait_said(page, "Skipped")
    stored = Submission.objects.order_by("pk").values_list("skip_reason", "comment")
    assert list(stored) == [("broken", ""), ("other", "3 texts in one")]


# --- A lost connection ------------------------------------------------------------------------


def test_an_answer_survives_a_lost_connection_and_is_stored_once(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)
    page.context.set_offline(True)

    page.keyboard.press("2")
    page.keyboard.press("Enter")

    expect(page.locator("[data-offline]")).to_be_visible()
    expect(page.locator(".option :checked")).to_have_value("1")
    assert not Submission.objects.exists()
    page.context.set_offline(False)
    next_item(page, first)
    wait_said(page, "Negative saved")
    expect(page.locator("[data-offline]")).to_be_hidden()
    assert Submission.objects.get().labels.get().choice == 1
    assert page.evaluate("Object.keys(localStorage).filter(k => k.includes('unsent'))") == []


def test_an_answer_survives_a_reload_before_the_connection_is_back(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)
    page.route("**/label/submit/", lambda route: route.abort())
    page.keyboard.press("3")
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    expect(page.locator("[data-offline]")).to_be_visible()
    page.unroute("**/label/submit/")

    page.reload()

    next_item(page, first)
    stored = Submission.objects.get()
    assert (stored.item.fields["text"], stored.flagged) == (first, True)
    assert stored.labels.get().choice == 2


def test_a_reply_that_was_lost_does_not_double_the_answer(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)
    lost: list[str] = []

    def lose_reply(route) -> None:
        # The server stores it; the browser never hears.
        lost.append(route.fetch().text())
        route.abort()

    page.route("**/label/submit/", lose_reply, times=1)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    next_item(page, first)
    wait_said(page, "Positive saved")
    assert len(lost) == 1
    assert Submission.objects.get().status == SubmissionStatus.SUBMITTED


def test_a_lost_reply_and_a_reload_send_it_beside_the_next_item(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)

    def lose_reply(route) -> None:
        route.fetch()
        route.abort()

    page.route("**/label/submit/", lose_reply)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-offline]")).to_be_visible()
    page.unroute("**/label/submit/")
    with page.expect_response("**/label/submit/"):
        page.reload()
    assert shown(page) != first
    page.wait_for_function("!Object.keys(localStorage).some(k => k.includes('unsent'))")
    assert Submission.objects.count() == 1


def test_an_answer_changed_while_it_waited_is_the_one_that_stands(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-offline]")).to_be_visible()
    page.keyboard.press("2")
    expect(page.locator("[data-offline]")).to_be_hidden()
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    next_item(page, first)
    assert [sub.labels.get().choice for sub in Submission.objects.all()] == [1]


def test_a_log_in_that_ran_out_does_not_lose_the_answer(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/login/**")
    assert not Submission.objects.exists()
    page.fill("input[name=username]", "ana")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/label/")
    next_item(page, first)
    assert Submission.objects.get().labels.get().choice == 1


def test_an_answer_of_one_person_is_not_sent_as_another(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/login/**")
    open_label(page, s, "ben")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    wait_said(page, "Positive saved")
    assert [sub.rater.user.username for sub in Submission.objects.all()] == ["ben"]


def test_an_error_of_the_server_is_said_and_the_answer_stays(page: Page) -> None:
    s = story()
    s.items(TEXTS)
    open_label(page, s)
    first = shown(page)
    page.route("**/label/submit/", lambda route: route.fulfill(status=500), times=1)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_be_visible()
    expect(page.locator(".option :checked")).to_have_value("1")
    page.keyboard.press("Enter")
    next_item(page, first)
    assert Submission.objects.get().labels.get().choice == 1


# --- What is shown ----------------------------------------------------------------------------


def test_suggestion_first_marks_the_judge_with_a_square(page: Page) -> None:
    s = story()
    Project.objects.update(visibility=Visibility.SUGGESTION_FIRST)
    judge = rater_imported(s.project, name="gpt-x v3", kind=RaterKind.JUDGE)
    for item in s.items(TEXTS):
        answers = s.answer(0, confidence=0.81, rationale="<b>Praise</b> of the soup.")
        submission_submit(judge, item, answers=answers, client_key=f"j{item.pk}")
    open_label(page, s)
    suggestion = page.locator(".suggestion")
    expect(suggestion).to_contain_text("gpt-x v3")
    expect(suggestion).to_contain_text(".81")
    expect(suggestion).to_contain_text("<b>Praise</b> of the soup.")
    expect(suggestion.locator("rect").first).to_be_visible()
    expect(page.locator(".option :checked")).to_have_count(0)
    first = shown(page)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    next_item(page, first)
    (seen,) = Submission.objects.get(rater__kind=RaterKind.PERSON).exposure
    assert (seen["judge"], seen["choice"]) == ("gpt-x v3", 0)


def test_on_a_phone_options_are_wide_and_the_guideline_is_a_sheet(
    browser: Browser, live_server
) -> None:
    s = story()
    s.items(["word " * 400, "Lovely soup."])
    context = browser.new_context(
        base_url=live_server.url,
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
        locale="en-GB",
    )
    page = context.new_page()
    open_label(page, s)
    first = shown(page)
    for option in page.locator(".option").all():
        box = option.bounding_box()
        assert box is not None
        assert box["width"] > 340
        assert box["height"] >= 44
    submit = page.get_by_role("button", name="Submit").bounding_box()
    assert submit is not None
    assert submit["y"] + submit["height"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    sheet = page.locator("#guideline")
    expect(sheet).to_be_hidden()
    page.get_by_role("link", name="Guideline").tap()
    expect(sheet).to_be_visible()
    expect(sheet).to_contain_text("Judge the text only.")
    sheet.get_by_role("link", name="Close").tap()
    expect(sheet).to_be_hidden()
    page.locator(".option").nth(1).tap()
    expect(page.locator("[data-meaning]")).to_have_text("A complaint, even a mild one.")
    page.get_by_role("button", name="Submit").tap()
    next_item(page, first)
    assert Label.objects.get().choice == 1
    context.close()


def test_script_in_an_item_is_text(page: Page) -> None:
    s = story()
    s.items(
        ["<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"]
    )
    open_label(page, s)
    assert shown(page) == Item.objects.get().fields["text"]
    assert "owned" not in page.title()


def test_without_javascript_the_form_works(browser: Browser, live_server) -> None:
    s = story()
    s.items(TEXTS)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    log_in(page, "ana")
    page.goto(f"/projects/{s.project.pk}/label/")
    first = shown(page)
    page.locator(".option").nth(1).click()
    page.get_by_role("button", name="Submit").click()
    assert shown(page) != first
    expect(page.locator("#messages")).to_contain_text("Negative saved")
    page.get_by_role("button", name="Undo").click()
    assert shown(page) == first
    expect(page.locator(".option :checked")).to_have_value("1")
    page.get_by_role("button", name="Skip").click()
    assert shown(page) != first
    context.close()

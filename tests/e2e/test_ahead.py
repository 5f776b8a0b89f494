"""The next item is painted before the server answers: nothing is lost, doubled or mixed up."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, Request, Route, expect

from annotate.models import (
    Assignment,
    AssignmentState,
    Item,
    ItemStatus,
    Label,
    LabelStatus,
    Project,
    RaterKind,
    Submission,
    Visibility,
)
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from tests.e2e.test_label import log_in, next_item, shown, wait_said
from tests.personas import Story, story

pytestmark = pytest.mark.django_db(transaction=True)

MANY = [f"Soup number {n}." for n in range(30)]
NOTHING_WAITS = "() => !Object.keys(localStorage).some((key) => key.includes('unsent'))"


def told() -> Story:
    tale = story()
    tale.items(MANY)
    return tale


def open_ahead(page: Page, tale: Story) -> None:
    """The screen with its items behind it, as a moment after opening it."""
    page.goto("/")
    if "login" in page.url:
        log_in(page, "ana")
    page.goto(f"/projects/{tale.project.pk}/label/")
    expect(page.locator("#label[data-ready='2']")).to_be_attached()
    expect(page.locator(".option input[aria-keyshortcuts]").first).to_be_attached()


def press(page: Page, key: str) -> str:
    """Answer the item on the screen by a digit and Enter; returns its text."""
    before = shown(page)
    page.keyboard.press(key)
    page.keyboard.press("Enter")
    return before


def answers() -> dict[str, int]:
    """What stands, by the text of its item. Fails where an item has two."""
    labels = Label.objects.filter(status=LabelStatus.LIVE).select_related("item")
    stored = [(label.item.fields["text"], label.choice) for label in labels]
    assert len(dict(stored)) == len(stored)
    return dict(stored)


def test_the_next_item_takes_keys_while_the_answer_is_still_under_way(page: Page) -> None:
    tale = told()
    open_ahead(page, tale)
    held: list[Route] = []
    page.route("**/label/submit/", lambda route: held.append(route), times=1)
    first = press(page, "1")
    second = next_item(page, first)
    expect(page.locator(".label__item")).to_be_focused()
    page.keyboard.press("3")
    page.keyboard.press("c")
    page.keyboard.type("begun")
    assert len(held) == 1
    assert not Submission.objects.exists()
    held.pop().continue_()
    # The reply says what was stored, and leaves alone what is being done.
    wait_said(page, "Positive saved")
    expect(page.locator(".label__progress")).to_contain_text("1")
    expect(page.locator("#comment")).to_be_focused()
    expect(page.locator("#comment")).to_have_value("begun")
    expect(page.locator(".option :checked")).to_have_value("2")
    page.keyboard.press("Control+Enter")
    wait_said(page, "Not mentioned saved")
    assert answers() == {first: 0, second: 2}


def test_answers_wait_in_order_over_a_reload_and_are_stored_once(page: Page) -> None:
    tale = told()
    open_ahead(page, tale)
    page.context.set_offline(True)
    texts = [press(page, key) for key in "12"]
    next_item(page, texts[1])
    texts.append(press(page, "3"))
    assert len(set(texts)) == 3
    # Nothing is left ahead: the third stays on the screen.
    line = page.locator("[data-offline]")
    expect(line).to_contain_text("sent as soon as it does: 3.")
    assert shown(page) == texts[2]
    assert not Submission.objects.exists()
    page.route("**/label/submit/", lambda route: route.abort())
    page.context.set_offline(False)
    page.reload()
    expect(line).to_contain_text("sent as soon as it does: 3.")
    page.unroute("**/label/submit/")
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_function(NOTHING_WAITS)
    expect(line).to_be_hidden()
    assert answers() == dict(zip(texts, (0, 1, 2), strict=True))
    assert [sub.item.fields["text"] for sub in Submission.objects.order_by("pk")] == texts


def test_what_has_not_been_sent_is_taken_back_without_the_server(page: Page) -> None:
    tale = told()
    open_ahead(page, tale)
    page.context.set_offline(True)
    first = press(page, "1")
    second = press(page, "2")
    third = next_item(page, second)
    page.keyboard.press("Control+z")
    assert next_item(page, third) == second
    expect(page.locator(".option :checked")).to_have_value("1")
    press(page, "3")
    assert next_item(page, second) == third
    page.context.set_offline(False)
    page.wait_for_function(NOTHING_WAITS)
    assert answers() == {first: 0, second: 2}
    assert Submission.objects.count() == 2


def test_undo_while_the_answer_is_under_way_takes_it_back_once_it_is_stored(page: Page) -> None:
    tale = told()
    open_ahead(page, tale)
    held: list[Route] = []
    page.route("**/label/submit/", lambda route: held.append(route), times=1)
    first = press(page, "1")
    second = next_item(page, first)
    page.keyboard.press("2")
    page.keyboard.press("Control+z")
    held.pop().continue_()
    assert next_item(page, second) == first
    wait_said(page, "Taken back. Change the answer and submit it again.")
    press(page, "3")
    # What was begun on the second is as it was.
    assert next_item(page, first) == second
    expect(page.locator(".option :checked")).to_have_value("1")
    wait_said(page, "Not mentioned saved")
    assert answers() == {first: 2}


def test_an_answer_refused_later_comes_next_and_not_under_the_keys_of_another(page: Page) -> None:
    tale = told()
    open_ahead(page, tale)
    name = f"q{tale.question.pk}"

    def spoil(route: Route) -> None:
        body = route.request.post_data or ""
        route.continue_(post_data=body.replace(f"{name}=0", f"{name}=77"))

    page.route("**/label/submit/", spoil, times=1)
    first = press(page, "1")
    second = next_item(page, first)
    expect(page.get_by_role("alert")).to_contain_text("Its item comes next.")
    assert shown(page) == second
    press(page, "2")
    assert next_item(page, second) == first
    expect(page.locator(".question--wrong")).to_have_count(1)
    wait_said(page, "Negative saved")
    press(page, "3")
    next_item(page, first)
    wait_said(page, "Not mentioned saved")
    assert answers() == {second: 1, first: 2}


def test_an_error_of_the_server_brings_the_answer_back(page: Page) -> None:
    tale = told()
    open_ahead(page, tale)
    page.route("**/label/submit/", lambda route: route.fulfill(status=500), times=1)
    first = press(page, "2")
    second = next_item(page, first)
    expect(page.locator(".toast")).to_be_visible()
    press(page, "1")
    assert next_item(page, second) == first
    expect(page.get_by_role("alert")).to_contain_text("Submit it once more.")
    expect(page.locator(".option :checked")).to_have_value("1")
    page.keyboard.press("Enter")
    next_item(page, first)
    wait_said(page, "Negative saved")
    assert answers() == {first: 1, second: 0}


def test_an_item_that_is_gone_meanwhile_is_not_shown(page: Page) -> None:
    tale = told()
    open_ahead(page, tale)
    page.keyboard.press("1")
    behind = Assignment.objects.filter(state=AssignmentState.OPEN).order_by("claimed_at", "pk")
    gone = [assignment.item for assignment in behind][2]
    Item.objects.filter(pk=gone.pk).update(status=ItemStatus.WITHDRAWN)
    Assignment.objects.filter(item=gone).update(state=AssignmentState.RETURNED)
    seen = []
    for _n in range(4):
        before = shown(page)
        page.keyboard.press("1")
        with page.expect_response("**/label/submit/"):
            page.keyboard.press("Enter")
        seen.append(next_item(page, before))
    assert gone.fields["text"] not in seen


def test_two_tabs_a_cut_an_undo_and_the_back_button_lose_and_double_nothing(page: Page) -> None:
    tale = told()
    open_ahead(page, tale)
    wanted: dict[str, int] = {}

    def label(tab: Page, n: int) -> None:
        before = shown(tab)
        wanted[press(tab, str(n % 3 + 1))] = n % 3
        expect(tab.locator(".label__text, .label__none").first).not_to_have_text(before)

    for n in range(4):
        label(page, n)
    expect(page.locator("#label[data-ready='2']")).to_be_attached()
    page.context.set_offline(True)
    for n in range(4, 6):
        label(page, n)
    page.context.set_offline(False)
    page.wait_for_function(NOTHING_WAITS)
    before = shown(page)
    page.keyboard.press("Control+z")
    taken = next_item(page, before)
    assert wanted[taken] == 2
    label(page, 6)
    # A second tab shows the same item: what it says later stands.
    other = page.context.new_page()
    other.goto(f"/projects/{tale.project.pk}/label/")
    expect(other.locator(".option input[aria-keyshortcuts]").first).to_be_attached()
    page.wait_for_function(NOTHING_WAITS)
    both = shown(page)
    assert shown(other) == both
    label(page, 7)
    label(other, 8)
    other.wait_for_function(NOTHING_WAITS)
    other.goto("/")
    other.close()
    assert answers()[both] == 2
    wanted[both] = 2
    page.keyboard.press("1")
    here = shown(page)
    page.goto("/")
    page.go_back()
    assert shown(page) == here
    expect(page.locator(".option :checked")).to_have_value("0")
    n = 9
    while page.locator(".label__text").count():
        item = page.locator("input[name=item]").input_value()
        label_now = shown(page)
        wanted[label_now] = n % 3
        page.keyboard.press(str(n % 3 + 1))
        page.keyboard.press("Enter")
        expect(page.locator(f"input[name=item][value='{item}']")).to_have_count(0)
        n += 1
    expect(page.locator(".label__none")).to_be_visible()
    assert answers() == wanted
    assert len(wanted) == len(MANY)


def test_a_suggestion_painted_ahead_is_the_one_that_is_recorded(page: Page) -> None:
    tale = story()
    Project.objects.update(visibility=Visibility.SUGGESTION_FIRST)
    judge = rater_imported(tale.project, name="gpt-x v3", kind=RaterKind.JUDGE)
    for n, item in enumerate(tale.items(MANY)):
        answer = tale.answer(n % 3, confidence=0.81)
        submission_submit(judge, item, answers=answer, client_key=f"j{item.pk}")
    open_ahead(page, tale)
    for _n in range(3):
        expect(page.locator(".suggestion")).to_contain_text("gpt-x v3")
        before = press(page, "1")
        next_item(page, before)
    page.wait_for_function(NOTHING_WAITS)
    mine = Submission.objects.filter(rater__kind=RaterKind.PERSON)
    assert mine.count() == 3
    for submission in mine:
        (seen,) = submission.exposure
        said = Label.objects.get(rater=judge, item=submission.item)
        assert (seen["label"], seen["choice"]) == (said.pk, said.choice)


def test_an_answer_that_reveals_waits_for_what_judges_say_of_its_own_item(page: Page) -> None:
    tale = story()
    Project.objects.update(visibility=Visibility.OWN_FIRST)
    judge = rater_imported(tale.project, name="gpt-x v3", kind=RaterKind.JUDGE)
    for item in tale.items(MANY):
        answers = tale.answer(2, confidence=0.81)
        submission_submit(judge, item, answers=answers, client_key=f"j{item.pk}")
    open_ahead(page, tale)
    first = press(page, "1")
    second = next_item(page, first)
    page.keyboard.press("2")
    page.keyboard.press("r")
    expect(page.locator(".suggestion")).to_contain_text("gpt-x v3")
    assert shown(page) == second
    expect(page.locator(".label__blind")).to_have_count(0)
    expect(page.locator(".option :checked")).to_have_value("1")
    press(page, "3")
    third = next_item(page, second)
    wait_said(page, "Not mentioned saved")
    assert third not in (first, second)
    expect(page.locator(".suggestion")).to_have_count(0)
    stored = Label.objects.filter(rater__kind=RaterKind.PERSON, status=LabelStatus.LIVE)
    assert {label.item.fields["text"]: label.choice for label in stored} == {first: 0, second: 2}


def test_time_is_counted_from_when_an_item_is_seen(page: Page) -> None:
    tale = told()
    page.clock.install()
    open_ahead(page, tale)
    sent: dict[str, float] = {}

    def look(request: Request) -> None:
        if request.url.endswith("/submit/"):
            posted = parse_qs(request.post_data or "")
            sent[posted["item"][0]] = float(posted["seconds"][0])

    page.on("request", look)
    page.clock.run_for(60_000)
    first = press(page, "1")
    second = next_item(page, first)
    page.clock.run_for(20_000)
    press(page, "1")
    next_item(page, second)
    page.wait_for_function(NOTHING_WAITS)
    assert [round(seconds, -1) for seconds in sent.values()] == [60, 20]


def test_leaving_gives_back_what_was_not_shown(page: Page) -> None:
    tale = told()
    open_ahead(page, tale)
    item = page.locator("input[name=item]").input_value()
    held = Assignment.objects.filter(state=AssignmentState.OPEN)
    assert held.count() == 3
    with page.expect_response("**/label/leave/") as reply:
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    reply.value.finished()
    assert [assignment.item_id for assignment in held] == [int(item)]


def test_own_keys_and_the_search_of_the_guideline(page: Page) -> None:
    tale = told()
    tale.ana.keys = {"option_1": "a", "skip": "k", "guideline": "h"}
    tale.ana.save()
    open_ahead(page, tale)
    first = shown(page)
    page.keyboard.press("1")
    expect(page.locator(".option :checked")).to_have_count(0)
    page.keyboard.press("a")
    expect(page.locator(".option :checked")).to_have_value("0")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Skip this item")
    expect(page.locator("#keys .key", has_text=re.compile("^k$"))).to_have_count(1)
    page.keyboard.press("Escape")
    # Hidden, the search opens it; the letters are words then.
    page.keyboard.press("h")
    page.keyboard.press("/")
    page.keyboard.type("mild khas")
    expect(page.locator(".definition:visible")).to_have_count(0)
    for _n in range(5):
        page.keyboard.press("Backspace")
    expect(page.locator(".definition:visible")).to_have_text(re.compile("Negative"))
    expect(page.locator("[data-guideline-found]")).to_contain_text("1 of 4 passages")
    page.keyboard.press("Escape")
    expect(page.locator(".definition:visible")).to_have_count(3)
    page.keyboard.press("Enter")
    second = next_item(page, first)
    page.keyboard.press("k")
    page.keyboard.press("k")
    next_item(page, second)
    wait_said(page, "Skipped")

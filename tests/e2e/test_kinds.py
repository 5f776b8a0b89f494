"""Thirty items of each kind of question by keyboard alone, and what else their widgets do."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from annotate.kinds import Said, said_of
from annotate.models import Label, LabelStatus, Submission
from annotate.services.items import ItemRow, items_take_in
from annotate.services.projects import QuestionDraft
from tests.e2e.test_label import log_in, next_item, wait_said
from tests.kinds.asking import CASES, OPTIONS, question
from tests.personas import SENTIMENT, Story, story

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS = 30


def told(draft: QuestionDraft, *more: QuestionDraft, items: int = ITEMS) -> Story:
    tale = story(questions=(draft, *more))
    rows = [
        ItemRow(f"i{n}", {"text": f"Text {n} of Ana in Berlin.", "one": f"{n} a", "two": f"{n} b"})
        for n in range(items)
    ]
    items_take_in(tale.project, rows)
    return tale


def open_label(page: Page, tale: Story) -> None:
    log_in(page, "ana")
    page.goto(f"/projects/{tale.project.pk}/label/")
    expect(page.locator("[data-question][data-kind]").first).to_be_visible()
    expect(page.locator("#label")).to_be_visible()


def stored(tale: Story) -> list[Said]:
    labels = Label.objects.filter(question=tale.question, status=LabelStatus.LIVE)
    return [said_of(label) for label in labels.order_by("pk")]


def thirty(page: Page, tale: Story, keys: list[list[str]]) -> None:
    """Answer every item by the keys, in turn, and Enter; each reply brings another item."""
    open_label(page, tale)
    for n in range(ITEMS):
        item = page.locator("input[name=item]").input_value()
        for key in keys[n % len(keys)]:
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        if n < ITEMS - 1:
            expect(page.locator("input[name=item]")).not_to_have_value(item)
    expect(page.locator(".label__none")).to_be_visible()
    assert Submission.objects.filter(status="submitted").count() == ITEMS


def test_multiple_choice(page: Page) -> None:
    tale = told(CASES["multiple"].draft)
    thirty(page, tale, [["1", "3"], ["0"], ["1", "2", "2"]])
    wanted = [Said(value=[0, 2]), Said(value=[]), Said(value=[0])]
    assert stored(tale) == wanted * (ITEMS // 3)


def test_number(page: Page) -> None:
    tale = told(CASES["number"].draft)
    thirty(page, tale, [["7", ".", "5"], ["1", "0"], ["0"]])
    assert stored(tale) == [Said(value=7.5), Said(value=10), Said(value=0)] * (ITEMS // 3)


def test_text(page: Page) -> None:
    tale = told(CASES["text"].draft)
    open_label(page, tale)
    for n in range(ITEMS):
        item = page.locator("input[name=item]").input_value()
        page.keyboard.type(f"s is no shortcut here, {n}")
        page.keyboard.press("Control+Enter")
        if n < ITEMS - 1:
            expect(page.locator("input[name=item]")).not_to_have_value(item)
    expect(page.locator(".label__none")).to_be_visible()
    assert stored(tale) == [Said(value=f"s is no shortcut here, {n}") for n in range(ITEMS)]


def test_pairwise(page: Page) -> None:
    tale = told(question("pairwise", field_a="one", field_b="two", tie=True))
    thirty(page, tale, [["1"], ["2"], ["0"]])
    submissions = Submission.objects.order_by("pk").prefetch_related("labels")
    for n, submission in enumerate(submissions):
        first, second = (0, 2) if submission.sides["q"] == "a" else (2, 0)
        assert submission.labels.get().choice == [first, second, 1][n % 3]
    assert {submission.sides["q"] for submission in submissions} == {"a", "b"}


def test_ranking(page: Page) -> None:
    tale = told(CASES["ranking"].draft)
    thirty(page, tale, [["3", "1"], ["2", "3", "1"], ["1", "2"]])
    wanted = [Said(value=[2, 0, 1]), Said(value=[1, 2, 0]), Said(value=[0, 1, 2])]
    # The last one has its place already when its key comes, as in the second.
    assert stored(tale) == wanted * (ITEMS // 3)


# --- Multiple choice ------------------------------------------------------------------------------


def test_none_and_options_exclude_each_other_and_no_more_are_ticked_than_allowed(
    page: Page,
) -> None:
    tale = told(question("multiple", options=OPTIONS, min_choices=0, max_choices=2), items=2)
    open_label(page, tale)
    ticked = page.locator(".option :checked")
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.press("3")
    expect(ticked).to_have_count(2)
    expect(page.locator("#spoken, [aria-live]").first).to_contain_text("Choose up to 2.")
    page.keyboard.press("0")
    expect(ticked).to_have_count(1)
    expect(ticked).to_have_value("none")
    page.keyboard.press("3")
    expect(ticked).to_have_value("2")


def test_what_was_ticked_is_kept_over_a_reload_and_an_undo(page: Page) -> None:
    tale = told(CASES["multiple"].draft, items=3)
    open_label(page, tale)
    page.keyboard.press("1")
    page.keyboard.press("3")
    page.reload()
    expect(page.locator(".option :checked")).to_have_count(2)
    page.keyboard.press("Enter")
    wait_said(page, "Insult, Spam saved")
    page.keyboard.press("Control+z")
    expect(page.locator(".option :checked")).to_have_count(2)


# --- Ranking --------------------------------------------------------------------------------------


def order(page: Page) -> list[str]:
    return page.locator(".rank__row .option__name").all_inner_texts()


def test_arrow_keys_buttons_and_the_mouse_move_what_is_ranked(page: Page) -> None:
    tale = told(CASES["ranking"].draft, items=2)
    open_label(page, tale)
    assert order(page) == ["Insult", "Threat", "Spam"]
    page.keyboard.press("Enter")
    expect(page.locator(".field__error")).to_have_text("Put the options into an order first.")
    page.locator(".rank__option", has_text="Spam").focus()
    page.keyboard.press("ArrowUp")
    assert order(page) == ["Insult", "Spam", "Threat"]
    expect(page.locator(".rank__option", has_text="Spam")).to_be_focused()
    expect(page.locator("[data-rank-value]")).to_have_value("0,2,1")
    expect(page.locator(".field__error")).to_have_text("")
    page.get_by_role("button", name="Move Insult down").click()
    assert order(page) == ["Spam", "Insult", "Threat"]
    page.locator(".rank__option", has_text="Threat").drag_to(
        page.locator(".rank__option", has_text="Spam"), target_position={"x": 40, "y": 4}
    )
    assert order(page) == ["Threat", "Spam", "Insult"]
    page.reload()
    assert order(page) == ["Threat", "Spam", "Insult"]
    page.locator("body").press("Enter")
    wait_said(page, "Threat > Spam > Insult saved")
    assert stored(tale) == [Said(value=[1, 2, 0])]


# --- Several questions ----------------------------------------------------------------------------


def test_several_kinds_on_one_item_by_keyboard(page: Page) -> None:
    tale = told(
        SENTIMENT,
        QuestionDraft("tox", "Toxicity", "multiple", OPTIONS, required=False),
        QuestionDraft("grade", "Grade", "number", settings={"min": 0, "max": 10}),
        items=2,
    )
    open_label(page, tale)
    before = page.locator(".label__text").first.inner_text()
    page.keyboard.press("1")
    # The digits are now those of the multiple choice, and stay there.
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    # The number is missing: the cursor is in it.
    expect(page.locator("[name^=q].number-answer__input")).to_be_focused()
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    next_item(page, before)
    wait_said(page, "3 answers saved")
    said = {label.question.key: said_of(label) for label in Label.objects.all()}
    assert said == {"sentiment": Said(0), "tox": Said(value=[0, 1]), "grade": Said(value=4)}


def test_an_answer_of_each_kind_survives_a_lost_connection(page: Page) -> None:
    tale = told(
        QuestionDraft("tox", "Toxicity", "multiple", OPTIONS),
        QuestionDraft("rank", "Order", "ranking", OPTIONS),
        QuestionDraft("why", "Why", "text"),
        items=2,
    )
    open_label(page, tale)
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.keyboard.press("3")
    page.locator(".rank__option", has_text="Spam").focus()
    page.keyboard.press("3")
    page.keyboard.press("1")
    page.locator("textarea.text-answer").fill("Because.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-offline]")).to_be_visible()
    page.context.set_offline(False)
    wait_said(page, "3 answers saved")
    said = {label.question.key: said_of(label) for label in Label.objects.all()}
    assert said == {
        "tox": Said(value=[0, 2]),
        "rank": Said(value=[2, 0, 1]),
        "why": Said(value="Because."),
    }

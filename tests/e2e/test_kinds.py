"""Thirty items of each kind of question by keyboard alone, and what else their widgets do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from annotate.kinds import Said, said_of
from annotate.models import Item, Label, LabelStatus, RaterKind, Ruling, Submission
from annotate.services.answers import Answer
from annotate.services.items import ItemRow, items_take_in
from annotate.services.projects import QuestionDraft
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from tests.e2e.test_label import log_in, next_item, wait_said
from tests.kinds.asking import CASES, OPTIONS, question
from tests.personas import SENTIMENT, STARS, Story, story

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


def test_single_choice(page: Page) -> None:
    tale = told(SENTIMENT)
    thirty(page, tale, [["1"], ["2"], ["2", "3"]])
    assert stored(tale) == [Said(0), Said(1), Said(2)] * (ITEMS // 3)


def test_rating(page: Page) -> None:
    tale = told(replace(STARS, required=True))
    thirty(page, tale, [["5"], ["1"], ["4", "3"]])
    assert stored(tale) == [Said(4), Said(0), Said(2)] * (ITEMS // 3)


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
    expect(page.locator(".question .field__error")).to_have_text(
        "Put the options into an order first."
    )
    page.locator(".rank__option", has_text="Spam").focus()
    page.keyboard.press("ArrowUp")
    assert order(page) == ["Insult", "Spam", "Threat"]
    expect(page.locator(".rank__option", has_text="Spam")).to_be_focused()
    expect(page.locator("[data-rank-value]")).to_have_value("0,2,1")
    expect(page.locator(".question .field__error")).to_have_text("")
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


# --- Spans ----------------------------------------------------------------------------------------


def one_text(text: str, *, overlap: bool = False) -> Story:
    settings = {"field": "text", "overlap": True} if overlap else {"field": "text"}
    tale = story(questions=(question("span", options=OPTIONS, **settings),))
    items_take_in(tale.project, [ItemRow("i1", {"text": text})])
    return tale


def marked(page: Page) -> list[list[int]]:
    return json.loads(page.locator("[data-span-value]").input_value() or "null")


def test_span(page: Page) -> None:
    tale = told(question("span", options=OPTIONS, field="text"))
    open_label(page, tale)
    for n in range(ITEMS):
        item = page.locator("input[name=item]").input_value()
        if n % 3 == 2:
            page.keyboard.press("0")
        else:
            # The fourth word, "Ana", and with Shift up to the last one.
            for _word in range(4):
                page.keyboard.press("ArrowRight")
            if n % 3 == 1:
                page.keyboard.press("Shift+ArrowRight")
                page.keyboard.press("Shift+ArrowRight")
            page.keyboard.press("2" if n % 3 else "1")
        page.keyboard.press("Enter")
        if n < ITEMS - 1:
            expect(page.locator("input[name=item]")).not_to_have_value(item)
    expect(page.locator(".label__none")).to_be_visible()
    for n, label in enumerate(Label.objects.order_by("pk").select_related("item")):
        text = label.item.fields["text"]
        start = text.index("Ana")
        wanted = [
            [[start, start + 3, 0]],
            [[start, text.index("Berlin") + 6, 1]],
            [],
        ]
        assert label.value == wanted[n % 3]


def test_marks_are_made_changed_and_taken_away_by_keyboard(page: Page) -> None:
    tale = one_text("Ana lives in Berlin.")
    open_label(page, tale)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("1")
    assert marked(page) == [[0, 3, 0]]
    expect(page.locator(".mark-span")).to_have_text("Ana")
    # The same words with another type: it takes the first one's place.
    page.keyboard.press("2")
    assert marked(page) == [[0, 3, 1]]
    # Nothing may overlap it.
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("3")
    assert marked(page) == [[0, 3, 1]]
    expect(page.locator(".question .field__error")).to_contain_text("Spans do not overlap here.")
    # Back to the first word, without its last letter.
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Control+ArrowLeft")
    expect(page.locator(".mark-chosen")).to_have_text("An")
    page.keyboard.press("Delete")
    assert marked(page) is None
    page.keyboard.press("3")
    assert marked(page) == [[0, 2, 2]]
    page.keyboard.press("0")
    assert marked(page) == []
    expect(page.locator("[data-span-nothing]")).to_be_checked()
    page.keyboard.press("0")
    page.keyboard.press("Enter")
    expect(page.locator(".question .field__error")).to_contain_text(
        "Mark what there is to mark first"
    )
    assert not Submission.objects.exists()


def test_spans_that_overlap_where_they_may(page: Page) -> None:
    tale = one_text("Ana lives in Berlin.", overlap=True)
    open_label(page, tale)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("3")
    assert marked(page) == [[0, 3, 0], [0, 3, 1], [0, 9, 2]]
    # The shortest one over what is selected goes first.
    page.keyboard.press("Backspace")
    assert marked(page) == [[0, 3, 1], [0, 9, 2]]
    page.keyboard.press("Enter")
    wait_said(page, "Threat: “Ana”; Spam: “Ana lives” saved")
    assert stored(tale) == [Said(value=[[0, 3, 1], [0, 9, 2]])]
    page.keyboard.press("Control+z")
    expect(page.locator(".spans__line")).to_have_count(2)


NASTY = "😀 Zoë\r\nlives in\r São Paulo. <b>&amp;</b> 東京に住む太郎。 التقت سارة بعمر"


def test_places_are_characters_as_the_server_counts_them(page: Page) -> None:
    tale = one_text(NASTY, overlap=True)
    open_label(page, tale)
    words = ["Zoë", "Paulo", "amp", "سارة"]
    wanted = []
    for code, word in enumerate(words):
        # As a mouse would: select the word, then press a type.
        page.evaluate(
            """(word) => {
              const field = document.querySelector("[data-marked]");
              const walker = document.createTreeWalker(field, NodeFilter.SHOW_TEXT);
              for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const at = node.textContent.indexOf(word);
                if (at < 0) continue;
                getSelection().setBaseAndExtent(node, at, node, at + word.length);
                return;
              }
            }""",
            word,
        )
        page.locator(f"[data-span-type='{code % 3}']").click()
        start = NASTY.index(word)
        wanted.append([start, start + len(word), code % 3])
    assert marked(page) == sorted(wanted)
    page.keyboard.press("Enter")
    expect(page.locator(".label__none")).to_be_visible()
    (said,) = stored(tale)
    assert [NASTY[start:end] for start, end, _code in said.value] == sorted(words, key=NASTY.index)


def test_a_click_takes_a_word_and_the_mouse_what_it_is_drawn_over(page: Page) -> None:
    tale = one_text("Ana lives in Berlin.")
    open_label(page, tale)
    field = page.locator("[data-marked]")
    box = field.bounding_box()
    assert box
    page.mouse.click(box["x"] + 8, box["y"] + box["height"] / 2)
    expect(page.locator(".mark-chosen")).to_have_text("Ana")
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    page.mouse.up()
    expect(page.locator(".mark-chosen")).to_have_text("Ana lives in Berlin.")
    page.get_by_role("button", name="Spam").click()
    assert marked(page) == [[0, 20, 2]]
    page.get_by_role("button", name="Take away: Ana lives in Berlin., Spam").click()
    assert marked(page) is None


def test_in_a_text_from_right_to_left_the_left_arrow_goes_on(page: Page) -> None:
    text = "التقت سارة بعمر في القاهرة"
    tale = one_text(text)
    open_label(page, tale)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".mark-chosen")).to_have_text("سارة")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".mark-chosen")).to_have_text("التقت")


def test_spans_are_kept_over_a_reload(page: Page) -> None:
    tale = one_text("Ana lives in Berlin.")
    open_label(page, tale)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("1")
    page.reload()
    expect(page.locator(".spans__line")).to_have_count(1)
    expect(page.locator(".mark-span")).to_have_text("Ana")


def test_a_reviewer_rules_with_spans_of_their_own(page: Page) -> None:
    tale = one_text("Ana lives in Berlin.")
    item = Item.objects.get()
    for who, value in (("wa", [[0, 3, 0]]), ("wb", [[13, 19, 1]])):
        rater = rater_imported(tale.project, name=who, kind=RaterKind.PERSON)
        answers = {tale.question.pk: Answer(value=value)}
        submission_submit(rater, item, answers=answers, client_key=who)
    log_in(page, "rhea")
    page.goto(f"/projects/{tale.project.pk}/review/")
    page.locator(".given__answer").first.hover()
    expect(page.locator(".mark-span")).to_have_text("Ana")
    page.locator(".label__item").focus()
    page.keyboard.press("ArrowRight")
    page.locator("[data-span-type='2']").click()
    expect(page.locator("input[value=own]")).to_be_checked()
    page.keyboard.press("a")
    expect(page.locator(".label__said")).to_contain_text("Ruled: Spam: “Ana”")
    assert said_of(Ruling.objects.get()) == Said(value=[[0, 3, 2]])


# --- Conditions -----------------------------------------------------------------------------------


def test_a_question_appears_with_the_answer_that_it_hangs_on_and_goes_with_it(page: Page) -> None:
    only_if = {"question": "sentiment", "options": ["negative"]}
    tale = told(
        SENTIMENT,
        QuestionDraft("tox", "Toxicity", "single", OPTIONS, settings={"only_if": only_if}),
        QuestionDraft("grade", "Grade", "number"),
        items=3,
    )
    open_label(page, tale)
    hanging = page.locator("[data-question=tox]")
    expect(hanging).to_be_hidden()
    page.keyboard.press("2")
    expect(hanging).to_be_visible()
    # The digits are those of the question that has appeared.
    page.keyboard.press("3")
    expect(hanging.locator(":checked")).to_have_value("2")
    expect(page.locator(".number-answer__input")).to_be_focused()
    page.keyboard.type("5")
    page.reload()
    expect(hanging).to_be_visible()
    expect(hanging.locator(":checked")).to_have_value("2")
    page.locator(".option input").first.click()
    expect(hanging).to_be_hidden()
    page.locator(".number-answer__input").press("Enter")
    wait_said(page, "2 answers saved")
    said = {label.question.key: said_of(label) for label in Label.objects.all()}
    assert said == {"sentiment": Said(0), "grade": Said(value=5)}

"""Questions asked only after certain answers to an earlier one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from annotate.errors import BadInput, Conflict
from annotate.kinds import Asked, OptionAsked, Said, Unfit, asked_of
from annotate.kinds.base import condition_read
from annotate.kinds.conditions import condition_words, hidden_keys
from annotate.models import Label
from annotate.selectors.questions import questions_live
from annotate.services.projects import (
    QuestionDraft,
    question_add,
    question_retire,
    question_revise,
)
from tests.kinds.asking import OPTIONS
from tests.kinds.test_asking import owner
from tests.label.test_label import Desk
from tests.personas import SENTIMENT, Story, story

NEGATIVE = {"question": "sentiment", "options": ["negative"]}
WHY = QuestionDraft("why", "Why", "text", settings={"only_if": NEGATIVE})
TOXIC = QuestionDraft("tox", "Toxicity", "multiple", OPTIONS, settings={"only_if": NEGATIVE})
HARM = QuestionDraft(
    "harm",
    "Harm",
    "number",
    settings={"only_if": {"question": "tox", "options": ["insult", "threat"]}},
)


def asked(key: str, only_if: dict[str, Any] | None = None, kind: str = "single") -> Asked:
    options = tuple(OptionAsked(n, name, name.title()) for n, name in enumerate("abc"))
    return Asked(key, key.title(), kind, options, {"only_if": only_if} if only_if else {})


def test_a_question_is_asked_after_one_of_the_answers_named_and_not_else() -> None:
    questions = [asked("q"), asked("r", {"question": "q", "options": ["b", "c"]})]
    assert hidden_keys(questions, {}) == {"r"}
    assert hidden_keys(questions, {"q": Said(0)}) == {"r"}
    assert hidden_keys(questions, {"q": Said(1)}) == set()
    assert condition_words(questions[1], {q.key: q for q in questions}) == "“Q” is B or C"
    assert condition_words(questions[0], {}) == ""


def test_of_several_options_chosen_one_is_enough() -> None:
    questions = [asked("q", kind="multiple"), asked("r", {"question": "q", "options": ["c"]})]
    assert hidden_keys(questions, {"q": Said(value=[0, 2])}) == set()
    assert hidden_keys(questions, {"q": Said(value=[0, 1])}) == {"r"}
    assert hidden_keys(questions, {"q": Said(value=[])}) == {"r"}


def test_what_hangs_on_a_question_that_is_not_asked_is_not_asked_either() -> None:
    questions = [
        asked("q"),
        asked("r", {"question": "q", "options": ["a"]}),
        asked("s", {"question": "r", "options": ["a"]}),
    ]
    assert hidden_keys(questions, {"q": Said(0), "r": Said(0)}) == set()
    # An answer to r that should not be there helps nothing.
    assert hidden_keys(questions, {"q": Said(1), "r": Said(0)}) == {"r", "s"}
    assert hidden_keys(questions[1:], {"r": Said(0)}) == {"r", "s"}


@pytest.mark.parametrize(
    "only_if",
    [
        "sentiment", [], {"question": "q"}, {"question": "", "options": ["a"]},
        {"question": "q", "options": []}, {"question": "q", "options": [1]},
        {"question": "q", "options": "a"}, {"question": "q", "options": ["a"], "more": 1},
    ],
)  # fmt: skip
def test_a_condition_names_a_question_and_answers(only_if: Any) -> None:
    with pytest.raises(Unfit) as refused:
        condition_read(only_if)
    assert "Name the key of an earlier question" in refused.value.fields["only_if"]


# --- Asking -------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def told() -> Story:
    tale = story(questions=(SENTIMENT, TOXIC, HARM, WHY))
    tale.items(["Lovely soup.", "Dreadful soup."])
    return tale


@pytest.mark.parametrize(
    ("only_if", "words"),
    [
        (
            {"question": "mood", "options": ["x"]},
            "“mood” is no question that is asked before this one.",
        ),
        ({"question": "q", "options": ["x"]}, "Before it are: sentiment, why."),
        ({"question": "sentiment", "options": ["so-so"]}, "“so-so” is no option of “sentiment”."),
        ({"question": "why", "options": ["x"]}, "“why” is not answered by options"),
    ],
)
def test_a_condition_that_cannot_hold_is_refused(only_if: dict[str, Any], words: str) -> None:
    tale = story(questions=(SENTIMENT, WHY))
    draft = QuestionDraft("q", "Q", "text", settings={"only_if": only_if})
    with pytest.raises(BadInput) as refused:
        question_add(tale.olga, tale.project, draft)
    assert words in refused.value.detail["fields"]["only_if"]


def test_a_question_cannot_hang_on_a_later_one_or_on_itself() -> None:
    tale = story(questions=(SENTIMENT, TOXIC))
    for other in ("tox", "sentiment"):
        settings = {"only_if": {"question": other, "options": ["insult"]}}
        with pytest.raises(BadInput, match="is no question that is asked before this one"):
            question_revise(tale.olga, tale.question, replace(SENTIMENT, settings=settings))


def test_an_option_that_a_condition_names_stays_and_so_does_its_question() -> None:
    tale = told()
    fewer = replace(SENTIMENT, options=[o for o in SENTIMENT.options if o.key != "negative"])
    with pytest.raises(BadInput, match="is asked only after the answer negative"):
        question_revise(tale.olga, tale.question, fewer)
    with pytest.raises(Conflict, match="is asked only after an answer to this question"):
        question_retire(tale.olga, tale.question)
    # Another name for the option changes nothing.
    renamed = [replace(option, name=option.name.upper()) for option in SENTIMENT.options]
    assert question_revise(tale.olga, tale.question, replace(SENTIMENT, options=renamed))
    question_retire(tale.olga, tale.project.questions.get(key="why"))


def test_the_condition_is_written_in_the_form_and_shown_again() -> None:
    tale = story(questions=(SENTIMENT, WHY))
    why = tale.project.questions.get(key="why")
    client = owner(tale)
    url = f"/projects/{tale.project.pk}/questions/{why.pk}/"
    assert 'value="sentiment: negative"' in client.get(url).content.decode()
    data = {
        "question-name": "Why",
        "question-kind": "text",
        "option-TOTAL_FORMS": 0,
        "option-INITIAL_FORMS": 0,
        "settings-only_if": "sentiment : negative,unknown ",
    }
    assert client.post(url, data).status_code == 302
    why.refresh_from_db()
    wanted = {"question": "sentiment", "options": ["negative", "unknown"]}
    assert why.settings == {"only_if": wanted}
    refused = client.post(url, data | {"settings-only_if": "sentiment"})
    assert refused.status_code == 422
    assert "Name the key of an earlier question" in refused.content.decode()


# --- Answering ----------------------------------------------------------------------------------


def fields(tale: Story, **answers: Any) -> dict[str, Any]:
    by_key = {question.key: question.pk for question in questions_live(tale.project)}
    return {f"q{by_key[key]}": entries for key, entries in answers.items()}


def test_a_required_question_that_is_not_asked_needs_no_answer() -> None:
    tale = told()
    desk = Desk(tale, tale.ana).open()
    desk.post("label_submit", {**desk.hidden(), **fields(tale, sentiment="0")})
    assert desk.response.status_code == 200
    assert Label.objects.count() == 1


def test_a_required_question_that_is_asked_needs_one() -> None:
    tale = told()
    desk = Desk(tale, tale.ana).open()
    desk.post("label_submit", {**desk.hidden(), **fields(tale, sentiment="1")})
    assert desk.response.status_code == 422
    assert "“Toxicity” needs an answer." in desk.html
    assert "“Why” needs an answer." in desk.html
    # Harm hangs on Toxicity, which has no answer yet.
    assert "“Harm” needs an answer." not in desk.html
    answers = fields(tale, sentiment="1", tox=["0", "2"], harm="3", why="Cold.")
    desk.post("label_submit", {**desk.hidden(), **answers})
    assert Label.objects.count() == 4


def test_an_answer_to_a_question_that_is_not_asked_is_refused_with_the_condition() -> None:
    tale = told()
    desk = Desk(tale, tale.ana).open()
    answers = fields(tale, sentiment="0", why="Because.")
    desk.post("label_submit", {**desk.hidden(), **answers})
    assert desk.response.status_code == 422
    assert "“Why” is asked only if “Sentiment” is Negative." in desk.html
    assert not Label.objects.exists()


def test_the_page_says_on_what_a_question_hangs() -> None:
    tale = told()
    html = Desk(tale, tale.ana).open().html
    pks = {question.key: question.pk for question in questions_live(tale.project)}
    assert f'data-only-if="q{pks["sentiment"]}" data-only-values="1"' in html
    assert f'data-only-if="q{pks["tox"]}" data-only-values="0 1"' in html
    assert "Only if “Sentiment” is Negative" in html


def test_settings_of_a_condition_are_read_as_they_were_written() -> None:
    tale = told()
    harm = tale.project.questions.get(key="harm")
    assert asked_of(harm).settings == HARM.settings

"""What each kind of question makes of an answer: annotate/kinds/. No database."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from annotate.kinds import KINDS, Said, Unfit, kind_of
from annotate.kinds.number import number_of
from annotate.models import QuestionKind
from tests.kinds.asking import CASES, FIELDS, OPTIONS, Case, asked, question
from tests.personas import SENTIMENT, STARS

KIND_CASES = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def test_there_is_a_kind_for_each_name_in_the_database() -> None:
    assert set(KINDS) == set(QuestionKind.values)


# --- There and back -----------------------------------------------------------------------------


@KIND_CASES
def test_a_form_a_file_and_a_screen_say_the_same(case: Case) -> None:
    kind = kind_of(case.asked)
    assert kind.posted(case.asked, case.entries) == case.said
    assert kind.posted(case.asked, kind.entries(case.asked, case.said)) == case.said
    assert kind.plain(case.asked, case.said, FIELDS) == case.plain
    assert kind.read(case.asked, case.plain) == case.said
    assert kind.words(case.asked, case.said, FIELDS) == case.words
    assert kind.check(case.asked, case.said, FIELDS) == case.said


@KIND_CASES
def test_a_cell_of_csv_reads_back_as_json_does(case: Case) -> None:
    kind = kind_of(case.asked)
    plain = case.plain
    cell = plain if isinstance(plain, str) else json.dumps(plain)
    assert kind.read(case.asked, cell) == case.said


@KIND_CASES
def test_nothing_entered_is_no_answer(case: Case) -> None:
    kind = kind_of(case.asked)
    assert kind.posted(case.asked, []) is None
    if not kind.stores_choice:
        assert kind.posted(case.asked, [""]) is None


@KIND_CASES
def test_an_answer_is_as_far_from_itself_as_nothing_and_from_another_as_it_is_from_it(
    case: Case,
) -> None:
    kind = kind_of(case.asked)
    assert kind.distance(case.asked, case.said, case.said) == 0
    there = kind.distance(case.asked, case.said, case.other)
    assert 0 < there <= 1
    assert there == kind.distance(case.asked, case.other, case.said)


@KIND_CASES
def test_one_answer_and_answers_alike_settle_on_themselves(case: Case) -> None:
    kind = kind_of(case.asked)
    assert kind.settle(case.asked, [case.said]).said == case.said
    assert kind.settle(case.asked, [case.said] * 3).said == case.said


SETS = st.sets(st.integers(0, 2)).map(sorted)
NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False, width=64)
)
TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50
).filter(lambda text: text.strip())


@given(st.permutations(range(3)))
def test_any_order_comes_back_from_form_and_file(codes: list[int]) -> None:
    question_asked, said = CASES["ranking"].asked, Said(value=list(codes))
    kind = kind_of(question_asked)
    assert kind.posted(question_asked, kind.entries(question_asked, said)) == said
    assert kind.read(question_asked, kind.plain(question_asked, said)) == said
    assert kind.read(question_asked, " > ".join(kind.plain(question_asked, said))) == said


@given(st.lists(st.permutations(range(3)), min_size=1, max_size=5))
def test_orders_settle_by_mean_places_and_a_tie_stays_one(orders: list[list[int]]) -> None:
    question_asked = CASES["ranking"].asked
    settled = kind_of(question_asked).settle(question_asked, [Said(value=o) for o in orders])
    sums = [sum(order.index(code) for order in orders) for code in range(3)]
    if settled.said is None:
        assert len(set(sums)) < 3
    else:
        assert settled.said.value == sorted(range(3), key=lambda code: sums[code])


@st.composite
def spans_and_text(draw: Any) -> tuple[list[list[int]], str]:
    text = draw(TEXTS)
    ends = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(ends, ends, st.integers(0, 2)), max_size=6))
    return [[min(a, b), max(a, b), code] for a, b, code in pairs if a != b], text


@given(spans_and_text())
def test_any_spans_come_back_from_form_and_file(given_spans: tuple[list[list[int]], str]) -> None:
    spans, text = given_spans
    question_asked = asked(question("span", options=OPTIONS, field="text", overlap=True))
    kind, fields = kind_of(question_asked), {"text": text}
    unique = [list(span) for span in {tuple(span) for span in spans}]
    said = kind.check(question_asked, Said(value=unique), fields)
    assert said.value == sorted(unique)
    assert kind.posted(question_asked, kind.entries(question_asked, said)) == said
    plain = kind.plain(question_asked, said, fields)
    assert kind.read(question_asked, plain) == said
    assert kind.read(question_asked, json.dumps(plain)) == said
    assert [span["text"] for span in plain] == [text[a:b] for a, b, _code in said.value]


@given(st.lists(spans_and_text().map(lambda found: found[0]), min_size=1, max_size=4))
def test_spans_that_are_settled_are_those_that_more_than_half_marked(
    answers: list[list[list[int]]],
) -> None:
    question_asked = asked(question("span", options=OPTIONS, field="text", overlap=True))
    unique = [sorted([list(s) for s in {tuple(span) for span in spans}]) for spans in answers]
    settled = kind_of(question_asked).settle(question_asked, [Said(value=s) for s in unique])
    votes = Counter(tuple(span) for spans in unique for span in spans)
    if settled.said is None:
        assert any(2 * n == len(unique) for n in votes.values())
    else:
        wanted = sorted(list(span) for span, n in votes.items() if 2 * n > len(unique))
        assert settled.said.value == wanted


@given(SETS)
def test_any_set_comes_back_from_form_and_file(codes: list[int]) -> None:
    question_asked, said = CASES["multiple"].asked, Said(value=codes)
    kind = kind_of(question_asked)
    assert kind.posted(question_asked, kind.entries(question_asked, said)) == said
    assert kind.read(question_asked, kind.plain(question_asked, said)) == said
    assert kind.read(question_asked, json.dumps(kind.plain(question_asked, said))) == said


@given(NUMBERS)
def test_any_number_comes_back_from_form_and_file_to_the_last_digit(number: float) -> None:
    question_asked = asked(question("number"))
    kind = kind_of(question_asked)
    said = kind.check(question_asked, Said(value=number))
    assert said.value == number
    assert kind.posted(question_asked, kind.entries(question_asked, said)) == said
    assert kind.read(question_asked, json.loads(json.dumps(said.value))) == said
    assert kind.read(question_asked, json.dumps(said.value)).canonical == said.canonical


@given(TEXTS)
@example("a\r\nb")
def test_any_text_comes_back_from_form_and_file(text: str) -> None:
    question_asked = asked(question("text"))
    kind = kind_of(question_asked)
    said = kind.check(question_asked, Said(value=text))
    assert kind.check(question_asked, said) == said
    # As browsers send it: every line ends with both characters, also one that had both before.
    posted = re.sub(r"\r\n|\r|\n", "\r\n", text)
    assert kind.posted(question_asked, [posted]) == said
    assert kind.read(question_asked, kind.plain(question_asked, said)) == said


@given(st.lists(SETS, min_size=1, max_size=6))
def test_a_set_that_is_settled_holds_what_more_than_half_chose(sets: list[list[int]]) -> None:
    question_asked = CASES["multiple"].asked
    settled = kind_of(question_asked).settle(question_asked, [Said(value=s) for s in sets])
    votes = [sum(code in chosen for chosen in sets) for code in range(3)]
    if settled.said is None:
        assert settled.how == "tie"
        assert any(2 * n == len(sets) for n in votes)
    else:
        assert settled.said.value == [code for code, n in enumerate(votes) if 2 * n > len(sets)]


# --- What does not fit --------------------------------------------------------------------------

MULTIPLE = question("multiple", options=OPTIONS, min_choices=1, max_choices=2)
RANKING = question("ranking", options=OPTIONS)
SPAN = question("span", options=OPTIONS, field="text")
NUMBER = question("number", min=0, max=10, step=0.5)
BAD_PLAIN: list[tuple[Any, Any, str]] = [
    (SENTIMENT, "so-so", "“so-so” is no option of “Sentiment”. Its options: positive, negative"),
    (SENTIMENT, ["positive"], "is no option of “Sentiment”"),
    (SENTIMENT, None, "is no option of “Sentiment”"),
    (STARS, 6, "“6” is no option of “Stars”"),
    (MULTIPLE, ["insult", "joke"], "“joke” is no option of “Question”. Its options: insult"),
    (MULTIPLE, "insult|joke", "“joke” is no option of “Question”"),
    (MULTIPLE, ["insult", "insult"], "An option of “Question” is named twice."),
    (MULTIPLE, [], "“Question” wants 1 option or more."),
    (MULTIPLE, ["insult", "threat", "spam"], "“Question” takes 2 options at most."),
    (MULTIPLE, 3, "“Question” is answered by a list of keys of its options."),
    (MULTIPLE, "[1", "“[1” is no answer to this question. Write it as"),
    (MULTIPLE, [["insult"]], "is no option of “Question”"),
    (NUMBER, "about three", "“about three” is no number. Write digits, with a point"),
    (NUMBER, "3,5", "“3,5” is no number"),
    (NUMBER, "nan", "“nan” is no number"),
    (NUMBER, "1_0", "“1_0” is no number"),
    (NUMBER, True, "“True” is no number"),
    (NUMBER, [3], "is no number"),
    (NUMBER, 1e999, "“inf” is no number"),
    (NUMBER, 11, "“Question” goes from 0 to 10, not 11."),
    (NUMBER, -0.5, "“Question” goes from 0 to 10, not -0.5."),
    (NUMBER, 3.3, "“Question” goes in steps of 0.5, and 3.3 is between two."),
    (question("number", min=1), 0, "“Question” starts at 1, and 0 is below."),
    (question("number", max=1), 2, "“Question” goes up to 1, and 2 is above."),
    (RANKING, ["insult"], "ranks all options; these are missing: Threat, Spam."),
    (RANKING, ["insult", "insult", "spam"], "“Question” ranks an option twice."),
    (RANKING, ["insult", "threat", "joke"], "“joke” is no option of “Question”."),
    (RANKING, {"insult": 1}, "“Question” is answered by the list of its options, best first."),
    (RANKING, "[", "“[” is no answer to this question. Write it as"),
    (SPAN, [{"start": 0, "end": 3}], "“Question” is answered by a list of spans. Write it as"),
    (SPAN, "Ana", "“Ana” is no answer to this question. Write it as"),
    (SPAN, [{"start": 0, "end": 3, "label": "joke"}], "“joke” is no option of “Question”"),
    (SPAN, [{"start": 3, "end": 3, "label": "spam"}], "to a later one, not from 3 to 3."),
    (SPAN, [{"start": -1, "end": 3, "label": "spam"}], "to a later one, not from -1 to 3."),
    (SPAN, [{"start": 0.5, "end": 3, "label": "spam"}], "to a later one, not from 0.5 to 3."),
    (SPAN, [{"start": True, "end": 3, "label": "spam"}], "to a later one, not from True to 3."),
    (
        SPAN,
        [{"start": 0, "end": 3, "label": "spam"}, {"start": 2, "end": 4, "label": "threat"}],
        "those from 0 to 3 and from 2 to 4 do.",
    ),
    (
        SPAN,
        [{"start": 0, "end": 3, "label": "spam"}, {"start": 0, "end": 3, "label": "spam"}],
        "A span of “Question” is named twice.",
    ),
    (
        SPAN,
        [{"start": n, "end": n + 1, "label": "spam"} for n in range(2001)],
        "At most 2000 spans",
    ),
    (question("text"), "  \n", "The text for “Question” is empty."),
    (question("text"), 3, "“Question” is answered by a text."),
    (question("text"), "a\0b", "A text cannot hold the character NUL."),
    (
        question("text", max_length=3),
        "four",
        "“Question” takes 3 characters at most; these are 4.",
    ),
]


@pytest.mark.parametrize(("draft", "plain", "words"), BAD_PLAIN)
def test_what_does_not_fit_is_refused_by_what_and_why(draft: Any, plain: Any, words: str) -> None:
    question_asked = asked(draft)
    with pytest.raises(Unfit) as refused:
        kind_of(question_asked).read(question_asked, plain)
    assert words in refused.value.message


BAD_ENTRIES: list[tuple[Any, list[str], str]] = [
    (SENTIMENT, ["9"], "9 is no option of “Sentiment”"),
    (SENTIMENT, ["¹"], "is no option of “Sentiment”"),
    (MULTIPLE, ["0", "7"], "7 is no option of “Question”"),
    (MULTIPLE, ["none"], "“Question” wants 1 option or more."),
    (CASES["multiple"].draft, ["none", "0"], "Choose options, or “none of these”, not both."),
    (NUMBER, ["x"], "“x” is no number"),
    (RANKING, ["0,x,2"], "-1 is no option of “Question”"),
]


@pytest.mark.parametrize(("draft", "entries", "words"), BAD_ENTRIES)
def test_what_a_form_says_wrong_is_refused(draft: Any, entries: list[str], words: str) -> None:
    question_asked = asked(draft)
    with pytest.raises(Unfit) as refused:
        kind_of(question_asked).posted(question_asked, entries)
    assert words in refused.value.message


def test_a_span_beyond_its_text_is_refused_where_the_text_is_at_hand() -> None:
    question_asked = asked(SPAN)
    said = Said(value=[[0, 30, 1]])
    assert kind_of(question_asked).check(question_asked, said) == said
    with pytest.raises(Unfit, match="A span goes to character 30, but “text” has 29"):
        kind_of(question_asked).check(question_asked, said, FIELDS)


@KIND_CASES
@pytest.mark.parametrize("said", [Said(choice=0), Said(), Said(value={"a": 1}), Said(0, 1)])
def test_the_last_door_takes_nothing_of_another_kind(case: Case, said: Said) -> None:
    if said == Said(choice=0) and kind_of(case.asked).stores_choice:
        return
    with pytest.raises(Unfit):
        kind_of(case.asked).check(case.asked, said, FIELDS)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_the_last_door_lets_through_only_what_it_would_again(value: Any) -> None:
    for case in CASES.values():
        kind = kind_of(case.asked)
        try:
            said = kind.check(case.asked, Said(value=value), FIELDS)
        except Unfit:
            continue
        assert kind.check(case.asked, said, FIELDS) == said
        assert json.loads(json.dumps(said.value)) == said.value


# --- Settings -----------------------------------------------------------------------------------

BAD_SETTINGS: list[tuple[str, dict[str, Any], str, str]] = [
    ("single", {"min": 1}, "settings", "“min” is no setting of this kind of question"),
    ("multiple", {"min_choices": -1}, "min_choices", "Write a whole number from 0 to 500."),
    ("multiple", {"min_choices": 4}, "min_choices", "There are only 3 options."),
    ("multiple", {"max_choices": 0}, "max_choices", "Write a whole number from 1 to 500."),
    ("multiple", {"min_choices": 3, "max_choices": 2}, "max_choices", "cannot be fewer"),
    ("multiple", {"max_choices": True}, "max_choices", "Write a whole number"),
    ("number", {"min": "x"}, "min", "Write a number."),
    ("number", {"min": 2, "max": 2}, "max", "The largest number must be above the smallest."),
    ("number", {"step": 0}, "step", "A step is above 0."),
    ("number", {"unit": "x" * 31}, "unit", "A unit has 30 characters at most."),
    ("pairwise", {"field_a": "one"}, "field_b", "Name a field of the items."),
    ("pairwise", {"field_a": "one", "field_b": " one "}, "field_b", "must be different ones"),
    ("pairwise", {"field_a": "a", "field_b": "b", "tie": "no"}, "tie", "“tie” is true or false."),
    ("span", {}, "field", "Name a field of the items."),
    ("span", {"field": "text", "overlap": 2}, "overlap", "“overlap” is true or false."),
    ("ranking", {"of_fields": 1}, "of_fields", "“of_fields” is true or false."),
    ("text", {"max_length": 0}, "max_length", "Write a whole number from 1 to 20000."),
]


@pytest.mark.parametrize(("kind", "given_settings", "name", "words"), BAD_SETTINGS)
def test_a_setting_that_does_not_fit_is_refused_by_name(
    kind: str, given_settings: dict[str, Any], name: str, words: str
) -> None:
    with pytest.raises(Unfit) as refused:
        KINDS[kind].settings_read(given_settings, ["a", "b", "c"])
    assert words in refused.value.fields[name]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_settings_read_twice_are_the_same(kind: str) -> None:
    given_by_kind: dict[str, dict[str, Any]] = {
        "multiple": {"min_choices": "0", "max_choices": 2},
        "number": {"min": "0", "max": "1e1", "unit": "kg", "step": ""},
        "text": {"max_length": 5},
        "pairwise": {"field_a": " one ", "field_b": "two"},
        "span": {"field": "text", "overlap": True},
        "ranking": {"of_fields": True},
    }
    once = KINDS[kind].settings_read(given_by_kind.get(kind, {}), ["a", "b", "c"])
    assert KINDS[kind].settings_read(once, ["a", "b", "c"]) == once
    assert json.loads(json.dumps(once)) == once


def test_numbers_are_whole_where_they_are_whole() -> None:
    assert repr(number_of("3.0")) == "3"
    assert repr(number_of(-0.0)) == "0"
    assert number_of(2**53 + 2) is None
    assert number_of("1e400") is None

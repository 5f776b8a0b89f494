"""How a language model is asked, entered in the browser: every setting, and what does not go
together.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from annotate.models import Item
from annotate.services.items import ItemRow, items_take_in
from judges.exchange import Rule
from judges.forms.how import HowForm
from judges.forms.how_entered import how_entered, rule_entered
from judges.prompting.how import Examples, How, Pair, Repeats
from tests.personas import STARS, Story, story

pytestmark = pytest.mark.django_db
FIELDS = ("text", "other", "gold")
CHECKS = {"ask": "checklist", "criteria": "Is it praise?\nIs it warm?"}


def filled(s: Story, **entered: Any) -> HowForm:
    data = QueryDict(mutable=True)
    data.update({n: value for n, value in entered.items() if value is not False})
    return HowForm(s.question, FIELDS, data)


def some_items(s: Story) -> list[Item]:
    rows = [ItemRow(f"r{n}", dict.fromkeys(FIELDS, f"Soup {n}.")) for n in range(3)]
    items_take_in(s.project, rows)
    return list(s.project.items.order_by("external_id"))


def hows(items: list[Item]) -> list[How]:
    """One of each setting."""
    return [
        How(),
        How(ask="checklist", criteria=("Is it?", "Was it?"), rule=Rule("all", yes=0, no=1)),
        How(ask="checklist", criteria=("Is it?",), rule=Rule("any", yes=1, no=2), orders="both"),
        How(ask="checklist", criteria=("A?", "B?"), rule=Rule("at_least", yes=0, no=1, least=2)),
        How(ask="checklist", criteria=("A?", "B?"), rule=Rule("count", codes=(2, 1, 0))),
        How(ask="checklist", criteria=("A?", "B?"), rule=Rule("map", codes=(0, 1), no=2)),
        How(ask="checklist", criteria=("A?", "B?"), rule=Rule("map", codes=(0, 1))),
        How(ask="candidates", repeats=Repeats(7)),
        How(ask="reference", reference="gold"),
        How(ask="pairwise", pair=Pair(("text", "other"), (0, 1)), orders="both"),
        How(orders="rotations", confidence="orders"),
        How(repeats=Repeats(9, 0.0, 0.7), confidence="repeats"),
        How(paraphrases=("How is it?", "What of it?"), confidence="paraphrases"),
        How(paraphrases=("How\nis it?", "What of it?")),
        How(confidence="stated", persona="A parent.\nTired.", quoted=True),
        How(confidence="logprob"),
        How(examples=Examples("people", 4, "diverse")),
        How(examples=Examples("rulings", 4, "similar", 3)),
        How(examples=Examples("people", 4, "random", 5)),
        How(examples=Examples("people", 2, "fixed", 0, (items[2].pk, items[0].pk))),
    ]


@pytest.mark.parametrize("n", range(20))
def test_every_setting_can_be_entered_and_comes_back_as_it_was(n: int) -> None:
    s = story()
    found = hows(some_items(s))
    assert len(found) == 20
    options = list(s.question.options.all())
    form = filled(s, **how_entered(found[n]), **rule_entered(found[n].rule, options))
    assert form.is_valid(), form.errors
    assert form.how == found[n]


def test_an_expected_score_is_entered_for_a_rating() -> None:
    s = story(questions=(STARS,))
    form = filled(s, ask="expected_score")
    assert form.is_valid(), form.errors
    assert form.how == How(ask="expected_score")


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({**CHECKS, "rule_yes": "0", "rule_no": "1", "examples": "3"}, "examples", "shows no examples"),
    ({"ask": "reference", "reference": "gold", "examples": "3"}, "examples", "shows no examples"),
    ({"ask": "candidates", "ask_rationale": "on"}, "ask_rationale", "without a place for a reason"),
    ({"ask": "expected_score"}, "ask", "the mean of a rating"),
    ({"ask": "checklist"}, "criteria", "at least one yes/no question"),
    ({**CHECKS, "rule_no": "1"}, "rule_yes", "Choose the option"),
    ({**CHECKS, "rule_yes": "1", "rule_no": "1"}, "rule_no", "another option than for yes"),
    (
        {**CHECKS, "rule": "at_least", "rule_yes": "0", "rule_no": "1", "rule_least": "3"},
        "rule_least",
        "only 2 questions",
    ),
    ({**CHECKS, "rule": "count", "rule_codes": "Positive"}, "rule_codes", "3 options are wanted"),
    ({**CHECKS, "rule": "map", "rule_codes": "Positive\nNice"}, "rule_codes", "no option “Nice”"),
    ({"ask": "reference"}, "reference", "Choose the field"),
    ({"ask": "pairwise"}, "pair_first", "Choose one"),
    (
        {
            "ask": "pairwise",
            "pair_first": "text",
            "pair_second": "text",
            "pair_first_option": "0",
            "pair_second_option": "1",
        },
        "pair_second",
        "another one than for the first",
    ),
    ({"confidence": "repeats"}, "confidence", "ask more than once"),
    ({"confidence": "orders"}, "confidence", "another order"),
    ({"confidence": "paraphrases"}, "confidence", "other wordings"),
    ({"ask": "candidates", "confidence": "logprob"}, "confidence", "not answered by one letter"),
    ({"ask": "candidates", "confidence": "stated"}, "confidence", "states no number"),
    ({"repeats": "51"}, "repeats", "less than or equal to 50"),
    ({"paraphrases": "Same?\nSame?"}, "ask", "the same"),
    (
        {"examples": "1", "example_choice": "fixed", "example_items": "nobody"},
        "example_items",
        "no item “nobody”",
    ),
    ({"examples": "2", "example_choice": "fixed"}, "ask", "named by their items"),
    ({"orders": "sideways"}, "orders", "not one of the available choices"),
]


@pytest.mark.parametrize(("entered", "field", "said"), WRONG)
def test_what_does_not_go_together_is_explained_where_it_is_mended(
    entered: dict[str, Any], field: str, said: str
) -> None:
    s = story()
    some_items(s)
    form = filled(s, **entered)
    assert not form.is_valid()
    assert said in " ".join(form.errors[field])


def test_settings_of_a_way_of_asking_that_was_left_count_no_more() -> None:
    """They are out of sight then: what they say must not stand in the way."""
    s = story()
    form = filled(
        s, ask="direct", criteria="Is it?", rule="count", reference="gold", pair_first="text"
    )
    assert form.is_valid(), form.errors
    assert form.how == How()

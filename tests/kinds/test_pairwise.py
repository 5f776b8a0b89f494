"""Pairwise: which of two fields comes first is drawn, kept, and never in the answer."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from annotate.kinds.sides import first_of
from annotate.models import Item, Label, RaterKind, Submission, Visibility
from annotate.selectors.export_rows import label_rows
from annotate.selectors.item_display import sides_of
from annotate.services.answers import Answer
from annotate.services.items import ItemRow, items_take_in
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from judges.selectors.specs import question_spec
from judges.services.versions import classifier_version
from tests.api.asking import Api
from tests.kinds.asking import CASES
from tests.kinds.test_through import told
from tests.label.test_label import Desk
from tests.personas import Story

PAIRWISE = CASES["pairwise"]
SETTINGS = {"field_a": "one", "field_b": "two"}


def test_each_side_comes_first_about_as_often_for_each_rater() -> None:
    for rater in (1, 2, 3):
        times = Counter(first_of(7, rater, item, SETTINGS) for item in range(2000))
        # Within four standard errors of a half.
        assert abs(times["a"] - 1000) < 90


def test_the_order_is_the_same_whenever_asked_and_another_for_another_rater() -> None:
    orders = [
        "".join(first_of(7, rater, item, SETTINGS) for item in range(200)) for rater in (1, 2)
    ]
    again = ["".join(first_of(7, rater, item, SETTINGS) for item in range(200)) for rater in (1, 2)]
    assert orders == again
    alike = sum(a == b for a, b in zip(*orders, strict=True))
    assert 60 < alike < 140
    assert orders[0] != "".join(first_of(8, 1, item, SETTINGS) for item in range(200))


def several() -> tuple[Story, list[Item]]:
    tale, _item = told(PAIRWISE)
    rows = [
        ItemRow(f"p{n}", {"prompt": f"Prompt {n}", "one": f"One {n}", "two": f"Two {n}"})
        for n in range(12)
    ]
    items_take_in(tale.project, rows)
    Item.objects.filter(external_id__startswith="i").delete()
    return tale, list(tale.project.items.order_by("pk"))


@pytest.mark.django_db
def test_the_screen_shows_them_in_the_order_drawn_and_the_answer_names_the_field() -> None:
    tale, items = several()
    rater = tale.rater(tale.ana)
    desk = Desk(tale, tale.ana).open()
    firsts = set()
    for _n in items:
        item = Item.objects.get(pk=desk.item)
        first = sides_of(tale.project, rater, item.pk, [tale.question])["q"]
        firsts.add(first)
        order = ["one", "two"] if first == "a" else ["two", "one"]
        at = [desk.html.index(item.fields[name]) for name in order]
        assert desk.html.index(item.fields["prompt"]) < at[0] < at[1]
        # Neither the fields' names nor their options' colours say which is which.
        shown = re.search(r'<div class="pair">.*?</fieldset>', desk.html, re.S)
        assert shown
        assert not re.search(r">\s*(one|two)\s*<", shown[0])
        assert set(re.findall(r'data-hue="(\w+)"', shown[0])) == {"slate"}
        # The key 1 chooses the one that comes first.
        one = re.search(r'value="(\d)"\s+data-key="1"', shown[0])
        assert one
        desk.submit(int(one[1]))
        assert desk.said == "First saved"
        submission = Submission.objects.get(item=item)
        assert submission.sides == {"q": first}
        assert submission.labels.get().choice == {"a": 0, "b": 2}[first]
    assert firsts == {"a", "b"}
    rows = {row["item_id"]: row for row in label_rows(tale.project)}
    assert {(row["label"], row["left"]) for row in rows.values()} == {("a", "a"), ("b", "b")}


@pytest.mark.django_db
def test_a_suggestion_does_not_say_which_is_which() -> None:
    tale, items = several()
    tale.project.visibility = Visibility.SUGGESTION_FIRST
    tale.project.save(update_fields=["visibility"])
    judge = rater_imported(tale.project, name="gpt-x", kind=RaterKind.JUDGE)
    for item in items:
        answers = {tale.question.pk: Answer(choice=0)}
        submission_submit(judge, item, answers=answers, client_key=f"j{item.pk}")
    desk = Desk(tale, tale.ana).open()
    first = sides_of(tale.project, tale.rater(tale.ana), desk.item, [tale.question])["q"]
    said = re.search(r'class="suggestion">.*?</div>', desk.html, re.S)
    assert said
    assert ("First" if first == "a" else "Second") in said[0]
    assert ">one<" not in said[0]


@pytest.mark.django_db
def test_whoever_labels_by_the_api_saw_no_sides() -> None:
    tale, _items = several()
    api = Api(tale.ana, tale.project.pk)
    item = api.post("next/").json()["item"]["id"]
    api.post("labels/", {"item": item, "client_key": "k", "answers": {"q": "tie"}})
    assert Submission.objects.get().sides == {}
    assert Label.objects.get().choice == 1


@pytest.mark.django_db
def test_a_judge_is_asked_by_the_names_of_the_fields() -> None:
    tale, items = several()
    spec = question_spec(tale.question, items[0].fields)
    assert [(o.key, o.name) for o in spec.options] == [("a", "one"), ("tie", "Tie"), ("b", "two")]
    assert classifier_version(tale.olga, tale.question, mode="zero_shot").question == tale.question


@pytest.mark.django_db
def test_an_item_without_one_of_the_fields_says_so() -> None:
    tale, _item = told(PAIRWISE)
    Item.objects.all().delete()
    items_take_in(tale.project, [ItemRow("p", {"one": "Only this."})])
    desk = Desk(tale, tale.ana).open()
    assert "Only this." in desk.html
    assert "(this item has no such text)" in desk.html

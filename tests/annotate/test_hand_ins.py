"""Many items handed in at once: the same as one by one, and no more queries for more items."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate.errors import BadInput, Conflict
from annotate.models import Item, ItemStatus, ItemSummary, Label, RaterKind, Submission
from annotate.services.answers import Answer
from annotate.services.hand_ins import HandIn, submissions_submit
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from tests.answers import says
from tests.personas import SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db

LABEL = ("item__external_id", "question__key", "rater__name", "status", "choice", "confidence")
SUMMARY = ("item__external_id", "people_counts", "judge_counts", "entropy", "doubt", "reasons")


def told() -> tuple[list[Any], ...]:
    """All that handing in writes, without ids and times."""
    return (
        sorted(map(repr, Label.objects.values_list(*LABEL, "distribution", "rationale"))),
        sorted(map(repr, ItemSummary.objects.values_list(*SUMMARY))),
        sorted(Submission.objects.values_list("client_key", "status", "seconds")),
        sorted(Item.objects.exclude(frozen_at=None).values_list("external_id", flat=True)),
    )


def scene() -> tuple[Story, list[HandIn]]:
    """A judge with answers: to one question or two, once before, to an item gone, and nonsense."""
    s = story(questions=(SENTIMENT, STARS))
    items = s.items([f"dish {n}" for n in range(6)])
    stars = s.project.questions.get(key="stars").pk
    says(s, "w1", items[0], 1)
    says(s, "j1", items[1], 2)
    Item.objects.filter(pk=items[4].pk).update(status=ItemStatus.WITHDRAWN)
    answers: list[dict[int, Answer]] = [
        s.answer(0, confidence=0.4, confidence_source="votes", distribution={0: 0.4, 2: 0.6}),
        s.answer(1, rationale="So it says."),
        {**s.answer(2), stars: Answer(choice=3)},
        {stars: Answer(choice=0)},
        s.answer(0),
        s.answer(9),
    ]
    pairs = zip(items, answers, strict=True)
    return s, [HandIn(i, a, client_key=f"k{n}", seconds=n / 2) for n, (i, a) in enumerate(pairs)]


def judge(s: Story) -> Any:
    return rater_imported(s.project, name="j1", kind=RaterKind.JUDGE)


def test_it_writes_what_one_by_one_would() -> None:
    s, hand_ins = scene()
    kinds: list[type] = []
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        for one in hand_ins:
            try:
                stored = submission_submit(
                    judge(s),
                    one.item,
                    answers=one.answers,
                    client_key=one.client_key,
                    seconds=one.seconds,
                )
                kinds.append(type(stored))
            except (BadInput, Conflict) as refused:
                kinds.append(type(refused))
        one_by_one = told()
        cursor.execute("ROLLBACK TO SAVEPOINT before")

    at_once = submissions_submit(judge(s), hand_ins)

    assert [type(came) for came in at_once] == kinds
    assert kinds == [Submission] * 4 + [Conflict, BadInput]
    assert told() == one_by_one


def test_again_is_the_same_and_writes_nothing() -> None:
    s, hand_ins = scene()
    first = submissions_submit(judge(s), hand_ins[:4])
    before = told()
    again = submissions_submit(judge(s), hand_ins[:4])
    assert [came.pk for came in again] == [came.pk for came in first]  # type: ignore[union-attr]
    assert told() == before


def test_a_later_answer_supersedes_only_what_it_answers() -> None:
    s, hand_ins = scene()
    both, stars = hand_ins[2], hand_ins[3].answers
    submissions_submit(judge(s), [both])
    submissions_submit(judge(s), [HandIn(both.item, stars, client_key="later")])
    live = Label.objects.filter(item=both.item, status="live")
    assert set(live.values_list("question__key", "choice")) == {("sentiment", 2), ("stars", 0)}


def test_queries_do_not_grow_with_items() -> None:
    s = story()
    items = s.items([f"dish {n}" for n in range(40)])
    rater = judge(s)

    def queries(some: list[Item]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            submissions_submit(rater, [HandIn(i, s.answer(0), f"k{i.pk}") for i in some])
        return len(seen)

    few = queries(items[:2])
    # So many rows still fit one statement of SQLite's.
    assert queries(items[2:40]) <= few


def test_members_and_items_named_twice_are_a_mistake_of_the_caller() -> None:
    s, hand_ins = scene()
    with pytest.raises(ValueError, match="slots"):
        submissions_submit(s.rater(s.ana), hand_ins)
    with pytest.raises(ValueError, match="twice"):
        submissions_submit(judge(s), [hand_ins[0], hand_ins[0]])
    assert submissions_submit(judge(s), []) == []

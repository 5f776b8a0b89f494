"""Versions side by side on the same items, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from annotate.services.claims import claims_hold
from annotate.services.projects import question_revise
from annotate.services.submissions import submission_submit
from consensus.mcnemar import mcnemar
from judges.exchange import Request
from judges.models import Connection, JudgeVersion
from judges.prompting.how import How
from judges.selectors.comparison import answers_of, figures_of, paired, paired_answers
from judges.selectors.people import majority
from judges.selectors.settings import changed_in, settings_differ, texts_differ
from judges.services.runs import run_start
from judges.services.trials import trial_start
from judges.services.versions import chat_version, classifier_version
from judges.views.versions import paired_said
from tests.judges.judging import answering, priced_version, scripted_version, work
from tests.personas import PASSWORD, SENTIMENT, Story, story

pytestmark = pytest.mark.django_db
TEXTS = [f"Soup {n:02d}." for n in range(12)]


def labelled(s: Story, choice: int = 0) -> None:
    """Ana answers every item."""
    rater = s.rater(s.ana)
    while held := claims_hold(rater):
        for one in held:
            submission_submit(rater, one.item, answers=s.answer(choice), client_key=f"{one.pk}")


def says(letters: Callable[[int], str]) -> Callable[[Request], str]:
    """A script by the number of the soup."""
    return lambda request: letters(int(request.user.rpartition("Soup ")[2][:2]))


def another(s: Story, **more: object) -> JudgeVersion:
    return chat_version(
        s.olga, s.question, Connection.objects.get(name="Script"), model="script-1", **more  # type: ignore[arg-type]
    )  # fmt: skip


def two_versions(s: Story) -> tuple[JudgeVersion, JudgeVersion]:
    """Twelve items that Ana called positive. The first version, on trial over all of them, got 4,
    gave no answer on 1; the second, labelling ten of them, got 9.
    """
    s.items(TEXTS)
    labelled(s)
    first = scripted_version(s)
    second = another(s, system="Be kind.")
    with answering(says(lambda n: "A" if n < 4 else "?" if n == 11 else "B")):
        work(trial_start(s.olga, first, n_items=12))
    with answering(says(lambda n: "B" if n == 3 else "A")):
        work(run_start(s.olga, second, selection={"strategy": "all"}))
    return first, second


def test_two_versions_are_held_against_people_on_the_same_items() -> None:
    s = story()
    first, second = two_versions(s)
    found = paired(first, second)
    # 0 to 2 both; 3 the first only; 4 to 11 the second only, the unanswered one among them.
    assert (found.n, found.both, found.first_only, found.second_only, found.neither) == (
        12, 3, 1, 8, 0,
    )  # fmt: skip
    assert found.p == pytest.approx(mcnemar(1, 8))
    assert len(found.second_items) == 8
    rows, n_same = figures_of([second, first], {first.pk, second.pk})
    assert n_same == 12
    assert [(row.same.agree, row.same.n, row.none) for row in rows if row.same] == [
        (11, 12, 0),
        (4, 12, 1),
    ]
    # On its own the one without an answer is left out, as on the judge's own page.
    assert [(row.own.agree, row.own.n) for row in rows] == [(11, 12), (4, 11)]
    assert rows[0].own.low is not None
    said = paired_said(found, first, second)
    assert "script-1 v2 is with people on 8 where script-1 v1 is not" in said
    assert "script-1 v2 is the better one" in said


def test_items_that_only_one_was_asked_about_are_not_among_the_same() -> None:
    s = story()
    s.items(TEXTS)
    labelled(s)
    first = scripted_version(s)
    second = another(s, system="Be kind.")
    with answering(says(lambda _n: "A")):
        work(trial_start(s.olga, first, n_items=3))
        work(trial_start(s.olga, second, n_items=12))
    rows, n_same = figures_of([second, first], {first.pk, second.pk})
    assert n_same == 3
    assert [row.own.n for row in rows] == [12, 3]
    assert figures_of([second, first], {second.pk})[1] == 12
    assert "both have the same ones right" in paired_said(paired(first, second), first, second)


def test_what_was_asked_again_counts_once_and_the_answer_goes_before_none() -> None:
    s = story()
    s.items(TEXTS[:2])
    labelled(s)
    version = scripted_version(s)
    with answering(lambda _: "B"):
        work(trial_start(s.olga, version))
    with answering(lambda _: "?"):
        work(trial_start(s.olga, version))
    assert set(answers_of(version).values()) == {1}
    with answering(lambda _: "A"):
        work(run_start(s.olga, version))
    assert set(answers_of(version).values()) == {0}


def test_items_asked_in_several_calls_are_compared_by_what_they_came_to() -> None:
    s = story()
    s.items(TEXTS[:3])
    labelled(s)
    version = scripted_version(s, how=How(orders="both"))
    # Positive in both orders: A as given, C when reversed.
    with answering(lambda request: "A" if request.options[0].code == 0 else "C"):
        work(trial_start(s.olga, version))
    assert set(answers_of(version).values()) == {0}
    ((row,), _n) = figures_of([version], {version.pk})
    assert row.effort.seconds_each is not None


def test_people_s_ties_and_judges_labels_are_no_answer_of_people() -> None:
    s = story()
    s.items(TEXTS[:2])
    first = scripted_version(s)
    with answering(lambda _: "A"):
        work(run_start(s.olga, first))
    assert answers_of(first) == {}
    assert majority([(1, 2), (0, 2)]) is None
    assert majority([(1, 2), (0, 1)]) == 1
    assert majority([]) is None


def test_what_a_label_costs_and_takes_is_that_of_what_was_really_asked() -> None:
    s = story()
    s.items(TEXTS[:4])
    labelled(s)
    version = priced_version(s)
    with answering(says(lambda n: "?" if n == 0 else "A")):
        run = work(trial_start(s.olga, version))
    ((row,), _n) = figures_of([version], {version.pk})
    run.refresh_from_db()
    spent = Decimal(run.spent) / 10**8
    assert spent > 0
    assert row.effort.spent_each == spent / 3  # the one without an answer was paid for as well


def test_answers_taken_from_stored_ones_cost_and_took_nothing_that_could_be_compared() -> None:
    s = story()
    s.items(TEXTS[:3])
    labelled(s)
    first = priced_version(s)
    second = chat_version(
        s.olga, s.question, first.connection, model="script-1", how=How(confidence="logprob")
    )
    with answering(lambda _: "A"):
        work(run_start(s.olga, first))
        run = work(run_start(s.olga, second))
    assert run.calls.filter(reused__isnull=False).count() == 3
    rows, n_same = figures_of([second, first], {first.pk, second.pk})
    assert n_same == 3
    assert rows[0].effort.spent_each is None
    assert rows[1].effort.spent_each


ANSWERS = st.dictionaries(st.integers(0, 9), st.sampled_from([None, 0, 1, 2]), max_size=10)


@given(ANSWERS, ANSWERS, st.dictionaries(st.integers(0, 9), st.integers(0, 2)))
def test_a_comparison_has_every_common_item_in_one_place(
    first: dict[int, int | None], second: dict[int, int | None], people: dict[int, int]
) -> None:
    found = paired_answers(first, second, people)
    assert found.n == len(set(first) & set(second) & set(people))
    assert found.both + found.first_only + found.second_only + found.neither == found.n
    turned = paired_answers(second, first, people)
    assert (turned.first_only, turned.p) == (found.second_only, found.p)


@pytest.mark.parametrize(
    ("first_only", "second_only", "said"),
    [
        (0, 0, "the same ones right"),
        (3, 2, "From 5 items nobody can tell"),
        (6, 5, "may well be luck"),
        (20, 2, "Luck alone would seldom do that (p below .001): x v1 is the better one"),
    ],
)
def test_the_sentence_says_no_more_than_the_numbers(
    first_only: int, second_only: int, said: str
) -> None:
    first, second = JudgeVersion(name="x", number=1), JudgeVersion(name="x", number=2)
    people = dict.fromkeys(range(40), 0)
    one: dict[int, int | None] = dict.fromkeys(range(40), 0)
    other = dict(one)
    for n in range(second_only):
        one[n] = 1
    for n in range(second_only, second_only + first_only):
        other[n] = None
    assert said in paired_said(paired_answers(one, other, people), first, second)


# --- What differs ------------------------------------------------------------------------------


def test_texts_and_settings_that_differ_are_named() -> None:
    s = story()
    s.items(TEXTS[:1])
    first = scripted_version(s)
    second = another(
        s,
        task="{{item}}\n\n{{options}}",
        ask_rationale=True,
        how=How(orders="both", persona="A cook."),
    )
    assert changed_in(first, second) == [
        "Task",
        "Reason first",
        "Reply",
        "Order of options",
        "Who answers",
    ]
    changed = {row.name: (row.first, row.second) for row in settings_differ(first, second)[:4]}
    assert changed["Reason first"] == ("no", "yes")
    (task, *same) = texts_differ(first, second)
    assert task.name == "Task"
    assert {line.kind for line in task.lines} >= {"gone", "same"}
    assert not any(text.lines for text in same)


def login(s: Story) -> Client:
    client = Client()
    assert client.login(username=s.rhea.username, password=PASSWORD)
    return client


def test_the_pages_of_versions_and_of_their_difference() -> None:
    s = story()
    first, second = two_versions(s)
    client, at = login(s), s.project.pk
    page = client.get(reverse("judge_versions", args=[at, second.pk])).content.decode()
    assert "On the same 12 items" in page
    assert "script-1 v2 is the better one" in page
    assert "Since script-1 v1" in page
    assert reverse("judge_diff", args=[at, first.pk, second.pk]) in page
    assert f"{reverse('prompt', args=[at])}?from={first.pk}" in page
    one = client.get(
        reverse("judge_versions", args=[at, second.pk]), {"with": [first.pk, 10**18, "x"]}
    ).content.decode()
    assert "Two at a time" not in one
    diff = client.get(reverse("judge_diff", args=[at, first.pk, second.pk])).content.decode()
    assert "Be kind." in diff
    assert "The 8 items that only script-1 v2 got" in diff
    same = client.get(reverse("judge_diff", args=[at, first.pk, first.pk]))
    assert same.status_code == 422


def test_versions_of_different_questions_differ_but_are_not_compared() -> None:
    s = story()
    s.items(TEXTS[:1])
    labelled(s)
    first = scripted_version(s)
    with answering(lambda _: "A"):
        work(run_start(s.olga, first))
    revised = question_revise(s.olga, s.question, SENTIMENT)
    second = chat_version(s.olga, revised, first.connection, model="script-1")
    page = login(s).get(reverse("judge_diff", args=[s.project.pk, first.pk, second.pk]))
    assert "different versions of the question" in page.content.decode()


def test_a_classifier_stands_beside_language_models() -> None:
    s = story()
    first, _second = two_versions(s)
    classifier = classifier_version(s.olga, s.question, mode="zero_shot")
    client = login(s)
    page = client.get(
        reverse("judge_versions", args=[s.project.pk, classifier.pk]),
        {"with": [classifier.pk, first.pk]},
    ).content.decode()
    assert "script-1 v1" in page
    diff = client.get(reverse("judge_diff", args=[s.project.pk, classifier.pk, first.pk]))
    assert diff.status_code == 200

"""Labelling by program: claim, hand in, skip, take back; and reading labels."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from annotate.models import Assignment, Label, Rater, RaterKind, Submission
from annotate.services.answers import Answer
from annotate.services.items import ItemRow, items_take_in
from annotate.services.projects import QuestionDraft, project_archive
from annotate.services.submissions import submission_submit
from tests.api.asking import Api, assert_problem, everybody
from tests.personas import SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db

LABELS = {
    "owner": 200,
    "reviewer": 200,
    "annotator": 200,
    "viewer": 403,
    "stranger": 404,
    "nobody": 401,
}


def answered(item: int, choice: str = "positive", **more: Any) -> dict[str, Any]:
    return {"item": item, "client_key": "k1", "answers": {"sentiment": choice}, **more}


def with_items(**more: Any) -> Story:
    s = story(**more)
    s.items(["Lovely.", "Dull."])
    return s


def test_claim_and_hand_in_until_there_is_nothing_left() -> None:
    s = with_items(questions=(SENTIMENT, STARS))
    api = Api(s.ana, s.project.pk)
    for n in range(2):
        held = api.post("next/").json()
        assert held["state"] == "open"
        stored = api.post(
            "labels/",
            {
                "item": held["item"]["id"],
                "client_key": f"k{n}",
                "answers": {"sentiment": "negative", "stars": "5"},
                "seconds": 3.5,
                "flagged": True,
                "comment": "Odd.",
            },
        )
        assert stored.status_code == 200
        assert stored.json()["status"] == "submitted"
        assert stored.json()["item"] == held["item"]["id"]
    empty = api.post("next/")
    assert (empty.status_code, empty.content) == (204, b"")
    assert sorted(Label.objects.values_list("question__key", "choice")) == [
        ("sentiment", 1),
        ("sentiment", 1),
        ("stars", 4),
        ("stars", 4),
    ]
    first = Submission.objects.order_by("pk")[0]
    assert (first.seconds, first.flagged, first.comment) == (3.5, True, "Odd.")
    assert first.guideline_id == s.project.guidelines.get().pk


def test_asking_for_the_next_item_again_gives_the_one_held_with_its_question_filled_in() -> None:
    text = "How is the {aspect}?"
    draft = QuestionDraft("aspect", "Aspect", "single", SENTIMENT.options, text=text)
    s = story(questions=(draft,))
    row = ItemRow("i1", {"text": "Lovely.", "aspect": "food"}, {"answer": "positive"})
    items_take_in(s.project, [row])
    api = Api(s.ana, s.project.pk)
    held = api.post("next/").json()
    assert api.post("next/").json()["item"] == held["item"]
    assert held["questions"] == [{"key": "aspect", "text": "How is the food?"}]
    # Neither the metadata nor your own name for the item, which may hold the answer.
    assert set(held["item"]) == {"id", "fields"}


def test_who_may_be_given_an_item() -> None:
    assert everybody(with_items(labels_per_item=3), "POST", "next/") == LABELS


@pytest.mark.parametrize("questions", [(SENTIMENT,), ()])
def test_without_items_or_questions_nobody_is_given_anything(
    questions: tuple[QuestionDraft, ...],
) -> None:
    s = story(questions=questions or (SENTIMENT,))
    if not questions:
        s.items(["One"])
        s.project.questions.update(status="retired")
    assert Api(s.ana, s.project.pk).post("next/").status_code == 204
    assert not Submission.objects.exists()
    assert not Assignment.objects.exists()


def test_what_is_held_is_given_back() -> None:
    s = with_items()
    api = Api(s.ana, s.project.pk)
    api.post("next/")
    assert api.delete("next/").json() == {"returned": 1}
    assert api.delete("next/").json() == {"returned": 0}
    assert everybody(s, "DELETE", "next/") == LABELS


def test_handing_in_twice_under_one_key_stores_one_submission() -> None:
    s = with_items()
    api = Api(s.ana, s.project.pk)
    item = api.post("next/").json()["item"]["id"]
    first = api.post("labels/", answered(item)).json()
    assert api.post("labels/", answered(item)).json() == first
    assert Submission.objects.count() == 1


def test_a_key_used_for_another_item_is_refused_and_not_taken_for_stored() -> None:
    s = with_items()
    api = Api(s.ana, s.project.pk)
    first = api.post("next/").json()["item"]["id"]
    api.post("labels/", answered(first))
    second = api.post("next/").json()["item"]["id"]
    assert_problem(api.post("labels/", answered(second)), 409, "conflict")
    assert_problem(api.post("skips/", {"item": second, "client_key": "k1"}), 409, "conflict")
    assert Submission.objects.get().item_id == first


def test_a_late_answer_to_a_full_item_is_kept_as_surplus() -> None:
    s = with_items()
    ana, ben = Api(s.ana, s.project.pk), Api(s.ben, s.project.pk)
    item = ana.post("next/").json()["item"]["id"]
    ana.delete("next/")
    assert ben.post("next/").json()["item"]["id"] == item
    assert ben.post("labels/", answered(item)).json()["status"] == "submitted"
    assert ana.post("labels/", answered(item)).json()["status"] == "surplus"


def test_an_item_that_was_not_given_to_you_is_refused() -> None:
    s = with_items()
    item = Api(s.ana, s.project.pk).post("next/").json()["item"]["id"]
    assert_problem(Api(s.ben, s.project.pk).post("labels/", answered(item)), 409, "conflict")
    assert_problem(Api(s.ben, s.project.pk).post("labels/", answered(2**63 - 1)), 404)


def test_who_may_hand_in() -> None:
    s = with_items(labels_per_item=3)
    (item, *_rest) = s.project.items.all()
    statuses = everybody(s, "POST", "labels/", answered(item.pk))
    # 409: they have the right, and were not given this item.
    assert statuses == {r: 409 if code == 200 else code for r, code in LABELS.items()}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"answers": {}}, "answers"),
        ({"answers": {"sentiment": "so-so"}}, "sentiment"),
        ({"answers": {"mood": "positive"}}, "mood"),
        ({"answers": {"stars": "5"}}, "sentiment"),
        ({"answers": {"sentiment": ["positive"]}}, "sentiment"),
        ({"answers": {"sentiment": True}}, "answers"),
        ({"item": 2**63}, "item"),
        ({"item": True}, "item"),
        ({"client_key": ""}, "client_key"),
        ({"client_key": "k" * 101}, "client_key"),
        ({"seconds": -1}, "seconds"),
        ({"seconds": "nan"}, "seconds"),
        ({"seconds": "inf"}, "seconds"),
        ({"flagged": "perhaps"}, "flagged"),
        ({"comment": "x" * 10_001}, "comment"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_by_field(
    change: dict[str, Any], field: str
) -> None:
    s = with_items(questions=(SENTIMENT, STARS))
    api = Api(s.ana, s.project.pk)
    item = api.post("next/").json()["item"]["id"]
    found = assert_problem(api.post("labels/", answered(item) | change), 422, "bad_input")
    assert field in found["fields"]
    assert not Submission.objects.exists()


def test_a_skipped_item_goes_to_others() -> None:
    s = with_items()
    api = Api(s.ana, s.project.pk)
    item = api.post("next/").json()["item"]["id"]
    skip = {"item": item, "client_key": "k1", "comment": "Not mine.", "flagged": True}
    skipped = api.post("skips/", skip)
    assert (skipped.status_code, skipped.json()["status"]) == (200, "skipped")
    assert api.post("skips/", skip).json() == skipped.json()
    assert api.post("next/").json()["item"]["id"] != item
    assert Api(s.ben, s.project.pk).post("next/").json()["item"]["id"] == item
    statuses = everybody(s, "POST", "skips/", {"item": item, "client_key": "k2"})
    assert statuses == {**LABELS, "owner": 409, "reviewer": 409}


def test_a_submission_is_taken_back_by_who_handed_it_in() -> None:
    s = with_items()
    api = Api(s.ana, s.project.pk)
    item = api.post("next/").json()["item"]["id"]
    submission = api.post("labels/", answered(item)).json()["id"]
    path = f"submissions/{submission}/withdraw/"
    assert everybody(s, "POST", path) == {
        r: 404 if code == 200 else code for r, code in LABELS.items()
    }
    assert not Submission.objects.filter(status="withdrawn").exists()
    for _twice in range(2):
        back = api.post(path).json()
        assert (back["item"]["id"], back["state"]) == (item, "open")
    assert Submission.objects.get().status == "withdrawn"


def test_nothing_is_labelled_in_an_archived_project() -> None:
    s = with_items()
    api = Api(s.ana, s.project.pk)
    item = api.post("next/").json()["item"]["id"]
    project_archive(s.olga, s.project)
    for refused in (
        api.post("next/"),
        api.post("labels/", answered(item)),
        api.post("skips/", {"item": item, "client_key": "k1"}),
    ):
        assert_problem(refused, 403, "not_allowed")
    assert not Submission.objects.exists()


def labelled(s: Story) -> None:
    """Ana says positive of both items, a judge negative of the first with a reason."""
    api = Api(s.ana, s.project.pk)
    for n in range(2):
        item = api.post("next/").json()["item"]["id"]
        api.post("labels/", answered(item, client_key=f"k{n}"))
    judge = Rater.objects.create(
        project=s.project, kind=RaterKind.JUDGE, origin="imported", name="gpt"
    )
    answer = Answer(1, 0.75, "stated", {0: 0.25, 1: 0.75}, "It complains.")
    first = s.project.items.order_by("pk")[0]
    submission_submit(judge, first, answers={s.question.pk: answer}, client_key="j1")


def test_labels_are_read_with_who_said_what(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    s = with_items()
    labelled(s)
    api = Api(s.rhea, s.project.pk)
    with django_assert_num_queries(5):  # token, membership, questions, options, labels
        rows = api.get("labels/").json()["results"]
    assert [(row["rater"], row["rater_kind"], row["answer"]) for row in rows] == [
        ("Ana", "person", "positive"),
        ("Ana", "person", "positive"),
        ("gpt", "judge", "negative"),
    ]
    judged = rows[2]
    assert judged["distribution"] == {"0": 0.25, "1": 0.75}
    assert (judged["confidence"], judged["confidence_source"]) == (0.75, "stated")
    assert judged["rationale"] == "It complains."


def test_labels_are_filtered() -> None:
    s = with_items()
    labelled(s)
    api = Api(s.rhea, s.project.pk)
    gpt = Rater.objects.get(name="gpt")

    def count(**query: Any) -> int:
        return len(api.get("labels/", **query).json()["results"])

    assert count(kind="judge") == count(rater=gpt.pk) == 1
    assert count(item=gpt.labels.get().item_id) == 2
    assert count(question="sentiment") == 3
    assert count(question="mood") == count(status="withdrawn") == 0


@pytest.mark.parametrize(
    "query",
    [{"kind": "robot"}, {"status": "\0"}, {"item": 2**63}, {"item": "x"}, {"question": "\0"}],
)
def test_a_filter_that_makes_no_sense_is_refused(query: dict[str, Any]) -> None:
    s = story()
    found = assert_problem(Api(s.rhea, s.project.pk).get("labels/", **query), 422, "bad_input")
    assert set(found["fields"]) == set(query)


def test_people_never_see_each_other_s_labels() -> None:
    assert everybody(with_items(), "GET", "labels/") == {
        "owner": 200,
        "reviewer": 200,
        "annotator": 403,
        "viewer": 403,
        "stranger": 404,
        "nobody": 401,
    }

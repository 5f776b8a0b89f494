"""Each kind of question all the way: asked, answered on a screen and by the API, reviewed, ruled,
taken out and brought in again."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.kinds import CHOICES, KINDS, Said, said_of
from annotate.models import (
    Gold,
    Item,
    ItemSummary,
    Label,
    LabelStatus,
    Question,
    RaterKind,
    Ruling,
    Submission,
)
from annotate.selectors.export_rows import item_rows, label_rows
from annotate.services.answers import Answer
from annotate.services.claims import claim_item
from annotate.services.exports import export_path, export_run, export_start
from annotate.services.import_plans import LabelPlan
from annotate.services.items import ItemRow, items_take_in
from annotate.services.raters import rater_imported
from annotate.services.rulings import gold_promote, ruling_make
from annotate.services.submissions import submission_submit
from annotate.services.summaries import summaries_that_drifted
from annotate.tasks import job_do
from tests.api.asking import Api
from tests.imports.bringing import bring_labels, refused
from tests.kinds.asking import CASES, FIELDS, Case
from tests.label.test_label import Desk
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

KIND_CASES = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def told(case: Case, **more: Any) -> tuple[Story, Item]:
    """A project that asks the case's question, with two items, and the first of them."""
    tale = story(questions=(case.draft,), **more)
    rows = [ItemRow(f"i{n}", FIELDS) for n in (1, 2)]
    (first, _second) = items_take_in(tale.project, rows)
    return tale, Item.objects.get(pk=first.item_id)


def says(tale: Story, who: str, item: Item, said: Said, **more: Any) -> Label:
    kind = RaterKind.JUDGE if who.startswith("j") else RaterKind.PERSON
    rater = rater_imported(tale.project, name=who, kind=kind)
    answer = Answer(choice=said.choice, value=said.value, **more)
    key = f"{who}:{item.pk}"
    submission = submission_submit(rater, item, answers={tale.question.pk: answer}, client_key=key)
    return submission.labels.get()


def page(tale: Story, name: str, *args: Any, **query: Any) -> str:
    client = Client()
    client.force_login(tale.rhea)
    response = client.get(reverse(name, args=[tale.project.pk, *args]), query)
    assert response.status_code == 200
    return unescape(response.content.decode())


# --- The label screen ---------------------------------------------------------------------------


@KIND_CASES
def test_an_answer_of_the_screen_is_stored_in_its_one_form(case: Case) -> None:
    tale, _item = told(case)
    desk = Desk(tale, tale.ana).open()
    first = desk.item
    assert f'data-kind="{case.draft.kind}"' in desk.html

    desk.post("label_submit", {**desk.hidden(), f"q{tale.question.pk}": case.entries})

    assert desk.response.status_code == 200
    label = Label.objects.get()
    assert said_of(label) == case.said
    assert (label.item_id, label.status) == (first, LabelStatus.LIVE)
    assert desk.item != first
    if case.draft.kind == "pairwise":
        # Whoever answers is not told which field it was.
        assert desk.said in {"First saved", "Second saved"}
        return
    short = case.words.replace("\n", " ")[:20]
    assert desk.said.replace("\n", " ").startswith(short)


@KIND_CASES
def test_an_answer_taken_back_is_filled_in_again(case: Case) -> None:
    tale, _item = told(case)
    desk = Desk(tale, tale.ana).open()
    first = desk.item
    desk.post("label_submit", {**desk.hidden(), f"q{tale.question.pk}": case.entries})
    desk.undo()

    assert desk.item == first
    kind = KINDS[case.draft.kind]
    for entry in kind.entries(case.asked, case.said):
        assert f'value="{entry}"' in desk.html.replace(
            f">\n{entry}</textarea>", f' value="{entry}"'
        ).replace(f">{entry}</textarea>", f' value="{entry}"') or entry in unescape(desk.html)
    # Sent again as it stands, it is the same answer.
    entries = kind.entries(case.asked, case.said)
    desk.post("label_submit", {**desk.hidden(), f"q{tale.question.pk}": entries})
    assert said_of(Label.objects.get(status=LabelStatus.LIVE)) == case.said


@KIND_CASES
def test_a_required_question_without_an_answer_is_refused_and_an_optional_one_is_not(
    case: Case,
) -> None:
    tale, _item = told(case)
    desk = Desk(tale, tale.ana).open()
    desk.post("label_submit", desk.hidden())
    assert desk.response.status_code == 422
    assert "“Question” needs an answer." in desk.html
    assert not Label.objects.exists()


def test_what_does_not_fit_stays_in_the_form_with_the_reason_beside_it() -> None:
    tale, _item = told(CASES["number"])
    desk = Desk(tale, tale.ana).open()
    desk.post("label_submit", {**desk.hidden(), f"q{tale.question.pk}": "11"})
    assert desk.response.status_code == 422
    assert "“Question” goes from 0 to 10, not 11." in desk.html
    assert 'value="11"' in desk.html
    desk.post("label_submit", {**desk.hidden(), f"q{tale.question.pk}": "10"})
    assert Label.objects.get().value == 10


# --- The API ------------------------------------------------------------------------------------


@KIND_CASES
def test_the_api_takes_and_gives_the_answer_as_a_file_has_it(case: Case) -> None:
    tale, _item = told(case)
    api = Api(tale.ana, tale.project.pk)
    item = api.post("next/").json()["item"]["id"]
    body = {"item": item, "client_key": "k", "answers": {"q": case.plain}}
    assert api.post("labels/", body).status_code == 200
    assert said_of(Label.objects.get()) == case.said

    (row,) = Api(tale.rhea, tale.project.pk).get("labels/").json()["results"]
    kind = KINDS[case.draft.kind]
    assert kind.read(case.asked, row["answer"]) == case.said
    (asked,) = api.get("questions/").json()
    assert (asked["kind"], asked["settings"]) == (case.draft.kind, case.draft.settings)


@KIND_CASES
def test_the_api_rules(case: Case) -> None:
    tale, item = told(case)
    api = Api(tale.rhea, tale.project.pk)
    body = {"item": item.pk, "question": "q", "answer": case.plain, "reason": "rater_error"}
    found = api.post("rulings/", body)
    assert found.status_code == 200, found.content
    assert said_of(Ruling.objects.get()) == case.said


def test_the_api_starts_a_project_with_questions_of_every_kind() -> None:
    tale = story()
    drafts = [
        {
            "key": name,
            "name": name,
            "kind": case.draft.kind,
            "settings": case.draft.settings,
            "options": [{"key": o.key, "name": o.name} for o in case.draft.options],
        }
        for name, case in CASES.items()
    ]
    found = Api(tale.olga).post("projects/", {"name": "All", "questions": drafts})
    assert found.status_code == 201, found.content
    made = Question.objects.filter(project_id=found.json()["id"])
    assert {q.key: q.settings for q in made} == {n: c.draft.settings for n, c in CASES.items()}


# --- What leads see -----------------------------------------------------------------------------


@KIND_CASES
def test_lists_review_and_overview_show_the_answers(case: Case) -> None:
    tale, item = told(case)
    says(tale, "wa", item, case.said)
    says(tale, "wb", item, case.said)
    says(tale, "wc", item, case.other, rationale="otherwise")
    says(tale, "j1", item, case.other, confidence=0.4)
    words = case.words.split("\n")[0][:20]

    assert words in page(tale, "items")
    assert words in page(tale, "item", item.pk)
    review = page(tale, "review")
    assert "i1" in review
    assert words in review
    assert "Overview" in page(tale, "overview")

    summary = ItemSummary.objects.get(item=item)
    assert (summary.n_people, summary.n_judges) == (3, 1)
    assert summary.reason == "people_split"
    assert summary.doubt > 0
    assert summaries_that_drifted(tale.project) == []


@KIND_CASES
def test_items_on_which_two_raters_differ_are_found(case: Case) -> None:
    tale, item = told(case)
    other = Item.objects.exclude(pk=item.pk).get()
    a, b = says(tale, "wa", item, case.said).rater, says(tale, "wb", item, case.other).rater
    says(tale, "wa", other, case.said)
    says(tale, "wb", other, case.said)
    found = page(tale, "items", question=tale.question.pk, a=a.pk, b=b.pk)
    assert f"/items/{item.pk}/" in found
    assert f"/items/{other.pk}/" not in found


@KIND_CASES
def test_a_ruling_takes_the_answer_that_somebody_gave(case: Case) -> None:
    tale, item = told(case)
    says(tale, "wa", item, case.said)
    label = says(tale, "wb", item, case.other)
    client = Client()
    client.force_login(tale.rhea)
    url = reverse("review_rule", args=[tale.project.pk, tale.question.pk, item.pk])
    chosen = {"choice": case.other.choice} if case.draft.kind in CHOICES else {"pick": label.pk}
    client.post(url, {**chosen, "reason": "rater_error"})
    ruling = Ruling.objects.get()
    assert said_of(ruling) == case.other
    assert ItemSummary.objects.get(item=item).state == "ruled"
    assert said_of(gold_promote(tale.rhea, ruling)) == case.other
    assert Gold.objects.count() == 1
    (row, _other) = item_rows(tale.project)
    assert KINDS[case.draft.kind].read(case.asked, row["q"]) == case.other
    assert row["q__source"] == "ruling"


@KIND_CASES
def test_a_ruling_can_be_entered(case: Case) -> None:
    if case.draft.kind in CHOICES:
        return
    tale, item = told(case)
    says(tale, "wa", item, case.other)
    client = Client()
    client.force_login(tale.rhea)
    url = reverse("review_rule", args=[tale.project.pk, tale.question.pk, item.pk])
    own = {"pick": "own", "reason": "ambiguous_item", "back": "item"}
    nothing = client.post(url, own)
    assert nothing.status_code == 422
    client.post(url, {**own, f"q{tale.question.pk}": case.entries})
    assert said_of(Ruling.objects.get()) == case.said
    # It stands in the form again, to be changed.
    assert "own" in page(tale, "item", item.pk)


def test_an_answer_of_another_item_cannot_be_picked() -> None:
    case = CASES["number"]
    tale, item = told(case)
    other = Item.objects.exclude(pk=item.pk).get()
    label = says(tale, "wa", other, case.said)
    client = Client()
    client.force_login(tale.rhea)
    url = reverse("review_rule", args=[tale.project.pk, tale.question.pk, item.pk])
    found = client.post(url, {"pick": label.pk, "reason": "rater_error"})
    assert found.status_code == 422
    assert not Ruling.objects.exists()


# --- Out and in ---------------------------------------------------------------------------------

PLAN = LabelPlan(
    item="item_id",
    label="label",
    rater="annotator_id",
    kind="annotator_kind",
    question="question",
    confidence="confidence",
    rationale="rationale",
)


PLAN_PLAIN = LabelPlan(
    item="item_id", label="label", rater="annotator_id", kind="annotator_kind", question="question"
)


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
@KIND_CASES
def test_what_is_taken_out_reads_back_equal(case: Case, file_format: str) -> None:
    tale, item = told(case)
    for who, said in (("wa", case.said), ("wb", case.other), ("j1", case.said)):
        says(tale, who, item, said, rationale="why")
    job = export_start(tale.olga, tale.project, what="labels", format=file_format, who="all")
    job_do(job.pk, export_run)
    job.refresh_from_db()
    data = Path(export_path(job)).read_bytes()
    before = sorted((row["annotator_id"], json.dumps(row["label"])) for row in rows_of(tale))
    Label.objects.all().delete()
    Submission.objects.all().delete()

    batch = bring_labels(tale, data, f"labels.{file_format}", PLAN)

    assert refused(batch) == []
    assert {label.rater.name: said_of(label) for label in Label.objects.all()} == {
        "wa": case.said,
        "wb": case.other,
        "j1": case.said,
    }
    after = sorted((row["annotator_id"], json.dumps(row["label"])) for row in rows_of(tale))
    assert after == before
    again = bring_labels(tale, data, f"labels.{file_format}", PLAN)
    assert (again.counts["unchanged"], again.counts.get("created", 0)) == (3, 0)


def rows_of(tale: Story) -> list[dict[str, Any]]:
    return list(label_rows(tale.project, "all"))


def test_an_imported_label_that_does_not_fit_is_refused_by_its_line_with_the_reason() -> None:
    case = CASES["number"]
    tale, _item = told(case)
    rows = [{"item_id": "i1", "annotator_id": "wa", "annotator_kind": "person", "label": 11}]
    data = "".join(json.dumps({**row, "question": "q"}) + "\n" for row in rows).encode()
    batch = bring_labels(tale, data, "labels.jsonl", PLAN_PLAIN)
    assert refused(batch) == [(1, "unfit")]
    report = page_of_owner(tale, batch.pk)
    assert "“Question” goes from 0 to 10, not 11." in report


def test_an_imported_span_beyond_the_text_of_its_item_is_refused() -> None:
    case = CASES["span"]
    tale, _item = told(case)
    far = [{"start": 0, "end": 300, "label": "spam"}]
    row = {"item_id": "i1", "annotator_id": "wa", "annotator_kind": "person", "question": "q"}
    data = (json.dumps({**row, "label": far}) + "\n").encode()
    batch = bring_labels(tale, data, "labels.jsonl", PLAN_PLAIN)
    assert refused(batch) == [(1, "unfit")]
    report = page_of_owner(tale, batch.pk)
    assert "A span goes to character 300, but “text” has 29." in report


def page_of_owner(tale: Story, batch_id: int) -> str:
    client = Client()
    client.force_login(tale.olga)
    address = reverse("import_report", args=[tale.project.pk, batch_id])
    return unescape(client.get(address).content.decode())


# --- Handing in twice, and to the database itself -------------------------------------------------


@KIND_CASES
def test_a_second_answer_replaces_the_first(case: Case) -> None:
    tale, item = told(case)
    rater = tale.rater(tale.ana)
    claim_item(rater, item)
    for key, said in (("a", case.said), ("b", case.other)):
        answers = {tale.question.pk: Answer(choice=said.choice, value=said.value)}
        submission_submit(rater, item, answers=answers, client_key=key)
    assert said_of(Label.objects.get(status=LabelStatus.LIVE)) == case.other
    assert Label.objects.filter(status=LabelStatus.SUPERSEDED).count() == 1


@KIND_CASES
def test_ruling_the_same_again_changes_nothing(case: Case) -> None:
    tale, item = told(case)
    said = {"choice": case.said.choice, "value": case.said.value, "reason": "rater_error"}
    first = ruling_make(tale.rhea, item, tale.question, **said)
    assert ruling_make(tale.rhea, item, tale.question, **said) == first

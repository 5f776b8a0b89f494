"""Starting a project in the browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from annotate.forms.questions import options_of_lines, options_with_keys
from annotate.models import Job, Membership, Project, Rater, Role
from annotate.services.projects import OptionDraft, guideline_live
from annotate.tasks import sample
from tests.personas import story, user

pytestmark = pytest.mark.django_db


def form(**more: str) -> dict[str, Any]:
    return {
        "name": "Letters",
        "description": "",
        "labels_per_item": "3",
        "guideline": "# Read it all",
        "question-name": "Mood of the letter",
        "question-text": "How is it?",
        "question-kind": "single",
        "question-required": "on",
        "question-key": "",
        "question-many": "",
        "option-TOTAL_FORMS": "3",
        "option-INITIAL_FORMS": "0",
        "option-0-name": "Good",
        "option-0-definition": "Praise.",
        "option-0-key": "",
        "option-0-colour": "green",
        "option-1-name": "Bad",
        "option-1-definition": "",
        "option-1-key": "down",
        "option-1-colour": "",
        "option-2-name": "",
        "option-2-definition": "",
        "option-2-key": "",
        "option-2-colour": "",
        **more,
    }


@pytest.fixture
def fay(client: Client) -> Client:
    client.force_login(user("fay", founder=True))
    return client


def test_a_project_is_made_and_wants_items_next(fay: Client) -> None:
    response = fay.post("/projects/new/", form())
    project = Project.objects.get()
    assert response.status_code == 302
    assert response["Location"] == f"/projects/{project.pk}/imports/new/items/"
    assert (project.name, project.labels_per_item) == ("Letters", 3)
    assert Membership.objects.get(project=project).role == Role.OWNER
    question = project.questions.get()
    assert (question.key, question.name) == ("mood_of_the_letter", "Mood of the letter")
    options = list(question.options.values_list("code", "key", "name", "definition", "colour"))
    assert options[0] == (0, "good", "Good", "Praise.", "green")
    assert options[1][:3] == (1, "down", "Bad")
    assert len(options) == 2
    live = guideline_live(project)
    assert live is not None
    assert live.text == "# Read it all"


def test_only_founders_start_projects(client: Client) -> None:
    client.force_login(user("sam"))
    assert client.get("/projects/new/").status_code == 403
    assert client.post("/projects/new/", form()).status_code == 403
    assert client.post("/projects/sample/").status_code == 403
    assert not Project.objects.exists()


def test_options_may_be_pasted(fay: Client) -> None:
    pasted = "a | First | One thing\nSecond\nthird | Third"
    fay.post("/projects/new/", form(**{"question-many": pasted}))
    question = Project.objects.get().questions.get()
    assert list(question.options.values_list("key", "name", "definition"))[2:] == [
        ("a", "First", "One thing"),
        ("second", "Second", ""),
        ("third", "Third", ""),
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "This field is required"),
        ({"question-name": ""}, "This field is required"),
        ({"option-1-name": "", "option-1-key": ""}, "needs two options or more"),
        ({"option-1-name": ""}, "Name this option"),
        ({"option-1-key": "good", "option-0-key": "good"}, "the same key"),
        ({"labels_per_item": "0"}, "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(
    fay: Client, wrong: dict[str, str], said: str
) -> None:
    response = fay.post("/projects/new/", form(**wrong))
    assert response.status_code == 422
    html = response.content.decode()
    assert said in html
    assert "# Read it all" in html
    assert "Praise." in html
    assert not Project.objects.exists()


def test_more_rows_without_javascript(fay: Client) -> None:
    response = fay.post("/projects/new/", form(more_rows="1", name="Half wri"))
    html = response.content.decode()
    assert response.status_code == 200
    assert 'name="option-5-name"' in html
    assert 'value="Half wri"' in html
    assert "Praise." in html
    assert not Project.objects.exists()
    # And what comes back from there is taken.
    rows = {f"option-{n}-{field}": "" for n in (3, 4, 5) for field in ("name", "key", "colour")}
    again = form(**rows, **{"option-TOTAL_FORMS": "6", "option-INITIAL_FORMS": "6"})
    assert fay.post("/projects/new/", again).status_code == 302


def test_a_template_fills_the_form(fay: Client) -> None:
    html = fay.get("/projects/new/?template=relevance").content.decode()
    assert 'value="Relevance"' in html
    assert 'value="Fully"' in html
    assert fay.get("/projects/new/?template=none").status_code == 200


def test_a_template_keeps_what_was_written_and_makes_nothing(fay: Client) -> None:
    html = fay.post(
        "/projects/new/", {**form(), "name": "Letters & notes", "template": "sentiment"}
    ).content.decode()
    assert 'value="Letters &amp; notes"' in html
    assert 'value="3"' in html
    assert "How does the writer feel about it?" in html
    assert not Project.objects.exists()


def test_many_rows_are_no_way_to_bring_the_server_down(fay: Client) -> None:
    rows = {"option-TOTAL_FORMS": "100000000"}
    assert fay.post("/projects/new/", form(more_rows="1", **rows)).status_code == 200
    assert fay.post("/projects/new/", form(**rows)).status_code == 422


def test_keys_are_made_from_names() -> None:
    drafts = [OptionDraft("", "Very good!"), OptionDraft("", "very good"), OptionDraft("", "好")]
    assert [o.key for o in options_with_keys(drafts, numbered=False)] == [
        "very_good",
        "very_good_2",
        "option_3",
    ]
    assert [o.key for o in options_with_keys(drafts, numbered=True)] == ["1", "2", "3"]


def test_lines_may_hold_bars_in_the_definition() -> None:
    assert options_of_lines("k | N | a | b\n\n | \n") == [OptionDraft("k", "N", "a | b")]


def test_the_sample_is_ones_own(fay: Client) -> None:
    response = fay.post("/projects/sample/")
    project = Project.objects.get()
    assert response["Location"] == f"/projects/{project.pk}/overview/"
    assert project.is_demo
    assert project.items.count() == 150
    sample(Job.objects.get(project=project).pk)
    assert set(Rater.objects.filter(project=project).values_list("origin", flat=True)) == {
        "imported"
    }
    assert project.raters.count() == 3
    # Every slot is still open: it is the founder's to label.
    assert not project.items.filter(slots__state="filled").exists()


def test_a_second_question_with_the_same_key_is_refused(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    wrong = form(**{"question-key": "sentiment"})
    response = client.post(f"/projects/{s.project.pk}/questions/new/", wrong)
    assert response.status_code == 422
    assert "Already used" in response.content.decode()

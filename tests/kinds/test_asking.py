"""Saying what is asked: the form of a question of each kind, and its settings."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import BadInput
from annotate.forms.question_templates import TEMPLATES
from annotate.kinds import KINDS
from annotate.models import Question
from annotate.services.projects import QuestionDraft, question_add, question_revise
from judges.services.versions import classifier_version
from tests.kinds.asking import CASES, OPTIONS, Case
from tests.kinds.test_through import says, told
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

KIND_CASES = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def owner(tale: Story) -> Client:
    client = Client()
    client.force_login(tale.olga)
    return client


def filled_in(case: Case) -> dict[str, Any]:
    draft, writes = case.draft, KINDS[case.draft.kind].writes_options
    data: dict[str, Any] = {
        "question-name": draft.name,
        "question-key": draft.key,
        "question-kind": draft.kind,
        "question-text": draft.text,
        "question-required": "on",
        "option-TOTAL_FORMS": len(draft.options) if writes else 2,
        "option-INITIAL_FORMS": 0,
    }
    for number, option in enumerate(draft.options if writes else ()):
        data |= {f"option-{number}-{part}": getattr(option, part) for part in ("name", "key")}
    for name, value in draft.settings.items():
        if value is not False:
            data[f"settings-{name}"] = "on" if value is True else value
    return data


@KIND_CASES
def test_a_question_of_each_kind_is_written_in_the_form(case: Case) -> None:
    tale = story()
    url = reverse("question_new", args=[tale.project.pk])
    response = owner(tale).post(url, filled_in(case))
    assert response.status_code == 302, unescape(response.content.decode())
    made = tale.project.questions.get(key="q")
    assert (made.kind, made.settings) == (case.draft.kind, case.draft.settings)
    assert [option.key for option in made.options.all()] == [o.key for o in case.draft.options]


@KIND_CASES
def test_the_form_of_a_question_shows_its_settings(case: Case) -> None:
    tale, _item = told(case)
    url = reverse("question_edit", args=[tale.project.pk, tale.question.pk])
    text = unescape(owner(tale).get(url).content.decode())
    for name, value in case.draft.settings.items():
        control = re.search(rf'<(?:input|select)[^>]*name="settings-{name}".*?>', text, re.S)
        assert control, name
        if value is True:
            assert "checked" in control[0]
        elif value is not False:
            assert f'value="{value}"' in text


def test_a_setting_that_does_not_fit_is_told_beside_its_field() -> None:
    tale = story()
    url = reverse("question_new", args=[tale.project.pk])
    response = owner(tale).post(url, filled_in(CASES["number"]) | {"settings-max": "-1"})
    assert response.status_code == 422
    text = unescape(response.content.decode())
    assert "The largest number must be above the smallest." in text
    assert not tale.project.questions.filter(key="q").exists()


def test_more_rows_keep_the_settings() -> None:
    tale = story()
    url = reverse("question_new", args=[tale.project.pk])
    data = filled_in(CASES["multiple"]) | {"more_rows": "1", "settings-max_choices": "2"}
    text = owner(tale).post(url, data).content.decode()
    assert re.search(r'name="settings-max_choices" value="2"', text)


def test_a_question_that_has_labels_gets_a_new_version_for_other_settings() -> None:
    case = CASES["number"]
    tale, item = told(case)
    says(tale, "wa", item, case.said)
    draft = QuestionDraft("q", "Question", "number", settings={"min": 0, "max": 100})
    fresh = question_revise(tale.olga, tale.question, draft)
    assert (fresh.version, fresh.settings) == (2, {"min": 0, "max": 100})
    assert Question.objects.get(pk=tale.question.pk).settings == case.draft.settings


@pytest.mark.parametrize("kind", ["single", "multiple", "rating", "ranking"])
def test_a_choice_needs_two_options(kind: str) -> None:
    tale = story()
    with pytest.raises(BadInput, match="A question needs two options or more"):
        question_add(tale.olga, tale.project, QuestionDraft("q2", "Q", kind, OPTIONS[:1]))


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_each_template_makes_a_question_as_it_stands(name: str) -> None:
    tale = story()
    url = reverse("question_new", args=[tale.project.pk])
    template = TEMPLATES[name]
    assert str(template.title) in unescape(owner(tale).get(url).content.decode())
    response = owner(tale).get(url, {"template": name})
    text = unescape(response.content.decode())
    assert re.search(rf'value="{template.kind}"[^>]*checked', text)
    draft = QuestionDraft(
        "made",
        str(template.name),
        template.kind,
        template.options,
        str(template.text),
        settings=template.settings,
    )
    assert question_add(tale.olga, tale.project, draft).kind == template.kind


@KIND_CASES
def test_a_judge_refuses_a_kind_that_it_cannot_answer(case: Case) -> None:
    if KINDS[case.draft.kind].stores_choice:
        return
    tale, _item = told(case)
    with pytest.raises(BadInput, match="Judges cannot answer “Question” yet"):
        classifier_version(tale.olga, tale.question, mode="zero_shot")
    client = owner(tale)
    for name in ("judges", "judge_new"):
        assert client.get(reverse(name, args=[tale.project.pk])).status_code == 200

"""Reading what is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count

from annotate.models import Label, LabelStatus, Project, Question, QuestionStatus

_FIELD = re.compile(r"\{([^{}]+)\}")


def questions_live(project: Project) -> list[Question]:
    """The live questions in their order, with their options. Costs two queries."""
    return list(project.questions.filter(status=QuestionStatus.LIVE).prefetch_related("options"))


def question_text(question: Question, fields: Mapping[str, str]) -> str:
    """The question's text with {field} filled from the item's fields; unknown ones stay as written.

    Plain replacement, no format mini-language: texts come from people.
    """
    return text_filled(question.text, fields)


def text_filled(text: str, fields: Mapping[str, str]) -> str:
    """As question_text, for another wording of the question."""
    return _FIELD.sub(lambda match: str(fields.get(match[1], match[0])), text)


@dataclass(frozen=True)
class SettingsQuestion:
    """A live question as the settings list it; ``earlier`` are its replaced versions' numbers."""

    question: Question
    labels: int
    earlier: list[int]


def questions_for_settings(project: Project) -> list[SettingsQuestion]:
    """The live questions with how many labels they have. Four queries."""
    counts = dict(
        Label.objects.filter(project=project, status=LabelStatus.LIVE)
        .values_list("question")
        .annotate(n=Count("pk"))
        .order_by()
    )
    versions: dict[str, list[int]] = {}
    for key, version in (
        project.questions.filter(status=QuestionStatus.RETIRED)
        .order_by("version")
        .values_list("key", "version")
    ):
        versions.setdefault(key, []).append(version)
    return [
        SettingsQuestion(question, counts.get(question.pk, 0), versions.get(question.key, []))
        for question in questions_live(project)
    ]


def labels_of_question(question: Question) -> int:
    """How many labels a question version has, of any status: from one on it is frozen."""
    return question.labels.count()

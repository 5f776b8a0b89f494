"""Answers over the wire: what each kind of question takes and gives (docs/api.md, Answers)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotate.errors import BadInput
from annotate.kinds import Asked, Unfit, asked_of, kind_of, said_of
from annotate.models import Label, Project, Question, Ruling
from annotate.services.answers import Answer

# An answer of any kind; which of these it is, the kind of its question says.
ANSWER: dict[str, Any] = {
    "oneOf": [
        {"type": "string", "description": "single, rating, pairwise: the key of an option; text"},
        {"type": "number", "description": "number"},
        {
            "type": "array",
            "items": {"type": "string"},
            "description": "multiple: keys of options; ranking: all of them, best first",
        },
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "start": {"type": "integer", "minimum": 0},
                    "end": {"type": "integer", "minimum": 1},
                    "label": {"type": "string"},
                },
                "required": ["start", "end", "label"],
            },
            "description": "span: characters start to end - 1, and the key of an option",
        },
    ]
}


def asked_by_id(project: Project) -> dict[int, Asked]:
    """All versions of the project's questions: what shapes with an ``answer`` need as context."""
    rows = project.questions.prefetch_related("options")
    return {question.pk: asked_of(question) for question in rows}


@extend_schema_field({**ANSWER, "nullable": True})
class AnswerField(serializers.Field[Any, Any, Any, Any]):
    """What a label or a ruling says."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, value: Label | Ruling) -> Any:
        asked: Asked | None = self.context["asked"].get(value.question_id)
        return None if asked is None else kind_of(asked).plain(asked, said_of(value))


@extend_schema_field(ANSWER)
class AnswerIn(serializers.Field[Any, Any, Any, Any]):
    """An answer as it came; answers_by_id reads it by the kind of its question."""

    default_error_messages = {"kind": "An answer is a text, a number or a list."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, str | int | float | list):
            self.fail("kind")
        return data


def answers_by_id(questions: Sequence[Question], given: Mapping[str, Any]) -> dict[int, Answer]:
    """{question key: answer} to what the service takes. Raises BadInput."""
    by_key = {question.key: question for question in questions}
    wrong: dict[str, Any] = {}
    answers: dict[int, Answer] = {}
    for key, plain in given.items():
        question = by_key.get(key)
        if question is None:
            wrong[key] = "There is no such question."
            continue
        asked = asked_of(question)
        try:
            said = kind_of(asked).read(asked, plain)
        except Unfit as error:
            wrong[key] = error.message
        else:
            answers[question.pk] = Answer(choice=said.choice, value=said.value)
    if wrong:
        raise BadInput("Some answers do not fit; see fields.", fields=wrong)
    return answers

"""Reading what is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping

from annotate.models import Project, Question, QuestionStatus

_FIELD = re.compile(r"\{([^{}]+)\}")


def questions_live(project: Project) -> list[Question]:
    """The live questions in their order, with their options. Costs two queries."""
    return list(project.questions.filter(status=QuestionStatus.LIVE).prefetch_related("options"))


def question_text(question: Question, fields: Mapping[str, str]) -> str:
    """The question's text with {field} filled from the item's fields; unknown ones stay as written.

    Plain replacement, no format mini-language: texts come from people.
    """
    return _FIELD.sub(lambda match: str(fields.get(match[1], match[0])), question.text)

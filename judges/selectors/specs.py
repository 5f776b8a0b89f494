"""From rows to the plain values that prompting and providers work on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from annotate.models import Question
from annotate.selectors.questions import question_text
from judges.exchange import OptionSpec, QuestionSpec

if TYPE_CHECKING:
    from judges.exchange import QuestionKind


def question_spec(question: Question, fields: Mapping[str, str]) -> QuestionSpec:
    """The question as it is asked of an item with these fields. Costs a query for its options,
    unless they were prefetched.
    """
    kind: QuestionKind = "rating" if question.kind == "rating" else "single"
    return QuestionSpec(
        key=question.key,
        text=question_text(question, fields) or question.name,
        kind=kind,
        options=tuple(
            OptionSpec(
                code=option.code,
                letter="",
                key=option.key,
                name=option.name,
                definition=option.definition,
            )
            for option in question.options.all()
        ),
    )

"""From rows to the plain values that prompting and providers work on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import Question, QuestionKind
from annotate.selectors.questions import question_text
from annotate.written import within
from judges.exchange import OptionSpec, QuestionSpec

# Kinds whose answer is one of the options, which is what a judge is asked for. Which of two fields
# is better is asked so too: by the fields' names, in their own order.
ANSWERABLE = (QuestionKind.SINGLE, QuestionKind.RATING, QuestionKind.PAIRWISE)

if TYPE_CHECKING:
    from judges.exchange import QuestionKind as SpecKind


def question_spec(question: Question, fields: Mapping[str, str]) -> QuestionSpec:
    """The question as it is asked of an item with these fields. Costs a query for its options,
    unless they were prefetched.
    """
    kind: SpecKind = "rating" if question.kind == "rating" else "single"
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


def kind_check(question: Question) -> None:
    """Raises BadInput for a kind of question that judges cannot answer yet."""
    if question.kind not in ANSWERABLE:
        message = _(
            "Judges cannot answer “%(question)s” yet: they choose one option, and its kind is "
            "%(kind)s. People can, and labels of models can be imported."
        ) % {"question": question.name, "kind": within(question.get_kind_display())}
        raise BadInput(message, fields={"question": message})

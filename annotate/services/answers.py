"""Answers of a rater: whether they fit the questions, and the labels that they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.kinds import Said, Unfit, asked_of, kind_of
from annotate.kinds.conditions import condition_words, hidden_keys
from annotate.models import (
    Item,
    Label,
    LabelStatus,
    Question,
    Submission,
    SubmissionStatus,
)


@dataclass(frozen=True)
class Answer:
    """One rater's answer to one question: an option code or, of some kinds, a ``value``.

    ``distribution``: probability per option code.
    """

    choice: int | None = None
    confidence: float | None = None
    confidence_source: str = ""
    distribution: Mapping[int, float] | None = None
    rationale: str = ""
    value: Any = None


def answers_check(
    live: Sequence[Question], answers: Mapping[int, Answer], item: Item, *, complete: bool
) -> dict[int, Answer]:
    """The answers in their one form. Raises Conflict for an answer to a question that is not live
    any more, BadInput by question key for what does not fit and, where the answers are to be
    ``complete``, for what is missing or was not asked (kinds/conditions.py).
    """
    questions = {question.pk: question for question in live}
    wrong: dict[str, str] = {}
    fitting: dict[int, Answer] = {}
    for question_id, answer in answers.items():
        question = questions.get(question_id)
        if question is None:
            raise Conflict(
                _("A question was changed while you were answering. Reload to see it as it is now.")
            )
        asked = asked_of(question)
        try:
            said = kind_of(asked).check(asked, Said(answer.choice, answer.value), item.fields)
        except Unfit as error:
            wrong[question.key] = error.message
        else:
            fitting[question_id] = replace(answer, choice=said.choice, value=said.value)
    if complete:
        hidden = _hidden(live, fitting, wrong)
        for question in questions.values():
            if question.key in hidden:
                continue
            if question.required and question.pk not in answers:
                wrong[question.key] = _("“%(question)s” needs an answer.") % {
                    "question": question.name
                }
    if not answers and not wrong:
        wrong["answers"] = _("There is no answer to store.")
    if wrong:
        raise BadInput(" ".join(wrong.values()), fields=wrong)
    return fitting


def _hidden(
    live: Sequence[Question], answers: Mapping[int, Answer], wrong: dict[str, str]
) -> set[str]:
    """Keys of the questions that these answers leave unasked; an answer to one of them is wrong."""
    asked = [asked_of(question) for question in live]
    said = {
        question.key: Said(answers[question.pk].choice, answers[question.pk].value)
        for question in live
        if question.pk in answers
    }
    hidden = hidden_keys(asked, said)
    by_key = {each.key: each for each in asked}
    for key in hidden & said.keys():
        wrong[key] = _("“%(question)s” is asked only if %(condition)s.") % {
            "question": by_key[key].name,
            "condition": condition_words(by_key[key], by_key),
        }
    return hidden


def labels_of(
    submission: Submission, questions: Mapping[int, Question], answers: Mapping[int, Answer]
) -> Iterator[Label]:
    """The labels, not stored yet, that the answers of a stored submission become."""
    status = {
        SubmissionStatus.SUBMITTED: LabelStatus.LIVE,
        SubmissionStatus.CHECK: LabelStatus.CHECK,
    }.get(SubmissionStatus(submission.status), LabelStatus.SURPLUS)
    for question_id, answer in answers.items():
        yield Label(
            project_id=submission.project_id,
            submission=submission,
            item_id=submission.item_id,
            question=questions[question_id],
            rater_id=submission.rater_id,
            status=status,
            choice=answer.choice,
            value=answer.value,
            confidence=answer.confidence,
            confidence_source=answer.confidence_source,
            distribution=(
                {str(code): share for code, share in answer.distribution.items()}
                if answer.distribution is not None
                else None
            ),
            rationale=answer.rationale,
            created_at=submission.created_at,
        )


def item_gone() -> Conflict:
    """Why nothing is stored for an item that is not live."""
    return Conflict(_("This item was withdrawn; nothing was stored."))

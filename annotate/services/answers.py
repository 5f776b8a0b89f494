"""Answers of a rater: whether they fit the questions, and the labels that they become."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.models import (
    Label,
    LabelStatus,
    Question,
    Rater,
    RaterOrigin,
    Submission,
    SubmissionStatus,
)


@dataclass(frozen=True)
class Answer:
    """One rater's answer to one question. ``distribution``: probability per option code."""

    choice: int
    confidence: float | None = None
    confidence_source: str = ""
    distribution: Mapping[int, float] | None = None
    rationale: str = ""


def answers_check(
    live: Sequence[Question], answers: Mapping[int, Answer], *, complete: bool
) -> dict[int, Question]:
    """The live questions by id. Raises Conflict for an answer to one that is not live any more,
    BadInput for what is no option and, where the answers are to be ``complete``, for what is
    missing.
    """
    questions = {question.pk: question for question in live}
    wrong: dict[str, str] = {}
    for question_id, answer in answers.items():
        question = questions.get(question_id)
        if question is None:
            raise Conflict(
                _("A question was changed while you were answering. Reload to see it as it is now.")
            )
        if answer.choice not in {option.code for option in question.options.all()}:
            wrong[question.key] = _("%(code)s is no option of “%(question)s”.") % {
                "code": answer.choice,
                "question": question.name,
            }
    if complete:
        for question in questions.values():
            if question.required and question.pk not in answers:
                wrong[question.key] = _("“%(question)s” needs an answer.") % {
                    "question": question.name
                }
    if not answers and not wrong:
        wrong["answers"] = _("There is no answer to store.")
    if wrong:
        raise BadInput(" ".join(wrong.values()), fields=wrong)
    return questions


def labels_supersede(
    rater: Rater, item_ids: Collection[int], question_ids: Collection[int]
) -> None:
    """What the rater said before gives way: of a member all of it, else answers to these questions.
    Inside the transaction that has the rater locked.
    """
    labels = Label.objects.filter(rater=rater, item_id__in=item_ids)
    if rater.origin == RaterOrigin.MEMBER:
        Submission.objects.filter(
            rater=rater,
            item_id__in=item_ids,
            status__in=[SubmissionStatus.SUBMITTED, SubmissionStatus.SURPLUS],
        ).update(status=SubmissionStatus.WITHDRAWN)
    else:
        labels = labels.filter(question_id__in=question_ids)
    labels.filter(status__in=[LabelStatus.LIVE, LabelStatus.SURPLUS]).update(
        status=LabelStatus.SUPERSEDED
    )


def labels_of(
    submission: Submission, questions: Mapping[int, Question], answers: Mapping[int, Answer]
) -> Iterator[Label]:
    """The labels, not stored yet, that the answers of a stored submission become."""
    counted = submission.status == SubmissionStatus.SUBMITTED
    for question_id, answer in answers.items():
        yield Label(
            project_id=submission.project_id,
            submission=submission,
            item_id=submission.item_id,
            question=questions[question_id],
            rater_id=submission.rater_id,
            status=LabelStatus.LIVE if counted else LabelStatus.SURPLUS,
            choice=answer.choice,
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

"""Handing in for raters without slots (judges), many items at once: the one door, opened wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone

from annotate.errors import ConcordError
from annotate.models import (
    Guideline,
    Item,
    ItemStatus,
    Label,
    LabelStatus,
    Question,
    Rater,
    RaterOrigin,
    Submission,
    SubmissionStatus,
)
from annotate.selectors.questions import questions_live
from annotate.services import claims
from annotate.services.answers import (
    Answer,
    answers_check,
    item_gone,
    labels_of,
)
from annotate.services.items import items_freeze
from annotate.services.summaries import summaries_recount_locked


@dataclass(frozen=True)
class HandIn:
    """What a rater without slots says of one item. ``answers`` is by question id."""

    item: Item
    answers: Mapping[int, Answer]
    client_key: str
    seconds: float | None = None
    flagged: bool = False
    comment: str = ""


def submissions_submit(
    rater: Rater,
    hand_ins: Sequence[HandIn],
    *,
    guideline: Guideline | None = None,
) -> list[Submission | ConcordError]:
    """Hand in what a rater without slots says of many items: a dozen queries in all. Of each what
    was stored, now or, where its client key was seen before, the first time, or why nothing was.
    What the rater said before to the same questions is superseded.

    All items are of the rater's project, each at most once. Locks the rater, then the items in id
    order. Raises ValueError for a member (whose labels fill slots) and for an item named twice.
    """
    if rater.origin == RaterOrigin.MEMBER:
        raise ValueError("A member's labels fill slots: hand them in one by one.")
    items = {hand_in.item.pk: hand_in.item for hand_in in hand_ins}
    if len(items) != len(hand_ins):
        raise ValueError("An item is named twice.")
    with transaction.atomic():
        claims.rater_lock(rater)
        rows = Item.objects.select_for_update(no_key=True).filter(pk__in=items).order_by("pk")
        statuses = dict(rows.values_list("pk", "status"))
        keys = [hand_in.client_key for hand_in in hand_ins]
        known = Submission.objects.filter(rater=rater, client_key__in=keys)
        earlier = {submission.client_key: submission for submission in known}
        questions = questions_live(rater.project)
        found: dict[str, Submission | ConcordError] = {**earlier}
        fresh: list[tuple[HandIn, Submission]] = []
        now = timezone.now()
        for hand_in in hand_ins:
            if hand_in.client_key in found:
                continue
            try:
                if statuses.get(hand_in.item.pk) != ItemStatus.LIVE:
                    raise item_gone()
                answers = answers_check(questions, hand_in.answers, hand_in.item, complete=False)
            except ConcordError as refused:
                found[hand_in.client_key] = refused
                continue
            submission = Submission(
                project_id=hand_in.item.project_id,
                item=hand_in.item,
                rater=rater,
                status=SubmissionStatus.SUBMITTED,
                client_key=hand_in.client_key,
                guideline=guideline,
                seconds=hand_in.seconds,
                flagged=hand_in.flagged,
                comment=hand_in.comment,
                exposure=[],
                created_at=now,
            )
            found[hand_in.client_key] = submission
            fresh.append((replace(hand_in, answers=answers), submission))
        _store_many(rater, fresh, questions)
        return [found[key] for key in keys]


def _store_many(
    rater: Rater, fresh: Sequence[tuple[HandIn, Submission]], questions: Sequence[Question]
) -> None:
    if not fresh:
        return
    by_id = {question.pk: question for question in questions}
    # Those who answer other questions of their items are superseded apart: by which they answer.
    asked: dict[frozenset[int], list[int]] = {}
    for hand_in, _submission in fresh:
        asked.setdefault(frozenset(hand_in.answers), []).append(hand_in.item.pk)
    for question_ids, item_ids in asked.items():
        Label.objects.filter(
            rater=rater,
            item_id__in=item_ids,
            question_id__in=question_ids,
            status__in=[LabelStatus.LIVE, LabelStatus.SURPLUS],
        ).update(status=LabelStatus.SUPERSEDED)
    Submission.objects.bulk_create(submission for _hand_in, submission in fresh)
    Label.objects.bulk_create(
        label
        for hand_in, submission in fresh
        for label in labels_of(submission, by_id, hand_in.answers)
    )
    ids = [hand_in.item.pk for hand_in, _submission in fresh]
    items_freeze([hand_in.item.pk for hand_in, _s in fresh if hand_in.item.frozen_at is None])
    summaries_recount_locked(rater.project, ids, questions)

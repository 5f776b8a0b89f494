"""The answers of raters to whom a lead left items."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from annotate.kinds import Said
from annotate.models import Entrusted, Label, LabelStatus, Rater


@dataclass(frozen=True)
class Left:
    """To whom an item is left, and what they said: it stands where no people answered."""

    rater: Rater
    said: Said
    confidence: float | None
    checked: bool


def left_of(item_ids: Collection[int]) -> dict[tuple[int, int], Left]:
    """By item and question, of those items that are entrusted. One query, two where there are any.

    One whose label was withdrawn meanwhile is not among them: then it has no answer.
    """
    rows = {
        (row.item_id, row.question_id, row.rater_id): row
        for row in Entrusted.objects.filter(item__in=item_ids).select_related("rater")
    }
    if not rows:
        return {}
    labels = Label.objects.filter(
        item__in={item for item, _question, _rater in rows},
        rater__in={rater for _item, _question, rater in rows},
        status=LabelStatus.LIVE,
    ).values_list("item_id", "question_id", "rater_id", "choice", "value", "confidence")
    return {
        (item, question): Left(
            rows[item, question, rater].rater,
            Said(choice, value),
            confidence,
            rows[item, question, rater].checked,
        )
        for item, question, rater, choice, value, confidence in labels
        if (item, question, rater) in rows
    }

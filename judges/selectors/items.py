"""Which items a judge may still be asked about."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from annotate.models import Item, ItemStatus, Label, LabelStatus, Question, RaterKind
from judges.models import Call, Ending, JudgeVersion, Outcome, Purpose, RunItem
from judges.selectors.panels import takes_one_call


def items_unasked(version: JudgeVersion) -> QuerySet[Item]:
    """Live items without a label of this version, in draw order.

    What failed or did not parse is among them: another run asks it again.
    """
    run = {"item": OuterRef("pk"), "run__version": version, "run__purpose": Purpose.LABEL}
    asked: QuerySet[Any] = (
        Call.objects.filter(outcome=Outcome.LABEL, **run)
        if takes_one_call(version)
        else RunItem.objects.filter(ending=Ending.LABEL, **run)
    )
    return items_askable(version).filter(~Exists(asked))


def items_askable(version: JudgeVersion) -> QuerySet[Item]:
    """All live items of the version's project, in draw order: what trials and audits ask."""
    return Item.objects.filter(project_id=version.project_id, status=ItemStatus.LIVE).order_by(
        "draw", "pk"
    )


def items_answered(
    items: QuerySet[Item], question: Question, *, answered: bool = True
) -> QuerySet[Item]:
    """Those of ``items`` that people have answered the question of, or those that they have not."""
    by_people = Exists(
        Label.objects.filter(
            item=OuterRef("pk"),
            question=question,
            status=LabelStatus.LIVE,
            rater__kind=RaterKind.PERSON,
        )
    )
    return items.filter(by_people if answered else ~by_people)


def items_live(version: JudgeVersion) -> int:
    """How many live items the version's project has."""
    return Item.objects.filter(project_id=version.project_id, status=ItemStatus.LIVE).count()

"""Which items a judge may still be asked about."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from annotate.models import Item, ItemStatus
from judges.models import Call, JudgeVersion, Outcome, Purpose


def items_unasked(version: JudgeVersion) -> QuerySet[Item]:
    """Live items without a label of this version, in draw order.

    What failed or did not parse is among them: another run asks it again.
    """
    asked = Call.objects.filter(
        outcome=Outcome.LABEL,
        item=OuterRef("pk"),
        run__version=version,
        run__purpose=Purpose.LABEL,
    )
    return Item.objects.filter(
        ~Exists(asked), project_id=version.project_id, status=ItemStatus.LIVE
    ).order_by("draw", "pk")


def items_live(version: JudgeVersion) -> int:
    """How many live items the version's project has."""
    return Item.objects.filter(project_id=version.project_id, status=ItemStatus.LIVE).count()

"""Reading what was given back, and is not yet answered anew."""

from __future__ import annotations

from django.db.models import QuerySet

from annotate.models import Assignment, AssignmentState, GivenBack, Item

# States of an assignment in which the answer has come again, or will not.
SETTLED = (AssignmentState.SUBMITTED, AssignmentState.SKIPPED)


def _waiting() -> QuerySet[GivenBack]:
    rows = GivenBack.objects.exclude(submission__assignment__state__in=SETTLED)
    return rows.select_related("by", "submission__rater").order_by("-pk")


def given_back_to(assignment: Assignment) -> GivenBack | None:
    """What a lead wrote to the rater about this item, if they gave it back. One query."""
    return _waiting().filter(submission__assignment=assignment).first()


def given_back_of(item: Item) -> list[GivenBack]:
    """What of an item was given back and waits. One query."""
    return list(_waiting().filter(submission__item=item))

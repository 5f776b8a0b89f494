"""Raters as the rows of figures name them, and how fast they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any

from annotate.models import Rater, RaterOrigin, Submission, SubmissionStatus

# Raters of a matrix, and of the table beside it: those with the most labels.
MATRIX = 24
TABLE = 100
# A rater's pace is the median over so many latest answers.
PACE_OVER = 200


def rater_named(rater: Rater) -> dict[str, Any]:
    return {"pk": rater.pk, "kind": rater.kind, "name": rater.name, "origin": rater.origin}


def pace_of(raters: Sequence[Rater]) -> dict[int, float]:
    """Median seconds an answer of each member, over their latest answers."""
    seconds: dict[int, list[float]] = defaultdict(list)
    for rater in raters:
        if rater.origin != RaterOrigin.MEMBER:
            continue
        latest = (
            Submission.objects.filter(
                rater=rater, status=SubmissionStatus.SUBMITTED, seconds__isnull=False
            )
            .order_by("-created_at")
            .values_list("seconds", flat=True)[:PACE_OVER]
        )
        seconds[rater.pk] = [value for value in latest if value is not None]
    return {pk: float(median(values)) for pk, values in seconds.items() if values}

"""Reading aggregations."""

from __future__ import annotations

from annotate.models import EstimateRun, JobState, Question


def estimate_latest(question: Question) -> EstimateRun | None:
    """The newest finished aggregation of a question version, or None."""
    return (
        EstimateRun.objects.filter(question=question, job__state=JobState.DONE)
        .select_related("job", "created_by")
        .order_by("-pk")
        .first()
    )

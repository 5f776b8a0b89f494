"""One page's figures: of this moment where there are few labels, else those that a job kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotate.models import JobState, KeptFigure, Question
from annotate.selectors.figures import labels_are_few


@dataclass(frozen=True)
class Figure:
    """``content`` None: too many labels to wait for, and none kept. ``taken_at`` None: of now."""

    content: Any = None
    taken_at: datetime | None = None


def figure_of(
    question: Question, name: str, of: int, now: Callable[[], Any] | None = None
) -> Figure:
    """The figure of a rater (or of the question, ``of`` 0).

    ``now`` works it out on the spot; without it, it always comes of a job. Two queries beside those
    of ``now``.
    """
    if now is not None and labels_are_few([question]):
        return Figure(now())
    row = (
        KeptFigure.objects.filter(question=question, name=name, of=of, job__state=JobState.DONE)
        .order_by("-job_id")
        .values_list("content", "job__finished_at")
        .first()
    )
    return Figure(*row) if row else Figure()

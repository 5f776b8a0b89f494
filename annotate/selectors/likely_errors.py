"""The ranked list of labels that are likely wrong, as the last search found them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from annotate.models import (
    ItemStatus,
    LabelStatus,
    LikelyError,
    Project,
    Question,
    Ruling,
    RulingStatus,
)

PAGE = 25


def likely_errors(question: Question) -> QuerySet[LikelyError]:
    """Suspected labels that still stand, on items that are not ruled on, the likeliest first."""
    ruled = Ruling.objects.filter(
        question=question, item=OuterRef("item"), status=RulingStatus.LIVE
    )
    return (
        LikelyError.objects.filter(
            ~Exists(ruled),
            question=question,
            label__status=LabelStatus.LIVE,
            item__status=ItemStatus.LIVE,
        )
        .select_related("label__rater", "item")
        .order_by("-score", "pk")
    )


@dataclass(frozen=True)
class Found:
    """A part of the list. ``first``: the rank of its first row; ``at``: the row that is worked on;
    ``after``: the row that comes next, if any."""

    rows: list[LikelyError]
    first: int
    total: int
    at: LikelyError | None
    after: LikelyError | None


def found_page(question: Question, *, page: int, at: int | None) -> Found:
    """The page, and the row ``at`` (an id) if it is on it, else its first row. Two queries."""
    ranked = likely_errors(question)
    total = ranked.count()
    last = max(0, (total - 1) // PAGE)
    start = min(max(page - 1, 0), last) * PAGE
    rows = list(ranked[start : start + PAGE])
    place = next((n for n, row in enumerate(rows) if row.pk == at), 0)
    return Found(
        rows=rows,
        first=start + 1,
        total=total,
        at=rows[place] if rows else None,
        after=rows[place + 1] if place + 1 < len(rows) else None,
    )


def error_in(project: Project, error_id: int) -> LikelyError | None:
    """A row of the last search, with what ruling on it needs."""
    return (
        LikelyError.objects.filter(project=project, pk=error_id)
        .select_related("label__rater", "item__project", "question")
        .first()
    )

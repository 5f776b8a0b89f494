"""What people and judges said over time: labels of each option by periods of equal length."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDate

from annotate.models import Label, LabelStatus, Question
from annotate.selectors.periods import periods_between

# Of the last so many days or weeks (or longer), each a row.
PERIODS = 14


def shares_over_time(question: Question) -> list[dict[str, Any]]:
    """Periods in which labels were given, in order: {since, until, person, judge}, the latter two
    with the labels by option code. One query, over all live labels of the question."""
    by_day: defaultdict[date, dict[str, Counter[str]]] = defaultdict(
        lambda: {"person": Counter(), "judge": Counter()}
    )
    rows = (
        Label.objects.filter(question=question, status=LabelStatus.LIVE, choice__isnull=False)
        .values_list(TruncDate("created_at"), "rater__kind", "choice")
        .annotate(n=Count("pk"))
        .order_by()
    )
    for day, kind, choice, n in rows:
        by_day[day][kind][str(choice)] += n
    if not by_day:
        return []
    told = []
    for period in periods_between(min(by_day), max(by_day), most=PERIODS):
        days = [counts for day, counts in by_day.items() if day in period]
        if days:
            told.append(
                {
                    "since": period.since.isoformat(),
                    "until": period.until.isoformat(),
                    **{
                        kind: dict(sum((counts[kind] for counts in days), Counter()))
                        for kind in ("person", "judge")
                    },
                }
            )
    return told

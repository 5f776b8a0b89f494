"""How a panel's run goes: how many judges its items took, and how many answers that saved."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from judges.models import Run, RunItem
from judges.selectors.panels import spec_of


@dataclass(frozen=True)
class PanelTally:
    """Of the items that ended: ``by_number`` how many were over after how many judges,
    ``discussed`` on how many the judges talked. ``answers`` were had of judges; ``everybody``
    would have been had without stopping early: every judge on each item, and on those discussed
    everybody who takes part once more.
    """

    by_number: dict[int, int]
    discussed: int
    answers: int
    everybody: int

    @property
    def items(self) -> int:
        return sum(self.by_number.values())

    @property
    def saved(self) -> int:
        return self.everybody - self.answers

    @property
    def saved_share(self) -> float | None:
        """None while no item has ended."""
        return self.saved / self.everybody if self.everybody else None


def panel_tally(run: Run) -> PanelTally:
    """Count the items of a panel's run that ended. One query."""
    spec = spec_of(run.version)
    counted = (
        RunItem.objects.filter(run=run, asked__isnull=False)
        .exclude(ending="")
        .values("asked")
        .annotate(
            n=Count("pk"), again=Sum("asked_again"), talked=Count("pk", filter=Q(asked_again__gt=0))
        )
        .order_by("asked")
    )
    rows = list(counted)
    discussed = sum(row["talked"] for row in rows)
    items = sum(row["n"] for row in rows)
    return PanelTally(
        by_number={row["asked"] or 0: row["n"] for row in rows},
        discussed=discussed,
        answers=sum((row["asked"] or 0) * row["n"] + row["again"] for row in rows),
        everybody=items * len(spec.members) + discussed * len(spec.readers),
    )

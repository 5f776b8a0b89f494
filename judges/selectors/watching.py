"""What rounds over anchor items answered, and which notices are open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from annotate.models import Project
from judges.models import Call, CallState, Ending, Outcome, Run, RunItem, Watch, WatchRound
from judges.selectors.panels import asks_once


def watch_of(version_id: int) -> Watch | None:
    """The watch over a judge version, where there is one."""
    return (
        Watch.objects.filter(version=version_id)
        .select_related("version__project", "version__question", "set_by")
        .first()
    )


def rounds_of(watch: Watch) -> list[WatchRound]:
    """All rounds, oldest first, with their runs and jobs. One query."""
    return list(watch.rounds.select_related("run__job", "run__version").order_by("number"))


def round_answers(run: Run) -> dict[int, int]:
    """What the judge answered in a round, by item; items without an answer are not in it."""
    found: QuerySet[Any] = (
        Call.objects.filter(run=run, outcome=Outcome.LABEL)
        if asks_once(run)
        else RunItem.objects.filter(run=run, ending=Ending.LABEL)
    )
    rows = found.values_list("item_id", "choice")
    return {item: code for item, code in rows if code is not None}


def models_reported(run: Run) -> list[str]:
    """The names under which the endpoint says it answered, in order. One query."""
    names = Call.objects.filter(run=run, state=CallState.CLOSED).exclude(model_reported="")
    return sorted(set(names.values_list("model_reported", flat=True)))


def notices_open(project: Project) -> Sequence[WatchRound]:
    """Rounds of a project that found a change which nobody has seen yet, newest first. One
    query.
    """
    rows: QuerySet[WatchRound] = WatchRound.objects.filter(
        watch__project=project, measured_at__isnull=False, seen_at__isnull=True
    ).exclude(notices=[])
    return list(rows.select_related("watch__version").order_by("-pk")[:20])

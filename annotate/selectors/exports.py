"""Reading the exports of a project: what was asked for, how far it is, what file it left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.models import FINISHED, EstimateRun, Job, JobState, Method, Project, WhoCounts
from annotate.selectors.export_rows import BY_VOTES

KIND = "export"
# As many as a person looks back.
SHOWN = 12
WHAT_NAMES: dict[str, str | Promise] = {"items": _("Items"), "labels": _("Labels")}
FORMAT_NAMES: dict[str, str | Promise] = {"csv": "CSV", "jsonl": _("JSON lines")}


def methods_of_exports(project: Project) -> list[tuple[str, str | Promise]]:
    """By which answers can be chosen: the newest aggregation, each method that was used, votes."""
    used = set(
        EstimateRun.objects.filter(project=project, job__state=JobState.DONE).values_list(
            "method", flat=True
        )
    )
    return [
        ("", _("The newest aggregation")),
        *((value, str(label)) for value, label in Method.choices if value in used),
        (BY_VOTES, _("No aggregation: the majority of the votes")),
    ]


@dataclass(frozen=True)
class ExportShown:
    """One export as a line of the list. ``size`` is in bytes; ``has_file``: it can be fetched."""

    job: Job
    what: str | Promise
    format: str | Promise
    who: str | Promise
    history: bool
    rows: int | None
    size: int | None
    has_file: bool
    is_live: bool


@dataclass(frozen=True)
class Exports:
    """What templates/annotate/_exports.html shows: the latest exports, newest first."""

    rows: Sequence[ExportShown]
    is_live: bool


def exports_of(project: Project) -> Exports:
    """The latest exports of a project. One query."""
    jobs = (
        Job.objects.filter(project=project, kind=KIND)
        .select_related("created_by")
        .order_by("-pk")[:SHOWN]
    )
    rows = [_shown(job) for job in jobs]
    return Exports(rows=rows, is_live=any(row.is_live for row in rows))


def _shown(job: Job) -> ExportShown:
    asked = job.parameters
    done = job.state == JobState.DONE
    return ExportShown(
        job=job,
        what=WHAT_NAMES[asked["what"]],
        format=FORMAT_NAMES[asked["format"]],
        who=WhoCounts(asked["who"]).label,
        history=bool(asked.get("history")),
        rows=job.result.get("rows") if done else None,
        size=job.result.get("bytes") if done else None,
        has_file=done and bool(job.file) and (Path(settings.MEDIA_ROOT) / job.file).is_file(),
        is_live=job.state not in FINISHED and job.state != JobState.PAUSED,
    )

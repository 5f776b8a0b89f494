"""Writing a dataset to a file, as a job in bounded memory. Columns: docs/export.md."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from annotate.errors import BadInput, NotFound
from annotate.models import Item, ItemStatus, Job, Label, Method, Project, User, WhoCounts
from annotate.selectors.chosen import Chosen, chosen_kept
from annotate.selectors.export_rows import (
    BY_VOTES,
    FORMATS,
    WHATS,
    item_columns,
    item_rows,
    label_columns,
    label_rows,
)
from annotate.selectors.exports import KIND as KIND
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create

# Rows between two signs of life.
STEP = 1000


@transaction.atomic
def export_start(
    actor: User,
    project: Project,
    *,
    what: str,
    format: str,
    who: str = WhoCounts.PEOPLE,
    history: bool = False,
    method: str = "",
    chosen: Chosen | None = None,
) -> Job:
    """Queue an export; the caller nudges. ``who`` counts in aggregates and label rows; ``method``
    as in selectors.export_rows.item_rows.

    ``history`` adds superseded, withdrawn and surplus labels to the label rows. ``chosen``: only
    these items. Raises BadInput.
    """
    if what not in WHATS or format not in FORMATS or who not in WhoCounts.values:
        raise BadInput(_("Choose what to export, the format and who counts from the lists."))
    if method not in ("", BY_VOTES, *Method.values):
        raise BadInput(_("There is no such method of aggregation."))
    job = job_create(
        actor,
        project=project,
        kind=KIND,
        task="annotate.export",
        parameters={
            "what": what,
            "format": format,
            "who": who,
            "history": history,
            **({"method": method} if method else {}),
            **({"chosen": chosen.kept()} if chosen else {}),
        },
    )
    event_write(actor, "export.started", project=project, target=job, what=what, who=who)
    return job


def export_run(running: RunningJob) -> None:
    """Write the file of an export job taken. Repeat-safe: an attempt that died is begun anew."""
    job = running.job
    project = job.project
    if project is None:
        running.fail(_("The project is gone."))
        return
    what, kind = job.parameters["what"], job.parameters["format"]
    who, history = job.parameters["who"], bool(job.parameters["history"])
    items = Item.objects.filter(project=project, status=ItemStatus.LIVE)
    if "chosen" in job.parameters:
        items = chosen_kept(project, job.parameters["chosen"]).items()
    if what == "items":
        total = items.count()
        method = job.parameters.get("method", "")
        columns, rows = item_columns(project), item_rows(project, who, items, method=method)
    else:
        total = Label.objects.filter(project=project).count()
        columns, rows = label_columns(), label_rows(project, who, history=history)
    running.progress(0, total=total, message=_("Writing"))
    name = f"{slugify(project.name) or 'project'}-{project.pk}-{what}-{job.pk}.{kind}"
    relative = Path("exports") / uuid.uuid4().hex / name
    path = Path(settings.MEDIA_ROOT) / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    written = 0
    with partial.open("w", encoding="utf-8", newline="") as file:
        write = _writer(file, kind, columns)
        for row in rows:
            write(row)
            written += 1
            if written % STEP == 0:
                running.progress(written)
    partial.rename(path)
    running.progress(written, total=written)
    running.finish(
        message=_("%(rows)s rows written.") % {"rows": written},
        file=relative.as_posix(),
        rows=written,
        bytes=path.stat().st_size,
    )


def _writer(file: TextIO, kind: str, columns: list[str]) -> Callable[[dict[str, Any]], None]:
    if kind == "jsonl":

        def write_line(row: dict[str, Any]) -> None:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

        return write_line
    table = csv.DictWriter(file, columns, extrasaction="raise")
    table.writeheader()

    def write_row(row: dict[str, Any]) -> None:
        table.writerow({name: _cell(value) for name, value in row.items()})

    return write_row


def _cell(value: Any) -> Any:
    """What has parts or is true or false goes into a CSV cell as JSON; nothing is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False)
    return value


def export_path(job: Job) -> Path:
    """Where the file of a finished export is. Raises NotFound when it was cleared away."""
    path = Path(settings.MEDIA_ROOT) / job.file
    if not job.file or not path.is_file():
        raise NotFound(_("The file of this export is gone. Start the export again."))
    return path

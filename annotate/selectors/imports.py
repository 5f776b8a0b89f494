"""Reading the imports of a project, as lines of the data screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from annotate.models import FINISHED, ImportBatch, ImportStatus, JobState, Project

# As many as a person looks back.
SHOWN = 50
TAKEN = ("created", "updated", "unchanged")


@dataclass(frozen=True)
class ImportShown:
    """One import as a line. ``is_live``: a job is at work on it; ``state``, ``hue``: its tag."""

    batch: ImportBatch
    state: str
    hue: str
    created: int
    updated: int
    unchanged: int
    refused: int
    items_created: int
    is_live: bool
    may_undo: bool
    may_go_on: bool
    may_drop: bool

    @property
    def waits(self) -> bool:
        """Uploaded, and not started yet."""
        return self.batch.status == ImportStatus.UPLOADED


def imports_of(project: Project) -> Sequence[ImportShown]:
    """The latest imports of a project, newest first, without those dropped. One query."""
    batches = (
        ImportBatch.objects.filter(project=project)
        .exclude(status=ImportStatus.DROPPED)
        .select_related("job", "created_by")
        .order_by("-pk")[:SHOWN]
    )
    return [import_shown(batch) for batch in batches]


def import_shown(batch: ImportBatch) -> ImportShown:
    """What is said of an import, and what may be done with it now."""
    job = batch.job
    live = job is not None and job.state not in FINISHED
    begun = batch.status in {ImportStatus.STAGING, ImportStatus.COMMITTING}
    stopped = begun and not live
    counts = batch.counts
    numbers = {name: int(counts.get(name, 0)) for name in (*TAKEN, "refused", "items_created")}
    state, hue = _state(batch, live=live)
    return ImportShown(
        batch=batch,
        state=state,
        hue=hue,
        is_live=live,
        may_undo=not live
        and batch.status in {ImportStatus.COMMITTED, ImportStatus.COMMITTING, ImportStatus.UNDOING},
        may_go_on=stopped,
        may_drop=not live and batch.status in {ImportStatus.UPLOADED, ImportStatus.STAGING},
        **numbers,
    )


def _state(batch: ImportBatch, *, live: bool) -> tuple[str, str]:
    """A word for where it stands, and its hue."""
    job = batch.job
    if job is not None and job.state == JobState.PAUSED:
        return _("Paused"), "doubt"
    if batch.status == ImportStatus.UPLOADED:
        return _("Not started"), "doubt"
    if batch.status in {ImportStatus.COMMITTED, ImportStatus.UNDONE} or live:
        taken = any(batch.counts.get(name) for name in TAKEN)
        if batch.status == ImportStatus.COMMITTED and not taken:
            return _("All refused"), "error"
        return batch.get_status_display(), ""
    if batch.status == ImportStatus.STAGING:
        return _("Stopped, nothing taken in"), "error"
    if batch.status == ImportStatus.UNDOING:
        return _("Undo stopped half way"), "error"
    return _("Stopped half way"), "error"

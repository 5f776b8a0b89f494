"""Deleting a project for good, as a job that goes through its tables in order.

This app knows its own tables. An app above it that keeps rows of a project registers a function
that deletes them (``register``), which is called before anything of this app goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.models import (
    FINISHED,
    Assignment,
    Entrusted,
    EstimateRun,
    Event,
    GivenBack,
    Gold,
    Guideline,
    ImportBatch,
    Invitation,
    Item,
    ItemEstimate,
    ItemSummary,
    Job,
    JobState,
    KeptFigure,
    Label,
    LikelyError,
    Membership,
    Option,
    Project,
    Question,
    Rater,
    RaterEstimate,
    RoutedItem,
    RoutingPlan,
    Ruling,
    SavedView,
    Slot,
    Submission,
    User,
)
from annotate.selectors.projects import PROJECT_DELETE
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create, job_resume

CHUNK = 2000
# A request or a worker may still be writing when the job begins: what it leaves is found next time.
ROUNDS = 5

# A deleter yields after each small piece of its work, the number of rows that went.
Deleter = Callable[[int], Iterator[int]]
_deleters: list[Deleter] = []

# Children before what they point to.
ORDER: list[tuple[type[models.Model], str]] = [
    (ItemEstimate, "run__project"),
    (RaterEstimate, "run__project"),
    (EstimateRun, "project"),
    (Gold, "project"),
    (Ruling, "project"),
    (LikelyError, "project"),
    (Entrusted, "project"),
    (RoutedItem, "plan__project"),
    (RoutingPlan, "project"),
    (GivenBack, "project"),
    (Label, "project"),
    (Submission, "project"),
    (Assignment, "project"),
    (Slot, "project"),
    (ItemSummary, "project"),
    (ImportBatch, "project"),
    (KeptFigure, "question__project"),
    (Job, "project"),
    (Item, "project"),
    (Rater, "project"),
    (Option, "question__project"),
    (Question, "project"),
    (Guideline, "project"),
    (Invitation, "project"),
    (Membership, "project"),
    (SavedView, "project"),
    (Event, "project"),
]


def register(deleter: Deleter) -> None:
    """Have rows of another app deleted with a project. Called once, at start-up."""
    if deleter not in _deleters:
        _deleters.append(deleter)


@transaction.atomic
def project_delete(actor: User, project: Project, *, confirm_name: str) -> Job:
    """Take the project out of everybody's reach at once, and return the job that deletes it.

    ``confirm_name`` is what the person typed: BadInput unless it is the project's name. Running
    jobs of the project are cancelled. There is no way back. Locks the project.
    """
    project = Project.objects.select_for_update().get(pk=project.pk)
    if confirm_name.strip() != project.name.strip():
        message = _("That is not the name of this project, so nothing was deleted.")
        raise BadInput(message, fields={"confirm_name": message})
    Job.objects.filter(project=project).exclude(state__in=FINISHED).update(
        state=JobState.CANCELLED, lease_token="", lease_until=None
    )
    Invitation.objects.filter(project=project).delete()
    Membership.objects.filter(project=project).delete()
    event_write(
        actor, "project.delete_asked", project=None, target=f"project {project.pk}", implied=False
    )
    return job_create(
        actor,
        project=None,
        kind=PROJECT_DELETE,
        task="annotate.project_delete",
        parameters={"project": project.pk, "name": project.name},
    )


def project_delete_again(actor: User, job_id: int) -> Job:
    """Try a deletion again that failed or was paused. Raises Conflict; the caller nudges."""
    job = Job.objects.filter(pk=job_id, kind=PROJECT_DELETE, created_by=actor).first()
    if job is None:
        raise Conflict(_("There is no such deletion of yours."))
    return job_resume(actor, job)


def project_delete_run(running: RunningJob) -> None:
    """The job. Deletes in chunks, each its own transaction; safe to stop and begin again."""
    project_id = int(running.job.parameters["project"])
    name = str(running.job.parameters["name"])
    running.progress(0, total=_rows(project_id), message=_("Deleting “%(name)s”.") % {"name": name})
    done = 0
    for turn in range(ROUNDS):
        try:
            for count in _empty(project_id):
                done += count
                running.progress(done)
            Project.objects.filter(pk=project_id).delete()
            break
        except (IntegrityError, models.RestrictedError, models.ProtectedError):
            if turn == ROUNDS - 1:
                raise
    with transaction.atomic():
        event_write(
            running.job.created_by,
            "project.deleted",
            project=None,
            target=f"project {project_id}",
            rows=done,
        )
        # The name goes, too: the job's row outlives the project.
        Job.objects.filter(pk=running.job.pk).update(parameters={"project": project_id})
        running.finish(message="", rows=done)


def _empty(project_id: int) -> Iterator[int]:
    from annotate.selectors.table_files import columns_forget  # here: it brings numpy

    _delete_files(project_id)
    columns_forget(Question.objects.filter(project=project_id).values_list("pk", flat=True))
    for deleter in _deleters:
        yield from deleter(project_id)
    for model, path in ORDER:
        yield from rows_delete(model, {path: project_id})


def rows_delete(model: type[models.Model], condition: dict[str, object]) -> Iterator[int]:
    """Delete the rows that fit in chunks, yielding how many went with each.

    Past Django's collector, which would look for children row by row: they went before. Should
    any be left, the database refuses (IntegrityError).
    """
    manager = model._default_manager
    while ids := list(manager.filter(**condition).values_list("pk", flat=True)[:CHUNK]):
        rows = manager.filter(pk__in=ids)
        yield rows._raw_delete(rows.db)


def _rows(project_id: int) -> int:
    return sum(model._default_manager.filter(**{path: project_id}).count() for model, path in ORDER)


def project_files(project_id: int) -> list[Path]:
    """The files of a project that exist, below MEDIA_ROOT."""
    names: set[str] = set()
    for row in ImportBatch.objects.filter(project=project_id).values_list(
        "upload", "staged_file", "refused_file", "late_file", "undo_file"
    ):
        names.update(row)
    names.update(Job.objects.filter(project=project_id).values_list("file", flat=True))
    root = Path(settings.MEDIA_ROOT).resolve()
    found = ((root / name).resolve() for name in sorted(names - {""}))
    return [path for path in found if path.is_relative_to(root) and path.is_file()]


def _delete_files(project_id: int) -> None:
    root = Path(settings.MEDIA_ROOT).resolve()
    for path in project_files(project_id):
        path.unlink(missing_ok=True)
        # Each import and export has a folder of its own.
        if path.parent != root and not any(path.parent.iterdir()):
            path.parent.rmdir()

"""An import from upload to report: services called by the screens, the command and the worker."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict, JobStopped
from annotate.models import (
    FINISHED,
    ImportBatch,
    ImportFormat,
    ImportKind,
    ImportStatus,
    Job,
    Project,
    Question,
    QuestionStatus,
    User,
)
from annotate.services.events import event_write
from annotate.services.import_items import items_chunk
from annotate.services.import_labels import LabelTaker, recount
from annotate.services.import_lines import ENCODINGS, encoding_find
from annotate.services.import_look import (
    delimiter_guess,
    format_guess,
    look,
    values_count,
)
from annotate.services.import_plans import (
    MAX_OPTIONS,
    ItemPlan,
    LabelPlan,
    plan_as_dict,
    plan_check,
    plan_of,
)
from annotate.services.import_records import DELIMITERS
from annotate.services.import_refusals import media_path
from annotate.services.import_staging import reading_of, stage
from annotate.services.import_taking import take_in
from annotate.services.jobs import RunningJob, job_create
from annotate.services.projects import QuestionDraft, question_add
from annotate.written import within

KIND = "import"
KIND_UNDO = "import_undo"
# Bytes of a file of labels whose values are counted while a person waits.
VALUES_UP_TO = 64 * 1024 * 1024
# What may be taken back.
UNDOABLE = (ImportStatus.COMMITTED, ImportStatus.COMMITTING)


def import_upload(
    actor: User,
    project: Project,
    *,
    kind: str,
    name: str,
    chunks: Iterable[bytes],
    format: str = "",
    encoding: str = "",
    values_up_to: int | None = VALUES_UP_TO,
) -> ImportBatch:
    """Keep a file below MEDIA_ROOT under a random name, and look at how it is written.

    ``format`` "" goes by the file's ending, else by its first character. ``encoding`` "" looks for
    itself: UTF-8, or UTF-16 by its mark; where it is neither, it stays "" until a person says it
    (import_read_as). Raises BadInput for a file that is too large, empty or not to be read as a
    whole; nothing is kept then.
    """
    folder = Path("imports") / uuid.uuid4().hex
    upload = folder / "upload"
    try:
        size = _keep(media_path(upload.as_posix()), chunks)
        batch = ImportBatch(
            project=project,
            kind=kind,
            format=format or format_guess(name, media_path(upload.as_posix())),
            name=(Path(name).name or "file")[:300],
            encoding="",
            upload=upload.as_posix(),
            size=size,
            created_by=actor,
        )
        _look_at_encoding(batch)
        if encoding:
            batch.encoding = encoding
        _look_at(batch, delimiter="", values_up_to=values_up_to)
        batch.full_clean()
    except Exception:
        shutil.rmtree(media_path(folder.as_posix()), ignore_errors=True)
        raise
    with transaction.atomic():
        batch.save()
        event_write(
            actor, "import.uploaded", project=project, target=batch, name=batch.name, size=size
        )
    return batch


def import_read_as(
    actor: User, batch: ImportBatch, *, format: str, encoding: str, delimiter: str
) -> ImportBatch:
    """Say how the file is to be read: its format, encoding, delimiter. Raises BadInput, Conflict.

    Only before the import is started. ``delimiter`` "" guesses among comma, semicolon and tab.
    """
    if format not in ImportFormat.values or encoding not in ENCODINGS:
        raise BadInput(_("Choose the format and the encoding from the lists."))
    if delimiter and delimiter not in DELIMITERS:
        raise BadInput(_("Choose the delimiter from the list."))
    with transaction.atomic():
        fresh = _locked(batch, ImportStatus.UPLOADED)
        fresh.format, fresh.encoding = format, encoding
        _look_at(fresh, delimiter=delimiter, values_up_to=VALUES_UP_TO)
        fresh.save(update_fields=["format", "encoding", "mapping"])
    return fresh


def import_start(
    actor: User,
    batch: ImportBatch,
    plan: ItemPlan | LabelPlan,
    *,
    question: QuestionDraft | None = None,
) -> ImportBatch:
    """Check the plan and queue the import; the caller nudges ``batch.job``.

    ``question``: for labels, a question that this import adds to the project. Raises BadInput for a
    plan that does not fit the file, Conflict where the import was started or dropped already.
    """
    with transaction.atomic():
        fresh = _locked(batch, ImportStatus.UPLOADED)
        if not fresh.encoding:
            raise BadInput(_("Say first in which encoding this file was written."))
        plan_check(plan, fresh.mapping["columns"])
        if isinstance(plan, LabelPlan):
            plan = _with_questions(actor, fresh.project, plan, question)
        fresh.mapping["plan"] = plan_as_dict(plan)
        fresh.status = ImportStatus.STAGING
        fresh.job = _queue(actor, fresh, KIND)
        fresh.save(update_fields=["mapping", "status", "job"])
        event_write(actor, "import.started", project=fresh.project, target=fresh, name=fresh.name)
    return fresh


def import_go_on(actor: User, batch: ImportBatch) -> ImportBatch:
    """Queue again an import whose job was cancelled, where it stopped. The caller nudges.

    Raises Conflict where it is not stopped.
    """
    with transaction.atomic():
        fresh = _locked(batch, ImportStatus.STAGING, ImportStatus.COMMITTING)
        _must_be_idle(fresh)
        fresh.job = _queue(actor, fresh, KIND)
        fresh.save(update_fields=["job"])
        event_write(actor, "import.continued", project=fresh.project, target=fresh)
    return fresh


def import_undo(actor: User, batch: ImportBatch) -> ImportBatch:
    """Queue taking an import back; the caller nudges ``batch.job``. Raises Conflict."""
    with transaction.atomic():
        fresh = _locked(batch, *UNDOABLE, ImportStatus.UNDOING)
        _must_be_idle(fresh)
        fresh.status = ImportStatus.UNDOING
        fresh.job = _queue(actor, fresh, KIND_UNDO)
        fresh.save(update_fields=["status", "job"])
        event_write(actor, "import.undo_started", project=fresh.project, target=fresh)
    return fresh


def import_drop(actor: User, batch: ImportBatch) -> None:
    """Throw an upload away of which nothing was taken in. Idempotent. Raises Conflict."""
    with transaction.atomic():
        fresh = _locked(batch, ImportStatus.UPLOADED, ImportStatus.STAGING, ImportStatus.DROPPED)
        if fresh.status == ImportStatus.DROPPED:
            return
        _must_be_idle(fresh)
        fresh.status = ImportStatus.DROPPED
        fresh.save(update_fields=["status"])
        event_write(actor, "import.dropped", project=fresh.project, target=fresh)
        folder = media_path(fresh.upload).parent
        transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))


def import_run(running: RunningJob) -> None:
    """Do an import: check all lines, then take in what fits. Goes on where it stopped."""
    batch = ImportBatch.objects.select_related("project").get(job=running.job)
    if batch.status == ImportStatus.STAGING:
        batch = stage(running, batch)
    if batch.status == ImportStatus.COMMITTING:
        plan = plan_of(batch.kind, batch.mapping["plan"])
        if isinstance(plan, LabelPlan):
            _must_be_live(plan)
            batch = take_in(running, batch, LabelTaker())
            recount(batch, lambda done: running.progress(message=_counting(done)))
        else:
            batch = take_in(running, batch, items_chunk)
        batch = _commit(running, batch)
    running.finish(message=import_told(batch), **_numbers(batch.counts))


def import_told(batch: ImportBatch) -> str:
    """One sentence of what came of an import."""
    counts = _numbers(batch.counts)
    taken = counts["created"] + counts["updated"] + counts["unchanged"]
    words = {name: intcomma(number) for name, number in counts.items()}
    if not taken:
        return _("Nothing was taken in. Lines refused: %(refused)s.") % words
    if batch.kind == ImportKind.LABELS:
        return (
            _(
                "%(created)s labels taken in, %(unchanged)s were here already; items made: "
                "%(items_created)s; lines refused: %(refused)s."
            )
            % words
        )
    return (
        _(
            "%(created)s items created, %(updated)s updated, %(unchanged)s unchanged; lines "
            "refused: %(refused)s."
        )
        % words
    )


# --- Inside -------------------------------------------------------------------------------------


def _keep(path: Path, chunks: Iterable[bytes]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    limit, size = settings.MAX_UPLOAD_MB * 1024 * 1024, 0
    with path.open("wb") as file:
        path.chmod(0o600)
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise BadInput(
                    _("This file is larger than %(mb)s MB. Cut it into several files.")
                    % {"mb": settings.MAX_UPLOAD_MB}
                )
            file.write(chunk)
    return size


def _look_at_encoding(batch: ImportBatch) -> None:
    found = encoding_find(media_path(batch.upload))
    batch.encoding = found.name
    if not found.name:
        batch.mapping["unclear"] = {
            "lines": found.lines,
            "bad_lines": found.bad_lines,
            "first_bad": found.first_bad,
            "samples": {
                name: found.sample.decode(ENCODINGS[name], errors="replace")
                for name in ("utf-8", "windows-1252", "latin-1")
            },
        }


def _look_at(batch: ImportBatch, *, delimiter: str, values_up_to: int | None) -> None:
    """Fill the mapping with what preview and forms need, once the encoding is known."""
    if not batch.encoding:
        return
    path = media_path(batch.upload)
    batch.mapping["delimiter"] = delimiter or (
        delimiter_guess(path, batch.encoding) if batch.format == ImportFormat.CSV else ","
    )
    reading = reading_of(batch)
    seen = look(path, reading)
    batch.mapping |= {"columns": seen.columns, "header": list(seen.header), "bom": seen.bom}
    if batch.kind == ImportKind.LABELS:
        values, whole = values_count(path, reading, seen.columns, up_to=values_up_to)
        batch.mapping |= {"values": values, "values_whole": whole}


def _locked(batch: ImportBatch, *states: ImportStatus) -> ImportBatch:
    fresh = (
        ImportBatch.objects.select_for_update(of=("self",))
        .select_related("project", "job")
        .get(pk=batch.pk)
    )
    if fresh.status not in states:
        raise Conflict(
            _("This import is %(status)s, so that is not possible now.")
            % {"status": within(fresh.get_status_display())}
        )
    return fresh


def _must_be_idle(batch: ImportBatch) -> None:
    if batch.job is not None and batch.job.state not in FINISHED:
        raise Conflict(_("A job is still at work on this import. Cancel it first."))


def _queue(actor: User, batch: ImportBatch, kind: str) -> Job:
    return job_create(
        actor,
        project=batch.project,
        kind=kind,
        task=f"annotate.{kind}",
        parameters={"import": batch.pk, "name": batch.name},
        total=batch.size,
    )


def _with_questions(
    actor: User, project: Project, plan: LabelPlan, draft: QuestionDraft | None
) -> LabelPlan:
    """Pin the questions that the labels answer, by id: a later version is another question."""
    if draft is not None:
        if len(draft.options) > MAX_OPTIONS:
            raise BadInput(
                _("A question has at most %(n)s options. Is this the column of the labels?")
                % {"n": MAX_OPTIONS}
            )
        made = question_add(actor, project, draft)
        return replace(plan, questions={made.key: made.pk})
    live = dict(
        Question.objects.filter(project=project, status=QuestionStatus.LIVE).values_list(
            "key", "pk"
        )
    )
    wanted = live if plan.question else {k: pk for k, pk in live.items() if k in plan.questions}
    if not wanted:
        raise BadInput(_("Say which question these labels answer."))
    return replace(plan, questions=wanted)


def _must_be_live(plan: LabelPlan) -> None:
    live = Question.objects.filter(
        pk__in=plan.questions.values(), status=QuestionStatus.LIVE
    ).count()
    if live < len(plan.questions):
        raise Conflict(
            _(
                "A question was changed since this import was started. Undo it and import the file "
                "again."
            )
        )


def _commit(running: RunningJob, batch: ImportBatch) -> ImportBatch:
    with transaction.atomic():
        fresh = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        if fresh.status != ImportStatus.COMMITTING or fresh.job_id != running.job.pk:
            raise JobStopped
        fresh.status = ImportStatus.COMMITTED
        fresh.save(update_fields=["status"])
        event_write(
            running.job.created_by,
            "import.committed",
            project=batch.project,
            target=fresh,
            name=fresh.name,
            **_numbers(fresh.counts),
        )
    for path in media_path(batch.upload).parent.glob("staged-*"):
        path.unlink(missing_ok=True)
    return fresh


def _numbers(counts: Mapping[str, Any]) -> dict[str, Any]:
    names = ("created", "updated", "unchanged", "refused", "items_created")
    return {name: int(counts.get(name, 0)) for name in names}


def _counting(done: int) -> str:
    return _("Counting labels of the items anew: %(n)s items done.") % {"n": intcomma(done)}

"""A batch of imported items or labels: what came in, what was refused, and how to take it back."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of
from annotate.models.jobs import Job
from annotate.models.projects import Project


class ImportKind(models.TextChoices):
    ITEMS = "items", _("Items")
    LABELS = "labels", _("Labels of named raters")


class ImportFormat(models.TextChoices):
    CSV = "csv", "CSV"
    JSONL = "jsonl", _("JSON lines")


class ImportStatus(models.TextChoices):
    UPLOADED = "uploaded", _("Uploaded")  # preview and mapping are shown
    STAGING = "staging", _("Checking")
    COMMITTING = "committing", _("Taking in")
    COMMITTED = "committed", _("Taken in")
    UNDOING = "undoing", _("Being undone")
    UNDONE = "undone", _("Undone")
    DROPPED = "dropped", _("Dropped")


class ImportBatch(models.Model):
    """One file brought in.

    Its rows are checked first into a staged file (good rows, normalised) and a refused file (line
    number, reason, the line itself), then committed in chunks; ``committed_offset`` is where in the
    staged file the next chunk begins, kept in the chunk's own transaction, so that a killed worker
    goes on there. ``undo_file`` lists what to put back, ``late_file`` what was refused while taking
    in; their lengths are kept in the chunk's transaction too, and what lies beyond them is from a
    chunk that died and is written over.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    kind = models.CharField(max_length=10, choices=ImportKind)
    format = models.CharField(max_length=10, choices=ImportFormat)
    status = models.CharField(max_length=12, choices=ImportStatus, default=ImportStatus.UPLOADED)
    name = models.CharField(max_length=300)  # of the file, as the person knows it
    # "" where nobody has said yet how the bytes are to be read: never guessed.
    encoding = models.CharField(max_length=20, default="utf-8", blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    job = models.ForeignKey(
        Job, on_delete=models.RESTRICT, null=True, blank=True, related_name="imports"
    )
    upload = models.CharField(max_length=500)  # paths below MEDIA_ROOT
    size = models.PositiveBigIntegerField(default=0)  # of the upload, in bytes
    staged_file = models.CharField(max_length=500, blank=True)
    refused_file = models.CharField(max_length=500, blank=True)
    late_file = models.CharField(max_length=500, blank=True)
    late_length = models.PositiveBigIntegerField(default=0)
    undo_file = models.CharField(max_length=500, blank=True)
    undo_length = models.PositiveBigIntegerField(default=0)
    committed_offset = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict, blank=True)  # created, updated, unchanged, refused ...
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            one_of("kind", ImportKind, "import_kind_known"),
            one_of("format", ImportFormat, "import_format_known"),
            one_of("status", ImportStatus, "import_status_known"),
        ]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.name}"

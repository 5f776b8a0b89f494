"""Raters: people and judges as one kind of author."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of
from annotate.models.projects import Project


class RaterKind(models.TextChoices):
    PERSON = "person", _("Person")
    JUDGE = "judge", _("Judge")


class RaterOrigin(models.TextChoices):
    MEMBER = "member", _("Member")
    IMPORTED = "imported", _("Imported")
    RUN = "run", _("Run here")


class Admission(models.TextChoices):
    """Whether a member may label where the project asks for qualification."""

    OPEN = "", _("Not decided")
    PASSED = "passed", _("Qualified")
    LET_IN = "let_in", _("Let in by a lead")
    OUT = "out", _("Kept out by a lead")


class Rater(models.Model):
    """Who labels in one project. A member has a user; a judge run here has a version's hash.

    The hash and not a foreign key: this app is complete without the judges app, which keeps the
    version and points here (docs/decisions/0002-raters-of-one-kind.md).
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="raters")
    kind = models.CharField(max_length=10, choices=RaterKind)
    origin = models.CharField(max_length=10, choices=RaterOrigin)
    name = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="raters",
    )
    version_hash = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    # Raters of one family are no independent witnesses; "" where nobody said. Who makes the rater
    # says it (docs/decisions/0008-families-are-said-by-who-makes-the-rater.md). One a line: a panel
    # of judges is of all its members' families (0013-panels.md).
    family = models.TextField(blank=True)
    admission = models.CharField(
        max_length=10, choices=Admission, blank=True, default=Admission.OPEN
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            one_of("kind", RaterKind, "rater_kind_known"),
            one_of("origin", RaterOrigin, "rater_origin_known"),
            one_of("admission", Admission, "rater_admission_known"),
            models.CheckConstraint(
                condition=models.Q(origin="member", user__isnull=False)
                | (~models.Q(origin="member") & models.Q(user__isnull=True)),
                name="rater_member_iff_user",
            ),
            models.CheckConstraint(
                condition=models.Q(origin="run", version_hash__isnull=False)
                | (~models.Q(origin="run") & models.Q(version_hash__isnull=True)),
                name="rater_run_iff_version",
            ),
            models.CheckConstraint(
                condition=(~models.Q(origin="member") | models.Q(kind="person"))
                & (~models.Q(origin="run") | models.Q(kind="judge")),
                name="rater_kind_fits_origin",
            ),
            models.UniqueConstraint(
                fields=["project", "user"],
                condition=models.Q(user__isnull=False),
                name="rater_once_a_member",
            ),
            models.UniqueConstraint(
                fields=["project", "version_hash"],
                condition=models.Q(version_hash__isnull=False),
                name="rater_once_a_version",
            ),
            models.UniqueConstraint(
                fields=["project", "kind", "name"],
                condition=models.Q(origin="imported"),
                name="rater_imported_name_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

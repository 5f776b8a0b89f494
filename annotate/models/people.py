"""People: accounts, what they may do in a project, and links that let them in."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models.constraints import one_of
from annotate.models.projects import Project


class Theme(models.TextChoices):
    AUTO = "auto", _("As the system")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class User(AbstractUser):
    """An account. History points at it with PROTECT: accounts are anonymised, never deleted."""

    theme = models.CharField(max_length=5, choices=Theme, default=Theme.AUTO)
    # One of settings.LANGUAGES; empty: what the browser asks for. Not checked by the database, so
    # that a language is added without a migration.
    language = models.CharField(max_length=10, blank=True, default="")
    # May start projects. The first owner has it; other people get it from an operator.
    is_founder = models.BooleanField(default=False)
    # Their own keys of the label screen, where not the usual ones: {"skip": "k"}.
    keys = models.JSONField(default=dict, blank=True)

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [one_of("theme", Theme, "user_theme_known")]

    @property
    def shown_name(self) -> str:
        return self.get_full_name() or self.username


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    REVIEWER = "reviewer", _("Reviewer")
    ANNOTATOR = "annotator", _("Annotator")
    VIEWER = "viewer", _("Viewer")


LEADS = (Role.OWNER, Role.REVIEWER)


class Membership(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_one_a_person"),
            one_of("role", Role, "membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project} as {self.role}"

    @property
    def is_lead(self) -> bool:
        return self.role in LEADS


class Invitation(models.Model):
    """A link that makes whoever opens it a member. Only the hash of its secret is kept."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Role)
    token_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [one_of("role", Role, "invitation_role_known")]

    def __str__(self) -> str:
        return f"invitation to {self.project} as {self.role}"

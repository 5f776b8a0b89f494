"""Filters of the list of items that somebody keeps by a name."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from annotate.models.projects import Project


class SavedView(models.Model):
    """``query`` is the query of the list's address. Shared ones are seen by all who see results."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="saved_views")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000)
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "owner", "name"], name="saved_view_name_once_a_person"
            ),
        ]

    def __str__(self) -> str:
        return self.name

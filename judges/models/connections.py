"""Where judges are asked."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotate.models import Project
from annotate.models.constraints import one_of


class ProviderName(models.TextChoices):
    LOCAL_CLASSIFIER = "local_classifier", _("Local classifier (on this machine, no key)")
    LOCAL_LLM = "local_llm", _("Local language model (on this machine, no key)")
    OPENAI = "openai", _("OpenAI-compatible endpoint")
    SCRIPTED = "scripted", _("Scripted (for tests)")


class Connection(models.Model):
    """A provider address. Its key comes from the environment or is kept encrypted."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="connections")
    name = models.CharField(max_length=100)
    provider = models.CharField(max_length=20, choices=ProviderName)
    base_url = models.CharField(max_length=500, blank=True)
    key_variable = models.CharField(max_length=100, blank=True)  # name of an environment variable
    key_encrypted = models.TextField(blank=True)
    # Whether texts sent here leave this machine; checked against Project.data_may_leave.
    leaves_machine = models.BooleanField(default=True)
    capabilities = models.JSONField(default=dict, blank=True)  # found out once, by a probe
    concurrency = models.PositiveSmallIntegerField(default=2)
    timeout_seconds = models.PositiveSmallIntegerField(default=60)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            one_of("provider", ProviderName, "connection_provider_known"),
            models.UniqueConstraint(fields=["project", "name"], name="connection_name_once"),
            models.CheckConstraint(
                condition=models.Q(key_variable="") | models.Q(key_encrypted=""),
                name="connection_key_from_one_place",
            ),
            models.CheckConstraint(
                condition=models.Q(concurrency__gte=1), name="connection_concurrency_at_least_one"
            ),
        ]

    def __str__(self) -> str:
        return self.name

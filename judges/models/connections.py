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
    ANTHROPIC = "anthropic", _("Anthropic")
    LABEL_STUDIO = "label_studio", _("Label Studio ML backend")
    PANEL = "panel", _("Panel of judges, each asked where it is")
    SCRIPTED = "scripted", _("Scripted (for tests)")


# What an owner connects; the others come with Concord.
CONNECTED = (ProviderName.OPENAI, ProviderName.ANTHROPIC, ProviderName.LABEL_STUDIO)
# What is asked in words, by a prompt.
ASKED_IN_WORDS = (ProviderName.OPENAI, ProviderName.ANTHROPIC)


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


class ModelPrice(models.Model):
    """What a model costs at a connection, by a project's own word: it goes before the kept list.

    In US dollars for a million tokens. Runs are charged what it says when they ask.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="prices")
    model = models.CharField(max_length=200)
    input = models.DecimalField(max_digits=12, decimal_places=6)
    output = models.DecimalField(max_digits=12, decimal_places=6)
    # Of tokens read from the endpoint's cache; null: as others.
    cached_input = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "model"], name="model_price_once"),
            models.CheckConstraint(
                condition=models.Q(input__gte=0, output__gte=0)
                & (models.Q(cached_input__isnull=True) | models.Q(cached_input__gte=0)),
                name="model_price_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} at {self.connection}"


class Spending(models.Model):
    """What the judges of a project have spent, and the most they may. One row a project, in
    100-millionths of a US dollar, changed by conditional updates only (services/spending.py).
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="spending")
    cap = models.BigIntegerField(null=True, blank=True)  # null: no limit
    spent = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(spent__gte=0, reserved__gte=0),
                name="spending_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"spending of {self.project}"


class Pace(models.Model):
    """How many calls a connection gets at once now, over all workers (services/pace.py)."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="pace")
    limit = models.PositiveSmallIntegerField()
    halved_at = models.DateTimeField(null=True, blank=True)
    hold_until = models.DateTimeField(null=True, blank=True)  # as the endpoint asked

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(limit__gte=1), name="pace_at_least_one"),
        ]

    def __str__(self) -> str:
        return f"{self.limit} at once at {self.connection}"

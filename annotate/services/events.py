"""Writing history."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from annotate.models import Event, Project, User


def event_write(
    actor: User | None,
    verb: str,
    *,
    project: Project | None,
    target: models.Model | str = "",
    implied: bool = False,
    **detail: Any,
) -> None:
    """Append one event. ``actor`` None is the system. Call inside the transaction it tells of."""
    Event.objects.create(
        project=project,
        actor=actor,
        actor_name=actor.shown_name[:200] if actor else "Concord",
        verb=verb,
        target=(target if isinstance(target, str) else f"{target._meta.model_name} {target.pk}")[
            :100
        ],
        detail=detail,
        implied=implied,
        at=timezone.now(),
    )

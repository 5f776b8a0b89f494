"""Named constraints that several models share."""

from __future__ import annotations

from django.db import models


def one_of(field: str, choices: type[models.TextChoices], name: str) -> models.CheckConstraint:
    """Repeat an enum in the database, where ``QuerySet.update()`` cannot get round it."""
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": choices.values}), name=name)


def choice_or_value(name: str) -> models.CheckConstraint:
    """Exactly one of an option code and another value."""
    return models.CheckConstraint(
        condition=models.Q(choice__isnull=False, value__isnull=True)
        | models.Q(choice__isnull=True, value__isnull=False),
        name=name,
    )


def share(field: str, name: str) -> models.CheckConstraint:
    """A probability: null, or from 0 to 1."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__isnull": True})
        | models.Q(**{f"{field}__gte": 0, f"{field}__lte": 1}),
        name=name,
    )

"""Kinds of columns that Django does not have."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class OrderedFields(models.JSONField):
    """A dict of name -> text whose order counts, also on PostgreSQL.

    ``jsonb`` keeps the keys of an object in an order of its own, so the pairs are stored as a list
    of lists. In Python it is a dict. Lookups by key do not work on it.
    """

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            value = [[name, text] for name, text in value.items()]
        return super().get_prep_value(value)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        if isinstance(value, str):
            value = json.loads(value, cls=self.decoder)
        if isinstance(value, list):
            return dict(value)
        return value

    def deconstruct(self) -> Any:
        """As its base: to the database it is a plain JSON column, and migrations need no class."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

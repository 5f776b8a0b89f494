"""Cursor pages: stable while rows come in, and as fast at the end as at the start."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from annotate.errors import BadInput


class Pages(CursorPagination):
    page_size = 100
    ordering = "id"


def page_of(
    request: Request,
    rows: QuerySet[Any],
    shape: type[BaseSerializer[Any]],
    *,
    context: dict[str, Any] | None = None,
) -> Response:
    """One page: {next, previous, results}. Raises BadInput for a cursor that is none of ours."""
    pages = Pages()
    try:
        found: list[Model] | None = pages.paginate_queryset(rows, request)
    except NotFound as error:
        raise BadInput("This cursor is not one that a page gave you.") from error
    return pages.get_paginated_response(shape(found, many=True, context=context or {}).data)

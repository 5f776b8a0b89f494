"""Cursor pages: stable while rows come in, and as fast at the end as at the start."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from annotate.api.queries import MAX_PAGE
from annotate.api.shapes import MAX_ID, Shape
from annotate.errors import BadInput


class Pages(CursorPagination):
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE
    ordering = "id"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Read the cursor. Its position must be an id, which the base class does not know."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            position = str(cursor.position)
            if not (position.isascii() and position.isdigit() and int(position[:20]) <= MAX_ID):
                raise NotFound(self.invalid_cursor_message)
        return cursor


def page_of(
    request: Request,
    rows: QuerySet[Any],
    shape: type[Shape],
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

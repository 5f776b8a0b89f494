"""What every operation of the schema shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from annotate.api.shapes import MAX_ID, Problem

REFUSALS = {
    400: OpenApiResponse(Problem, "The request is not JSON or not understood."),
    401: OpenApiResponse(Problem, "No valid token."),
    403: OpenApiResponse(Problem, "Your role does not include this."),
    404: OpenApiResponse(Problem, "No such thing, or you are not a member."),
    405: OpenApiResponse(Problem, "This address does not take this method."),
    409: OpenApiResponse(Problem, "Somebody was there first, or the state does not admit it."),
    413: OpenApiResponse(Problem, "Too much for one request; send it in several."),
    415: OpenApiResponse(Problem, "Send application/json."),
    422: OpenApiResponse(Problem, "The data does not fit; see fields."),
    429: OpenApiResponse(Problem, "Too many tries; wait as Retry-After says."),
}


def path_id(name: str) -> OpenApiParameter:
    if name == "move":
        return OpenApiParameter(
            name, {"type": "string", "enum": ["pause", "resume", "cancel"]}, OpenApiParameter.PATH
        )
    return OpenApiParameter(
        name, {"type": "integer", "minimum": 1, "maximum": MAX_ID}, OpenApiParameter.PATH
    )


def operation(
    summary: str,
    *,
    returns: Any,
    status: int = 200,
    takes: Any = None,
    paths: Sequence[str] = ("project_id",),
    query: type[serializers.Serializer[Any]] | None = None,
    name: str,
    media: Sequence[str] = ("application/json",),
    empty: str = "",
) -> Callable[[Any], Any]:
    """Describe an operation: one line, what it takes, what it gives back, how it refuses.

    ``empty`` says when it gives nothing back (204).
    """
    return extend_schema(
        summary=summary,
        operation_id=name,
        request=takes,
        parameters=[*(path_id(p) for p in paths), *([query] if query else [])],
        responses={
            **{(status, one): returns for one in media},
            **({204: OpenApiResponse(description=empty)} if empty else {}),
            **{(code, "application/problem+json"): said for code, said in REFUSALS.items()},
        },
    )


def page(shape: type[serializers.BaseSerializer[Any]]) -> Any:
    """The shape of one cursor page of ``shape``."""
    name = f"Page{shape.__name__.removesuffix('Shape')}"
    return inline_serializer(
        name,
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": shape(many=True),
        },
    )

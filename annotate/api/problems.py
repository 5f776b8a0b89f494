"""One problem format for every refusal (RFC 9457): type, title, status, detail, and fields."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from annotate.errors import BadInput, ConcordError

CONTENT_TYPE = "application/problem+json"


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """A refusal. ``code`` is stable and for programs, ``detail`` is a sentence for people."""
    body = {"type": f"concord:{code}", "title": code.replace("_", " "), "status": status}
    return Response(
        body | {"detail": detail} | more,
        status=status,
        headers=headers,
        content_type=CONTENT_TYPE,
    )


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's hook: ours and its own errors in one format; others are a 500."""
    if isinstance(error, ConcordError):
        return problem(error.status, error.code, error.message, **error.detail)
    if isinstance(error, exceptions.ValidationError):
        return problem(
            BadInput.status,
            BadInput.code,
            "The data sent does not fit; see fields.",
            fields=error.detail,
        )
    standard = exception_handler(error, context)
    if standard is None:
        return None
    headers = {
        name: standard[name] for name in ("WWW-Authenticate", "Retry-After") if name in standard
    }
    return problem(standard.status_code, _code(error), _detail(error), headers=headers)


def _code(error: Exception) -> str:
    if isinstance(error, Http404):
        return "not_found"
    if isinstance(error, PermissionDenied):
        return "not_allowed"
    return str(getattr(error, "default_code", "error"))


def _detail(error: Exception) -> str:
    if isinstance(error, exceptions.APIException):
        return str(error.detail)
    return str(error) or "Refused."

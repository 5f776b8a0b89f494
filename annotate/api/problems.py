"""One problem format for every refusal (RFC 9457): type, title, status, detail, and fields."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from annotate.errors import BadInput, ConcordError, NotAllowed, NotFound

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
BAD_REQUEST = (SuspiciousOperation, BadRequest, MultiPartParserError)


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


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's hook: whatever goes wrong, in one format.

    What nobody foresaw is a 500 whose cause stands in the server's log and not in the reply.
    """
    if isinstance(error, ConcordError):
        return problem(error.status, error.code, error.message, **error.detail)
    if isinstance(error, exceptions.ValidationError):
        return problem(
            BadInput.status,
            BadInput.code,
            "The data sent does not fit; see fields.",
            fields=error.detail,
        )
    if isinstance(error, RequestDataTooBig):
        return problem(
            413, "too_large", "This is more than one request may hold. Send it in several."
        )
    if isinstance(error, BAD_REQUEST):
        return problem(400, "bad_request", "The request was not understood.")
    standard = exception_handler(error, context)
    if standard is None:
        log.error("The API failed.", exc_info=error)
        return problem(
            500, "fault", "This is a fault of Concord, and its log has the cause. Try again later."
        )
    headers = {
        name: standard[name] for name in ("WWW-Authenticate", "Retry-After") if name in standard
    }
    return problem(standard.status_code, _code(error), _detail(error), headers=headers)


def _code(error: Exception) -> str:
    if isinstance(error, Http404):
        return NotFound.code
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        return NotAllowed.code
    return str(getattr(error, "default_code", "error"))


def _detail(error: Exception) -> str:
    if isinstance(error, exceptions.APIException):
        return str(error.detail)
    return str(error) or "Refused."

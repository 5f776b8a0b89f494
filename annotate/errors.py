"""What can go wrong in a way that a person should be told.

Views turn these into a message, the API into a problem document; ``code`` is stable, ``status`` is
the HTTP status, the text says what, where and what to do.
"""

from __future__ import annotations

from typing import Any, ClassVar


class ConcordError(Exception):
    """Base of all errors meant for a person."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "error"

    def __init__(self, message: str, **detail: Any) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class BadInput(ConcordError):
    """What was sent does not fit; ``detail`` may hold ``fields: {name: message}``."""

    status = 422
    code = "bad_input"


class NotFound(ConcordError):
    status = 404
    code = "not_found"


class NotAllowed(ConcordError):
    status = 403
    code = "not_allowed"


class Conflict(ConcordError):
    """Somebody or something else was there first, or the state does not admit it."""

    status = 409
    code = "conflict"


class TooManyAttempts(ConcordError):
    """Guessing is slowed down: wait, then try again."""

    status = 429
    code = "too_many_attempts"


class JobStopped(Exception):
    """Raised inside a job whose row was paused, cancelled or taken over. Not for people."""

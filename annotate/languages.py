"""In which language a person reads Concord: their own choice, else what the browser asks for."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def language_of(request: HttpRequest) -> str:
    """The language an account has chosen; empty where it has not, or where it is no longer there.

    Loads the account of the session, as every page does that is not for everybody.
    """
    user = request.user
    chosen = str(user.language) if user.is_authenticated else ""
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def language_remember(response: HttpResponse, language: str) -> None:
    """Keep the choice in the browser, for the pages that are seen before log-in."""
    if language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            samesite="Lax",
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        )
    else:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")

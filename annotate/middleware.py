"""The language of whoever is logged in; errors meant for a person, as a page or as a fragment."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from annotate.errors import ConcordError
from annotate.languages import language_of


class LanguageMiddleware:
    """Speak the language an account has chosen. Django's LocaleMiddleware, which comes before the
    session's account is known, has chosen by the cookie and by what the browser asks for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = language_of(request)
        if chosen:
            translation.activate(chosen)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class ConcordErrorMiddleware:
    """Turn a ConcordError that a view let through into its status and its sentence."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, ConcordError):
            return None
        template = (
            "errors/fragment.html" if getattr(request, "htmx", False) else "errors/sentence.html"
        )
        response = render(request, template, {"error": exception}, status=exception.status)
        if getattr(request, "htmx", False):
            # Whatever was to be swapped stays; the sentence goes to the messages.
            response["HX-Retarget"] = "#messages"
            response["HX-Reswap"] = "innerHTML"
        return response

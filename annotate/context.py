"""What every page's template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from annotate.models import Theme


def page(request: HttpRequest) -> dict[str, Any]:
    """Theme (from the account, else the cookie) and Concord's version."""
    return {"theme": theme_of(request), "version": settings.VERSION}


def theme_of(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return str(user.theme)
    kept = request.COOKIES.get("theme", "")
    return kept if kept in Theme.values else Theme.AUTO.value

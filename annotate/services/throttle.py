"""Counting attempts, so that passwords and links cannot be guessed by trying.

A fixed window in Django's cache. The default cache lives in the process's memory: with several
web processes each counts for itself, so the limit is that many times as high; a shared cache
(CACHES) makes it one. It slows guessing down; it is no substitute for good passwords.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from django.core.cache import cache
from django.utils.translation import ngettext

from annotate.errors import TooManyAttempts


@dataclass(frozen=True)
class Limit:
    """At most ``attempts`` in any one window of ``seconds``."""

    name: str
    attempts: int
    seconds: int


# One person who mistypes is not stopped, one who tries a list is.
LOGIN_OF_NAME = Limit("login-name", 10, 300)
LOGIN_OF_ADDRESS = Limit("login-address", 100, 300)
INVITATION_OF_ADDRESS = Limit("invitation", 30, 300)


def attempt_check(limit: Limit, *who: str) -> None:
    """Raise TooManyAttempts when ``who`` has used up this window's attempts. Counts nothing."""
    if int(cache.get(_key(limit, who), 0)) >= limit.attempts:
        minutes = max(1, round(limit.seconds / 60))
        raise TooManyAttempts(
            ngettext(
                "Too many attempts from here. Wait %(n)s minute, then try again.",
                "Too many attempts from here. Wait %(n)s minutes, then try again.",
                minutes,
            )
            % {"n": minutes}
        )


def attempt_count(limit: Limit, *who: str) -> None:
    """Count one failed attempt of ``who``."""
    key = _key(limit, who)
    if not cache.add(key, 1, limit.seconds):
        try:
            cache.incr(key)
        except ValueError:  # the window ended between the two calls
            cache.add(key, 1, limit.seconds)


def attempts_forget(limit: Limit, *who: str) -> None:
    """Somebody got it right: what they mistyped before counts no more."""
    cache.delete(_key(limit, who))


def _key(limit: Limit, who: tuple[str, ...]) -> str:
    # Hashed: what people type need not be fit for a cache key, nor lie about in a cache.
    digest = hashlib.sha256("\0".join(who).encode("utf-8", "surrogatepass")).hexdigest()
    return f"throttle:{limit.name}:{int(time.time() // limit.seconds)}:{digest}"

"""Sessions in the database, looked up by what can be a key and by nothing else."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    """A cookie may hold anything, and PostgreSQL refuses to look for the character NUL."""

    def _validate_session_key(self, key: str | None) -> bool:
        """Django's own rule is a length of 8 at least; its keys are letters and digits."""
        return key is not None and len(key) >= 8 and key.isascii() and key.isalnum()

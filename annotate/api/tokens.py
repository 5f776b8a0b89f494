"""Who asks: a token in the Authorization header, else the session of the screens."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


class TokenLogIn(TokenAuthentication):
    """``Authorization: Token <40 characters>``."""

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        # What is no token is not looked up: the database does not take every text.
        if not (key.isascii() and key.isalnum()):
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(key)

"""Provider keys: read from the environment, or kept encrypted; never shown, never logged.

A typed key is encrypted with Fernet (AES-128-CBC and HMAC-SHA256) under a key that HKDF-SHA256
(RFC 5869) derives from FIELD_KEY, or from SECRET_KEY where FIELD_KEY is not set.

Whoever may add connections may have any variable that `VARIABLE` admits sent to an address of their
choosing, so only names that say they are such a key are admitted: no other secret of the server.
"""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from judges.models import Connection, ProviderName
from judges.providers.base import ProviderError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,80}_API_KEY")
MAX_KEY = 2_000


def key_encrypt(key: str) -> str:
    """The key, encrypted: what the database keeps."""
    return _fernet().encrypt(key.encode()).decode("ascii")


def key_check(key: str) -> str:
    """A typed key without the blanks around it. Raises BadInput for what no header can carry."""
    key = key.strip()
    if len(key) > MAX_KEY or not key.isascii() or not key.isprintable():
        raise BadInput(
            _("This does not look like a key: it must be one line of plain characters."),
            fields={"key": _("Enter the key as the provider shows it.")},
        )
    return key


def variable_check(name: str) -> str:
    """The name of an environment variable that may hold a key. Raises BadInput."""
    name = name.strip()
    if name and not VARIABLE.fullmatch(name):
        raise BadInput(
            _("Only variables whose name ends in _API_KEY are read, as in OPENAI_API_KEY."),
            fields={"key_variable": _("The name must end in _API_KEY.")},
        )
    return name


def key_of(connection: Connection) -> str:
    """The connection's key, "" where it has none. Raises ProviderError where it cannot be had."""
    if connection.provider == ProviderName.LOCAL_LLM:
        return str(settings.LOCAL_LLM_KEY)
    if connection.key_variable:
        key = os.environ.get(connection.key_variable, "").strip()
        if not key:
            raise ProviderError(
                "key_refused",
                _(
                    "The environment variable %(name)s is not set where the worker runs. Set it, "
                    "start the worker again, then resume."
                )
                % {"name": connection.key_variable},
            )
        return key
    if connection.key_encrypted:
        return _decrypt(connection.key_encrypted)
    return ""


def _decrypt(token: str) -> str:
    from cryptography.fernet import InvalidToken

    try:
        return _fernet().decrypt(token.encode("ascii")).decode()
    except InvalidToken:
        raise ProviderError(
            "bad_config",
            _(
                "The key kept for this connection cannot be read any more: FIELD_KEY or SECRET_KEY "
                "has changed since. Enter the key again, then resume."
            ),
        ) from None


def _fernet() -> Fernet:
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    secret = settings.FIELD_KEY or settings.SECRET_KEY
    derived = HKDF(
        algorithm=SHA256(), length=32, salt=b"concord", info=b"provider keys at rest, 1"
    ).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))

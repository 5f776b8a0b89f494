"""Addresses of connections as they are entered: what they look like, whether texts leave this
machine for them, and whether the operator lets them be reached.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from annotate.errors import BadInput
from judges.providers.addresses import checked
from judges.providers.base import ProviderError
from judges.services.providers import reach_allowed


def address_check(base_url: str) -> str:
    """The address as it is kept. Raises BadInput unless it is a plain http(s) address."""
    base_url = base_url.strip().rstrip("/")
    try:
        address = urlsplit(base_url)
        address.port  # noqa: B018 (raises for a port that is none)
    except ValueError:
        address = urlsplit("")
    good = (
        address.scheme in {"http", "https"}
        and address.hostname
        and not (address.username or address.password or address.query or address.fragment)
        and base_url.isprintable()
        and " " not in base_url
        and len(base_url) <= 500
    )
    if not good:
        raise BadInput(
            _("The address must start with http:// or https:// and hold no key and no parameters."),
            fields={"base_url": _("As in https://api.example.org/v1")},
        )
    return base_url


def reach_check(base_url: str, *, leaves: bool) -> None:
    """Raise BadInput for an address that the operator does not allow. Looks its name up; a name
    that has no address now is judged when it is asked, as every address is then again.
    """
    address = urlsplit(base_url)
    reach = dataclasses.replace(reach_allowed(), stays=not leaves)
    try:
        checked(
            address.hostname or "",
            address.port or (443 if address.scheme == "https" else 80),
            reach,
        )
    except OSError:
        return
    except ProviderError as error:
        raise BadInput(
            error.message, fields={"base_url": _("This server does not reach it.")}
        ) from None


def address_leaves(base_url: str) -> bool:
    """Whether texts sent there leave this machine: everything but loopback does."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True

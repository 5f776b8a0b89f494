"""Which addresses a judge may be asked at: public ones, and of the private ones those that the
operator named.

Whoever adds a connection chooses where this server sends requests. Without a check that is a door
into the network the server stands in: other services on loopback, the neighbours, and the cloud's
metadata service, which hands out credentials. So a host name is resolved, every address it has is
checked, and the connection goes to an address that was checked (`judges.providers.bounded_http`): a
name that answers differently the second time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from judges.providers.base import ProviderError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: tuple[Network, ...] = (
    ipaddress.IPv4Network("127.0.0.0/8"),
    ipaddress.IPv6Network("::1/128"),
)
# Public by its number, and yet a cloud's own service for the machines inside it.
_INTERNAL = frozenset({ipaddress.ip_address("168.63.129.16")})
# IPv6 addresses of these carry an IPv4 address that a gateway goes on to: RFC 6052, RFC 8215.
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_-]+)*\.?", re.I)


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be reached besides public addresses.

    `networks` are private networks allowed; `names` are host names allowed whatever address they
    have. `stays` True allows, of all this, only loopback: for connections of which the project was
    told that its texts do not leave this machine.
    """

    networks: tuple[Network, ...] = ()
    names: frozenset[str] = frozenset()
    stays: bool = False

    def allows(self, host: str, address: Address) -> bool:
        """Whether `host`, which has this address, may be reached at it."""
        parts = _parts(address)
        if self.stays and not is_loopback(address):
            return False
        if host.lower().rstrip(".") in self.names:
            return True
        return all(_is_public(part) or _within(part, self.networks) for part in parts)


PUBLIC_ONLY = Reach()


def reach_of(entries: Iterable[str]) -> tuple[Reach, list[str]]:
    """The Reach that a list of networks, addresses and host names allows, and the entries that
    are none of these; those allow nothing.
    """
    networks: list[Network] = []
    names: set[str] = set()
    wrong: list[str] = []
    for entry in filter(None, map(str.strip, entries)):
        try:
            networks.append(ipaddress.ip_network(entry.strip("[]")))
        except ValueError:
            # What looks like a number is a network that was mistyped, not a name.
            if _NAME.fullmatch(entry) and not re.fullmatch(r"[\d.:/]+", entry):
                names.add(entry.lower().rstrip("."))
            else:
                wrong.append(entry)
    return Reach(tuple(networks), frozenset(names)), wrong


def resolved(host: str, port: int) -> list[Address]:
    """The addresses of a host name or number, in the system's order. Raises OSError."""
    literal = _literal(host)
    if literal is not None:
        return [literal]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    numbers = (str(entry[4][0]).partition("%")[0] for entry in found)
    return list(dict.fromkeys(ipaddress.ip_address(number) for number in numbers))


def checked(host: str, port: int, reach: Reach) -> list[Address]:
    """The addresses of `host`, all of which may be reached. Raises ProviderError of kind
    bad_config where one may not, OSError where the name has none now.
    """
    addresses = resolved(host, port)
    if all(reach.allows(host, address) for address in addresses):
        return addresses
    # The sentences tell no address of the inside.
    if reach.stays and not all(is_loopback(address) for address in addresses):
        raise ProviderError(
            "bad_config",
            f"{host} was entered as an address on this machine, and now leads elsewhere."
            " Nothing was sent. Enter the address where the judge really is.",
        )
    raise ProviderError(
        "bad_config",
        f"{host} is inside a private network, where judges may not be asked. Whoever runs this"
        " server can allow it by the setting JUDGE_PRIVATE_HOSTS.",
    )


def is_loopback(address: Address) -> bool:
    """Whether what is sent there stays on this machine."""
    return all(_within(part, LOOPBACK) for part in _parts(address))


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and address not in _INTERNAL


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _parts(address: Address) -> tuple[Address, ...]:
    """Where packets may end: of an IPv6 address that carries IPv4 addresses, those."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    number = int(address)
    if _within(address, _NAT64) or 1 < number < 2**32:  # the last are IPv4-compatible, RFC 4291
        return (ipaddress.IPv4Address(number & 0xFFFFFFFF),)
    return (address,)

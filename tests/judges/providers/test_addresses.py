"""Where a judge may be asked: nothing private that the operator did not allow, however named."""

from __future__ import annotations

import _socket
import datetime
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from judges.exchange import Request
from judges.providers import addresses, bounded_http
from judges.providers.addresses import LOOPBACK, PUBLIC_ONLY, Reach, checked, reach_of
from judges.providers.base import Capabilities, ProviderError
from judges.providers.openai_compatible import OpenAICompatible
from tests.judges.providers.endpoint import Answer, Endpoint, completion

HERE = Reach(networks=LOOPBACK)
STAYS = Reach(networks=LOOPBACK, stays=True)
ASKED = Request(system="", user="U", options=(), want="letter")
PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.5",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.2.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::127.0.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
]

Names: TypeAlias = "Callable[[str], list[str]]"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[[Names], list[str]]:
    """Let names have the addresses that a function gives; returns the names looked up."""
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def give(addresses_of: Names) -> list[str]:
        def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
            if re.fullmatch(r"[\d.]+|.*:.*", host):
                return real(host, port, *rest, **more)
            looked_up.append(host)
            found = addresses_of(host)
            if not found:
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            return [(None, None, 0, "", (number, port)) for number in found]

        monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
        return looked_up

    return give


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with ExitStack() as stack:
        yield stack.enter_context(Endpoint(lambda _: completion("A")).running())


def asked_at(url: str, reach: Reach, **more: Any) -> OpenAICompatible:
    return OpenAICompatible(
        url, "tiny", "a long key", timeout=5.0, capabilities=Capabilities(), reach=reach, **more
    )


@pytest.mark.parametrize("number", PRIVATE)
def test_private_addresses_are_refused_in_any_notation(number: str) -> None:
    with pytest.raises(ProviderError, match="JUDGE_PRIVATE_HOSTS") as caught:
        checked(number, 80, PUBLIC_ONLY)
    assert (caught.value.kind, caught.value.concerns) == ("bad_config", "judge")


@pytest.mark.parametrize(
    "number", ["8.8.8.8", "2606:4700::1", "2002:808:808::1", "64:ff9b::8.8.8.8"]
)
def test_public_addresses_may_be_asked(number: str) -> None:
    assert checked(number, 443, PUBLIC_ONLY) == [ipaddress.ip_address(number)]


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_however_it_is_wrapped(number: ipaddress.IPv4Address) -> None:
    wrapped = [
        ipaddress.IPv6Address(f"::ffff:{number}"),
        ipaddress.IPv6Address(f"64:ff9b::{number}"),
        ipaddress.IPv6Address((0x2002 << 112) | (int(number) << 80)),
    ]
    for reach in (PUBLIC_ONLY, HERE, STAYS):
        plain = reach.allows("h", number)
        assert [reach.allows("h", address) for address in wrapped] == [plain] * 3


@pytest.mark.parametrize("spelt", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_other_spellings_of_loopback_are_resolved_before_they_are_judged(
    spelt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The system's own look-up: these are the ways in which numbers get past a check of the text.
    monkeypatch.setattr(
        addresses.socket, "getaddrinfo", lambda host, port, type: _socket.getaddrinfo(host, port)
    )
    with pytest.raises(ProviderError):
        checked(spelt, 80, PUBLIC_ONLY)
    assert checked(spelt, 80, HERE)


def test_one_private_address_among_public_ones_is_enough_to_refuse(names: Any) -> None:
    names(lambda _: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(ProviderError):
        checked("mixed.example", 443, PUBLIC_ONLY)


def test_the_operator_allows_networks_and_names(names: Any) -> None:
    names(lambda _: ["10.0.0.7"])
    for entries in (["10.0.0.0/8"], ["10.0.0.7"], ["vllm.internal"], [" VLLM.internal. ", ""]):
        reach, wrong = reach_of(entries)
        assert not wrong
        assert checked("vllm.internal", 80, reach)
    for entries in ([], ["10.0.0.8"], ["other.internal"], ["internal"]):
        with pytest.raises(ProviderError):
            checked("vllm.internal", 80, reach_of(entries)[0])


@pytest.mark.parametrize(
    "entry", ["10.0.0.0/33", "10.0.0.1/8", "300.1.1.1", "http://x", "a b", "*"]
)
def test_an_entry_that_is_neither_allows_nothing(entry: str) -> None:
    reach, wrong = reach_of(["127.0.0.0/8", entry])
    assert wrong == [entry]
    assert reach == Reach(networks=(ipaddress.IPv4Network("127.0.0.0/8"),))


# --- When it connects ---------------------------------------------------------------------------


def test_nothing_is_sent_to_a_private_address(endpoint: Endpoint) -> None:
    for url in (endpoint.url, endpoint.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(ProviderError, match="private network") as caught:
            asked_at(url, PUBLIC_ONLY).ask(ASKED)
        assert caught.value.kind == "bad_config"
    assert endpoint.asked == []


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(
    endpoint: Endpoint, names: Any
) -> None:
    """DNS rebinding: allowed when it was saved, somewhere else when it is asked."""
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    names(lambda _: next(answers))
    url = endpoint.url.replace("127.0.0.1", "rebound.example")
    assert checked("rebound.example", 80, PUBLIC_ONLY)
    with pytest.raises(ProviderError, match="private network"):
        asked_at(url, PUBLIC_ONLY).ask(ASKED)
    assert endpoint.asked == []


def test_the_connection_goes_to_the_address_that_was_checked(
    endpoint: Endpoint, names: Any
) -> None:
    """A second look-up between check and connection would be the rebinding's chance."""
    answers = iter([["127.0.0.1"]])
    looked_up = names(lambda _: next(answers))
    host = f"judge.internal:{endpoint.url.rpartition(':')[2].partition('/')[0]}"
    reach, _wrong = reach_of(["judge.internal"])
    asked = asked_at(f"http://{host}/v1", reach)
    assert asked.ask(ASKED).raw == "A"
    assert asked.ask(ASKED).raw == "A"
    assert looked_up == ["judge.internal"]
    assert [arrived.headers["host"] for arrived in endpoint.asked] == [host] * 2


def test_the_next_address_is_tried_where_one_does_not_answer(
    endpoint: Endpoint, names: Any
) -> None:
    # 127.0.0.2 is loopback too, and nothing listens there.
    names(lambda _: ["127.0.0.2", "127.0.0.1"])
    asked = asked_at(endpoint.url.replace("127.0.0.1", "two.internal"), HERE)
    assert asked.ask(ASKED).raw == "A"


def test_a_name_without_an_address_cannot_be_reached(names: Any) -> None:
    names(lambda _: [])
    with pytest.raises(ProviderError, match="cannot be reached") as caught:
        asked_at("http://nowhere.example/v1", HERE).ask(ASKED)
    assert caught.value.kind == "unreachable"


def test_a_connection_that_stays_here_reaches_no_further(endpoint: Endpoint, names: Any) -> None:
    """A project that keeps its texts believes names like x.localhost: their address must be."""
    where = ["127.0.0.1"]
    names(lambda _: list(where))
    url = endpoint.url.replace("127.0.0.1", "judge.localhost")
    reach = Reach(networks=(ipaddress.ip_network("0.0.0.0/0"),), stays=True)
    assert asked_at(url, reach).ask(ASKED).raw == "A"
    where[:] = ["8.8.8.8"]
    with pytest.raises(ProviderError, match="leads elsewhere"):
        asked_at(url, reach).ask(ASKED)
    # To stay is no leave to go where the operator allows nothing.
    where[:] = ["127.0.0.1"]
    with pytest.raises(ProviderError, match="private network"):
        asked_at(url, Reach(stays=True)).ask(ASKED)


def test_a_connection_that_stays_here_is_not_handed_to_a_proxy(
    endpoint: Endpoint, names: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(lambda _: ["127.0.0.1"])
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    url = endpoint.url.replace("127.0.0.1", "judge.localhost")
    assert asked_at(url, STAYS).ask(ASKED).raw == "A"


def test_what_is_private_is_not_handed_to_a_proxy_either(
    endpoint: Endpoint, names: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint stands in for the proxy: it gets the whole address in the request line."""
    known = {"inside.example": ["10.0.0.1"], "127.0.0.1": ["127.0.0.1"]}
    names(lambda host: known.get(host, []))
    monkeypatch.setenv("http_proxy", endpoint.url.removesuffix("/v1"))
    for host in ("10.0.0.1", "inside.example"):
        with pytest.raises(ProviderError, match="private network"):
            asked_at(f"http://{host}/v1", PUBLIC_ONLY).ask(ASKED)
    assert endpoint.asked == []
    # A name that only the proxy knows is the proxy's to restrict.
    assert asked_at("http://outside.example/v1", PUBLIC_ONLY).ask(ASKED).raw == "A"
    assert endpoint.asked[0].path == "http://outside.example/v1/chat/completions"


def test_a_redirect_into_the_network_is_not_followed() -> None:
    with ExitStack() as stack:
        inside = stack.enter_context(Endpoint(lambda _: completion("A")).running())
        moved = Answer(b"", 307, {"Location": f"{inside.url}/chat/completions"})
        outside = stack.enter_context(Endpoint(lambda _: moved).running())
        with pytest.raises(ProviderError, match="redirects elsewhere"):
            asked_at(outside.url, HERE).ask(ASKED)
        assert inside.asked == []


# --- The certificate ----------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for a name, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.mark.parametrize(("held", "reached"), [("judge.internal", True), ("other.internal", False)])
def test_the_certificate_is_asked_for_and_checked_in_the_name_of_the_host(
    held: str, reached: bool, names: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the connection goes to a number."""
    names(lambda _: ["127.0.0.1"])
    chain, key = certificate(tmp_path, held)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    bounded_http._trusted.cache_clear()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    asked_for: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    served = Endpoint(lambda _: completion("A"), context=context)
    with served.running():
        url = served.url.replace("http://127.0.0.1", "https://judge.internal")
        asked = asked_at(url, HERE)
        if reached:
            assert asked.ask(ASKED).raw == "A"
        else:
            with pytest.raises(ProviderError, match="cannot be reached"):
                asked.ask(ASKED)
        asked.close()
    bounded_http._trusted.cache_clear()
    assert asked_for == ["judge.internal"]
    assert len(served.asked) == int(reached)

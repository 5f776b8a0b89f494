"""The HTTP client under the provider clients: bounded in bytes and time, sending only what is
meant, and only to where it may.

The client libraries read a whole reply into memory whatever its size, add headers about this
machine, and pick up keys and account names from the environment. A judge's endpoint is somebody
else's server, and its address somebody else's choice, so all of that is stopped at the one place
every request goes through.
"""

from __future__ import annotations

import functools
import time
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from judges.providers.addresses import PUBLIC_ONLY, Address, Reach, checked
from judges.providers.base import ProviderError

if TYPE_CHECKING:
    import ssl

    import httpx2

MAX_REPLY_BYTES = 4_000_000
# A name is looked up again after so many seconds; until then the addresses checked are used.
LOOKED_UP_SECONDS = 60.0
KEPT_OPEN = 256

_SENT_HEADERS = ("host", "accept", "connection", "content-type", "content-length")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def bounded_client(
    base_url: str,
    headers: Mapping[str, str],
    *,
    timeout: float,
    reach: Reach = PUBLIC_ONLY,
    max_bytes: int = MAX_REPLY_BYTES,
) -> httpx2.Client:
    """A client for one endpoint. `headers` are sent with each request: the key is one of them.
    `timeout` (seconds) bounds each wait and, twice over, the whole reply.

    Goes only where `reach` allows, to an address that was checked. Follows no redirect (a key must
    not travel to where it was not meant to go). Uses the proxy that the environment names, except
    for this machine itself. Raises ProviderError through the caller's library, as a cause.
    """
    import httpx2

    class BoundedTransport(httpx2.BaseTransport):
        def __init__(self) -> None:
            proxy = None if reach.stays else _proxy(base_url)
            self._proxied = proxy is not None
            # How many calls are under way at once is the engine's to say, not this pool's.
            limits = httpx2.Limits(max_connections=None, max_keepalive_connections=KEPT_OPEN)
            self._inner = httpx2.HTTPTransport(verify=_trusted(), proxy=proxy, limits=limits)
            self._addresses: list[Address] = []
            self._looked_up_at = 0.0

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            sent = {
                name: request.headers[name] for name in _SENT_HEADERS if name in request.headers
            }
            sent |= {"user-agent": "concord", "accept-encoding": "identity", **headers}
            request.headers = httpx2.Headers(sent)
            deadline = time.monotonic() + 2 * timeout
            response = self._sent(request)
            try:
                body = _read(response, deadline)
            finally:
                response.close()
            return httpx2.Response(response.status_code, headers=response.headers, content=body)

        def _sent(self, request: httpx2.Request) -> httpx2.Response:
            """The response, from the first of the checked addresses that takes the connection."""
            host = request.url.host
            if self._proxied:
                self._check_proxied(request.url)
                return self._inner.handle_request(request)
            failed: httpx2.TransportError | None = None
            known = self._checked(request.url)
            for address in known:
                # The certificate is still asked for, and checked, in the name of the host.
                at = httpx2.Request(
                    request.method,
                    request.url.copy_with(host=str(address)),
                    headers=request.headers,
                    stream=request.stream,
                    extensions={**request.extensions, "sni_hostname": host},
                )
                try:
                    response = self._inner.handle_request(at)
                except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                    failed = error
                    continue
                if address != known[0]:
                    self._addresses = [address, *(a for a in known if a != address)]
                return response
            self._looked_up_at = 0.0
            raise failed or httpx2.ConnectError("The name has no address.", request=request)

        def _checked(self, url: httpx2.URL) -> list[Address]:
            now = time.monotonic()
            if not self._looked_up_at or now - self._looked_up_at > LOOKED_UP_SECONDS:
                try:
                    self._addresses = checked(url.host, _port(url), reach)
                except OSError as error:
                    raise httpx2.ConnectError(str(error)) from error
                self._looked_up_at = now
            return self._addresses

        def _check_proxied(self, url: httpx2.URL) -> None:
            # The proxy looks the name up, and is the operator's to restrict; but what is seen here
            # to be private is not handed to it.
            try:
                checked(url.host, _port(url), reach)
            except OSError:
                return

        def close(self) -> None:
            self._inner.close()

    def _read(response: httpx2.Response, deadline: float) -> bytes:
        # A packed reply could unfold to any size; none was asked for.
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise ProviderError(
                "server_error", "The endpoint sent a compressed reply that was not asked for."
            )
        body = bytearray()
        # The inner transport's responses are not read yet; the raw bytes come as they arrive.
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > max_bytes:
                raise ProviderError(
                    "server_error",
                    f"The endpoint's reply is larger than {max_bytes:,} bytes and was not read"
                    f" further.",
                )
            if time.monotonic() > deadline:
                raise ProviderError(
                    "timeout",
                    f"The endpoint took longer than {2 * timeout:g} seconds to send its reply.",
                )
        return bytes(body)

    return httpx2.Client(
        transport=BoundedTransport(),
        timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
        follow_redirects=False,
    )


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificates this machine trusts. Reading them takes a tenth of a second, so once."""
    import httpx2

    return httpx2.create_ssl_context()


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _proxy(base_url: str) -> str | None:
    address = urlsplit(base_url)
    host = address.hostname or ""
    if host in _LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(address.scheme)

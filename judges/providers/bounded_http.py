"""The HTTP client under the provider clients: bounded in bytes and time, and sending only what
is meant.

The client libraries read a whole reply into memory whatever its size, add headers about this
machine, and pick up keys and account names from the environment. A judge's endpoint is somebody
else's server, so all of that is stopped at the one place every request goes through.
"""

from __future__ import annotations

import time
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from judges.providers.base import ProviderError

if TYPE_CHECKING:
    import httpx2

MAX_REPLY_BYTES = 4_000_000

_SENT_HEADERS = ("host", "accept", "connection", "content-type", "content-length")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def bounded_client(
    base_url: str,
    api_key: str,
    *,
    timeout: float,
    max_bytes: int = MAX_REPLY_BYTES,
) -> httpx2.Client:
    """A client for one endpoint. `timeout` (seconds) bounds each wait and, twice over, the whole
    reply.

    Follows no redirect (a key must not travel to where it was not meant to go). Uses the proxy
    that the environment names, except for this machine itself. Raises ProviderError through the
    caller's library, as a cause.
    """
    import httpx2

    class BoundedTransport(httpx2.BaseTransport):
        def __init__(self) -> None:
            self._inner = httpx2.HTTPTransport(proxy=_proxy(base_url))

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            sent = {
                name: request.headers[name] for name in _SENT_HEADERS if name in request.headers
            }
            sent |= {"user-agent": "concord", "accept-encoding": "identity"}
            if api_key:
                sent["authorization"] = f"Bearer {api_key}"
            request.headers = httpx2.Headers(sent)
            deadline = time.monotonic() + 2 * timeout
            response = self._inner.handle_request(request)
            try:
                body = _read(response, deadline)
            finally:
                response.close()
            return httpx2.Response(response.status_code, headers=response.headers, content=body)

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


def _proxy(base_url: str) -> str | None:
    address = urlsplit(base_url)
    host = address.hostname or ""
    if host in _LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(address.scheme)

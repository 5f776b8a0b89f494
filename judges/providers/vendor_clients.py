"""What the vendors' client libraries have in common: how they fail, and how their replies are read.

`openai` and `anthropic` are made by one generator, so their exceptions have the same names and
shape. Neither retries here: a call is a row, and what is asked again is counted there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from judges.providers import http_errors
from judges.providers.base import ProviderError

if TYPE_CHECKING:
    import httpx2


@dataclass(frozen=True)
class Endpoint:
    """Where is asked, for the sentences about what went wrong. `usual` says what addresses of this
    kind look like.
    """

    address: str
    model: str
    timeout: float
    usual: str
    api_key: str = field(repr=False)

    def sent(self, library: Any, send: Callable[[], httpx2.Response]) -> httpx2.Response:
        """What `send` returns. `library` is the client's module. Raises ProviderError."""
        import httpx2

        try:
            return send()
        except library.APIStatusError as error:
            body = error.body if error.body is not None else error.response.text
            raise self.refused(error.status_code, body, error.response.headers) from None
        except library.APITimeoutError as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout):
                raise self.unreachable() from None
            raise ProviderError(
                "timeout",
                f"{self.address} did not answer within {self.timeout:g} seconds. The call is tried"
                f" again.",
            ) from None
        except library.APIConnectionError as error:
            raise self.broken(error.__cause__) from None

    def refused(self, status: int, body: object, headers: Any) -> ProviderError:
        """The error for a status that is no success."""
        return http_errors.from_status(
            status,
            body,
            headers,
            address=self.address,
            model=self.model,
            api_key=self.api_key,
            usual=self.usual,
        )

    def decoded(self, response: httpx2.Response, holds: str, what: str) -> dict[str, Any]:
        """The object in a response, which must have the field `holds`. Raises ProviderError."""
        found = self.read(response.content)
        if isinstance(found, dict) and holds in found:
            return found
        if isinstance(found, dict) and found.get("error"):
            # Some gateways answer 200 and put the refusal into the body.
            inner = found["error"]
            code = inner.get("code") if isinstance(inner, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 502
            raise self.refused(status, found, response.headers)
        raise ProviderError(
            "bad_config",
            f"{self.address} answered, but not with {what}."
            f" Check the address in the connection: {self.usual}.",
        )

    def read(self, content: bytes | str) -> Any:
        """What JSON says, without the key in any of its strings; None for what is no JSON. An
        endpoint may echo what it was sent, and replies are shown, kept and exported.
        """
        try:
            return _cleaned(json.loads(content), self.api_key)
        except (ValueError, RecursionError):
            return None

    def unreachable(self) -> ProviderError:
        return ProviderError(
            "unreachable",
            f"{self.address} cannot be reached. Check the address and that the server runs.",
        )

    def broken(self, cause: BaseException | None) -> ProviderError:
        """The error for a connection that failed, from what made it fail."""
        import httpx2

        if isinstance(cause, ProviderError):
            return cause
        if isinstance(cause, httpx2.ConnectError | httpx2.ProxyError | httpx2.UnsupportedProtocol):
            return self.unreachable()
        return ProviderError(
            "server_error", f"{self.address} broke off the connection. The call is tried again."
        )


def _cleaned(value: Any, api_key: str) -> Any:
    if isinstance(value, str):
        return _clean_text(value, api_key)
    if isinstance(value, list):
        return [_cleaned(entry, api_key) for entry in value]
    if isinstance(value, dict):
        return {
            http_errors.without_key(name, api_key): _cleaned(entry, api_key)
            for name, entry in value.items()
        }
    return value


def _clean_text(text: str, api_key: str) -> str:
    text = http_errors.without_key(text, api_key)
    if "\\" not in text or text.lstrip()[:1] not in {"{", "["}:
        return text
    # A reply may be JSON itself, whose escapes would bring the key back when it is read.
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return text
    cleaned = _cleaned(said, api_key)
    return text if cleaned == said else json.dumps(cleaned, ensure_ascii=False)


def checked_address(base_url: str, example: str) -> str:
    """The address without a slash at its end. Raises ProviderError unless it is a plain web
    address.
    """
    address = urlsplit(base_url.strip())
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ProviderError(
            "bad_config",
            "The connection's address must start with http:// or https:// and name a server,"
            f" for example {example}.",
        )
    if address.username or address.password or address.query or address.fragment:
        raise ProviderError(
            "bad_config",
            "The connection's address must hold no user name, password or parameters. Enter"
            " the key by itself.",
        )
    return address.geturl().rstrip("/")

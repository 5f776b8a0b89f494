"""Anthropic's Messages API, by its vendor's own client.

As thin as `judges.providers.openai_compatible`, and with the same rules: nothing is retried, and a
weaker way to hold a reply to its form is taken only where the endpoint rejects the stronger one.
"""

from __future__ import annotations

import dataclasses
import threading
import time
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from judges.providers.addresses import PUBLIC_ONLY, Reach
from judges.providers.base import Capabilities, Form, ProviderError, Reply, Request
from judges.providers.bounded_http import MAX_REPLY_BYTES, bounded_client
from judges.providers.messages import message_body, read_message, thought
from judges.providers.openai_compatible import HELLO, PROBE, is_answer
from judges.providers.vendor_clients import Endpoint, checked_address

if TYPE_CHECKING:
    import anthropic
    import httpx2

DEFAULT_TIMEOUT = 60.0
API_VERSION = "2023-06-01"
# Strongest first.
FORMS: tuple[Form, ...] = ("output", "tool", "prefill")


class AnthropicMessages:
    """A ChatProvider for one model at one address. Safe to use from several threads.

    `base_url` is the address without /v1; the rest is as for OpenAICompatible.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str = "",
        *,
        timeout: float = DEFAULT_TIMEOUT,
        capabilities: Capabilities | None = None,
        reach: Reach = PUBLIC_ONLY,
    ) -> None:
        self._endpoint = endpoint_of(base_url, model, api_key, timeout)
        self.base_url = self._endpoint.address
        self.model = model
        self.capabilities = capabilities
        self._reach = reach
        self._lock = threading.Lock()
        self._client: anthropic.Anthropic | None = None
        self._finalizer: weakref.finalize[..., AnthropicMessages] | None = None

    def __repr__(self) -> str:
        return f"AnthropicMessages({self.base_url!r}, {self.model!r})"

    def ask(self, request: Request) -> Reply:
        """Send one request and wait for its reply. Raises ProviderError; never retries by
        itself.
        """
        capabilities = self.capabilities or self.probe()
        body = message_body(request, self.model, capabilities)
        started = time.monotonic()
        message = self._post(body)
        return read_message(message, request, time.monotonic() - started, capabilities)

    def probe(self) -> Capabilities:
        """Find out what the endpoint honours for the model: 3 to 6 tiny calls. Raises
        ProviderError.
        """
        found = self._probe_temperature()
        for form in FORMS:
            held = self._holds(dataclasses.replace(found, form=form))
            if held:
                found = dataclasses.replace(
                    found, form=form, schema=form != "prefill", json_object=form == "prefill"
                )
                break
        found = dataclasses.replace(found, batch=self._lists_batches())
        self.capabilities = found
        return found

    def close(self) -> None:
        """Give the connections back. Done too when the provider is forgotten; `ask` opens new."""
        with self._lock:
            if self._finalizer is not None:
                self._finalizer()
            self._client = self._finalizer = None

    def _probe_temperature(self) -> Capabilities:
        """The plainest call that works. Models that think by themselves take no temperature, and
        may leave out to think about so small a question, so the one tells of the other.
        """
        found = Capabilities()
        try:
            message = self._post(message_body(PROBE, self.model, found))
        except ProviderError as error:
            if not error.unsupported or "temperature" not in error.message.lower():
                raise
            found = dataclasses.replace(found, temperature=False, thinks=True)
            message = self._post(message_body(PROBE, self.model, found))
        read_message(message, PROBE, 0.0, found)
        return dataclasses.replace(found, thinks=found.thinks or thought(message))

    def _holds(self, wanted: Capabilities) -> bool:
        """Whether a reply is held to its form this way, asked for something else than an answer."""
        request = dataclasses.replace(PROBE, want="json", user=HELLO, max_tokens=256)
        if wanted.form == "prefill":
            # Nothing holds it after the first character but what it was asked.
            request = dataclasses.replace(
                request, user='Answer with a JSON object with the keys "answer" ("A" or "B").'
            )
        try:
            message = self._post(message_body(request, self.model, wanted))
        except ProviderError as error:
            # The same request without this was accepted, so this is what it cannot do.
            if error.unsupported:
                return False
            raise
        try:
            return is_answer(read_message(message, request, 0.0, wanted).raw)
        except ProviderError:
            return False

    def _lists_batches(self) -> bool:
        """Whether there is a batch lane. The key was good for a message, so where it is refused now
        there is none for it.
        """
        import anthropic
        import httpx2

        client = self._opened()
        try:
            response = self._endpoint.sent(
                anthropic,
                lambda: client.get("/v1/messages/batches?limit=1", cast_to=httpx2.Response),
            )
        except ProviderError as error:
            if error.kind in {"bad_config", "model_gone", "key_refused"}:
                return False
            raise
        listed = self._endpoint.read(response.content)
        return isinstance(listed, dict) and isinstance(listed.get("data"), list)

    def _post(self, body: Mapping[str, object]) -> dict[str, Any]:
        import anthropic
        import httpx2

        client = self._opened()
        response = self._endpoint.sent(
            anthropic,
            lambda: client.post("/v1/messages", cast_to=httpx2.Response, body=dict(body)),
        )
        return self._endpoint.decoded(response, "content", "a message")

    def _opened(self) -> anthropic.Anthropic:
        with self._lock:
            if self._client is None:
                self._client, http = opened(self._endpoint, self._reach)
                self._finalizer = weakref.finalize(self, http.close)
            return self._client


def endpoint_of(base_url: str, model: str, api_key: str, timeout: float) -> Endpoint:
    """Where an Anthropic provider asks. Raises ProviderError for what is no address."""
    return Endpoint(
        address=checked_address(base_url, "https://api.anthropic.com").removesuffix("/v1"),
        model=model,
        timeout=timeout,
        usual="it is usually https://api.anthropic.com",
        api_key=api_key.strip(),
    )


def opened(
    endpoint: Endpoint, reach: Reach, max_bytes: int = MAX_REPLY_BYTES
) -> tuple[anthropic.Anthropic, httpx2.Client]:
    """The vendor's client over a bounded one, which is the one to close."""
    import anthropic

    key = {"x-api-key": endpoint.api_key} if endpoint.api_key else {}
    http = bounded_client(
        endpoint.address,
        {"anthropic-version": API_VERSION, **key},
        timeout=endpoint.timeout,
        reach=reach,
        max_bytes=max_bytes,
    )
    client = anthropic.Anthropic(
        # The transport sends the key itself, or none; "-" keeps the library from looking for
        # another, and from knowing this one.
        api_key="-",
        base_url=endpoint.address,
        max_retries=0,
        http_client=http,
        timeout=http.timeout,
        open_telemetry=False,
    )
    return client, http

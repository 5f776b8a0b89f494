"""Any endpoint that speaks OpenAI's chat completions: hosted ones, vLLM, Ollama, llama.cpp's
server.

The provider is thin on purpose: it turns a Request into one HTTP request and the reply into a
Reply, retries nothing and keeps nothing. What an endpoint honours differs, so `probe` finds it
out once with a handful of tiny calls; a weaker mode is taken only where the endpoint rejects or
ignores the stronger one, never because a call failed.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from judges.providers import http_errors
from judges.providers.base import Capabilities, OptionSpec, ProviderError, Reply, Request
from judges.providers.bounded_http import bounded_client
from judges.providers.completion import (
    letter_grammar,
    read_completion,
    request_body,
    response_format,
)

if TYPE_CHECKING:
    import httpx2
    import openai

DEFAULT_TIMEOUT = 60.0


class OpenAICompatible:
    """A ChatProvider for one model at one address. Safe to use from several threads.

    `base_url` is the address up to and with /v1. `api_key` "" sends no Authorization header.
    `capabilities` None makes the first `ask` probe first. Nothing is connected or imported
    before the first call.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str = "",
        *,
        timeout: float = DEFAULT_TIMEOUT,
        capabilities: Capabilities | None = None,
    ) -> None:
        self.base_url = _checked_address(base_url)
        self.model = model
        self.timeout = timeout
        self.capabilities = capabilities
        self._api_key = api_key.strip()
        self._lock = threading.Lock()
        self._client: openai.OpenAI | None = None
        self._finalizer: weakref.finalize[..., OpenAICompatible] | None = None

    def __repr__(self) -> str:
        return f"OpenAICompatible({self.base_url!r}, {self.model!r})"

    def ask(self, request: Request) -> Reply:
        """Send one request and wait for its reply. Raises ProviderError; never retries by
        itself.
        """
        capabilities = self.capabilities or self.probe()
        body = request_body(request, self.model, capabilities)
        started = time.monotonic()
        return read_completion(self._post(body), request, time.monotonic() - started)

    def probe(self) -> Capabilities:
        """Find out what the endpoint honours: 5 to 8 tiny calls. Raises ProviderError.

        A parameter counts as honoured when a request with it is accepted and, where that shows,
        its effect is seen: a server may take `response_format` and ignore it.
        """
        found = self._probe_limits()
        found = dataclasses.replace(found, seed=self._accepts(found, {"seed": 7}) is not None)
        reply = self._accepts(found, {"logprobs": True, "top_logprobs": 5})
        seen = bool(reply and read_completion(reply, _PROBE, 0.0).token_logprobs)
        found = dataclasses.replace(found, logprobs=seen)
        reply = self._accepts(found, {"grammar": letter_grammar(_OPTIONS)}, _HELLO)
        found = dataclasses.replace(found, grammar=_content(reply) in {"A", "B"})
        form = response_format(_OPTIONS, with_rationale=False, bounded=found.grammar)
        reply = self._accepts(found, {"response_format": form}, _HELLO)
        found = dataclasses.replace(found, schema=_is_answer(_content(reply)))
        if not found.schema:
            reply = self._accepts(found, {"response_format": {"type": "json_object"}}, _JSON)
            found = dataclasses.replace(found, json_object=_object(_content(reply)) is not None)
        self.capabilities = found
        return found

    def close(self) -> None:
        """Give the connections back. Done too when the provider is forgotten; `ask` opens new."""
        with self._lock:
            if self._finalizer is not None:
                self._finalizer()
            self._client = self._finalizer = None

    def _probe_limits(self) -> Capabilities:
        """The plainest call that works: which name the limit has, and whether a temperature is
        accepted.
        """
        found = Capabilities()
        while True:
            body = request_body(_PROBE, self.model, found)
            try:
                completion = self._post(body)
            except ProviderError as error:
                told = error.message.lower()
                if error.kind == "too_long" or error.kind == "bad_config":
                    if found.max_tokens_field == "max_tokens" and "max_completion_tokens" in told:
                        found = dataclasses.replace(found, max_tokens_field="max_completion_tokens")
                        continue
                    if found.temperature and "temperature" in told:
                        found = dataclasses.replace(found, temperature=False)
                        continue
                raise
            read_completion(completion, _PROBE, 0.0)
            return found

    def _accepts(
        self, found: Capabilities, extra: Mapping[str, object], user: str | None = None
    ) -> dict[str, Any] | None:
        """The completion of the probing request with `extra`, or None where the endpoint rejects
        that.
        """
        # One constraint at a time: servers refuse a grammar beside a schema, or take either.
        body = request_body(_PROBE, self.model, dataclasses.replace(found, grammar=False))
        body.update(extra)
        if user is not None:
            body["messages"] = [{"role": "user", "content": user}]
        try:
            return self._post(body)
        except ProviderError as error:
            # The same request without `extra` was accepted, so `extra` is what it cannot do.
            if error.kind == "bad_config":
                return None
            raise

    def _post(self, body: Mapping[str, object]) -> dict[str, Any]:
        import httpx2
        import openai

        try:
            response = self._opened().post(
                "/chat/completions", cast_to=httpx2.Response, body=dict(body)
            )
        except openai.APIStatusError as error:
            raise http_errors.from_status(
                error.status_code,
                error.body if error.body is not None else error.response.text,
                error.response.headers,
                address=self.base_url,
                model=self.model,
                api_key=self._api_key,
            ) from None
        except openai.APITimeoutError as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout):
                raise self._unreachable() from None
            raise ProviderError(
                "timeout",
                f"{self.base_url} did not answer within {self.timeout:g} seconds. The call is"
                f" tried again.",
            ) from None
        except openai.APIConnectionError as error:
            raise self._connection_error(error.__cause__) from None
        return self._decoded(response)

    def _decoded(self, response: httpx2.Response) -> dict[str, Any]:
        try:
            completion = json.loads(response.content)
        except (ValueError, RecursionError):
            completion = None
        if isinstance(completion, dict) and isinstance(completion.get("choices"), list):
            return completion
        if isinstance(completion, dict) and completion.get("error"):
            # Some gateways answer 200 and put the refusal into the body.
            inner = completion["error"]
            code = inner.get("code") if isinstance(inner, dict) else None
            raise http_errors.from_status(
                code if isinstance(code, int) and 400 <= code < 600 else 502,
                completion,
                response.headers,
                address=self.base_url,
                model=self.model,
                api_key=self._api_key,
            )
        raise ProviderError(
            "bad_config",
            f"{self.base_url} answered, but not with a chat completion."
            " Check the address in the connection: it usually ends in /v1.",
        )

    def _connection_error(self, cause: BaseException | None) -> ProviderError:
        import httpx2

        if isinstance(cause, ProviderError):
            return cause
        if isinstance(cause, httpx2.ConnectError | httpx2.ProxyError | httpx2.UnsupportedProtocol):
            return self._unreachable()
        return ProviderError(
            "server_error", f"{self.base_url} broke off the connection. The call is tried again."
        )

    def _unreachable(self) -> ProviderError:
        return ProviderError(
            "unreachable",
            f"{self.base_url} cannot be reached. Check the address and that the server runs.",
        )

    def _opened(self) -> openai.OpenAI:
        import openai

        with self._lock:
            if self._client is None:
                client = bounded_client(self.base_url, self._api_key, timeout=self.timeout)
                self._client = openai.OpenAI(
                    # The transport sends the key itself, or none; "-" keeps the library from
                    # looking for another.
                    api_key=self._api_key or "-",
                    base_url=self.base_url,
                    max_retries=0,
                    http_client=client,
                    timeout=client.timeout,
                )
                self._finalizer = weakref.finalize(self, client.close)
            return self._client


def _checked_address(base_url: str) -> str:
    address = urlsplit(base_url.strip())
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ProviderError(
            "bad_config",
            "The connection's address must start with http:// or https:// and name a server,"
            " for example https://api.example.org/v1.",
        )
    if address.username or address.password or address.query or address.fragment:
        raise ProviderError(
            "bad_config",
            "The connection's address must hold no user name, password or parameters. Enter"
            " the key by itself.",
        )
    return address.geturl().rstrip("/")


# --- Probing -----------------------------------------------------------------------------------

_OPTIONS = (
    OptionSpec(code=0, letter="A", key="a", name="A", definition=""),
    OptionSpec(code=1, letter="B", key="b", name="B", definition=""),
)
_PROBE = Request(
    system="You answer with one letter.",
    user="Answer with one of A or B, and nothing else.",
    options=_OPTIONS,
    want="letter",
    max_tokens=48,
    top_logprobs=0,
)
# Asked for something else than an answer, so that only a server that enforces the form keeps to it.
_HELLO = "Say hello in one short sentence."
_JSON = 'Answer with a JSON object with the key "greeting".'


def _content(completion: Mapping[str, Any] | None) -> str:
    if completion is None:
        return ""
    try:
        return read_completion(completion, _PROBE, 0.0).raw
    except ProviderError:
        return ""


def _is_answer(text: str) -> bool:
    said = _object(text)
    return said is not None and said.get("answer") in {"A", "B"}


def _object(text: str) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None

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

from judges.providers.addresses import PUBLIC_ONLY, Reach
from judges.providers.base import Capabilities, OptionSpec, ProviderError, Reply, Request
from judges.providers.bounded_http import MAX_REPLY_BYTES, bounded_client
from judges.providers.completion import (
    letter_grammar,
    read_completion,
    read_completions,
    request_body,
    response_format,
)
from judges.providers.vendor_clients import Endpoint, checked_address

if TYPE_CHECKING:
    import httpx2
    import openai

DEFAULT_TIMEOUT = 60.0


class OpenAICompatible:
    """A ChatProvider for one model at one address. Safe to use from several threads.

    `base_url` is the address up to and with /v1. `api_key` "" sends no Authorization header.
    `capabilities` None makes the first `ask` probe first. `reach` says which private addresses may
    be asked. Nothing is connected or imported before the first call.
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
        self.timeout = timeout
        self.capabilities = capabilities
        self._reach = reach
        self._lock = threading.Lock()
        self._client: openai.OpenAI | None = None
        self._finalizer: weakref.finalize[..., OpenAICompatible] | None = None

    def __repr__(self) -> str:
        return f"OpenAICompatible({self.base_url!r}, {self.model!r})"

    def ask(self, request: Request) -> Reply:
        """Send one request and wait for its reply. Raises ProviderError; never retries by
        itself.
        """
        return self._asked(request, 1)[0]

    def ask_many(self, request: Request, n: int) -> list[Reply]:
        """`n` replies from one call, whose prompt is read and paid once. Raises ProviderError,
        bad_config where the endpoint does not give several.
        """
        if n < 1:
            raise ValueError("At least one reply is asked for.")
        return self._asked(request, n)

    def _asked(self, request: Request, n: int) -> list[Reply]:
        capabilities = self.capabilities or self.probe()
        if n > 1 and not capabilities.n:
            raise ProviderError(
                "bad_config", f"{self.base_url} gives one answer a call for {self.model}."
            )
        body = request_body(request, self.model, capabilities)
        if n > 1:
            body["n"] = n
        started = time.monotonic()
        return read_completions(self._post(body), request, time.monotonic() - started, n)

    def probe(self) -> Capabilities:
        """Find out what the endpoint honours: 7 to 10 tiny calls. Raises ProviderError.

        A parameter counts as honoured when a request with it is accepted and, where that shows,
        its effect is seen: a server may take `response_format` and ignore it.
        """
        found = self._probe_limits()
        found = dataclasses.replace(found, seed=self._accepts(found, {"seed": 7}) is not None)
        reply = self._accepts(found, {"logprobs": True, "top_logprobs": 5})
        seen = bool(reply and read_completion(reply, PROBE, 0.0).token_logprobs)
        found = dataclasses.replace(found, logprobs=seen)
        reply = self._accepts(found, {"n": 2})
        found = dataclasses.replace(found, n=reply is not None and len(reply["choices"]) == 2)
        reply = self._accepts(found, {"grammar": letter_grammar(PROBE_OPTIONS)}, HELLO)
        found = dataclasses.replace(found, grammar=_content(reply) in {"A", "B"})
        wanted = dataclasses.replace(PROBE, want="json")
        form = response_format(wanted, bounded=found.grammar)
        reply = self._accepts(found, {"response_format": form}, HELLO)
        found = dataclasses.replace(found, schema=is_answer(_content(reply)))
        if not found.schema:
            reply = self._accepts(found, {"response_format": {"type": "json_object"}}, _JSON)
            found = dataclasses.replace(found, json_object=_object(_content(reply)) is not None)
        found = dataclasses.replace(found, batch=self._lists_batches())
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
            body = request_body(PROBE, self.model, found)
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
            read_completion(completion, PROBE, 0.0)
            return found

    def _accepts(
        self, found: Capabilities, extra: Mapping[str, object], user: str | None = None
    ) -> dict[str, Any] | None:
        """The completion of the probing request with `extra`, or None where the endpoint rejects
        that.
        """
        # One constraint at a time: servers refuse a grammar beside a schema, or take either.
        body = request_body(PROBE, self.model, dataclasses.replace(found, grammar=False))
        body.update(extra)
        if user is not None:
            body["messages"] = [{"role": "user", "content": user}]
        try:
            return self._post(body)
        except ProviderError as error:
            # The same request without `extra` was accepted, so `extra` is what it cannot do.
            if error.unsupported:
                return None
            raise

    def _lists_batches(self) -> bool:
        """Whether there is a batch lane. The key was good for a chat, so where it is refused now
        there is none for it.
        """
        import httpx2
        import openai

        client = self._opened()
        try:
            response = self._endpoint.sent(
                openai, lambda: client.get("/batches?limit=1", cast_to=httpx2.Response)
            )
        except ProviderError as error:
            if error.kind in {"bad_config", "model_gone", "key_refused"}:
                return False
            raise
        listed = _object(response.text)
        return listed is not None and isinstance(listed.get("data"), list)

    def _post(self, body: Mapping[str, object]) -> dict[str, Any]:
        import httpx2
        import openai

        client = self._opened()
        response = self._endpoint.sent(
            openai,
            lambda: client.post("/chat/completions", cast_to=httpx2.Response, body=dict(body)),
        )
        return self._endpoint.decoded(response, "choices", "a chat completion")

    def _opened(self) -> openai.OpenAI:
        with self._lock:
            if self._client is None:
                self._client, http = opened(self._endpoint, self._reach)
                self._finalizer = weakref.finalize(self, http.close)
            return self._client


def endpoint_of(base_url: str, model: str, api_key: str, timeout: float) -> Endpoint:
    """Where an OpenAI-compatible provider asks. Raises ProviderError for what is no address."""
    return Endpoint(
        address=checked_address(base_url, "https://api.example.org/v1"),
        model=model,
        timeout=timeout,
        usual="it usually ends in /v1",
        api_key=api_key.strip(),
    )


def opened(
    endpoint: Endpoint, reach: Reach, max_bytes: int = MAX_REPLY_BYTES
) -> tuple[openai.OpenAI, httpx2.Client]:
    """The vendor's client over a bounded one, which is the one to close."""
    import openai

    http = bounded_client(
        endpoint.address,
        {"authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {},
        timeout=endpoint.timeout,
        reach=reach,
        max_bytes=max_bytes,
    )
    client = openai.OpenAI(
        # The transport sends the key itself, or none; "-" keeps the library from looking for
        # another, and from knowing this one.
        api_key="-",
        base_url=endpoint.address,
        max_retries=0,
        http_client=http,
        timeout=http.timeout,
    )
    return client, http


# --- Probing -----------------------------------------------------------------------------------

PROBE_OPTIONS = (
    OptionSpec(code=0, letter="A", key="a", name="A", definition=""),
    OptionSpec(code=1, letter="B", key="b", name="B", definition=""),
)
PROBE = Request(
    system="You answer with one letter.",
    user="Answer with one of A or B, and nothing else.",
    options=PROBE_OPTIONS,
    want="letter",
    max_tokens=48,
    top_logprobs=0,
)
# Asked for something else than an answer, so that only a server that enforces the form keeps to it.
HELLO = "Say hello in one short sentence."
_JSON = 'Answer with a JSON object with the key "greeting".'


def _content(completion: Mapping[str, Any] | None) -> str:
    if completion is None:
        return ""
    try:
        return read_completion(completion, PROBE, 0.0).raw
    except ProviderError:
        return ""


def is_answer(text: str) -> bool:
    """Whether a reply to the probing request is one of the answers, as an object."""
    said = _object(text)
    return said is not None and said.get("answer") in {"A", "B"}


def _object(text: str) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None

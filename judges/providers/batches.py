"""The batch lanes of OpenAI and Anthropic: many requests handed in at once, answered within a day,
at half the price.

Only the client: what is handed in, when it is asked after and what becomes of it is the engine's.
`submit` once, `poll` until it has ended, then `collect` what came, in any order. A request whose
line brings an error brings a ProviderError; one that brings no line at all is missing from what is
collected, and was not answered.
"""

from __future__ import annotations

import json
import re
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from judges.providers import anthropic_api, openai_compatible
from judges.providers.addresses import PUBLIC_ONLY, Reach
from judges.providers.base import Capabilities, ProviderError, Reply, Request
from judges.providers.completion import read_completion, request_body
from judges.providers.http_errors import scrubbed
from judges.providers.messages import message_body, read_message
from judges.providers.vendor_clients import Endpoint

if TYPE_CHECKING:
    import httpx2

# A batch this large is some tens of megabytes, which are held in memory once on either way.
MAX_REQUESTS = 10_000
MAX_SENT_BYTES = 90_000_000
MAX_COLLECTED_BYTES = 200_000_000
DEFAULT_TIMEOUT = 120.0

Progress: TypeAlias = Literal["working", "ended", "failed"]
Collected: TypeAlias = "tuple[str, Reply | ProviderError]"

# OpenAI's words. An expired or cancelled batch brings what was answered before.
_PROGRESS: Mapping[str, Progress] = {
    "completed": "ended",
    "expired": "ended",
    "cancelled": "ended",
    "failed": "failed",
}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is. `ended`: what came can be collected, though not all of it need be an
    answer; `failed`: it was not taken at all, with the reason in `message`.
    """

    progress: Progress
    answered: int
    refused: int
    total: int
    message: str = ""


class BatchLane(Protocol):
    """One model's batch lane. Safe to use from several threads."""

    def submit(self, requests: Mapping[str, Request]) -> str:
        """Hand in requests by ids of the caller's; returns the batch's id. Raises ProviderError,
        and ValueError for more than MAX_REQUESTS, none, or an id that is none.
        """
        ...

    def poll(self, batch_id: str) -> BatchState:
        """How far the batch is. Raises ProviderError."""
        ...

    def collect(self, batch_id: str, requests: Mapping[str, Request]) -> Iterator[Collected]:
        """What came of each request, once the batch has ended. Lines for ids that were not handed
        in, and second lines for the same id, are left out. Raises ProviderError.
        """
        ...

    def cancel(self, batch_id: str) -> None:
        """Ask that no more of it is answered; what was answered is charged. Raises
        ProviderError.
        """
        ...

    def close(self) -> None:
        """Give the connections back. Done too when the lane is forgotten."""
        ...


class OpenAIBatches:
    """The lane of an OpenAI-compatible endpoint: a file of lines, a batch over it, files back."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str = "",
        *,
        capabilities: Capabilities,
        timeout: float = DEFAULT_TIMEOUT,
        reach: Reach = PUBLIC_ONLY,
    ) -> None:
        self._endpoint = openai_compatible.endpoint_of(base_url, model, api_key, timeout)
        self._capabilities = capabilities
        self._client, http = openai_compatible.opened(self._endpoint, reach, MAX_COLLECTED_BYTES)
        self._finalizer = weakref.finalize(self, http.close)

    def __repr__(self) -> str:
        return f"OpenAIBatches({self._endpoint.address!r}, {self._endpoint.model!r})"

    def close(self) -> None:
        self._finalizer()

    def submit(self, requests: Mapping[str, Request]) -> str:
        _check(requests)
        lines = [
            {
                "custom_id": name,
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": request_body(request, self._endpoint.model, self._capabilities),
            }
            for name, request in requests.items()
        ]
        content = "\n".join(json.dumps(line) for line in lines).encode()
        _check_size(content)
        file = self._object(
            "POST",
            "/files",
            files={"file": ("batch.jsonl", content, "application/jsonl")},
            body={"purpose": "batch"},
        )
        batch = self._object(
            "POST",
            "/batches",
            body={
                "input_file_id": _id_in(file, self._endpoint),
                "endpoint": "/v1/chat/completions",
                "completion_window": "24h",
            },
        )
        return _id_in(batch, self._endpoint)

    def poll(self, batch_id: str) -> BatchState:
        batch = self._object("GET", f"/batches/{_checked_id(batch_id)}")
        counts = batch.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        return BatchState(
            progress=_PROGRESS.get(str(batch.get("status")), "working"),
            answered=_number(counts.get("completed")),
            refused=_number(counts.get("failed")),
            total=_number(counts.get("total")),
            message=self._why(batch),
        )

    def collect(self, batch_id: str, requests: Mapping[str, Request]) -> Iterator[Collected]:
        batch = self._object("GET", f"/batches/{_checked_id(batch_id)}")
        waiting = dict(requests)
        for field in ("output_file_id", "error_file_id"):
            if batch.get(field):
                file_id = _id_in(batch, self._endpoint, field)
                content = self._sent("GET", f"/files/{file_id}/content").content
                for line in _lines(content, self._endpoint):
                    request = waiting.pop(str(line.get("custom_id")), None)
                    if request is not None:
                        yield str(line["custom_id"]), self._read(line, request)

    def cancel(self, batch_id: str) -> None:
        self._object("POST", f"/batches/{_checked_id(batch_id)}/cancel")

    def _read(self, line: Mapping[str, Any], request: Request) -> Reply | ProviderError:
        response = line.get("response")
        try:
            if isinstance(response, dict) and isinstance(response.get("body"), dict):
                status = response.get("status_code")
                if status == 200:
                    return read_completion(response["body"], request, 0.0)
                return self._endpoint.refused(_number(status) or 500, response["body"], {})
        except ProviderError as error:
            return error
        return _line_error(line.get("error"), self._endpoint)

    def _why(self, batch: Mapping[str, Any]) -> str:
        errors = batch.get("errors")
        listed = errors.get("data") if isinstance(errors, dict) else None
        first = listed[0] if isinstance(listed, list) and listed else None
        said = str(first.get("message", "")) if isinstance(first, dict) else ""
        return scrubbed(said, self._endpoint.api_key)

    def _object(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return self._endpoint.decoded(self._sent(method, path, **more), "id", "a batch")

    def _sent(self, method: str, path: str, **more: Any) -> httpx2.Response:
        import httpx2
        import openai

        if method == "GET":
            return self._endpoint.sent(
                openai, lambda: self._client.get(path, cast_to=httpx2.Response)
            )
        if "files" in more:
            more["options"] = {"headers": {"Content-Type": "multipart/form-data"}}
        return self._endpoint.sent(
            openai, lambda: self._client.post(path, cast_to=httpx2.Response, **more)
        )


class AnthropicBatches:
    """The lane of Anthropic's Messages API."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str = "",
        *,
        capabilities: Capabilities,
        timeout: float = DEFAULT_TIMEOUT,
        reach: Reach = PUBLIC_ONLY,
    ) -> None:
        self._endpoint = anthropic_api.endpoint_of(base_url, model, api_key, timeout)
        self._capabilities = capabilities
        self._client, http = anthropic_api.opened(self._endpoint, reach, MAX_COLLECTED_BYTES)
        self._finalizer = weakref.finalize(self, http.close)

    def __repr__(self) -> str:
        return f"AnthropicBatches({self._endpoint.address!r}, {self._endpoint.model!r})"

    def close(self) -> None:
        self._finalizer()

    def submit(self, requests: Mapping[str, Request]) -> str:
        _check(requests)
        body = {
            "requests": [
                {
                    "custom_id": name,
                    "params": message_body(request, self._endpoint.model, self._capabilities),
                }
                for name, request in requests.items()
            ]
        }
        _check_size(json.dumps(body).encode())
        return _id_in(self._object("POST", "", body=body), self._endpoint)

    def poll(self, batch_id: str) -> BatchState:
        batch = self._object("GET", f"/{_checked_id(batch_id)}")
        counts = batch.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        by_end = {
            name: _number(counts.get(name))
            for name in ("processing", "succeeded", "errored", "canceled", "expired")
        }
        return BatchState(
            progress="ended" if batch.get("processing_status") == "ended" else "working",
            answered=by_end["succeeded"],
            refused=by_end["errored"] + by_end["canceled"] + by_end["expired"],
            total=sum(by_end.values()),
        )

    def collect(self, batch_id: str, requests: Mapping[str, Request]) -> Iterator[Collected]:
        # Not from the address that the batch names: the key goes to the one it was entered for.
        content = self._sent("GET", f"/{_checked_id(batch_id)}/results").content
        waiting = dict(requests)
        for line in _lines(content, self._endpoint):
            request = waiting.pop(str(line.get("custom_id")), None)
            if request is not None:
                yield str(line["custom_id"]), self._read(line, request)

    def cancel(self, batch_id: str) -> None:
        self._object("POST", f"/{_checked_id(batch_id)}/cancel")

    def _read(self, line: Mapping[str, Any], request: Request) -> Reply | ProviderError:
        result = line.get("result")
        result = result if isinstance(result, dict) else {}
        if result.get("type") == "succeeded" and isinstance(result.get("message"), dict):
            try:
                return read_message(result["message"], request, 0.0, self._capabilities)
            except ProviderError as error:
                return error
        if result.get("type") in {"canceled", "expired"}:
            return _unanswered(str(result["type"]))
        said = result.get("error")
        # The error of a line is a whole error reply: the error stands one step further in.
        inner = said.get("error", said) if isinstance(said, dict) else said
        return _line_error(inner, self._endpoint)

    def _object(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return self._endpoint.decoded(self._sent(method, path, **more), "id", "a batch")

    def _sent(self, method: str, path: str, **more: Any) -> httpx2.Response:
        import anthropic
        import httpx2

        path = f"/v1/messages/batches{path}"
        if method == "GET":
            return self._endpoint.sent(
                anthropic, lambda: self._client.get(path, cast_to=httpx2.Response)
            )
        return self._endpoint.sent(
            anthropic, lambda: self._client.post(path, cast_to=httpx2.Response, **more)
        )


# --- What both have in common -------------------------------------------------------------------

# Errors of a line have a type and no status; these are the statuses that the types stand for.
_STATUS = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    "invalid_request_error": 400,
}


def _line_error(error: object, endpoint: Endpoint) -> ProviderError:
    said = error if isinstance(error, dict) else {}
    name = str(said.get("type") or said.get("code") or "")
    if name in {"batch_expired", "batch_cancelled"}:
        return _unanswered(name.removeprefix("batch_"))
    return endpoint.refused(_STATUS.get(name, 500), {"error": said}, {})


def _unanswered(why: str) -> ProviderError:
    return ProviderError(
        "server_error", f"The batch {why} before this was answered. It is asked again."
    )


def _check(requests: Mapping[str, Request]) -> None:
    if not 1 <= len(requests) <= MAX_REQUESTS:
        raise ValueError(f"A batch holds 1 to {MAX_REQUESTS} requests.")
    for name in requests:
        _checked_id(name)


def _check_size(content: bytes) -> None:
    if len(content) > MAX_SENT_BYTES:
        raise ValueError(f"A batch holds at most {MAX_SENT_BYTES:,} bytes; hand in fewer requests.")


def _checked_id(name: str) -> str:
    """An id that can stand in an address and be nothing else there."""
    if not _ID.fullmatch(name):
        raise ValueError("An id has 1 to 64 letters, digits, - and _.")
    return name


def _id_in(found: Mapping[str, Any], endpoint: Endpoint, field: str = "id") -> str:
    name = found.get(field)
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise ProviderError(
            "server_error", f"{endpoint.address} gave no id by which the batch can be asked after."
        )
    return name


def _lines(content: bytes, endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for line in content.splitlines():
        found = endpoint.read(line) if line.strip() else None
        if isinstance(found, dict):
            yield found


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

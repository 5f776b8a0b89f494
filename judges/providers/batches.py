"""The batch lanes of OpenAI and Anthropic: many requests handed in at once, answered within a day,
at half the price.

Only the client: what is handed in, when it is asked after and what becomes of it is the engine's.
`submit` once, `poll` until it has ended, then `collect` what came, in any order, and `discard` what
the endpoint keeps. A request whose line brings an error brings a ProviderError; one that brings no
line at all is missing from what is collected, and was not answered. Who does not know whether a
`submit` arrived can `find` the batch by its mark.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from judges.providers import anthropic_api, openai_compatible
from judges.providers.addresses import PUBLIC_ONLY, Reach
from judges.providers.base import Capabilities, ProviderError, Reply, Request
from judges.providers.batch_lines import (
    AROUND_BYTES,
    CLOCKS_APART,
    MAX_REQUESTS,
    MAX_SENT_BYTES,
    check_requests,
    check_size,
    checked_id,
    counts_of,
    first_error,
    id_in,
    line_error,
    lines_of,
    listed_since,
    moment,
    number,
    unanswered,
)
from judges.providers.completion import read_completion, request_body
from judges.providers.http_errors import scrubbed
from judges.providers.messages import message_body, read_message

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "MAX_REQUESTS",
    "MAX_SENT_BYTES",
    "AnthropicBatches",
    "BatchLane",
    "BatchState",
    "Found",
    "OpenAIBatches",
]

MAX_COLLECTED_BYTES = 200_000_000
DEFAULT_TIMEOUT = 120.0
# Under this name OpenAI keeps the mark of a batch.
MARK = "concord"

Progress: TypeAlias = Literal["working", "ended", "failed", "gone"]
Collected: TypeAlias = "tuple[str, Reply | ProviderError]"

# OpenAI's words. An expired or cancelled batch brings what was answered before.
_PROGRESS: Mapping[str, Progress] = {
    "completed": "ended",
    "expired": "ended",
    "cancelled": "ended",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is. `ended`: what came can be collected, though not all of it need be an
    answer; `failed`: it was not taken at all, with the reason in `message`, `too_many` where that
    is how much waits there already; `gone`: the endpoint knows no such batch.
    """

    progress: Progress
    answered: int
    refused: int
    total: int
    message: str = ""
    too_many: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Where a batch of some mark is: its id, "" where there is none. Not `sure` while it may be one
    of those that cannot be told from it before they have ended.
    """

    batch_id: str = ""
    sure: bool = True


class BatchLane(Protocol):
    """One model's batch lane. Safe to use from several threads."""

    def weight(self, request: Request) -> int:
        """Bytes that a request takes of the MAX_SENT_BYTES that a batch holds."""
        ...

    def submit(self, requests: Mapping[str, Request], mark: str) -> str:
        """Hand in requests by ids of the caller's, each of which begins with `mark`; returns the
        batch's id. Raises ValueError for more than MAX_REQUESTS or MAX_SENT_BYTES, none, or an id
        that is none; ProviderError, after which there may be a batch unless it is `answered`.
        """
        ...

    def find(self, mark: str, *, since: datetime, n: int) -> Found:
        """The batch of `n` requests that was handed in under this mark, not before `since`. Raises
        ProviderError.
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

    def discard(self, batch_id: str) -> None:
        """Have the endpoint delete what it keeps of a batch that has ended: the requests, which
        hold texts, and the results. Raises ProviderError.
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

    def weight(self, request: Request) -> int:
        return AROUND_BYTES + len(json.dumps(self._body(request)))

    def submit(self, requests: Mapping[str, Request], mark: str) -> str:
        check_requests(requests)
        lines = [
            {
                "custom_id": name,
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": self._body(request),
            }
            for name, request in requests.items()
        ]
        content = "\n".join(json.dumps(line) for line in lines).encode()
        check_size(content)
        batch = self._object(
            "POST",
            "/batches",
            body={
                "input_file_id": self._uploaded(content),
                "endpoint": "/v1/chat/completions",
                "completion_window": "24h",
                "metadata": {MARK: mark},
            },
        )
        return id_in(batch, self._endpoint)

    def find(self, mark: str, *, since: datetime, n: int) -> Found:
        for batch in self._listed(since):
            kept = batch.get("metadata")
            if isinstance(kept, dict) and kept.get(MARK) == mark:
                return Found(id_in(batch, self._endpoint))
        return Found()

    def poll(self, batch_id: str) -> BatchState:
        try:
            batch = self._object("GET", f"/batches/{checked_id(batch_id)}")
        except ProviderError as error:
            return _gone(error)
        counts = batch.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        return BatchState(
            progress=_PROGRESS.get(str(batch.get("status")), "working"),
            answered=number(counts.get("completed")),
            refused=number(counts.get("failed")),
            total=number(counts.get("total")),
            message=scrubbed(first_error(batch, "message"), self._endpoint.api_key),
            too_many=first_error(batch, "code") == "token_limit_exceeded",
        )

    def collect(self, batch_id: str, requests: Mapping[str, Request]) -> Iterator[Collected]:
        batch = self._object("GET", f"/batches/{checked_id(batch_id)}")
        waiting = dict(requests)
        for field in ("output_file_id", "error_file_id"):
            if batch.get(field):
                file_id = id_in(batch, self._endpoint, field)
                content = self._sent("GET", f"/files/{file_id}/content").content
                for line in lines_of(content, self._endpoint):
                    request = waiting.pop(str(line.get("custom_id")), None)
                    if request is not None:
                        yield str(line["custom_id"]), self._read(line, request)

    def cancel(self, batch_id: str) -> None:
        self._object("POST", f"/batches/{checked_id(batch_id)}/cancel")

    def discard(self, batch_id: str) -> None:
        batch = self._object("GET", f"/batches/{checked_id(batch_id)}")
        for field in ("input_file_id", "output_file_id", "error_file_id"):
            if batch.get(field):
                self._sent("DELETE", f"/files/{id_in(batch, self._endpoint, field)}")

    def _body(self, request: Request) -> dict[str, object]:
        return request_body(request, self._endpoint.model, self._capabilities)

    def _uploaded(self, content: bytes) -> str:
        """The id of the file. However it fails, there is no batch yet: the error is `answered`."""
        try:
            file = self._object(
                "POST",
                "/files",
                files={"file": ("batch.jsonl", content, "application/jsonl")},
                body={"purpose": "batch"},
            )
            return id_in(file, self._endpoint)
        except ProviderError as error:
            error.answered = True
            raise

    def _listed(self, since: datetime) -> Iterator[dict[str, Any]]:
        def page(query: str) -> dict[str, Any]:
            response = self._sent("GET", f"/batches?limit=100{query}")
            return self._endpoint.decoded(response, "data", "a list of batches")

        return listed_since(since, page, "after", self._endpoint)

    def _read(self, line: Mapping[str, Any], request: Request) -> Reply | ProviderError:
        response = line.get("response")
        try:
            if isinstance(response, dict) and isinstance(response.get("body"), dict):
                status = response.get("status_code")
                if status == 200:
                    return read_completion(response["body"], request, 0.0)
                return self._endpoint.refused(number(status) or 500, response["body"], {})
        except ProviderError as error:
            return error
        return line_error(line.get("error"), self._endpoint)

    def _object(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return self._endpoint.decoded(self._sent(method, path, **more), "id", "a batch")

    def _sent(self, method: str, path: str, **more: Any) -> httpx2.Response:
        import httpx2
        import openai

        if method == "GET" or method == "DELETE":
            ask = self._client.get if method == "GET" else self._client.delete
            return self._endpoint.sent(openai, lambda: ask(path, cast_to=httpx2.Response))
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

    def weight(self, request: Request) -> int:
        return AROUND_BYTES + len(json.dumps(self._params(request)))

    def submit(self, requests: Mapping[str, Request], mark: str) -> str:
        check_requests(requests)
        body = {
            "requests": [
                {"custom_id": name, "params": self._params(request)}
                for name, request in requests.items()
            ]
        }
        check_size(json.dumps(body).encode())
        return id_in(self._object("POST", "", body=body), self._endpoint)

    def find(self, mark: str, *, since: datetime, n: int) -> Found:
        # It keeps no mark: a batch is told by the ids of its requests, which only results name.
        unsure = False
        for batch in self._listed(since):
            made = moment(batch.get("created_at"))
            counts = counts_of(batch)
            if sum(counts.values()) != n or (made and made < since - CLOCKS_APART):
                continue
            if batch.get("processing_status") != "ended":
                unsure = True
            elif self._is_marked(id_in(batch, self._endpoint), mark):
                return Found(id_in(batch, self._endpoint))
        return Found(sure=not unsure)

    def poll(self, batch_id: str) -> BatchState:
        try:
            batch = self._object("GET", f"/{checked_id(batch_id)}")
        except ProviderError as error:
            return _gone(error)
        by_end = counts_of(batch)
        return BatchState(
            progress="ended" if batch.get("processing_status") == "ended" else "working",
            answered=by_end["succeeded"],
            refused=by_end["errored"] + by_end["canceled"] + by_end["expired"],
            total=sum(by_end.values()),
        )

    def collect(self, batch_id: str, requests: Mapping[str, Request]) -> Iterator[Collected]:
        # Not from the address that the batch names: the key goes to the one it was entered for.
        content = self._sent("GET", f"/{checked_id(batch_id)}/results").content
        waiting = dict(requests)
        for line in lines_of(content, self._endpoint):
            request = waiting.pop(str(line.get("custom_id")), None)
            if request is not None:
                yield str(line["custom_id"]), self._read(line, request)

    def cancel(self, batch_id: str) -> None:
        self._object("POST", f"/{checked_id(batch_id)}/cancel")

    def discard(self, batch_id: str) -> None:
        self._sent("DELETE", f"/{checked_id(batch_id)}")

    def _params(self, request: Request) -> dict[str, object]:
        return message_body(request, self._endpoint.model, self._capabilities)

    def _listed(self, since: datetime) -> Iterator[dict[str, Any]]:
        def page(query: str) -> dict[str, Any]:
            response = self._sent("GET", f"?limit=100{query}")
            return self._endpoint.decoded(response, "data", "a list of batches")

        return listed_since(since, page, "after_id", self._endpoint)

    def _is_marked(self, batch_id: str, mark: str) -> bool:
        content = self._sent("GET", f"/{batch_id}/results").content
        first = next(lines_of(content, self._endpoint), {})
        return str(first.get("custom_id")).startswith(mark)

    def _read(self, line: Mapping[str, Any], request: Request) -> Reply | ProviderError:
        result = line.get("result")
        result = result if isinstance(result, dict) else {}
        if result.get("type") == "succeeded" and isinstance(result.get("message"), dict):
            try:
                return read_message(result["message"], request, 0.0, self._capabilities)
            except ProviderError as error:
                return error
        if result.get("type") in {"canceled", "expired"}:
            return unanswered(str(result["type"]))
        said = result.get("error")
        # The error of a line is a whole error reply: the error stands one step further in.
        inner = said.get("error", said) if isinstance(said, dict) else said
        return line_error(inner, self._endpoint)

    def _object(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return self._endpoint.decoded(self._sent(method, path, **more), "id", "a batch")

    def _sent(self, method: str, path: str, **more: Any) -> httpx2.Response:
        import anthropic
        import httpx2

        path = f"/v1/messages/batches{path}"
        if method == "GET" or method == "DELETE":
            ask = self._client.get if method == "GET" else self._client.delete
            return self._endpoint.sent(anthropic, lambda: ask(path, cast_to=httpx2.Response))
        return self._endpoint.sent(
            anthropic, lambda: self._client.post(path, cast_to=httpx2.Response, **more)
        )


def _gone(error: ProviderError) -> BatchState:
    """Raises the error unless it says that there is no such batch."""
    if error.status not in {404, 410}:
        raise error
    return BatchState("gone", 0, 0, 0, error.message)

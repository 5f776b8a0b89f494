"""Endpoints with a batch lane, OpenAI's or Anthropic's, on a real server: they keep files and
batches, and end them when a test says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeAlias

from tests.judges.providers.endpoint import Answer, Asked, Endpoint, completion, refusal

Ways: TypeAlias = Literal["completed", "expired", "cancelled", "failed"]
# What a request brings: the letter of an answer, an answer with another status, or nothing in time.
Says: TypeAlias = "Callable[[str], str | Answer | None]"

TOKENS_IN, TOKENS_OUT = 12, 1


def by_praise(item: str) -> str:
    return "A" if re.search("lovely|great|good", item, re.IGNORECASE) else "B"


class HangUp(Exception):
    """Raised in a route: the connection ends without a reply."""


class Lane:
    """What both vendors' endpoints have in common. ``handed_in`` has the ids of the requests of
    each batch, in the order in which they came; ``at_creation`` may refuse or hang up, before the
    batch is kept or, where ``kept_first``, after.
    """

    def __init__(self, says: Says = by_praise) -> None:
        self.says = says
        self.batches: dict[str, dict[str, Any]] = {}
        self.handed_in: dict[str, list[str]] = {}
        self.cancelled: list[str] = []
        self.discarded: list[str] = []
        self.at_creation: list[Answer | None] = []  # in turn; None: hang up
        self.kept_first = False
        self.endpoint = Endpoint(lambda _body: Answer(b"Not Found", 404))

    @contextmanager
    def running(self) -> Iterator[Lane]:
        with self.endpoint.running():
            yield self

    @property
    def url(self) -> str:
        return self.endpoint.url

    @property
    def requests(self) -> list[str]:
        """The ids of all requests that were handed in."""
        return [name for names in self.handed_in.values() for name in names]

    def end(self, batch_id: str = "", way: Ways = "completed", message: str = "") -> None:
        """Let a batch end, the newest by default."""
        raise NotImplementedError

    def route(self, method: str, path: str, answer: Callable[[Asked], Answer]) -> None:
        self.endpoint.routes[method, path] = answer

    def _created(self, keep: Callable[[], dict[str, Any]]) -> Answer:
        planned = bool(self.at_creation)
        answer = self.at_creation.pop(0) if planned else None
        if not planned or self.kept_first:
            batch = keep()
        if not planned:
            return Answer(batch)
        if answer is None:
            raise HangUp
        return answer


class OpenAILane(Lane):
    """/v1/files and /v1/batches."""

    def __init__(self, says: Says = by_praise) -> None:
        super().__init__(says)
        self.files: dict[str, bytes] = {}
        self.route("POST", "/v1/files", self._upload)
        self.route("POST", "/v1/batches", lambda asked: self._created(lambda: self._keep(asked)))
        self.route("GET", "/v1/batches", self._list)

    def end(self, batch_id: str = "", way: Ways = "completed", message: str = "") -> None:
        batch = self.batches[batch_id or list(self.batches)[-1]]
        batch["status"] = way
        if way == "failed":
            code = "token_limit_exceeded" if "token limit" in message else "invalid"
            batch["errors"] = {"data": [{"code": code, "message": message}]}
            return
        good: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        for line in self.files[batch["input_file_id"]].splitlines():
            asked = json.loads(line)
            said = self.says(asked["body"]["messages"][-1]["content"].rpartition("# Item")[2])
            name = {"custom_id": asked["custom_id"]}
            if said is None:
                code = "batch_cancelled" if way == "cancelled" else "batch_expired"
                bad.append({**name, "response": None, "error": {"code": code}})
                continue
            answer = completion(said) if isinstance(said, str) else said
            body = {"status_code": answer.status, "body": answer.body}
            (good if answer.status == 200 else bad).append({**name, "response": body})
        batch["request_counts"] = {
            "total": len(good) + len(bad),
            "completed": len(good),
            "failed": len(bad),
        }
        for field, found in (("output_file_id", good), ("error_file_id", bad)):
            if found:
                batch[field] = self._file("\n".join(json.dumps(line) for line in found).encode())

    def _file(self, content: bytes) -> str:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        self.route("GET", f"/v1/files/{name}/content", lambda _: Answer(self.files[name]))
        self.route("DELETE", f"/v1/files/{name}", lambda _: self._forget(name))
        return name

    def _forget(self, name: str) -> Answer:
        self.discarded.append(name)
        return Answer({"id": name, "deleted": True})

    def _upload(self, asked: Asked) -> Answer:
        lines = re.findall(rb'^\{"custom_id.*$', asked.raw, re.MULTILINE)
        return Answer({"id": self._file(b"\n".join(line.strip() for line in lines))})

    def _keep(self, asked: Asked) -> dict[str, Any]:
        name = f"batch_{len(self.batches) + 1}"
        content = self.files[asked.body["input_file_id"]]
        self.handed_in[name] = [json.loads(line)["custom_id"] for line in content.splitlines()]
        batch = {
            "id": name,
            "status": "validating",
            "created_at": int(datetime.now(UTC).timestamp()),
            "input_file_id": asked.body["input_file_id"],
            "metadata": asked.body.get("metadata"),
        }
        self.batches[name] = batch
        self.route("GET", f"/v1/batches/{name}", lambda _: Answer(batch))
        self.route("POST", f"/v1/batches/{name}/cancel", lambda _: self._cancel(name))
        return batch

    def _cancel(self, name: str) -> Answer:
        self.cancelled.append(name)
        self.batches[name]["status"] = "cancelling"
        return Answer(self.batches[name])

    def _list(self, asked: Asked) -> Answer:
        newest = list(reversed(self.batches.values()))
        after = re.search(r"after=([^&]+)", asked.path)
        if after:
            names = [batch["id"] for batch in newest]
            newest = newest[names.index(after.group(1)) + 1 :]
        # Two a page, so that more than one is asked for.
        return Answer({"data": newest[:2], "has_more": len(newest) > 2})


class AnthropicLane(Lane):
    """/v1/messages/batches."""

    ENDS: ClassVar = {"expired": "expired", "cancelled": "canceled"}

    def __init__(self, says: Says = by_praise) -> None:
        super().__init__(says)
        self.asked: dict[str, list[dict[str, Any]]] = {}
        self.route(
            "POST", "/v1/messages/batches", lambda asked: self._created(lambda: self._keep(asked))
        )
        self.route("GET", "/v1/messages/batches", self._list)

    @property
    def url(self) -> str:
        return self.endpoint.url.removesuffix("/v1")

    def end(self, batch_id: str = "", way: Ways = "completed", message: str = "") -> None:
        name = batch_id or list(self.batches)[-1]
        results = []
        for asked in self.asked[name]:
            item = asked["params"]["messages"][0]["content"].rpartition("# Item")[2]
            said = self.says(item)
            results.append(
                {"custom_id": asked["custom_id"], "result": self._result(said, self.ENDS.get(way))}
            )
        kinds = [result["result"]["type"] for result in results]
        self.batches[name] |= {
            "processing_status": "ended",
            "request_counts": {kind: kinds.count(kind) for kind in kinds},
        }
        content = "\n".join(json.dumps(result) for result in results).encode()
        self.route("GET", f"/v1/messages/batches/{name}/results", lambda _: Answer(content))

    def _result(self, said: str | Answer | None, missing: str | None) -> dict[str, Any]:
        if said is None:
            return {"type": missing or "expired"}
        if isinstance(said, Answer):
            return {"type": "errored", "error": {"type": "error", "error": said.body}}
        message = {
            "model": "claude-2026",
            "content": [{"type": "text", "text": said}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": TOKENS_IN, "output_tokens": TOKENS_OUT},
        }
        return {"type": "succeeded", "message": message}

    def _keep(self, asked: Asked) -> dict[str, Any]:
        name = f"msgbatch_{len(self.batches) + 1}"
        self.asked[name] = asked.body["requests"]
        self.handed_in[name] = [request["custom_id"] for request in self.asked[name]]
        batch = {
            "id": name,
            "type": "message_batch",
            "processing_status": "in_progress",
            "created_at": datetime.now(UTC).isoformat(),
            "request_counts": {"processing": len(self.asked[name])},
        }
        self.batches[name] = batch
        at = f"/v1/messages/batches/{name}"
        self.route("GET", at, lambda _: Answer(batch))
        self.route("POST", f"{at}/cancel", lambda _: self._cancel(name))
        self.route("DELETE", at, lambda _: self._forget(name))
        return batch

    def _cancel(self, name: str) -> Answer:
        self.cancelled.append(name)
        self.batches[name]["processing_status"] = "canceling"
        return Answer(self.batches[name])

    def _forget(self, name: str) -> Answer:
        if self.batches[name]["processing_status"] != "ended":
            return refusal(400, "It has not ended.")
        self.discarded.append(name)
        return Answer({"id": name, "type": "message_batch_deleted"})

    def _list(self, asked: Asked) -> Answer:
        newest = list(reversed(self.batches.values()))
        after = re.search(r"after_id=([^&]+)", asked.path)
        if after:
            names = [batch["id"] for batch in newest]
            newest = newest[names.index(after.group(1)) + 1 :]
        return Answer({"data": newest[:2], "has_more": len(newest) > 2})

"""An OpenAI-compatible batch lane on loopback for the bench of runs in batches: slow, and faulty.

It counts by itself what was handed in, what it answered and what it charges.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.faulty_endpoint import A_CALL, completion

# Share of requests that go wrong in each way.
LINES = {
    "expired": 0.03,  # not answered in time: not charged
    "broken": 0.02,  # an error of its own: not charged
    "nonsense": 0.02,  # charged
    "missing": 0.01,  # no line at all: not charged
}
# What becomes of a batch that is handed in, in turn.
HANDED_IN = ("good", "dropped", "good", "unheard", "good", "limited")
# Every so manieth look is answered with an error.
LOOKS_FAIL = 6
LATENCY = 0.3


class BatchEndpoint(ThreadingHTTPServer):
    """``room`` requests at most may wait in it; a batch is worked on for ``seconds``."""

    daemon_threads = True

    def __init__(self, *, room: int, seconds: float = 1.0, seed: int = 7) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.room = room
        self.seconds = seconds
        self.lock = threading.Lock()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.told: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()  # by request, without the key of its batch
        self.handed_in: Counter[str] = Counter()
        self.charged = 0
        self.creating = 0  # under way now
        self._turn = 0
        self._random = random.Random(seed)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def fate(self) -> str:
        with self.lock:
            fate = HANDED_IN[self._turn % len(HANDED_IN)]
            self._turn += 1
            self.told[f"batch {fate}"] += 1
            return fate

    def keep(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take a batch in, or find that there is no room for it."""
        with self.lock:
            lines = self.files[body["input_file_id"]].splitlines()
            waiting = sum(
                batch["n"] for batch in self.batches.values() if batch["status"] == "in_progress"
            )
            batch: dict[str, Any] = {
                "id": f"batch_{len(self.batches) + 1}",
                "created_at": int(time.time()),
                "status": "in_progress",
                "metadata": body.get("metadata"),
                "input_file_id": body["input_file_id"],
                "n": len(lines),
                "at": time.monotonic(),
            }
            if waiting + len(lines) > self.room:
                self.told["batch too many"] += 1
                told = {"code": "token_limit_exceeded", "message": "No room for so many."}
                batch |= {"status": "failed", "errors": {"data": [told]}}
            else:
                for line in lines:
                    self.handed_in[_call(json.loads(line)["custom_id"])] += 1
            self.batches[batch["id"]] = batch
            return batch

    def look(self, name: str) -> dict[str, Any] | None:
        with self.lock:
            batch = self.batches.get(name)
            over = batch is not None and time.monotonic() - batch["at"] > self.seconds
            if batch and over and batch["status"] == "in_progress":
                self._end(batch)
            return batch

    def _end(self, batch: dict[str, Any]) -> None:
        good, bad = [], []
        for line in self.files[batch["input_file_id"]].splitlines():
            name = json.loads(line)["custom_id"]
            fate = self._line_fate()
            self.told[f"line {fate}"] += 1
            if fate == "missing":
                continue
            if fate == "expired":
                bad.append(
                    {"custom_id": name, "response": None, "error": {"code": "batch_expired"}}
                )
                continue
            if fate == "broken":
                body: dict[str, Any] = {"error": {"message": "A fault."}}
                response = {"status_code": 500, "body": body}
                bad.append({"custom_id": name, "response": response, "error": None})
                continue
            self.answered[_call(name)] += 1
            self.charged += A_CALL
            content = "As an AI I love soup" if fate == "nonsense" else "A"
            response = {"status_code": 200, "body": completion(content)}
            good.append({"custom_id": name, "response": response, "error": None})
        self._random.shuffle(good)
        for field, found in (("output_file_id", good), ("error_file_id", bad)):
            if found:
                batch[field] = self.file("\n".join(json.dumps(line) for line in found).encode())
        batch["status"] = "completed"

    def _line_fate(self) -> str:
        drawn = self._random.random()
        for name, share in LINES.items():
            if drawn < share:
                return name
            drawn -= share
        return "good"

    def file(self, content: bytes) -> str:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return name

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away (it was killed) is no fault of this server."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BatchEndpoint

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/v1/files":
            lines = re.findall(rb'^\{"custom_id.*$', raw, re.MULTILINE)
            with self.server.lock:
                name = self.server.file(b"\n".join(line.strip() for line in lines))
            self._send(200, {"id": name})
        elif self.path == "/v1/batches":
            self._create(json.loads(raw))
        else:
            self._send(404, {"error": {"message": "Not found"}})

    def do_GET(self) -> None:
        path, _sep, query = self.path.partition("?")
        if path == "/v1/batches":
            self._list(query)
            return
        kind, name = path.split("/")[2:4]
        if kind == "files":
            self._send(200, self.server.files[name])
            return
        with self.server.lock:
            self.server.told["looks"] += 1
            fails = self.server.told["looks"] % LOOKS_FAIL == 0
        if fails:
            self._send(503, {"error": {"message": "Back soon."}})
            return
        batch = self.server.look(name)
        self._send(200 if batch else 404, batch or {"error": {"message": "Not found"}})

    def do_DELETE(self) -> None:
        with self.server.lock:
            self.server.told["files deleted"] += 1
        self._send(200, {"deleted": True})

    def _create(self, body: dict[str, Any]) -> None:
        with self.server.lock:
            self.server.creating += 1
        try:
            fate = self.server.fate()
            if fate == "limited":
                self._send(429, {"error": {"message": "Slow down."}}, {"Retry-After": "1"})
                return
            if fate != "dropped":
                batch = self.server.keep(body)
            time.sleep(LATENCY)
        finally:
            with self.server.lock:
                self.server.creating -= 1
        if fate == "good":
            self._send(200, batch)
        else:
            self.close_connection = True

    def _list(self, query: str) -> None:
        with self.server.lock:
            found = list(reversed(self.server.batches.values()))
        after = re.search(r"after=([^&]+)", query)
        if after:
            found = found[[batch["id"] for batch in found].index(after.group(1)) + 1 :]
        self._send(200, {"data": found[:5], "has_more": len(found) > 5})

    def _send(
        self, status: int, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None
    ) -> None:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _call(custom_id: str) -> str:
    return custom_id.rpartition("-")[2]

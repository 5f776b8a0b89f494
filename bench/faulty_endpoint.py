"""An OpenAI-compatible endpoint on loopback for the benches of runs: of fixed latency, or faulty.

It counts by itself what it was asked and what it charges: also for replies that never arrived.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Dollars a million tokens, and the tokens it says a call has.
INPUT, OUTPUT = 1, 10
TOKENS_IN, TOKENS_OUT = 120, 1
# In 100-millionths of a dollar.
A_CALL = 100 * (TOKENS_IN * INPUT + TOKENS_OUT * OUTPUT)

# Share of calls that go wrong in each way.
FAULTS = {
    "limited": 0.02,  # 429 with Retry-After, in bursts
    "broken": 0.02,  # 500
    "slow": 0.02,  # an answer after the client has given up: charged
    "cut": 0.02,  # the connection breaks in the middle of a reply: charged
    "nonsense": 0.02,
    "wrong": 0.02,  # a letter that is no option
    "no_tokens": 0.02,  # a good reply that does not say what it used: charged
}
SLOW_SECONDS = 3.0
BURST_SECONDS = 0.3


class Endpoint(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, *, latency: float = 0.0, faults: bool = False, seed: int = 7) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.letter: Callable[[dict[str, Any]], str] = lambda _asked: "A"
        self.latency = latency
        self.faults = faults
        self.lock = threading.Lock()
        self.told: Counter[str] = Counter()
        self.charged = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.limited_until = 0.0
        self._random = random.Random(seed)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def fate(self) -> str:
        """How the next call goes; counted, with what it charges."""
        with self.lock:
            now = time.monotonic()
            drawn = self._random.random() if self.faults else 1.0
            fate = "good"
            if now < self.limited_until:
                fate = "limited"
            else:
                for name, share in FAULTS.items():
                    if drawn < share:
                        fate = name
                        break
                    drawn -= share
            if fate == "limited" and now >= self.limited_until:
                self.limited_until = now + BURST_SECONDS
            self.told[fate] += 1
            if fate not in {"limited", "broken"}:
                self.charged += A_CALL
            return fate

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away (it was killed) is no fault of this server."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_POST(self) -> None:
        server = self.server
        self._asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        with server.lock:
            server.in_flight += 1
            server.most_in_flight = max(server.most_in_flight, server.in_flight)
        try:
            self._answer(server.fate())
        finally:
            with server.lock:
                server.in_flight -= 1

    def _answer(self, fate: str) -> None:
        if fate == "limited":
            self._send(429, {"error": {"message": "Slow down."}}, {"Retry-After": "0.3"})
            return
        time.sleep(SLOW_SECONDS if fate == "slow" else self.server.latency)
        if fate == "broken":
            self._send(500, {"error": {"message": "A fault."}})
            return
        good = self.server.letter(self._asked)
        content = {"nonsense": "As an AI I love soup", "wrong": "Z"}.get(fate, good)
        said: dict[str, Any] = {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": "bench",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": content},
                }
            ],
        }
        if fate != "no_tokens":
            said["usage"] = {
                "prompt_tokens": TOKENS_IN,
                "completion_tokens": TOKENS_OUT,
                "total_tokens": TOKENS_IN + TOKENS_OUT,
            }
        self._send(200, said, cut=fate == "cut")

    def _send(
        self,
        status: int,
        said: dict[str, Any],
        more: dict[str, str] | None = None,
        *,
        cut: bool = False,
    ) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Not a word: there are thousands."""

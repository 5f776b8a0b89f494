"""An OpenAI-compatible endpoint on loopback for the benches of runs: of fixed latency, or faulty.

It counts by itself what it was asked, about which item, and what it charges: also for replies that
never arrived. Faulty, it fails a share of the calls at random, and about some items always.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Dollars a million tokens, and the tokens it says a call has.
INPUT, OUTPUT = 1, 10
TOKENS_IN, TOKENS_OUT = 120, 1
# In 100-millionths of a dollar.
A_CALL = 100 * (TOKENS_IN * INPUT + TOKENS_OUT * OUTPUT)

# Of each 50 calls one goes wrong in each of these ways, when is drawn.
FAULTS = (
    "limited",  # 429 with Retry-After, in bursts
    "broken",  # 500
    "slow",  # an answer after the client has given up: charged
    "cut",  # the connection breaks in the middle of a reply: charged
    "nonsense",
    "wrong",  # a letter that is no option
    "no_tokens",  # a good reply that does not say what it used: charged
)
OF_CALLS = 50
BURST_SECONDS = 0.3
# Replies after which an item is asked again, as long as it has attempts left.
PASSING = {"limited", "broken", "slow", "cut", "always_broken"}

# Of each 200 items these: whenever they are asked it goes so.
DOOMED = {
    7: "always_broken",  # 500
    67: "always_broken",
    127: "always_broken",
    187: "always_broken",
    57: "refused",  # 400, the text breaks a policy
    107: "too_long",  # 400, the text is longer than the model reads
}
DOOM_EVERY = 200
# What a good client makes of the last reply about an item.
OUTCOMES = {
    "good": "label",
    "no_tokens": "label",
    "nonsense": "unparseable",
    "wrong": "unparseable",
    "refused": "refused",
    "too_long": "failed",
    "broken": "failed",
    "slow": "failed",
    "cut": "failed",
    "always_broken": "failed",
}
UNCHARGED = {"limited", "broken", "always_broken", "refused", "too_long"}
REFUSALS = {
    "limited": (429, "Slow down."),
    "broken": (500, "A fault."),
    "always_broken": (500, "A fault that this item brings about."),
    "refused": (400, "The prompt was stopped by the content filter."),
    "too_long": (400, "This model's maximum context length is 64 tokens."),
}
ITEM = re.compile(rb"Dish number (\d+)\.")


def completion(content: str) -> dict[str, Any]:
    """A reply as OpenAI-compatible endpoints give it, with the tokens that every call has here."""
    return {
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
        "usage": {
            "prompt_tokens": TOKENS_IN,
            "completion_tokens": TOKENS_OUT,
            "total_tokens": TOKENS_IN + TOKENS_OUT,
        },
    }


class Endpoint(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(
        self,
        *,
        latency: float = 0.0,
        faults: bool = False,
        gives_up: float = 1.0,
        seed: int = 7,
    ) -> None:
        """``latency`` in seconds a call; ``gives_up``: after how many the client does not wait."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.letter: Callable[[dict[str, Any]], str] = lambda _asked: "A"
        self.latency = latency
        self.faults = faults
        self.gives_up = gives_up
        self.lock = threading.Lock()
        self.told: Counter[str] = Counter()
        # What it told about each item, by its number, in order.
        self.told_of: defaultdict[int, list[str]] = defaultdict(list)
        self.charged = 0
        # What it may charge, as the bench sets it; and the most that it charged above.
        self.cap: int | None = None
        self.above_cap = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.limited_until = 0.0
        self._to_come: list[str] = []
        self._random = random.Random(seed)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def fate(self, item: int | None = None) -> str:
        """How the next call goes, about the item of this number; counted, with what it charges."""
        with self.lock:
            fate = self._drawn(item) if self.faults else "good"
            self.told[fate] += 1
            if item is not None:
                self.told_of[item].append(fate)
            if fate not in UNCHARGED:
                self.charged += A_CALL
                if self.cap is not None:
                    self.above_cap = max(self.above_cap, self.charged - self.cap)
            return fate

    def _drawn(self, item: int | None) -> str:
        now = time.monotonic()
        if now < self.limited_until:
            return "limited"
        if item is not None and item % DOOM_EVERY in DOOMED:
            return DOOMED[item % DOOM_EVERY]
        if not self._to_come:
            self._to_come = [*FAULTS, *["good"] * (OF_CALLS - len(FAULTS))]
            self._random.shuffle(self._to_come)
        fate = self._to_come.pop()
        if fate == "limited":
            self.limited_until = now + BURST_SECONDS
        return fate

    def enter(self) -> None:
        with self.lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def leave(self) -> None:
        """Before the reply is sent: after it the client may ask the next thing at any moment."""
        with self.lock:
            self.in_flight -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away (it was killed) is no fault of this server."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self._asked = json.loads(body)
        found = ITEM.search(body) if self.server.faults else None
        self.server.enter()
        self._answer(self.server.fate(int(found[1]) if found else None))

    def _answer(self, fate: str) -> None:
        if fate == "slow":
            # The client stops waiting meanwhile, and may ask something else. Its clock began
            # before this one, so it is taken for gone a little before its time.
            waits = 0.75 * self.server.gives_up
            time.sleep(waits)
            self.server.leave()
            time.sleep(2 * self.server.gives_up - waits)
        else:
            time.sleep(0 if fate == "limited" else self.server.latency)
            self.server.leave()
        if fate in REFUSALS:
            status, message = REFUSALS[fate]
            wait = {"Retry-After": str(BURST_SECONDS)} if fate == "limited" else None
            self._send(status, {"error": {"message": message}}, wait)
            return
        good = self.server.letter(self._asked)
        content = {"nonsense": "As an AI I love soup", "wrong": "Z"}.get(fate, good)
        said = completion(content)
        if fate == "no_tokens":
            del said["usage"]
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

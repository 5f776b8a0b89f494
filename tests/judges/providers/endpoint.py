"""A real HTTP server that answers chat completions as a test tells it to."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Body: TypeAlias = dict[str, Any]


@dataclass
class Answer:
    """What the endpoint sends: a JSON object or raw bytes, a status, more headers."""

    body: Body | bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Script: TypeAlias = Callable[[Body], Answer]
# What other addresses than that of the script answer to: ("GET", "/v1/batches").
Routes: TypeAlias = "dict[tuple[str, str], Callable[[Asked], Answer]]"


@dataclass
class Asked:
    """One request as it arrived. Header names are in lower case; `raw` is the body unread."""

    path: str
    headers: dict[str, str]
    body: Body
    method: str = "POST"
    raw: bytes = b""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class Endpoint:
    """`url` ends in /v1; `asked` keeps what arrived. The script answers what is posted, `routes`
    what is asked at their addresses.
    """

    def __init__(
        self,
        script: Script,
        routes: Routes | None = None,
        *,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self.routes: Routes = routes or {}
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes: the second would wait for the first to be heard of.
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
                try:
                    body = json.loads(raw)
                except ValueError:
                    body = {}
                self._answer("POST", body, raw)

            def do_GET(self) -> None:
                self._answer("GET", {}, b"")

            def do_DELETE(self) -> None:
                self._answer("DELETE", {}, b"")

            def _answer(self, method: str, body: Body, raw: bytes) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.path, headers, body, method, raw)
                endpoint.asked.append(asked)
                route = endpoint.routes.get((method, self.path.partition("?")[0]))
                if route is not None:
                    answer = route(asked)
                elif method == "POST":
                    answer = script(body)
                else:
                    answer = Answer(b"Not Found", 404)
                sent = answer.body if isinstance(answer.body, bytes) else _encoded(answer.body)
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                # The client may have had enough.
                with contextlib.suppress(OSError):
                    self.wfile.write(sent)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @contextlib.contextmanager
    def running(self) -> Iterator[Endpoint]:
        """Serve until the block ends."""
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


def completion(content: str | None, **more: Any) -> Answer:
    """A chat completion with this content. `more` overrides fields of its choice."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}}
    return Answer(
        {
            "id": "c1",
            "object": "chat.completion",
            "model": "tiny-2026",
            "choices": [choice | {"finish_reason": "stop"} | more],
            "usage": {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13},
        }
    )


def refusal(status: int, message: str, **more: Any) -> Answer:
    """An error in the usual shape."""
    headers = more.pop("headers", {})
    return Answer({"error": {"message": message, **more}}, status, headers)


def token(text: str, logprob: float, *others: tuple[str, float]) -> Body:
    """One token of `logprobs.content` with its alternatives."""
    listed = [{"token": name, "logprob": p} for name, p in [(text, logprob), *others]]
    return {"token": text, "logprob": logprob, "bytes": list(text.encode()), "top_logprobs": listed}


def _encoded(body: Body) -> bytes:
    return json.dumps(body).encode()

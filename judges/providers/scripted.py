"""A provider that answers from a script: for tests, and for trying a run without a model.

ScriptedProvider(["A", ProviderError("rate_limited", "...", 2.0), "nonsense"])
ScriptedProvider(lambda request: "B" if "awful" in request.user else "A")
ScriptedProvider(["A"], gate=threading.Event())      # does not answer before the event is set
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from judges.providers.base import Capabilities, ProviderError, Reply, Request

Answer: TypeAlias = "str | Reply | ProviderError"

SCRIPTED_MODEL = "scripted"


def scripted_reply(
    raw: str,
    *,
    logprobs: Mapping[str, float] | None = None,
    tokens_in: int | None = 100,
    tokens_out: int | None = 1,
    finish_reason: str = "stop",
) -> Reply:
    """A Reply with the text `raw`, and with the natural logarithms of token probabilities where
    given.
    """
    ranked = None if logprobs is None else sorted(logprobs.items(), key=lambda pair: -pair[1])
    return Reply(
        raw=raw,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        seconds=0.0,
        token_logprobs=None if ranked is None else tuple(ranked),
        finish_reason=finish_reason,
        model=SCRIPTED_MODEL,
    )


class ScriptedProvider:
    """A ChatProvider that gives `script`'s answers: a callable's, or a list's in turn.

    An answer is the text of a reply, a whole Reply, or a ProviderError, which is raised. A list
    that has run out raises ProviderError of kind server_error. With `gate`, each call waits for
    the event, at most `patience` seconds, and then times out. `asked` keeps the requests in the
    order they came. Safe to use from several threads.
    """

    def __init__(
        self,
        script: Callable[[Request], Answer] | Iterable[Answer],
        *,
        capabilities: Capabilities | None = None,
        gate: threading.Event | None = None,
        patience: float = 30.0,
    ) -> None:
        self.asked: list[Request] = []
        self.capabilities = capabilities or Capabilities(schema=True, logprobs=True, seed=True)
        self._call = script if callable(script) else None
        self._answers = iter(()) if callable(script) else iter(script)
        self._gate = gate
        self._patience = patience
        self._lock = threading.Lock()

    def ask(self, request: Request) -> Reply:
        """Give the script's next answer. Raises ProviderError."""
        started = time.monotonic()
        with self._lock:
            self.asked.append(request)
            answer = None if self._call else next(self._answers, None)
        if self._gate is not None and not self._gate.wait(self._patience):
            raise ProviderError("timeout", "The script's gate stayed shut.")
        if self._call is not None:
            answer = self._call(request)
        if answer is None:
            raise ProviderError("server_error", "The script has no more answers.")
        if isinstance(answer, ProviderError):
            raise answer
        if isinstance(answer, Reply):
            return answer
        return dataclasses.replace(scripted_reply(answer), seconds=time.monotonic() - started)

    def probe(self) -> Capabilities:
        """What it was made with."""
        return self.capabilities

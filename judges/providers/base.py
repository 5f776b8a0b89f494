"""What a provider of judgements is: its capabilities, its errors, and the two things it can be
asked.

The engine builds a `Request` with `judges.prompting.build`, hands it to a `ChatProvider`, and
reads the `Reply` with `judges.prompting.parse`. Everything that can go wrong on the way is one
`ProviderError`, whose `concerns` says what to do next: stop the judge, try again later, or give
up on this one item.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from judges.exchange import WANTS, OptionSpec, QuestionKind, QuestionSpec, Reply, Request, Want

__all__ = [
    "CONCERNS",
    "WANTS",
    "Capabilities",
    "ChatProvider",
    "Concern",
    "ErrorKind",
    "OptionSpec",
    "ProviderError",
    "QuestionKind",
    "QuestionSpec",
    "Reply",
    "Request",
    "Want",
]

Concern: TypeAlias = Literal["judge", "passing", "item"]
ErrorKind: TypeAlias = Literal[
    "unreachable",
    "key_refused",
    "billing",
    "model_gone",
    "bad_config",
    "rate_limited",
    "timeout",
    "server_error",
    "too_long",
    "refused",
]

CONCERNS: Mapping[ErrorKind, Concern] = {
    "unreachable": "judge",
    "key_refused": "judge",
    "billing": "judge",
    "model_gone": "judge",
    "bad_config": "judge",
    "rate_limited": "passing",
    "timeout": "passing",
    "server_error": "passing",
    "too_long": "item",
    "refused": "item",
}


class ProviderError(Exception):
    """A call that brought no reply.

    `message` is a plain sentence for people: what happened and what to do. It never holds the
    key. `retry_after` is in seconds, where the endpoint said how long to wait. `raw` is what the
    model wrote when it refused, else "".
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        retry_after: float | None = None,
        *,
        raw: str = "",
    ) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.retry_after = retry_after
        self.raw = raw

    @property
    def concerns(self) -> Concern:
        """Whom the error is about: "judge" (stop the run), "passing" (try again), "item" (go on
        without it).
        """
        return CONCERNS[self.kind]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an endpoint was seen to honour for one model. `probe` finds it out once; it is stored
    as a dict.

    - `schema`: `response_format` json_schema holds the reply to an object with an enum
    - `json_object`: the weaker `response_format` json_object is honoured
    - `grammar`: a GBNF grammar in the body is honoured (llama.cpp servers), so one letter is one
      token
    - `logprobs`: log-probabilities of the alternatives come back
    - `seed`, `temperature`: the parameter is accepted
    - `max_tokens_field`: which of the two names of the limit is accepted
    """

    schema: bool = False
    logprobs: bool = False
    seed: bool = False
    grammar: bool = False
    json_object: bool = False
    temperature: bool = True
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"

    def as_dict(self) -> dict[str, bool | str]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, object]) -> Capabilities:
        """Read what `as_dict` wrote, by an older or newer version too: what is missing or
        unknown is ignored.
        """
        flags = {
            name: stored[name]
            for name in ("schema", "logprobs", "seed", "grammar", "json_object", "temperature")
            if isinstance(stored.get(name), bool)
        }
        field: Literal["max_tokens", "max_completion_tokens"] = (
            "max_completion_tokens"
            if stored.get("max_tokens_field") == "max_completion_tokens"
            else "max_tokens"
        )
        return dataclasses.replace(cls(), max_tokens_field=field, **flags)  # type: ignore[arg-type]


@runtime_checkable
class ChatProvider(Protocol):
    """Something that answers one request at a time. Safe to use from several threads."""

    def ask(self, request: Request) -> Reply:
        """Send one request and wait for its reply. Raises ProviderError; never retries by
        itself.
        """
        ...

    def probe(self) -> Capabilities:
        """Find out what the endpoint honours, with a handful of tiny calls. Raises
        ProviderError.
        """
        ...

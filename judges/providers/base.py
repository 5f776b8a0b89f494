"""What a provider of judgements is: its capabilities, its errors, and the two things it can be
asked.

The engine builds a `Request` with `judges.prompting.build`, hands it to a `ChatProvider`, and
reads the `Reply` with `judges.prompting.parse`. Everything that can go wrong on the way is one
`ProviderError`, whose `concerns` says what to do next: stop the judge, try again later, or give
up on this one item.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
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
    "LabelProvider",
    "Labelled",
    "ManyProvider",
    "OptionSpec",
    "ProviderError",
    "QuestionKind",
    "QuestionSpec",
    "Reply",
    "Request",
    "Want",
]

# Room for the thoughts of a model that thinks, which count as tokens of its reply.
MIN_THINKING_TOKENS = 2_048

Form: TypeAlias = Literal["", "output", "tool", "prefill"]
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
    model wrote when it refused, else "". `unsupported` says that the endpoint understood and
    rejected the request as such: the one error after which a weaker mode may be tried.
    `answered` says that the endpoint itself said no, by a status; `status` is that status.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        retry_after: float | None = None,
        *,
        raw: str = "",
        unsupported: bool = False,
        answered: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.retry_after = retry_after
        self.raw = raw
        self.unsupported = unsupported
        self.answered = answered
        self.status = status

    @property
    def may_have_cost(self) -> bool:
        """Whether the endpoint may have read the prompt and charged for it although no reply came:
        what broke off or timed out, and refusals. A status that says no is not charged for.
        """
        if self.kind in {"timeout", "refused"}:
            return True
        return not self.answered and self.kind in {"server_error", "bad_config"}

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

    - `schema`: the reply is held to an object with an enum, by a JSON schema or a forced tool
    - `json_object`: the weaker hold: the reply is some JSON object
    - `form`: how an Anthropic endpoint holds to it: an output schema, a forced tool, or the reply's
      beginning put into its mouth; "" elsewhere
    - `grammar`: a GBNF grammar in the body is honoured (llama.cpp servers), so one letter is one
      token
    - `logprobs`: log-probabilities of the alternatives come back
    - `seed`, `temperature`: the parameter is accepted
    - `n`: several choices come back from one call
    - `batch`: requests can be handed in as a batch, answered within a day at a lower price
    - `thinks`: it thinks before it answers, and its thoughts count as tokens of the reply
    - `max_tokens_field`: which of the two names of the limit is accepted
    """

    schema: bool = False
    logprobs: bool = False
    seed: bool = False
    grammar: bool = False
    json_object: bool = False
    temperature: bool = True
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    n: bool = False
    batch: bool = False
    thinks: bool = False
    form: Form = ""

    def reply_limit(self, request: Request) -> int:
        """The most tokens that a reply to `request` may have, as the endpoint is told."""
        # Models that know only the newer name of the limit think before they answer.
        thinks = self.thinks or self.max_tokens_field == "max_completion_tokens"
        return max(request.max_tokens, MIN_THINKING_TOKENS) if thinks else request.max_tokens

    def as_dict(self) -> dict[str, bool | str]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, object]) -> Capabilities:
        """Read what `as_dict` wrote, by an older or newer version too: what is missing or
        unknown is ignored.
        """
        flags = {name: stored[name] for name in _FLAGS if isinstance(stored.get(name), bool)}
        field: Literal["max_tokens", "max_completion_tokens"] = (
            "max_completion_tokens"
            if stored.get("max_tokens_field") == "max_completion_tokens"
            else "max_tokens"
        )
        form = next((form for form in _FORMS if form == stored.get("form")), "")
        return dataclasses.replace(cls(), max_tokens_field=field, form=form, **flags)  # type: ignore[arg-type]


_FLAGS = (
    "schema", "logprobs", "seed", "grammar", "json_object", "temperature", "n", "batch", "thinks",
)  # fmt: skip
_FORMS: tuple[Form, ...] = ("output", "tool", "prefill")


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


@runtime_checkable
class ManyProvider(Protocol):
    """A ChatProvider that can answer one request several times in one call, which reads (and
    charges for) the prompt once. Only where its capabilities say `n`.
    """

    def ask_many(self, request: Request, n: int) -> list[Reply]:
        """`n` independent replies. Their tokens and charges add up to those of the call. Raises
        ProviderError, also where fewer come back.
        """
        ...


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a LabelProvider said of one item. `code` None: nothing that is a label, and `reason`
    says why. `confidence` is a probability (0 to 1), None where unsaid; `model` is the version it
    named.
    """

    code: int | None
    confidence: float | None
    raw: str
    seconds: float
    model: str
    reason: str = ""


@runtime_checkable
class LabelProvider(Protocol):
    """Something that is asked no words and answers with a label. Safe to use from several
    threads.
    """

    def set_up(self, question: QuestionSpec, fields: Sequence[str]) -> str:
        """Say what will be asked, of items with these fields; returns the model's version, ""
        where it names none. Raises ProviderError.
        """
        ...

    def label(self, question: QuestionSpec, fields: Mapping[str, str]) -> Labelled:
        """The label of one item, by its shown fields. Raises ProviderError; never retries by
        itself.
        """
        ...

    def health(self) -> str:
        """Find out whether it runs; returns what it calls its model, "" where it says nothing.
        Raises ProviderError.
        """
        ...

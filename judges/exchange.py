"""The plain values that go to a judge's model and come back from it.

`judges.prompting` makes a `Request` and reads a `Reply`; `judges.providers` carries the one and
brings the other. Both import them from here, so neither needs to know the other. No Django, no
I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

QuestionKind: TypeAlias = Literal["single", "rating"]
Want: TypeAlias = Literal["letter", "json", "json_rationale"]

WANTS: tuple[Want, ...] = ("letter", "json", "json_rationale")


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One answer that may be given.

    `code` is the small integer a label stores. `letter` is what the model is asked to write for
    it; it is given by `judges.prompting.build` for the order shown, so a caller that builds a
    question leaves it "".
    """

    code: int
    letter: str
    key: str
    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class QuestionSpec:
    """A question as it is asked of one item: `text` has its placeholders already filled."""

    key: str
    text: str
    kind: QuestionKind
    options: tuple[OptionSpec, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What one call asks. `options` are in the order shown, each with its letter.

    `max_tokens` bounds the reply; `top_logprobs` is how many alternatives to the answer token
    are wanted (0: none, at most 20); `seed` None leaves the choice to the endpoint.
    """

    system: str
    user: str
    options: tuple[OptionSpec, ...]
    want: Want
    temperature: float = 0.0
    seed: int | None = None
    max_tokens: int = 8
    top_logprobs: int = 20


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, unread. `seconds` is the wall time of the call.

    `token_logprobs` are (token, natural logarithm of its probability) of the alternatives at the
    token that carries the answer, most probable first, before any grammar narrowed them; None
    where the endpoint gives none. `model` is the name the endpoint says it used.

    `tokens_cached` and `tokens_written` are the parts of `tokens_in` that were read from and
    written to the endpoint's cache, which cost otherwise; `charged` is what the endpoint says the
    call cost, in US dollars. None where unsaid.
    """

    raw: str
    tokens_in: int | None
    tokens_out: int | None
    seconds: float
    token_logprobs: tuple[tuple[str, float], ...] | None
    finish_reason: str
    model: str
    tokens_cached: int | None = None
    tokens_written: int | None = None
    charged: Decimal | None = None

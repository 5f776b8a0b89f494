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
Want: TypeAlias = Literal["letter", "json", "json_rationale", "checklist", "candidates"]
RuleKind: TypeAlias = Literal["all", "any", "at_least", "count", "map"]

WANTS: tuple[Want, ...] = ("letter", "json", "json_rationale", "checklist", "candidates")


@dataclass(frozen=True, slots=True)
class Rule:
    """How the answers to the yes/no questions of a checklist join to one option.

    - all, any, at_least: `yes` where all, any, or at least `least` are answered yes, else `no`
    - count: `codes[k]` where k are answered yes; a code more than there are questions
    - map: `codes[k]` where the k-th question is the only one answered yes, or all that are point to
      the same option; `no` (or no label, where it is None) where none is; questions that point to
      different options are no label
    """

    kind: RuleKind
    yes: int | None = None
    no: int | None = None
    least: int = 1
    codes: tuple[int, ...] = ()


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
    are wanted (0: none, at most 20); `seed` None leaves the choice to the endpoint. A checklist has
    `checks`, the place of each yes/no question in the judge's list, in the order shown (question 1
    is `checks[0]`), and the `rule` that joins their answers.
    """

    system: str
    user: str
    options: tuple[OptionSpec, ...]
    want: Want
    temperature: float = 0.0
    seed: int | None = None
    max_tokens: int = 8
    top_logprobs: int = 20
    checks: tuple[int, ...] = ()
    rule: Rule | None = None


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

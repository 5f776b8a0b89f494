"""What an audit changes: a call about an item before it is put into words. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from judges.exchange import OptionSpec, QuestionSpec
from judges.prompting.how import How, Pair
from judges.prompting.plan import CallKey

# Why an audit cannot be made of a judge and its question, for the screens to say in words.
Unfit: TypeAlias = Literal[
    "",
    "no_pair",
    "is_pair",
    "no_rating",
    "few_steps",
    "no_definitions",
    "options_not_shown",
    "both_orders",
    "one_option",
]
# How the answers to the plain and to the changed item are compared.
#   place    how far the answer moved towards what was shown first
#   named    whether the answer became the option that was named in the item
#   treated  towards the text of the two that was changed; of a rating up the scale; of other
#            questions the option whose share changed most
#   extra    how much more often it changed than when the same was asked again
#   again    how often it changed when the same was asked again
#   people   how far it lies from the middle of the scale, beside people on the same items
#   kin      what it gives texts by its own family beyond people, beside texts by others
Measure: TypeAlias = Literal["place", "named", "treated", "extra", "again", "people", "kin"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A call about one item: how, which one, the question and the item's fields."""

    how: How
    key: CallKey
    question: QuestionSpec
    fields: Mapping[str, str]
    pair: Pair | None = None  # the two texts, where they are compared


@dataclass(frozen=True, slots=True)
class Setting:
    """What of a judge decides which audits fit: its question, how it asks, and what it compares."""

    question: QuestionSpec
    how: How
    pair: Pair | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit. `source` is where the name and the idea are from.

    `vary` makes the changed call, given what was drawn for the item: the option named, the side
    treated (0 or 1). None where only answers to the plain item are looked at. `draws` says which of
    the two is drawn.
    """

    key: str
    source: str
    measure: Measure
    unfit: Callable[[Setting], Unfit]
    vary: Callable[[Asked, int], Asked] | None = None
    draws: Literal["", "option", "side"] = ""
    # Whether the same is asked once more, to tell a change from noise.
    needs_again: bool = False


def fits(_setting: Setting) -> Unfit:
    """Of any judge that is told words."""
    return ""


def fits_options(setting: Setting) -> Unfit:
    """Of a question with two options or more."""
    return "one_option" if len(setting.question.options) < 2 else ""


def drawn(seed: int, item_id: int, audit: str, n: int) -> int:
    """A number below n for an item in an audit, as good as drawn at random, and always the same."""
    text = f"audit {seed} {item_id} {audit}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % n


def field_to_change(asked: Asked, side: int) -> str:
    """Of a comparison the side's field, else the longest; "" where there is none."""
    if asked.pair is not None:
        return asked.pair.fields[side]
    shown = {name: text for name, text in asked.fields.items() if name != asked.how.reference}
    return max(shown, key=lambda name: len(shown[name]), default="")


def with_text(asked: Asked, side: int, change: Callable[[str], str]) -> dict[str, str]:
    """The item's fields with the text of one of them changed."""
    name = field_to_change(asked, side)
    if not name or not asked.fields.get(name, "").strip():
        return dict(asked.fields)
    return {**asked.fields, name: change(asked.fields[name])}


def option_of(question: QuestionSpec, code: int) -> OptionSpec:
    """Raises StopIteration for a code that is no option's."""
    return next(option for option in question.options if option.code == code)

"""What every kind of question can do with an answer: read it, check it, show it, compare it.

Plain values in and out: no queries, so a kind is tested without a database.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from annotate.models import Gold, Label, Question, Ruling

# Characters of a value that a sentence repeats.
CUT = 100


class Unfit(Exception):
    """An answer or a setting that does not fit; says what is wrong and what would be right.

    ``fields``: the sentence by the name of the setting, where it is about settings.
    """

    def __init__(self, message: str, **fields: str) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


@dataclass(frozen=True)
class Said:
    """An answer as a label, a ruling or gold keeps it: an option code, or another value."""

    choice: int | None = None
    value: Any = None

    @property
    def is_nothing(self) -> bool:
        return self.choice is None and self.value is None

    @property
    def canonical(self) -> str:
        """One text for equal answers, whatever database they come from."""
        return json.dumps([self.choice, self.value], sort_keys=True, ensure_ascii=True)


@dataclass(frozen=True)
class OptionAsked:
    code: int
    key: str
    name: str
    colour: str = "slate"


@dataclass(frozen=True)
class Asked:
    """A question as its answers are read by."""

    key: str
    name: str
    kind: str
    options: tuple[OptionAsked, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    required: bool = True

    @cached_property
    def by_code(self) -> dict[int, OptionAsked]:
        return {option.code: option for option in self.options}

    @cached_property
    def codes(self) -> dict[str, int]:
        """Code by key or name. The key counts before the name: names may change."""
        names = {option.name: option.code for option in self.options}
        return names | {option.key: option.code for option in self.options}


def asked_of(question: Question) -> Asked:
    """Costs a query for the options, unless they were prefetched."""
    return Asked(
        key=question.key,
        name=question.name,
        kind=question.kind,
        options=tuple(
            OptionAsked(option.code, option.key, option.name, option.colour)
            for option in question.options.all()
        ),
        settings=question.settings,
        required=question.required,
    )


def said_of(row: Label | Ruling | Gold) -> Said:
    return Said(row.choice, row.value)


def mark_of(answers: Iterable[Said]) -> str:
    """A short mark of these answers, whoever gave them in whatever order."""
    made = hashlib.blake2b(digest_size=8)
    for text in sorted(said.canonical for said in answers):
        made.update(text.encode("ascii") + b"\n")
    return made.hexdigest()


@dataclass(frozen=True)
class Settled:
    """The answer that several answers come to by plain counting, and how.

    ``how``: "majority", "median", "mean_rank", "agreed", "tie", or "differ" where this kind has no
    way to choose among different answers. ``share`` of the answers behind it, where that is one.
    """

    said: Said | None
    how: str
    share: float | None = None


class Kind(ABC):
    """A kind of question. Subclasses say what its answers are."""

    name: ClassVar[str]
    # Whether a label holds an option code; else it holds a value.
    stores_choice: ClassVar[bool] = False
    # How many options a question of this kind needs, and whether a lead writes them.
    least_options: ClassVar[int] = 2
    writes_options: ClassVar[bool] = True
    # Mean distance of answers from which raters are said to be split.
    split_from: ClassVar[float] = 0.0
    # Keys of the settings, beside only_if.
    setting_names: ClassVar[tuple[str, ...]] = ()
    # What an answer looks like in a file or over the wire, for the documents.
    form: ClassVar[str | Promise] = ""

    # --- Settings ---

    def settings_read(self, given: Mapping[str, Any], option_keys: Sequence[str]) -> dict[str, Any]:
        """The settings in their one form, without those left empty. Raises Unfit with fields."""
        unknown = [name for name in given if name not in (*self.setting_names, "only_if")]
        if unknown:
            known = ", ".join((*self.setting_names, "only_if"))
            message = _("“%(name)s” is no setting of this kind of question. It has: %(known)s.")
            values = {"name": unknown[0][:CUT], "known": known}
            raise Unfit(message % values, settings=message % values)
        plain = {name: value for name, value in given.items() if value not in (None, "")}
        only_if = plain.pop("only_if", None)
        fitting = self.settings_fit(plain, option_keys)
        return fitting if only_if is None else {**fitting, "only_if": condition_read(only_if)}

    def settings_fit(self, given: dict[str, Any], option_keys: Sequence[str]) -> dict[str, Any]:
        return given

    # --- From and to the label screen ---

    @abstractmethod
    def posted(self, asked: Asked, entries: Sequence[str]) -> Said | None:
        """What the fields of a form say; None where nothing was entered. Raises Unfit."""

    @abstractmethod
    def entries(self, asked: Asked, said: Said) -> list[str]:
        """The fields of a form that say this: what ``posted`` reads back equal."""

    # --- From and to files and the API ---

    @abstractmethod
    def read(self, asked: Asked, plain: Any) -> Said:
        """An answer from JSON or from a cell of text. Raises Unfit."""

    @abstractmethod
    def plain(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Any:
        """The answer for JSON: what ``read`` reads back equal."""

    # --- Checking, showing, comparing ---

    @abstractmethod
    def check(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Said:
        """The answer in its one form. ``fields`` of the item, where they are at hand. Raises Unfit.

        This is the last door: whatever is stored has passed it.
        """

    @abstractmethod
    def words(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> str: ...

    def named(self, said: Said) -> list[int]:
        """The codes of the options that an answer chooses; none where it does not choose any."""
        return []

    def distance(self, asked: Asked, one: Said, other: Said) -> float:
        """How far two answers lie apart: 0 (the same) to 1."""
        return 0.0 if one == other else 1.0

    @abstractmethod
    def settle(self, asked: Asked, answers: Sequence[Said]) -> Settled:
        """The answer of one or more answers, by plain counting; a tie stays a tie."""


def majority(answers: Sequence[Said]) -> Settled:
    """The commonest answer; a tie stays a tie."""
    times: dict[str, int] = {}
    for said in answers:
        times[said.canonical] = times.get(said.canonical, 0) + 1
    top = max(times.values())
    first = [key for key, n in times.items() if n == top]
    if len(first) > 1:
        return Settled(None, "tie")
    found = next(said for said in answers if said.canonical == first[0])
    return Settled(found, "majority", top / len(answers))


def from_json(plain: Any, wanted: str) -> Any:
    """A value of JSON, also where it came as text, as in a cell of CSV. Raises Unfit.

    ``wanted``: an example for the sentence.
    """
    if not isinstance(plain, str):
        return plain
    try:
        return json.loads(plain)
    except (ValueError, RecursionError):
        raise Unfit(
            _("“%(value)s” is no answer to this question. Write it as %(wanted)s.")
            % {"value": plain[:CUT], "wanted": wanted}
        ) from None


def option_code(asked: Asked, name: Any) -> int:
    """The code of an option by its key or name. Raises Unfit."""
    code = asked.codes.get(name) if isinstance(name, str) else None
    if code is None:
        keys = ", ".join(option.key for option in asked.options)
        raise Unfit(
            _("“%(value)s” is no option of “%(question)s”. Its options: %(options)s.")
            % {"value": str(name)[:CUT], "question": asked.name, "options": keys[:300]}
        )
    return code


def option_check(asked: Asked, code: Any) -> int:
    if not isinstance(code, int) or isinstance(code, bool) or code not in asked.by_code:
        raise Unfit(
            _("%(code)s is no option of “%(question)s”.")
            % {"code": str(code)[:CUT], "question": asked.name}
        )
    return code


def whole(given: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    """A setting that is a whole number within bounds, or None where it is not there."""
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        message = _("Write a whole number from %(low)s to %(high)s.") % {"low": low, "high": high}
        raise Unfit(message, **{name: message})
    return value


def flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        message = _("“%(name)s” is true or false.") % {"name": name}
        raise Unfit(message, **{name: message})
    return value


def field_name(given: Mapping[str, Any], name: str) -> str:
    """A setting that names a field of the items."""
    value = given.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        message = _("Name a field of the items.")
        raise Unfit(message, **{name: message})
    return value.strip()


def condition_read(given: Any) -> dict[str, Any]:
    """The setting ``only_if`` in its one form: {"question": key, "options": [keys]}. Raises Unfit.

    Whether there is such a question and such options, only the project can tell (condition_fits).
    """
    message = _("Name the key of an earlier question, and the keys of its answers.")
    if not isinstance(given, dict) or set(given) != {"question", "options"}:
        raise Unfit(message, only_if=message)
    question, options = given["question"], given["options"]
    sound = isinstance(options, list) and all(isinstance(key, str) and key for key in options)
    if not isinstance(question, str) or not question or not sound or not options:
        raise Unfit(message, only_if=message)
    return {"question": question, "options": list(dict.fromkeys(options))}

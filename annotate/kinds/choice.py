"""Questions that are answered by one option: single choice, rating, and pairwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from annotate.kinds.base import (
    Asked,
    Kind,
    Said,
    Settled,
    Unfit,
    field_name,
    flag,
    majority,
    option_check,
    option_code,
)


class Choice(Kind):
    """One of the options; a label holds its code."""

    stores_choice = True
    form = "the key of an option"

    def posted(self, asked: Asked, entries: Sequence[str]) -> Said | None:
        if not entries:
            return None
        text = entries[-1]
        # What is no number becomes -1, which is no option either.
        code = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else -1
        return self.check(asked, Said(choice=code))

    def entries(self, asked: Asked, said: Said) -> list[str]:
        return [str(said.choice)]

    def read(self, asked: Asked, plain: Any) -> Said:
        # A rating in JSON is often a number: its key is that number as text.
        if isinstance(plain, int | float) and not isinstance(plain, bool):
            plain = f"{plain:g}"
        return Said(choice=option_code(asked, plain))

    def plain(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Any:
        option = asked.by_code.get(-1 if said.choice is None else said.choice)
        return option.key if option else None

    def check(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Said:
        if said.choice is None or said.value is not None:
            raise Unfit(
                _("“%(question)s” is answered by one of its options.") % {"question": asked.name}
            )
        return Said(choice=option_check(asked, said.choice))

    def words(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> str:
        option = asked.by_code.get(-1 if said.choice is None else said.choice)
        return option.name if option else "?"

    def named(self, said: Said) -> list[int]:
        return [] if said.choice is None else [said.choice]

    def settle(self, asked: Asked, answers: Sequence[Said]) -> Settled:
        return majority(answers)


class Single(Choice):
    name = "single"


class Rating(Choice):
    """Options in their order, from lowest to highest."""

    name = "rating"

    def distance(self, asked: Asked, one: Said, other: Said) -> float:
        if one.choice is None or other.choice is None:
            return 1.0
        return abs(one.choice - other.choice) / max(len(asked.options) - 1, 1)


class Pairwise(Choice):
    """Which of two fields of the item is better. The options are made: A, tie (if allowed), B.

    The label names the field, whichever side it was shown on.
    """

    name = "pairwise"
    writes_options = False
    setting_names: ClassVar[tuple[str, ...]] = ("field_a", "field_b", "tie")
    form = "“a”, “tie” or “b”: the first field, neither, the second field"

    def settings_fit(self, given: dict[str, Any], option_keys: Sequence[str]) -> dict[str, Any]:
        one, other = field_name(given, "field_a"), field_name(given, "field_b")
        if one == other:
            message = _("The two fields to compare must be different ones.")
            raise Unfit(message, field_b=message)
        return {
            **given,
            "field_a": one,
            "field_b": other,
            "tie": flag({"tie": True, **given}, "tie"),
        }

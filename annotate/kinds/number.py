"""A number, within a range and in steps where the question says so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from annotate.kinds.base import CUT, Asked, Kind, Said, Settled, Unfit

# Whole numbers up to this are exact in double precision.
EXACT = 2**53
# A number is on a step if it lies so near to one, in steps: 0.3 is three times 0.1.
NEAR = 1e-6


class Number(Kind):
    """A label's value is the number: whole where it is whole.

    Settings: ``min``, ``max``, ``step`` (counted from ``min``, else from 0), ``unit`` (shown).
    """

    name = "number"
    least_options = 0
    writes_options = False
    split_from = 0.1
    setting_names: ClassVar[tuple[str, ...]] = ("min", "max", "step", "unit")
    form = "a number"

    def settings_fit(self, given: dict[str, Any], option_keys: Sequence[str]) -> dict[str, Any]:
        kept = dict(given)
        for name in ("min", "max", "step"):
            if name in given:
                value = number_of(given[name])
                if value is None:
                    message = _("Write a number.")
                    raise Unfit(message, **{name: message})
                kept[name] = value
        if "min" in kept and "max" in kept and kept["min"] >= kept["max"]:
            message = _("The largest number must be above the smallest.")
            raise Unfit(message, max=message)
        if "step" in kept and kept["step"] <= 0:
            message = _("A step is above 0.")
            raise Unfit(message, step=message)
        unit = kept.get("unit", "")
        if not isinstance(unit, str) or len(unit) > 30:
            message = _("A unit has 30 characters at most.")
            raise Unfit(message, unit=message)
        return kept

    def posted(self, asked: Asked, entries: Sequence[str]) -> Said | None:
        filled = [text.strip() for text in entries if text.strip() != ""]
        return self.read(asked, filled[-1]) if filled else None

    def entries(self, asked: Asked, said: Said) -> list[str]:
        return [number_text(said.value)]

    def read(self, asked: Asked, plain: Any) -> Said:
        return self.check(asked, Said(value=plain))

    def plain(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Any:
        return said.value

    def check(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Said:
        value = None if said.choice is not None else number_of(said.value)
        if value is None:
            raise Unfit(
                _("“%(value)s” is no number. Write digits, with a point for decimals: 3.5.")
                % {"value": str(said.value)[:CUT]}
            )
        low, high = asked.settings.get("min"), asked.settings.get("max")
        if (low is not None and value < low) or (high is not None and value > high):
            raise Unfit(self._out_of_range(asked, value))
        step = asked.settings.get("step")
        if step:
            steps = (value - (low or 0)) / step
            if abs(steps - round(steps)) > NEAR:
                raise Unfit(
                    _("“%(question)s” goes in steps of %(step)s, and %(value)s is between two.")
                    % {
                        "question": asked.name,
                        "step": number_text(step),
                        "value": number_text(value),
                    }
                )
        return Said(value=value)

    @staticmethod
    def _out_of_range(asked: Asked, value: float) -> str:
        low, high = asked.settings.get("min"), asked.settings.get("max")
        values = {
            "question": asked.name,
            "value": number_text(value),
            "low": "" if low is None else number_text(low),
            "high": "" if high is None else number_text(high),
        }
        if high is None:
            return _("“%(question)s” starts at %(low)s, and %(value)s is below.") % values
        if low is None:
            return _("“%(question)s” goes up to %(high)s, and %(value)s is above.") % values
        return _("“%(question)s” goes from %(low)s to %(high)s, not %(value)s.") % values

    def words(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> str:
        unit = asked.settings.get("unit", "")
        return f"{number_text(said.value)} {unit}".rstrip()

    def distance(self, asked: Asked, one: Said, other: Said) -> float:
        """As a share of the range, or of the larger number where the range is open."""
        low, high = asked.settings.get("min"), asked.settings.get("max")
        apart = float(abs(one.value - other.value))
        if not apart:
            return 0.0
        if low is not None and high is not None:
            return min(1.0, apart / float(high - low))
        return min(1.0, apart / float(max(abs(one.value), abs(other.value))))

    def settle(self, asked: Asked, answers: Sequence[Said]) -> Settled:
        value = number_of(median(said.value for said in answers))
        return Settled(Said(value=value), "median")


def number_of(plain: Any) -> int | float | None:
    """A finite number, whole where it is whole; None for anything else."""
    if isinstance(plain, bool):
        return None
    if isinstance(plain, str):
        # Python takes "1_000", wide digits and "nan" for numbers; a spreadsheet would not.
        if not plain.isascii() or "_" in plain or len(plain) > 50:
            return None
        try:
            plain = float(plain)
        except ValueError:
            return None
    if not isinstance(plain, int | float) or (isinstance(plain, int) and abs(plain) > EXACT):
        return None
    if not math.isfinite(plain):
        return None
    whole = float(plain).is_integer() and abs(plain) <= EXACT
    return int(plain) if whole else float(plain)


def number_text(value: float) -> str:
    """The shortest text that is this number again."""
    return repr(value)

"""Multiple choice: every option that applies, down to none of them where that is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.kinds.base import (
    Asked,
    Kind,
    Said,
    Settled,
    Unfit,
    option_check,
    whole,
)
from annotate.kinds.lists import list_plain, list_read

# The entry that says "none of these", so that an answer without options is no oversight.
NONE = "none"
MOST = 500


class Multiple(Kind):
    """A label's value is the list of the chosen options' codes, ascending.

    Settings: ``min_choices`` (1 where nothing is said; 0 allows "none of these"), ``max_choices``.
    """

    name = "multiple"
    setting_names: ClassVar[tuple[str, ...]] = ("min_choices", "max_choices")
    form = 'a list of keys of options, as ["a", "c"]; [] for none of them'

    def settings_fit(self, given: dict[str, Any], option_keys: Sequence[str]) -> dict[str, Any]:
        least = whole(given, "min_choices", 0, MOST)
        most = whole(given, "max_choices", 1, MOST)
        if least is not None and option_keys and least > len(option_keys):
            message = _("There are only %(n)s options.") % {"n": len(option_keys)}
            raise Unfit(message, min_choices=message)
        if most is not None and most < (1 if least is None else least):
            message = _("The most choices cannot be fewer than the fewest.")
            raise Unfit(message, max_choices=message)
        kept = {**given, "min_choices": least, "max_choices": most}
        return {name: value for name, value in kept.items() if value is not None}

    @staticmethod
    def least(asked: Asked) -> int:
        return int(asked.settings.get("min_choices", 1))

    @staticmethod
    def most(asked: Asked) -> int:
        return int(asked.settings.get("max_choices") or len(asked.options))

    def posted(self, asked: Asked, entries: Sequence[str]) -> Said | None:
        filled = [text for text in entries if text != ""]
        if not filled:
            return None
        if NONE in filled:
            if len(set(filled)) > 1:
                raise Unfit(_("Choose options, or “none of these”, not both."))
            return self.check(asked, Said(value=[]))
        codes = [int(text) if text.isdecimal() and len(text) < 6 else -1 for text in filled]
        return self.check(asked, Said(value=codes))

    def entries(self, asked: Asked, said: Said) -> list[str]:
        return [str(code) for code in said.value] or [NONE]

    def read(self, asked: Asked, plain: Any) -> Said:
        first = asked.options[0].key if asked.options else "…"
        wanted = _("“%(question)s” is answered by a list of keys of its options.")
        said = list_read(
            asked,
            plain,
            separators="|",
            example=f'["{first}"]',
            wanted=wanted % {"question": asked.name},
        )
        return self.check(asked, said)

    def plain(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Any:
        return list_plain(asked, said)

    def check(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Said:
        if said.choice is not None or not isinstance(said.value, list):
            raise Unfit(
                _("“%(question)s” is answered by a list of its options.") % {"question": asked.name}
            )
        codes = sorted({option_check(asked, code) for code in said.value})
        if len(codes) < len(said.value):
            raise Unfit(_("An option of “%(question)s” is named twice.") % {"question": asked.name})
        least, most = self.least(asked), self.most(asked)
        if len(codes) < least:
            message = ngettext(
                "“%(question)s” wants %(n)d option or more.",
                "“%(question)s” wants %(n)d options or more.",
                least,
            )
            raise Unfit(message % {"question": asked.name, "n": least})
        if len(codes) > most:
            message = ngettext(
                "“%(question)s” takes %(n)d option at most.",
                "“%(question)s” takes %(n)d options at most.",
                most,
            )
            raise Unfit(message % {"question": asked.name, "n": most})
        return Said(value=codes)

    def words(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> str:
        if not said.value:
            return _("none of these")
        return ", ".join(asked.by_code[code].name for code in said.value if code in asked.by_code)

    def named(self, said: Said) -> list[int]:
        return list(said.value)

    def distance(self, asked: Asked, one: Said, other: Said) -> float:
        """One less the share of what both chose among what either chose (Jaccard)."""
        a, b = set(one.value), set(other.value)
        return 1 - len(a & b) / len(a | b) if a | b else 0.0

    def settle(self, asked: Asked, answers: Sequence[Said]) -> Settled:
        """What more than half chose; the share is that of the option that was closest."""
        n, chosen, closest = len(answers), [], 1.0
        for option in asked.options:
            votes = sum(option.code in said.value for said in answers)
            if 2 * votes == n:
                return Settled(None, "tie")
            closest = min(closest, max(votes, n - votes) / n)
            if 2 * votes > n:
                chosen.append(option.code)
        return Settled(Said(value=chosen), "majority", closest)

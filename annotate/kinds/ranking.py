"""Ranking: all options in an order, best first. The options may be fields of the item."""

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
    flag,
    option_check,
)
from annotate.kinds.lists import list_plain, list_read

MOST = 26


class Ranking(Kind):
    """A label's value is the list of all option codes, best first.

    Settings: ``of_fields`` true where the options' keys are fields of the item, which are ranked.
    """

    name = "ranking"
    setting_names: ClassVar[tuple[str, ...]] = ("of_fields",)
    form = "the list of all options' keys, best first"

    def settings_fit(self, given: dict[str, Any], option_keys: Sequence[str]) -> dict[str, Any]:
        if len(option_keys) > MOST:
            message = _("Nobody can rank more than %(most)s options.") % {"most": MOST}
            raise Unfit(message, options=message)
        kept = {name: value for name, value in given.items() if name != "of_fields"}
        return {**kept, "of_fields": True} if flag(given, "of_fields") else kept

    def posted(self, asked: Asked, entries: Sequence[str]) -> Said | None:
        filled = [text for text in entries if text.strip()]
        if not filled:
            return None
        codes = [
            int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else -1
            for text in filled[-1].split(",")
        ]
        return self.check(asked, Said(value=codes))

    def entries(self, asked: Asked, said: Said) -> list[str]:
        return [",".join(map(str, said.value))]

    def read(self, asked: Asked, plain: Any) -> Said:
        keys = ", ".join(f'"{option.key}"' for option in asked.options)
        said = list_read(
            asked, plain, separators=">|", example=f"[{keys}]", wanted=self._wanted(asked)
        )
        return self.check(asked, said)

    def plain(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Any:
        return list_plain(asked, said)

    @staticmethod
    def _wanted(asked: Asked) -> str:
        return _("“%(question)s” is answered by the list of its options, best first.") % {
            "question": asked.name
        }

    def check(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Said:
        if said.choice is not None or not isinstance(said.value, list):
            raise Unfit(self._wanted(asked))
        codes = [option_check(asked, code) for code in said.value]
        if len(set(codes)) < len(codes):
            raise Unfit(_("“%(question)s” ranks an option twice.") % {"question": asked.name})
        missing = [option.name for option in asked.options if option.code not in codes]
        if missing:
            raise Unfit(
                _("“%(question)s” ranks all options; these are missing: %(names)s.")
                % {"question": asked.name, "names": ", ".join(missing)}
            )
        return Said(value=codes)

    def words(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> str:
        return " > ".join(asked.by_code[code].name for code in said.value if code in asked.by_code)

    def distance(self, asked: Asked, one: Said, other: Said) -> float:
        """The share of pairs that the two order differently (Kendall's distance, from 0 to 1)."""
        place = {code: at for at, code in enumerate(other.value)}
        order = [place[code] for code in one.value if code in place]
        n = len(order)
        if n < 2:
            return 0.0
        turned = sum(order[i] > order[j] for i in range(n) for j in range(i + 1, n))
        return turned / (n * (n - 1) / 2)

    def settle(self, asked: Asked, answers: Sequence[Said]) -> Settled:
        """By mean places; options with one mean place are a tie."""
        means: dict[int, int] = {}
        for said in answers:
            for at, code in enumerate(said.value):
                means[code] = means.get(code, 0) + at
        if len(set(means.values())) < len(means):
            return Settled(None, "tie")
        return Settled(Said(value=sorted(means, key=means.__getitem__)), "mean_rank")

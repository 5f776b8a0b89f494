"""Free text: a correction, a reason, a better answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from annotate.kinds.base import Asked, Kind, Said, Settled, Unfit, whole

LONGEST = 20_000
USUAL = 2_000


class Text(Kind):
    """A label's value is the text, without blanks around it and with plain line ends.

    Settings: ``max_length`` in characters.
    """

    name = "text"
    least_options = 0
    writes_options = False
    setting_names: ClassVar[tuple[str, ...]] = ("max_length",)
    form = "a text"

    def settings_fit(self, given: dict[str, Any], option_keys: Sequence[str]) -> dict[str, Any]:
        longest = whole(given, "max_length", 1, LONGEST)
        return given if longest is None else {**given, "max_length": longest}

    @staticmethod
    def longest(asked: Asked) -> int:
        return int(asked.settings.get("max_length", USUAL))

    def posted(self, asked: Asked, entries: Sequence[str]) -> Said | None:
        filled = [text for text in entries if text.strip()]
        return self.check(asked, Said(value=filled[-1])) if filled else None

    def entries(self, asked: Asked, said: Said) -> list[str]:
        return [str(said.value)]

    def read(self, asked: Asked, plain: Any) -> Said:
        return self.check(asked, Said(value=plain))

    def plain(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Any:
        return said.value

    def check(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Said:
        if said.choice is not None or not isinstance(said.value, str):
            raise Unfit(_("“%(question)s” is answered by a text.") % {"question": asked.name})
        text = said.value.replace("\r\n", "\n").replace("\r", "\n").strip()
        if not text:
            raise Unfit(_("The text for “%(question)s” is empty.") % {"question": asked.name})
        if "\0" in text:
            raise Unfit(_("A text cannot hold the character NUL. Take it out."))
        longest = self.longest(asked)
        if len(text) > longest:
            raise Unfit(
                _("“%(question)s” takes %(most)s characters at most; these are %(n)s.")
                % {"question": asked.name, "most": longest, "n": len(text)}
            )
        return Said(value=text)

    def words(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> str:
        return str(said.value)

    def settle(self, asked: Asked, answers: Sequence[Said]) -> Settled:
        """No way to choose among different texts is any better than another."""
        if all(said == answers[0] for said in answers):
            return Settled(answers[0], "agreed", 1.0)
        return Settled(None, "differ")

"""Spans: stretches of one field of the item, each of a type."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
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
    from_json,
    option_check,
    option_code,
)

MOST = 2_000
WANTED = '[{"start": 0, "end": 5, "label": "…"}]'
# Characters of a span's text that are shown.
CUT = 60


class Span(Kind):
    """A label's value is the list of [start, end, option code], ascending; [] is nothing to mark.

    Places are characters (Unicode code points) of the field, from 0; the end does not belong.
    Settings: ``field``, and ``overlap`` where spans may overlap.
    """

    name = "span"
    least_options = 1
    split_from = 0.2
    setting_names: ClassVar[tuple[str, ...]] = ("field", "overlap")
    form = 'a list of spans, as [{"start": 0, "end": 5, "label": key of an option}]'

    def settings_fit(self, given: dict[str, Any], option_keys: Sequence[str]) -> dict[str, Any]:
        kept = {name: value for name, value in given.items() if name != "overlap"}
        kept["field"] = field_name(given, "field")
        return {**kept, "overlap": True} if flag(given, "overlap") else kept

    def posted(self, asked: Asked, entries: Sequence[str]) -> Said | None:
        filled = [text for text in entries if text.strip()]
        if not filled:
            return None
        return self.check(asked, Said(value=from_json(filled[-1], "[[0, 5, 1]]")))

    def entries(self, asked: Asked, said: Said) -> list[str]:
        return [json.dumps(said.value, separators=(",", ":"))]

    def read(self, asked: Asked, plain: Any) -> Said:
        found = from_json(plain, WANTED)
        if not isinstance(found, list):
            raise Unfit(self._shape(asked))
        spans = []
        for span in found:
            if not isinstance(span, dict) or not {"start", "end", "label"} <= span.keys():
                raise Unfit(self._shape(asked))
            spans.append([span["start"], span["end"], option_code(asked, span["label"])])
        return self.check(asked, Said(value=spans))

    @staticmethod
    def _shape(asked: Asked) -> str:
        return _("“%(question)s” is answered by a list of spans. Write it as %(wanted)s.") % {
            "question": asked.name,
            "wanted": WANTED,
        }

    def plain(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Any:
        text = self.text_of(asked, fields)
        return [
            {"start": start, "end": end, "label": asked.by_code[code].key}
            | ({} if text is None else {"text": text[start:end]})
            for start, end, code in said.value
            if code in asked.by_code
        ]

    @staticmethod
    def text_of(asked: Asked, fields: Mapping[str, str] | None) -> str | None:
        return None if fields is None else str(fields.get(asked.settings["field"], ""))

    def check(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> Said:
        if said.choice is not None or not isinstance(said.value, list):
            raise Unfit(self._shape(asked))
        if len(said.value) > MOST:
            raise Unfit(_("At most %(most)s spans an item.") % {"most": MOST})
        text = self.text_of(asked, fields)
        spans = sorted(self._span(asked, span, text) for span in said.value)
        if any(one == other for one, other in pairwise(spans)):
            raise Unfit(_("A span of “%(question)s” is named twice.") % {"question": asked.name})
        if not asked.settings.get("overlap"):
            for one, other in pairwise(spans):
                if other[0] < one[1]:
                    raise Unfit(
                        _(
                            "“%(question)s” has spans that do not overlap; those from %(a)s to "
                            "%(b)s and from %(c)s to %(d)s do."
                        )
                        % {
                            "question": asked.name,
                            "a": one[0],
                            "b": one[1],
                            "c": other[0],
                            "d": other[1],
                        }
                    )
        return Said(value=spans)

    def _span(self, asked: Asked, span: Any, text: str | None) -> list[int]:
        if not isinstance(span, list | tuple) or len(span) != 3:
            raise Unfit(self._shape(asked))
        start, end, code = span
        option_check(asked, code)
        whole = all(isinstance(at, int) and not isinstance(at, bool) for at in (start, end))
        if not whole or start < 0 or end <= start:
            raise Unfit(
                _("A span goes from a character to a later one, not from %(start)s to %(end)s.")
                % {"start": str(start)[:20], "end": str(end)[:20]}
            )
        if text is not None and end > len(text):
            raise Unfit(
                _("A span goes to character %(end)s, but “%(field)s” has %(n)s.")
                % {"end": end, "field": asked.settings["field"], "n": len(text)}
            )
        return [start, end, code]

    def words(self, asked: Asked, said: Said, fields: Mapping[str, str] | None = None) -> str:
        if not said.value:
            return _("nothing marked")
        text = self.text_of(asked, fields)
        return "; ".join(
            f"{asked.by_code[code].name}: {_excerpt(text, start, end)}"
            for start, end, code in said.value
            if code in asked.by_code
        )

    def distance(self, asked: Asked, one: Said, other: Said) -> float:
        """One less the F1 of the spans that both marked alike."""
        a, b = {tuple(span) for span in one.value}, {tuple(span) for span in other.value}
        return 1 - 2 * len(a & b) / (len(a) + len(b)) if a or b else 0.0

    def settle(self, asked: Asked, answers: Sequence[Said]) -> Settled:
        """The spans that more than half marked alike. They overlap only if one rater's do."""
        n, closest = len(answers), 1.0
        votes = Counter(tuple(span) for said in answers for span in said.value)
        for times in votes.values():
            if 2 * times == n:
                return Settled(None, "tie")
            closest = min(closest, max(times, n - times) / n)
        kept = sorted(list(span) for span, times in votes.items() if 2 * times > n)
        return Settled(Said(value=kept), "majority", closest)


def _excerpt(text: str | None, start: int, end: int) -> str:
    if text is None:
        return f"{start}–{end}"
    part = " ".join(text[start:end].split())
    return f"“{part if len(part) <= CUT else part[: CUT - 1] + '…'}”"

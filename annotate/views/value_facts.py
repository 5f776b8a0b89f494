"""Figures of questions whose answers are no single option, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.kinds import Asked, asked_of
from annotate.kinds.number import number_text
from annotate.models import Question, QuestionKind, RaterKind

if TYPE_CHECKING:
    from consensus.agreement import Agreement


def measure_words(found: Agreement) -> str:
    """What the figure is, with a word on its interval where it has none."""
    words = {
        "nominal": _("Krippendorff’s alpha with its 95 % interval"),
        "ordinal": _("Krippendorff’s alpha, ordinal, with its 95 % interval"),
        "interval": (
            _("Krippendorff’s alpha of numbers, with its 95 % interval")
            if found.low is not None
            else _("Krippendorff’s alpha of numbers, without an interval")
        ),
        "options": _("mean of Krippendorff’s alpha over the options; each has its interval below"),
        "places": _("Krippendorff’s alpha of the options’ places, ordinal, without an interval"),
        "exact": (
            _("F1 of spans marked alike, with its 95 % interval")
            if found.low is not None
            else _("F1 of spans marked alike, over all pairs, without an interval")
        ),
    }
    return words.get(found.level, "")


def value_meaning(found: Agreement) -> str:
    """What it says, where the bands of alpha do not; "" where they do."""
    if found.level == "none":
        return _("Not defined for free text: no count can say which words mean the same.")
    if found.measure != "span_f1":
        return ""
    if found.value is None:
        return (
            _("Not defined: nobody has marked anything.")
            if found.n
            else _("Not defined yet: no item has answers of two.")
        )
    return _("Of all that two of them marked, %(share)s %% was marked by both alike.") % {
        "share": round(100 * found.value)
    }


def options_agreement_shown(question: Question, figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Agreement on each option of a multiple choice, in the options' order."""
    kept = figures.get("options", {})
    undefined = _("everybody says the same")
    return [
        {
            "name": option.name,
            "colour": option.colour,
            "value": found["value"],
            "low": found["low"],
            "high": found["high"],
            "undefined": undefined if found["n"] else _("no item shared"),
        }
        for option in question.options.all()
        if (found := kept.get(str(option.code)))
    ]


def facts_shown(question: Question, figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Plain facts of what people and judges say, as _facts.html shows them."""
    asked = asked_of(question)
    shown = []
    for kind, name, key in (
        (RaterKind.PERSON, _("People"), "people"),
        (RaterKind.JUDGE, _("Judges"), "judges"),
    ):
        facts = figures.get("facts", {}).get(key)
        if facts:
            counts = figures[key]
            shown.append({"kind": kind.value, "name": name, **fact_words(asked, facts, counts)})
    return shown


def fact_words(asked: Asked, facts: dict[str, Any], counts: dict[str, int]) -> dict[str, Any]:
    """A sentence, and rows by option where there are some."""
    n = facts["n"]
    said = ngettext("%(n)s answer", "%(n)s answers", n) % {"n": intcomma(n)}
    if asked.kind == QuestionKind.MULTIPLE:
        rows = _rows(asked, counts, lambda times: f"{times} ({round(100 * times / n)} %)")
        if facts.get("none"):
            said += "; " + _("none of the options: %(n)s") % {"n": intcomma(facts["none"])}
        return {"words": said, "rows": rows}
    if asked.kind == QuestionKind.NUMBER:
        values = {name: number_text(facts[name]) for name in ("low", "median", "high")}
        said += ": " + _("median %(median)s, from %(low)s to %(high)s") % values
        unit = asked.settings.get("unit", "")
        return {"words": f"{said} {unit}".rstrip(), "rows": []}
    if asked.kind == QuestionKind.RANKING:
        places = facts["places"]
        rows = _rows(asked, places, lambda place: number_format(round(place, 1), decimal_pos=1))
        rows.sort(key=lambda row: row["at"])
        return {"words": _("%(said)s; mean places, 1 is best:") % {"said": said}, "rows": rows}
    if asked.kind == QuestionKind.SPAN:
        if facts["nothing"]:
            said += "; " + _("nothing marked: %(n)s") % {"n": intcomma(facts["nothing"])}
        return {"words": said, "rows": _rows(asked, facts["spans"], intcomma)}
    different = facts.get("different", 0)
    told = ngettext("%(n)s different text", "%(n)s different texts", different)
    return {"words": f"{said}, {told % {'n': intcomma(different)}}", "rows": []}


def _rows(asked: Asked, by_code: dict[str, Any], words: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": option.name,
            "colour": option.colour,
            "value": words(by_code[str(option.code)]),
            "at": by_code[str(option.code)],
        }
        for option in asked.options
        if str(option.code) in by_code
    ]


def interval_words(asked: Asked, payload: dict[str, Any]) -> str:
    """The 95 % interval of an aggregated number; "" where there is none."""
    if asked.kind != QuestionKind.NUMBER or "low" not in payload or "high" not in payload:
        return ""
    return _("95 %%: %(low)s to %(high)s,") % {
        "low": number_format(round(payload["low"], 2), decimal_pos=2),
        "high": number_format(round(payload["high"], 2), decimal_pos=2),
    }

"""The map of disagreement in words, bars and cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.access import Place
from annotate.models import Question
from annotate.views.bidi import isolated
from annotate.views.needs_shown import items_address

# In the order of selectors.differing.ROWS and COLUMNS.
ROWS = (
    gettext_lazy("All agree"),
    gettext_lazy("Up to half of the pairs differ"),
    gettext_lazy("More than half of the pairs differ"),
)
COLUMNS = (
    gettext_lazy("Rather slips"),
    gettext_lazy("Cannot be told"),
    gettext_lazy("Rather ambiguous"),
)
PARTS: dict[str, tuple[str | Promise, str | Promise, str]] = {
    "rater_error": (
        gettext_lazy("Slips"),
        gettext_lazy("somebody was careless: as often on any item"),
        "amber",
    ),
    "ambiguity": (
        gettext_lazy("Ambiguity"),
        gettext_lazy("careful people would differ on the item, too"),
        "violet",
    ),
    "between": (
        gettext_lazy("People against judges"),
        gettext_lazy("the two groups see items differently as groups"),
        "blue",
    ),
}


def differing_shown(place: Place, question: Question, found: dict[str, Any]) -> dict[str, Any]:
    """selectors.differing.differing_of for the page."""
    parts = found["parts"]
    total = _part(parts["total"])
    told = [
        {"name": name, "meaning": meaning, "colour": colour, **_part(parts[key])}
        for key, (name, meaning, colour) in PARTS.items()
    ]
    return {
        "n_items": found["n_items"],
        "looked_at": found["looked_at"],
        "drawn": found["looked_at"] < found["n_items"],
        "total": total,
        "parts": [part for part in told if part["value"] is not None],
        "shares": list(_shares(told, total["value"])) if found["has_model"] else [],
        "has_model": found["has_model"],
        "sentence": _sentence(parts, has_model=found["has_model"]),
        "columns": COLUMNS if found["has_model"] else [_("Items")],
        "rows": _rows(place, question, found),
        "pairs": [_pair(place, question, *pair) for pair in found["pairs"]],
    }


def _part(values: list[float | None]) -> dict[str, Any]:
    value, low, high = values
    return {"value": value, "low": low, "high": high}


def _shares(told: list[dict[str, Any]], total: float | None) -> Iterator[dict[str, Any]]:
    for part in told:
        if total and part["value"] is not None:
            percent = 100 * max(0.0, part["value"]) / total
            yield {"name": part["name"], "colour": part["colour"], "percent": percent}


def _sentence(parts: dict[str, list[float | None]], *, has_model: bool) -> str:
    """What the parts mean, and what to do next."""
    if parts["total"][0] is None:
        return _("No item has answers of two people yet.")
    if parts["total"][0] == 0:
        return _("Nobody differs from anybody on these items.")
    if not has_model:
        return _(
            "Slips and ambiguity cannot be told apart: that takes 20 items with answers of four "
            "people each. Ask for more answers to some items."
        )
    slips, ambiguity = parts["rater_error"], parts["ambiguity"]
    if _above(slips, ambiguity):
        return _(
            "Most of it is slips: known items among the work, and a word with who slips often, "
            "help more than rulings one by one."
        )
    if _above(ambiguity, slips):
        return _(
            "Most of it is ambiguity: the guideline leaves these items open. Look at the options "
            "that are mixed up, below, and say in the guideline which holds when."
        )
    return _("Whether slips or ambiguity make more of it cannot be told: the intervals overlap.")


def _above(one: list[float | None], other: list[float | None]) -> bool:
    return one[1] is not None and other[2] is not None and one[1] > other[2]


def _rows(place: Place, question: Question, found: dict[str, Any]) -> list[dict[str, Any]]:
    counts = {(row, column): (n, ids) for row, column, n, ids in found["cells"]}
    columns = len(COLUMNS) if found["has_model"] else 1
    rows = []
    for row, name in enumerate(ROWS):
        cells = []
        for column in range(columns):
            n, ids = counts[row, column]
            share = n / found["looked_at"] if found["looked_at"] else 0.0
            cells.append(
                {
                    "n": n,
                    "percent": round(100 * share),
                    "depth": sum(share >= step for step in (0.02, 0.1, 0.25, 0.5)),
                    "kept": len(ids) if len(ids) < n else None,
                    "url": _behind(place, question, f"{row}-{column}") if n else "",
                }
            )
        rows.append({"name": name, "cells": cells, "agree": row == 0})
    return rows


def _pair(
    place: Place,
    question: Question,
    code: int,
    other: int,
    n: int,
    ambiguous: float | None,
    ids: list[int],
) -> dict[str, Any]:
    by_code = {option.code: option for option in question.options.all()}
    return {
        "one": by_code.get(code),
        "other": by_code.get(other),
        "n": intcomma(n),
        "kept": len(ids) if len(ids) < n else None,
        "ambiguous": ambiguous,
        "url": _behind(place, question, f"pair-{code}-{other}"),
    }


def _behind(place: Place, question: Question, cell: str) -> str:
    return items_address(place.project, question=question.pk, differ=cell)


def behind_words(question: Question, cell: str) -> str:
    """Which number of the page the list of items shows, in words; "" for none."""
    kind, _dash, rest = cell.partition("-")
    if kind == "pair":
        names = {str(option.code): option.name for option in question.options.all()}
        one, _dash, other = rest.partition("-")
        if one in names and other in names:
            return _("Items that some people call %(one)s and others %(other)s:") % {
                "one": isolated(names[one]),
                "other": isolated(names[other]),
            }
        return ""
    if kind.isdecimal() and rest.isdecimal() and int(kind) < len(ROWS) and int(rest) < len(COLUMNS):
        return f"{ROWS[int(kind)]} · {COLUMNS[int(rest)]}"
    return ""

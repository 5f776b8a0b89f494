"""What was said over time, as rows of bars with their numbers, each of which leads to its items."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

from annotate.access import Place
from annotate.kinds import CHOICES
from annotate.models import Question, RaterKind
from annotate.views.bidi import isolated
from annotate.views.needs_shown import items_address


def over_time_shown(
    place: Place, question: Question, figures: dict[str, Any]
) -> dict[str, Any] | None:
    """{sentence, options, rows}; None of other kinds than choices, or within one period."""
    told = figures.get("over_time", [])
    if question.kind not in CHOICES or len(told) < 2:
        return None
    options = list(question.options.all())
    rows = [
        _row(place, question, options, period, kind)
        for kind in RaterKind
        for period in told
        if period[kind.value]
    ]
    return {"sentence": _sentence(options, told), "options": options, "rows": rows}


def _row(
    place: Place, question: Question, options: list[Any], period: dict[str, Any], kind: RaterKind
) -> dict[str, Any]:
    counts = period[kind.value]
    total = sum(counts.values())
    query = {
        "question": question.pk,
        "who": kind.value,
        "since": period["since"],
        "until": period["until"],
    }
    shares = [
        {
            "name": option.name,
            "colour": option.colour,
            "n": counts.get(str(option.code), 0),
            "percent": 100 * counts.get(str(option.code), 0) / total,
            "url": items_address(place.project, **query, answer=option.code),
        }
        for option in options
    ]
    return {
        "kind": kind.value,
        "who": _("People") if kind == RaterKind.PERSON else _("Judges"),
        "since": date.fromisoformat(period["since"]),
        "until": date.fromisoformat(period["until"]),
        "shares": shares,
        "total": intcomma(total),
        "url": items_address(place.project, **query),
    }


def _sentence(options: list[Any], told: list[dict[str, Any]]) -> str:
    """Which option's share among people changed most between the first and the last period."""
    periods = [period["person"] for period in told if period["person"]]
    if len(periods) < 2:
        return _("People gave all their labels within one period: no change can be seen.")
    first, last = periods[0], periods[-1]

    def share(counts: dict[str, int], code: int) -> float:
        return counts.get(str(code), 0) / sum(counts.values())

    most = max(options, key=lambda o: abs(share(last, o.code) - share(first, o.code)))
    return _(
        "Among people, the share of %(option)s went from %(first)s %% in the first period to "
        "%(last)s %% in the last: the largest change."
    ) % {
        "option": isolated(most.name),
        "first": round(100 * share(first, most.code)),
        "last": round(100 * share(last, most.code)),
    }

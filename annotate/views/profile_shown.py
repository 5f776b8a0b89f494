"""The profile of a rater, in words and rows."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from annotate.access import Place
from annotate.models import VOTES, EstimateRun, Option, Question, Rater, RaterEstimate
from annotate.views.bidi import isolated
from annotate.views.confusion_shown import Cell, confusion_rows
from annotate.views.needs_shown import items_address
from annotate.written import listed


def profile_shown(
    place: Place, question: Question, rater: Rater, profile: dict[str, Any] | None
) -> dict[str, Any] | None:
    """selectors.rater_figures.profile_of for the page; None where it is not worked out yet."""
    if profile is None:
        return None
    query = {"question": question.pk, "a": rater.pk}
    return {
        **{name: profile[name] for name in ("n_labels", "n_beside", "agree", "shared")},
        "share": {name: profile[name] for name in ("share", "low", "high")},
        "differ": profile["shared"] - profile["agree"],
        "labels_url": items_address(place.project, **query),
        "options": _options(place, question, profile, query),
        "leans": _leans(question, profile),
        "against": _against(place, question, profile, query),
        "over_time": [
            {
                **period,
                "since": date.fromisoformat(period["since"]),
                "until": date.fromisoformat(period["until"]),
                "url": items_address(
                    place.project, **query, since=period["since"], until=period["until"]
                ),
            }
            for period in profile["over_time"]
        ],
        "has_seconds": any(period["seconds"] is not None for period in profile["over_time"]),
    }


def ability_shown(run: EstimateRun | None, rater: Rater) -> dict[str, Any] | None:
    """What the newest aggregation says of the rater; None without one, or where it says nothing."""
    row = RaterEstimate.objects.filter(run=run, rater=rater, ability__isnull=False).first()
    if run is None or row is None:
        return None
    title = _("Agrees, by %(method)s") if run.method in VOTES else _("Right, by %(method)s")
    return {
        "title": title % {"method": run.get_method_display()},
        "value": row.ability,
        "low": row.ability_low,
        "high": row.ability_high,
        "n_labels": row.n_labels,
    }


def _options(
    place: Place, question: Question, profile: dict[str, Any], query: dict[str, Any]
) -> list[dict[str, Any]]:
    """How often the rater names each option, and how much oftener than the others do."""
    shown = []
    for option in question.options.all():
        code = option.code
        said = profile["said"]
        leaning = profile["leaning"][code] if code < len(profile["leaning"]) else None
        shown.append(
            {
                "option": option,
                "n": said[code] if code < len(said) else 0,
                "url": items_address(place.project, **query, a_says=code),
                "own": leaning and leaning[0],
                "others": leaning and leaning[1],
                "more": leaning and leaning[2],
                "low": leaning and leaning[3],
                "high": leaning and leaning[4],
            }
        )
    return shown


def _leans(question: Question, profile: dict[str, Any]) -> str:
    """One sentence: towards which options the rater leans for certain, or that none is seen."""
    if not profile["leaning"]:
        return _("Nobody else has labelled these items, so no leaning can be seen.")
    names = {option.code: option.name for option in question.options.all()}
    parts = []
    for code, (_own, _others, more, low, high) in enumerate(profile["leaning"]):
        if code in names and (low > 0 or high < 0):
            words = (
                _("%(points)s points more often") if more > 0 else _("%(points)s points less often")
            )
            points = round(100 * abs(more)) or "<1"
            parts.append(f"{isolated(names[code])} {words % {'points': points}}")
    if not parts:
        return _("No leaning is to be seen: each interval holds 0.")
    return _("On the same items as other people, it names %(parts)s.") % {"parts": listed(parts)}


def _against(
    place: Place, question: Question, profile: dict[str, Any], query: dict[str, Any]
) -> dict[str, Any]:
    """Own options in rows, those of most other people in columns."""
    options = list(question.options.all())
    counts = {(own, most): (n, ids) for own, most, n, ids in profile["against"]}

    def cell(own: Option, most: Option) -> Cell:
        n, behind = counts.get((own.code, most.code), (0, []))
        says = {"a_says": own.code, "most_say": most.code}
        return Cell(
            n,
            items_address(place.project, **query, **says) if behind else "",
            kept=len(behind) if 0 < len(behind) < n else None,
        )

    return {"rows": confusion_rows(options, cell), "options": options}

"""Rounds over anchor items, in words, as a chart and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.access import Place, Right
from annotate.views.bidi import isolated
from annotate.views.needs_shown import Need
from consensus.intervals import proportion_interval
from judges.models import Watch, WatchRound
from judges.selectors.watching import notices_open
from judges.views.audits_said import percent
from judges.views.run_shown import job_shown

NAMES = {
    "answers": gettext_lazy("Answers as in the first round"),
    "people": gettext_lazy("Answers as most people"),
}
NOTICES = {
    "model": gettext_lazy("the endpoint names another model than in the round before"),
    "answers": gettext_lazy("it answers otherwise than at first more often than before"),
    "people": gettext_lazy("its agreement with people is out of line"),
}
# The chart: so wide a round, and so high.
STEP, HEIGHT = 40, 100
SHOWN = 30


def notices_said(each: WatchRound) -> str:
    return "; ".join(str(NOTICES[name]) for name in each.notices if name in NOTICES)


def watch_said(watch: Watch | None, rounds: Sequence[WatchRound]) -> str:
    """How it stands, in one sentence."""
    over = [each for each in rounds if each.measured_at]
    if watch is None:
        return _("Nobody watches this judge: its endpoint may serve another model one day.")
    if not over:
        return _("No round is over yet.")
    newest = over[-1]
    if newest.notices:
        return _("Round %(n)s: %(what)s.") % {"n": newest.number, "what": notices_said(newest)}
    if not newest.limits:
        return _(
            "Too few rounds to say whether it changed: that takes three, two of them to learn how "
            "it differs from itself."
        )
    return _("Round %(n)s lies within the limits: no change was found.") % {"n": newest.number}


def watch_needs(place: Place) -> Iterator[Need]:
    """Rounds that found a change, for the overview. One query."""
    for each in notices_open(place.project):
        version = each.watch.version
        yield Need(
            1,
            _("%(judge)s has changed: %(what)s.")
            % {"judge": isolated(str(version)), "what": notices_said(each)},
            url=(
                reverse("judge_watch", args=[place.project.pk, version.pk])
                if place.may(Right.REVIEW)
                else ""
            ),
            action=_("Look at it"),
            hue="doubt",
        )


def chart_shown(name: str, rounds: Sequence[WatchRound]) -> dict[str, Any] | None:
    """A chart's points and limits in its own units, the newest rounds; None without two."""
    told = [each for each in rounds if getattr(each, f"n_{name}")][-SHOWN:]
    if len(told) < 2:
        return None
    points = []
    for at, each in enumerate(told):
        n, hits = getattr(each, f"n_{name}"), getattr(each, name)
        limits = each.limits.get(name)
        points.append(
            {
                "x": STEP * at + STEP / 2,
                "left": STEP * at,
                "right": STEP * (at + 1),
                "y": _down(hits, n),
                "low": _down(limits[0], n) if limits else None,
                "high": _down(limits[1], n) if limits and name == "people" else None,
                "out": name in each.notices,
                "number": each.number,
            }
        )
    return {
        "name": NAMES[name],
        "points": points,
        "path": " ".join(f"{p['x']:.1f},{p['y']:.1f}" for p in points),
        "width": STEP * len(points),
        "height": HEIGHT,
        "last": _share(name, told[-1]),
    }


def rounds_shown(project_id: int, rounds: Sequence[WatchRound]) -> list[dict[str, Any]]:
    """The table, newest first."""
    return [
        {
            "number": each.number,
            "at": date_format(each.run.created_at, "SHORT_DATETIME_FORMAT"),
            "url": reverse("run", args=[project_id, each.run_id]),
            "job": job_shown(each.run),
            "over": each.measured_at is not None,
            "answers": _share("answers", each),
            "people": _share("people", each),
            "models": ", ".join(each.models_reported),
            "notices": notices_said(each),
            "open": bool(each.notices) and each.seen_at is None,
            "is_base": each.number == each.base,
        }
        for each in reversed(rounds)
    ]


def _share(name: str, each: WatchRound) -> str:
    """ "47 of 50 (94 %, 84 % to 98 %); limits 44 to 50"; "" where nothing is known."""
    n, hits = getattr(each, f"n_{name}"), getattr(each, name)
    if not n:
        return ""
    low, high = proportion_interval(hits, n)
    said = _("%(hits)s of %(n)s (%(share)s, %(low)s to %(high)s)") % {
        "hits": hits,
        "n": n,
        "share": percent(hits / n),
        "low": percent(low),
        "high": percent(high),
    }
    if limits := each.limits.get(name):
        top = limits[1] if name == "people" else n
        said = _("%(said)s; limits %(low)s to %(high)s") % {
            "said": said,
            "low": limits[0],
            "high": top,
        }
    return said


def _down(hits: int, n: int) -> float:
    return HEIGHT * (1 - hits / n)

"""A replacement test in the form in which its page shows it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from annotate.models import Rater
from annotate.written import decimal
from judges.models import Closeness, ReplacementTest
from judges.views.replacement_words import (
    LIMIT,
    next_of_test,
    result_cautions,
    result_sentences,
    state_of_test,
)

# The picture of the curve: so wide and high; epsilon runs from 0 to .5.
WIDTH, HEIGHT, UP_TO = 400, 200, 0.5
# Epsilons of the table beside it.
TABLED = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


def replacement_shown(test: ReplacementTest, raters: dict[int, Rater]) -> dict[str, Any]:
    """For judges/_replacement.html. ``raters``: the people of its result, by id."""
    shown: dict[str, Any] = {
        "pk": test.pk,
        "epsilon": test.epsilon,
        "closeness": Closeness(test.score).label,
        "by_distance": test.score == Closeness.DISTANCE,
        "seed": test.seed,
        "planned_at": test.planned_at,
        "planned_by": test.planned_by.shown_name,
        "state": state_of_test(test),
        "next": next_of_test(test),
        "plan": _plan(test) if test.plan else None,
        "batch": test.batch,
        "decided_at": test.decided_at,
    }
    if not test.decided_at:
        return shown
    result = test.result
    return {
        **shown,
        "sentences": result_sentences(test),
        "cautions": result_cautions(test),
        "winning_rate": result["winning_rate"],
        "advantage": result["advantage"],
        "needed": result["needed"],
        "curve": curve_shown(result["curve"], test.epsilon),
        "people": [
            {
                **person,
                "name": raters[person["rater"]].name
                if person["rater"] in raters
                else str(person["rater"]),
                "p_written": _p(person["p"]),
            }
            for person in result["people"]
        ],
        "meaning": _meaning(result["meaning"]),
        "n_items": result["n_items"],
        "n_labels": result["n_labels"],
        "n_helped": result["n_helped"],
        "fingerprint": test.fingerprint,
        "made_with": test.made_with,
    }


def raters_of_result(test: ReplacementTest) -> dict[int, Rater]:
    """The people whom a result names. One query, none before there is a result."""
    ids = [person["rater"] for person in test.result.get("people", [])]
    return Rater.objects.filter(project=test.project_id).in_bulk(ids) if ids else {}


def _p(value: float) -> str:
    return _("below .001") if value < 0.001 else decimal(value, 3).removeprefix("0")


def _plan(test: ReplacementTest) -> dict[str, Any]:
    plan = test.plan
    rows = [
        {"n": n, "equal": equal, "worse": worse, "is_enough": n == plan["enough"]}
        for n, equal, worse in zip(plan["sizes"], plan["equal"], plan["worse"], strict=True)
    ]
    points = round(100 * plan["gap"])
    return {
        **plan,
        "points": points,
        "rows": rows,
        "possible": [row for row in rows if row["n"] <= plan["n_judged"]],
    }


def _meaning(meaning: dict[str, Any] | None) -> dict[str, Any] | None:
    if meaning is None:
        return None
    chances = [{**chance, "points": round(100 * chance["gap"])} for chance in meaning["chances"]]
    return {**meaning, "chances": chances}


def curve_shown(curve: list[list[float]], epsilon: float) -> dict[str, Any] | None:
    """Winning rate over epsilon as places in a picture, and as rows; None without a curve."""
    if not curve:
        return None

    def x(value: float) -> float:
        return WIDTH * value / UP_TO

    def y(value: float) -> float:
        return HEIGHT * (1 - value)

    def path(points: list[tuple[float, float]]) -> str:
        return " ".join(f"{a:.2f},{b:.2f}" for a, b in points)

    upper = [(x(e), y(high)) for e, _rate, _low, high in curve]
    lower = [(x(e), y(low)) for e, _rate, low, _high in reversed(curve)]
    return {
        "line": path([(x(e), y(rate)) for e, rate, _low, _high in curve]),
        "band": path(upper + lower),
        "chosen": f"{x(min(epsilon, UP_TO)):.2f}",
        "limit": f"{y(LIMIT):.2f}",
        "rows": [
            {"epsilon": e, "value": rate, "low": low, "high": high, "chosen": e == epsilon}
            for e, rate, low, high in curve
            if e in TABLED or e == epsilon
        ],
    }

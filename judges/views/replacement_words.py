"""What a replacement test says in sentences. Never a bare "passed": what it forgives, and how sure
that is, is said with it.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.written import fraction
from judges.models import ReplacementTest
from judges.views.report_words import percent

# The authors of the test call for a judge that beats this share of the people.
LIMIT = 0.5
FEW_PEOPLE = 3


def result_sentences(test: ReplacementTest) -> list[str]:
    """What was found, the most important first; what it does not show is in result_cautions."""
    result = test.result
    people = result["people"]
    if not people:
        return [
            _(
                "The test says nothing: nobody has 30 items that another person and the judge "
                "labelled too."
            )
        ]
    rate, advantage = result["winning_rate"], result["advantage"]
    beaten = sum(person["beaten"] for person in people)
    told = [
        ngettext(
            "At epsilon %(epsilon)s the judge does at least as well as %(beaten)s of %(n)s person "
            "(winning rate %(rate)s, 95 %% interval %(low)s to %(high)s).",
            "At epsilon %(epsilon)s the judge does at least as well as %(beaten)s of %(n)s people "
            "(winning rate %(rate)s, 95 %% interval %(low)s to %(high)s).",
            len(people),
        )
        % {
            "epsilon": fraction(test.epsilon),
            "beaten": beaten,
            "n": len(people),
            **_numbers(rate, "rate"),
        },
        _(
            "On %(percent)s of the items it is at least as close to the other people as a person "
            "is (advantage %(share)s, 95 %% interval %(low)s to %(high)s)."
        )
        % {"percent": percent(advantage["value"]), **_numbers(advantage, "share")},
        _needed(result["needed"]),
    ]
    return told + ([_meaning(test, result["meaning"])] if result["meaning"] else [])


def _numbers(found: dict[str, Any], name: str) -> dict[str, str]:
    return {
        name: fraction(found["value"]),
        "low": fraction(found["low"]),
        "high": fraction(found["high"]),
    }


def _needed(needed: dict[str, Any]) -> str:
    if needed["value"] is None:
        return _("At no epsilon would it do so for half of the people.")
    told = _("It does so for half of the people from epsilon %(needed)s on") % {
        "needed": fraction(needed["value"])
    }
    if needed["low"] is None:
        return f"{told}."
    high = fraction(needed["high"]) if needed["high"] is not None else _("above 1")
    return told + _(" (95 %% interval %(low)s to %(high)s).") % {
        "low": fraction(needed["low"]),
        "high": high,
    }


def _meaning(test: ReplacementTest, meaning: dict[str, Any]) -> str:
    epsilon = fraction(test.epsilon)
    if meaning["forgiven"] is None:
        return _("An epsilon of %(epsilon)s would forgive any judge here.") % {"epsilon": epsilon}
    told = _(
        "Epsilon %(epsilon)s forgives a judge up to %(points)s points less accurate than people "
        "here."
    ) % {"epsilon": epsilon, "points": round(100 * meaning["forgiven"])}
    worse = next(
        (c for c in meaning["chances"] if c["gap"] == 0.1 and c["value"] is not None), None
    )
    equal = next((c for c in meaning["chances"] if c["gap"] == 0 and c["value"] is not None), None)
    if equal is None or worse is None:
        return told
    return f"{told} " + _(
        "In a sample like this a judge as accurate as people reaches one half in %(equal)s of "
        "100 cases, one 10 points less accurate in %(worse)s."
    ) % {"equal": round(100 * equal["value"]), "worse": round(100 * worse["value"])}


def result_cautions(test: ReplacementTest) -> list[str]:
    """What keeps the result from meaning what one might read into it."""
    result = test.result
    told: list[str] = []
    people = result["people"]
    if not people:
        return told
    rate = result["winning_rate"]
    if rate["low"] < LIMIT <= rate["high"]:
        told.append(
            _("The interval lies on both sides of one half: other items might turn the result.")
        )
    if len(people) < FEW_PEOPLE:
        told.append(_("Fewer than three people are too few to speak for people."))
    if result["meaning"] is None:
        told.append(
            _(
                "People agree no more than guessing would: what epsilon forgives cannot be told, "
                "and being close to them means little."
            )
        )
    elif result["n_named"] < 2:
        told.append(
            _(
                "People gave all items one and the same answer: whether the judge can tell "
                "answers apart is not tested."
            )
        )
    elif result["meaning"]["agreement"] == 1:
        told.append(
            _("All people always agree. What they might miss together the test cannot see.")
        )
    if result["skipped"]:
        told.append(
            ngettext(
                "%(n)s person has fewer than 30 such items and does not count.",
                "%(n)s people have fewer than 30 such items and do not count.",
                len(result["skipped"]),
            )
            % {"n": len(result["skipped"])}
        )
    return told


def next_of_test(test: ReplacementTest) -> str:
    """What to do next, in one sentence."""
    if not test.decided_at:
        if test.batch:
            return _("Next: when the people below have labelled their items, decide the test.")
        now = test.plan.get("now", {})
        if now.get("people", 0) >= FEW_PEOPLE:
            return _(
                "Next: decide the test on the labels there are, or have people label items drawn "
                "for it."
            )
        return _("Next: have people label items drawn for it; too few labels are there already.")
    people = test.result["people"]
    if not people:
        return _("Next: plan another test, and have at least three people label items for it.")
    rate = test.result["winning_rate"]
    if rate["low"] >= LIMIT and len(people) >= FEW_PEOPLE:
        return _(
            "Next: if a judge that much less accurate will do, hand over with a bound on its "
            "errors; else test again with a smaller epsilon."
        )
    if rate["high"] < LIMIT:
        return _("Next: mend the judge where it fails, or leave these items to people.")
    return _("Next: have more items labelled blind, and test again.")


def state_of_test(test: ReplacementTest) -> str:
    """Where a test stands, for lists."""
    if not test.decided_at:
        return _("Labels are being collected") if test.batch else _("Planned")
    rate, advantage = test.result["winning_rate"], test.result["advantage"]
    if rate["value"] is None:
        return _("Decided: too few labels to say anything")
    return _(
        "Winning rate %(rate)s (%(low)s to %(high)s), advantage %(advantage)s at epsilon "
        "%(epsilon)s"
    ) % {
        **_numbers(rate, "rate"),
        "advantage": fraction(advantage["value"]),
        "epsilon": fraction(test.epsilon),
    }

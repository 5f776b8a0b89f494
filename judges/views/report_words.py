"""What a report on a judge says in sentences: how it stands, and what to do next."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.written import fraction
from judges.models import Closeness

# People with fewer items in common with a judge do not count in the replacement test.
ENOUGH = 30


def percent(share: float) -> str:
    """A share in words: 84 %, where 100 % is all and 0 % none."""
    if 0.995 <= share < 1:
        return _("over 99 %")
    if 0 < share < 0.005:
        return _("under 1 %")
    return _("%(n)s %%") % {"n": round(100 * share)}


def report_sentences(content: dict[str, Any]) -> list[str]:
    """How it stands with the judge, the most important first."""
    n = content["n"]
    if not content["n_items"]:
        return [_("People have labelled none of its items, so there is nothing to measure it by.")]
    if not n:
        return [
            ngettext(
                "On the %(n)s item that people labelled too they are tied.",
                "On all %(n)s items that people labelled too they are tied.",
                content["n_items"],
            )
            % {"n": content["n_items"]}
        ]
    said = [
        ngettext(
            "It says what most people said on %(agree)s of %(n)s item: %(share)s (95 %% interval "
            "%(low)s to %(high)s).",
            "It says what most people said on %(agree)s of %(n)s items: %(share)s (95 %% interval "
            "%(low)s to %(high)s).",
            n,
        )
        % {
            "agree": content["agree"],
            "n": n,
            "share": fraction(content["share"]),
            "low": fraction(content["low"]),
            "high": fraction(content["high"]),
        }
    ]
    return [*said, _beside_people(content["with_people"])]


def _beside_people(found: dict[str, Any]) -> str:
    """Whether it agrees with a person as often as another person does."""
    if not found["n_items"]:
        return _("No item has labels of two people, so how far people agree is not known.")
    judge, people, difference = found["judge"], found["people"], found["difference"]
    told = _("It agrees with a person on %(judge)s of the items, two people agree on %(people)s.")
    told = told % {"judge": percent(judge["value"]), "people": percent(people["value"])}
    if difference["low"] is None:
        return told
    if difference["high"] < 0:
        return f"{told} " + _("So it agrees with people less often than they do with each other.")
    if difference["low"] > 0:
        return f"{told} " + _(
            "So it agrees with people more often than they do with each other: it says what is "
            "most often said. That alone does not make it right."
        )
    return f"{told} " + _(
        "The labels do not show a difference: 95 %% interval %(low)s to %(high)s."
    ) % {"low": fraction(difference["low"]), "high": fraction(difference["high"])}


def report_warnings(content: dict[str, Any]) -> list[str]:
    """What keeps the figures from meaning much: few labels, one answer only, no disagreement."""
    n, told = content["n"], []
    if 0 < n < ENOUGH:
        told.append(
            ngettext(
                "%(n)s item is too few to say much: look at the intervals, not at the numbers.",
                "%(n)s items are too few to say much: look at the intervals, not at the numbers.",
                n,
            )
            % {"n": n}
        )
    named = sum(each["n_people"] > 0 for each in content["classes"])
    if n and named == 1:
        told.append(
            _(
                "Most people gave every item one and the same answer. Agreement then does not show "
                "whether the judge can tell answers apart."
            )
        )
    elif n and content["agree"] == n:
        told.append(
            _(
                "The judge and most people never differ here. With these items up to %(most)s %% "
                "of its other labels may still be wrong (95 %% interval)."
            )
            % {"most": round(100 * (1 - content["low"]))}
        )
    if content["n_helped"]:
        told.append(
            ngettext(
                "%(n)s label of people is left out: a judge's answer had been shown to them.",
                "%(n)s labels of people are left out: a judge's answer had been shown to them.",
                content["n_helped"],
            )
            % {"n": content["n_helped"]}
        )
    return told


def next_step(content: dict[str, Any]) -> str:
    """What would make the report say more."""
    n, two = content["n"], content["with_people"]["n_items"]
    if n < ENOUGH:
        return ngettext(
            "Next: have people label %(n)s more of its items blind.",
            "Next: have people label %(n)s more of its items blind.",
            ENOUGH - n,
        ) % {"n": ENOUGH - n}
    if sum(each["n_people"] > 0 for each in content["classes"]) == 1:
        return _("Next: have items labelled blind that may well get another answer.")
    if two < ENOUGH:
        return ngettext(
            "Next: have a second person label %(n)s more of these items blind.",
            "Next: have a second person label %(n)s more of these items blind.",
            ENOUGH - two,
        ) % {"n": ENOUGH - two}
    return _("Next: plan a replacement test, which asks whether it may stand in for a person.")


def state_of_content(content: dict[str, Any]) -> str:
    """The one sentence of the list: how it stands, and what to do next."""
    return f"{report_sentences(content)[0]} {next_step(content)}"


def closeness_words(score: str) -> str:
    return str(Closeness(score).label)

"""A panel in words and rows: on the page that makes it, on its own, on those of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.written import decimal, listed
from judges.models import JudgeVersion, Run
from judges.prompting.panel import EQUAL, PanelSpec
from judges.selectors.judges import version_note
from judges.selectors.money import dollars
from judges.selectors.panel_runs import panel_tally
from judges.selectors.panels import is_panel, members_of, spec_of
from judges.services.panel_costs import Forecast, MemberCost, cheapest_first
from judges.services.panels import Draft


def draft_shown(draft: Draft) -> dict[str, Any]:
    """A panel that is not made yet: its judges in their order, and what an item will take."""
    return {
        "members": _members(draft.spec, draft.costs),
        "said": forecast_said(draft.forecast),
        "numbers": _numbers(draft.forecast.by_number, draft.forecast.n_items),
        "how": how_said(draft.spec),
        "doubts": [
            _(
                "%(judges)s are one model, %(model)s: they tend to err together, and their votes "
                "count as if they did not."
            )
            % {"judges": listed(map(str, judges)), "model": model}
            for model, judges in draft.alike
        ]
        + ([_alone_said(draft.alone)] if draft.alone else []),
    }


def panel_shown(version: JudgeVersion) -> dict[str, Any] | None:
    """For judges/_panel.html: a panel's judges and how their votes count; None of another judge."""
    if not is_panel(version):
        return None
    spec = spec_of(version)
    costs = {cost.version.pk: cost for cost in cheapest_first(members_of(version))}
    ordered = [costs[member.pk] for member in members_of(version)]
    return {"members": _members(spec, ordered), "how": how_said(spec), "learnt": spec.learnt}


def panel_run_shown(run: Run) -> dict[str, Any] | None:
    """For judges/run.html: how many judges the items took; None of another judge's run."""
    if not is_panel(run.version):
        return None
    tally = panel_tally(run)
    if not tally.items:
        return {"numbers": [], "said": ""}
    said = _(
        "%(answers)s answers of judges, where asking everybody about everything would have taken "
        "%(everybody)s: %(percent)s %% saved."
    ) % {
        "answers": intcomma(tally.answers),
        "everybody": intcomma(tally.everybody),
        "percent": round(100 * (tally.saved_share or 0.0)),
    }
    if tally.discussed:
        said += " " + ngettext(
            "On %(n)s item the judges differed and discussed it.",
            "On %(n)s items the judges differed and discussed them.",
            tally.discussed,
        ) % {"n": intcomma(tally.discussed)}
    return {"numbers": _numbers(tally.by_number, tally.items), "said": said}


def how_said(spec: PanelSpec) -> list[str]:
    """How a panel stops, discusses and weighs, a sentence or two each."""
    return [_stop_said(spec), *([_talk_said()] if spec.readers else []), _weights_said(spec)]


def forecast_said(found: Forecast) -> str:
    """What an item is likely to take."""
    if not found.n_items:
        return _(
            "No item was answered by all of them yet, so it cannot be told how often they differ: "
            "%(least)s of %(n)s are asked of each item at least."
        ) % {"least": found.least, "n": found.n_members}
    said = [
        _(
            "On %(items)s items that all of them answered before, %(asked)s of %(n)s judges would "
            "have been asked on average."
        )
        % {
            "items": intcomma(found.n_items),
            "asked": decimal(found.asked or 0, 1),
            "n": found.n_members,
        }
    ]
    if found.dollars:
        said.append(_("That is about %(price)s an item.") % {"price": dollars(found.dollars)})
    if found.changed:
        changed = ngettext(
            "On %(n)s of them the label would have been another had all been asked.",
            "On %(n)s of them the labels would have been others had all been asked.",
            found.changed,
        )
        said.append(changed % {"n": intcomma(found.changed)})
    if found.differ:
        differ = ngettext(
            "On %(n)s of them those asked differed.",
            "On %(n)s of them those asked differed.",
            found.differ,
        )
        said.append(differ % {"n": intcomma(found.differ)})
    return " ".join(said)


def _alone_said(judge: JudgeVersion) -> str:
    return _(
        "%(judge)s outweighs all the others together, so the panel would always say what it says. "
        "Run it by itself, or weigh all alike."
    ) % {"judge": judge}


def _stop_said(spec: PanelSpec) -> str:
    if spec.stop == "all":
        return _("Every judge is asked about every item.")
    if spec.stop == "sure":
        return _(
            "Judges are asked in this order until the vote is %(sure)s %% sure, or cannot change "
            "any more. How sure is estimated from the known answers: right on average, no promise, "
            "and nothing is said of what the others would have voted."
        ) % {"sure": round(100 * spec.sure)}
    return _(
        "Judges are asked in this order until nothing that the others could say would change the "
        "outcome. The labels are those that asking all of them would have brought."
    )


def _talk_said() -> str:
    return _(
        "Where two differ, all the others are asked, and then each that can read them once more, "
        "with the reasons of the others, in a drawn order and without names. The vote is on the "
        "second answers. Where those asked are of one mind nothing is discussed."
    )


def _weights_said(spec: PanelSpec) -> str:
    if not spec.learnt:
        return _("Each vote counts the same. A tie is no label.")
    at = parse_datetime(spec.as_of) if spec.as_of else None
    values = {
        "n": intcomma(spec.n_items),
        "at": date_format(at, "SHORT_DATE_FORMAT") if at else "–",
    }
    if spec.source == "people":
        said = _(
            "A vote counts by how often its judge agreed with people, on %(n)s items that all of "
            "them labelled (newest answer of %(at)s)."
        )
    else:
        said = _(
            "A vote counts by how often its judge was right, on %(n)s gold items that all of them "
            "labelled (newest of %(at)s)."
        )
    return (
        said % values
        + " "
        + _("Each of those items itself is weighed by the others only. A tie is no label.")
    )


def _members(spec: PanelSpec, costs: Sequence[MemberCost]) -> list[dict[str, Any]]:
    """A row a judge, in the order in which they are asked."""
    rows = []
    for place, cost in enumerate(costs):
        rows.append(
            {
                "number": place + 1,
                "name": str(cost.version),
                "url": reverse("judge", args=[cost.version.project_id, cost.version.pk]),
                "note": version_note(cost.version),
                "price": _price(cost),
                "seconds": cost.seconds,
                "weight": decimal(spec.shared[place] / EQUAL, 2) if spec.learnt else "1",
                "accuracy": spec.accuracy[place] if spec.learnt else None,
                "reads": place in spec.readers,
                "silent": not spec.shared[place],
            }
        )
    return rows


def _price(cost: MemberCost) -> str:
    if cost.basis == "free":
        return _("nothing")
    if cost.price is None:
        return _("not known")
    return _("about %(price)s") % {"price": dollars(cost.price)}


def _numbers(by_number: dict[int, int], total: int) -> list[dict[str, Any]]:
    """For a small table: how many items were over after how many judges."""
    return [
        {"n": number, "items": items, "percent": round(100 * items / total) if total else 0}
        for number, items in by_number.items()
    ]

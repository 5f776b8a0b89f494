"""Versions of a judge side by side, and what differs between two of them."""

from __future__ import annotations

from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput
from annotate.models import Item
from annotate.views.page import AuthenticatedRequest, render_page
from annotate.written import below_one, decimal
from judges.models import JudgeVersion
from judges.selectors.comparison import (
    Paired,
    VersionFigures,
    figures_of,
    paired,
    versions_beside,
)
from judges.selectors.money import dollars
from judges.selectors.places import version_of
from judges.selectors.settings import changed_in, settings_differ, texts_differ
from judges.views.asked_for import number_of
from judges.views.run_shown import seconds_said
from judges.views.trial_shown import edit_url

# So many are compared at first, and at most: each asks for its own reading of what was answered.
COMPARED = 4
MOST_COMPARED = 12
MOST_LISTED = 60


@require_GET
def judge_versions(request: AuthenticatedRequest, project_id: int, version_id: int) -> HttpResponse:
    """All versions of a judge's question; those with ``with`` in the address side by side on the
    same items, by default the newest that answered anything.
    """
    place = access.project_of(request.user, project_id, Right.REVIEW)
    version = version_of(place, version_id)
    beside = versions_beside(version, MOST_LISTED)
    chosen = _chosen(request.GET.getlist("with"), version, beside)
    shown = [one for one in beside if one.name == version.name or one.pk in chosen]
    rows, n_same = figures_of(shown, chosen)
    base = next((one for one in shown if one.pk in chosen), None)
    context: dict[str, Any] = {
        "judge": version,
        "question": version.question,
        "rows": [
            {**_row(project_id, row, shown), "with": row.version.pk in chosen} for row in rows
        ],
        "others": [one for one in beside if one not in shown],
        "n_same": n_same,
        "n_compared": len(chosen),
        "pairs": [
            _pair(project_id, base, one)
            for one in shown
            if base and one.pk in chosen and one.pk != base.pk
        ],
        "crumbs": _crumbs(project_id, version),
    }
    return render_page(request, "judges/versions.html", context, place=place, current="judges")


@require_GET
def judge_diff(
    request: AuthenticatedRequest, project_id: int, version_id: int, other_id: int
) -> HttpResponse:
    """What differs between two versions, and how they compare on the same items."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    first, second = version_of(place, version_id), version_of(place, other_id)
    if first.pk == second.pk:
        raise BadInput(_("Choose two different versions."))
    texts, settings = texts_differ(first, second), settings_differ(first, second)
    found = paired(first, second) if first.question_id == second.question_id else None
    context: dict[str, Any] = {
        "first": first,
        "second": second,
        "texts": [text for text in texts if text.lines],
        "same_texts": [text.name for text in texts if not text.lines],
        "settings": [setting for setting in settings if setting.changed],
        "same_settings": [setting for setting in settings if not setting.changed],
        "paired": found,
        "sentence": paired_said(found, first, second) if found else "",
        "items": _items(place, found, first, second) if found else [],
        "edit_first": edit_url(project_id, first) if first.prompt else "",
        "edit_second": edit_url(project_id, second) if second.prompt else "",
        "swap_url": reverse("judge_diff", args=[project_id, second.pk, first.pk]),
        "crumbs": [
            *_crumbs(project_id, second),
            {
                "label": _("Versions"),
                "url": reverse("judge_versions", args=[project_id, second.pk]),
            },
        ],
    }
    return render_page(request, "judges/diff.html", context, place=place, current="judges")


def _chosen(wanted: list[str], version: JudgeVersion, beside: list[JudgeVersion]) -> set[int]:
    """The ids of the versions that are compared: those asked for, else the newest of this name that
    answered anything.
    """
    asked = {number_of(one) for one in wanted}
    chosen = [one.pk for one in beside if one.pk in asked][:MOST_COMPARED]
    if not chosen:
        own = [one for one in beside if one.name == version.name]
        chosen = [one.pk for one in own if one.has_answers][:COMPARED]  # type: ignore[attr-defined]
    return set(chosen)


def paired_said(found: Paired, first: JudgeVersion, second: JudgeVersion) -> str:
    """What two versions on the same items come to, in a sentence."""
    from consensus.mcnemar import FEWEST_TOLD_APART

    if not found.n:
        return _("They were asked about no item in common on which people agree.")
    names = {"first": str(first), "second": str(second), "n": intcomma(found.n)}
    apart = found.first_only + found.second_only
    if not apart:
        return _("On the same %(n)s items both have the same ones right.") % names
    better, worse = (first, second) if found.first_only >= found.second_only else (second, first)
    names |= {
        "better": str(better),
        "worse": str(worse),
        "more": intcomma(max(found.first_only, found.second_only)),
        "fewer": intcomma(min(found.first_only, found.second_only)),
        "p": _p(found.p),
    }
    counted = _(
        "Of the same %(n)s items, %(better)s is with people on %(more)s where %(worse)s is not, "
        "and the other way round on %(fewer)s."
    )
    if apart < FEWEST_TOLD_APART:
        meaning = ngettext(
            "From %(apart)s item nobody can tell which is better: compare them on more.",
            "From %(apart)s items nobody can tell which is better: compare them on more.",
            apart,
        )
        names["apart"] = str(apart)
    elif found.p < 0.05:
        meaning = _("Luck alone would seldom do that (p %(p)s): %(better)s is the better one.")
    else:
        meaning = _("That may well be luck (p %(p)s).")
    return f"{counted % names} {meaning % names}"


def _p(value: float) -> str:
    if value < 0.001:
        return _("below .001")
    return f"= {decimal(value, 3) if value >= 0.9995 else below_one(f'{value:.3f}'[2:])}"


def _pair(project_id: int, base: JudgeVersion, other: JudgeVersion) -> dict[str, Any]:
    # The older one first, as a history reads.
    first, second = sorted((base, other), key=lambda version: version.pk)
    found = paired(first, second)
    return {
        "first": first,
        "second": second,
        "paired": found,
        "sentence": paired_said(found, first, second),
        "url": reverse("judge_diff", args=[project_id, first.pk, second.pk]),
    }


def _row(project_id: int, row: VersionFigures, shown: list[JudgeVersion]) -> dict[str, Any]:
    """A version in the list; ``changed``: in what it differs from the one before of its name."""
    before = next(
        (one for one in shown if one.name == row.version.name and one.pk < row.version.pk), None
    )
    spent, seconds = row.effort.spent_each, row.effort.seconds_each
    return {
        "row": row,
        "url": reverse("judge", args=[project_id, row.version.pk]),
        "edit_url": edit_url(project_id, row.version) if row.version.prompt else "",
        "before": before,
        "changed": changed_in(before, row.version) if before else [],
        "diff_url": reverse("judge_diff", args=[project_id, before.pk, row.version.pk])
        if before
        else "",
        "spent": "" if spent is None else dollars(spent),
        "free": spent == 0,
        "seconds": "" if seconds is None else seconds_said(seconds),
    }


def _items(
    place: Place, found: Paired, first: JudgeVersion, second: JudgeVersion
) -> list[dict[str, Any]]:
    """The items that one of the two got and the other did not, a list for each."""
    items = Item.objects.in_bulk([*found.first_items, *found.second_items])
    sides = ((first, found.first_only, found.first_items),
             (second, found.second_only, found.second_items))  # fmt: skip
    return [
        {
            "judge": version,
            "n": n,
            "items": [
                {
                    "text": " · ".join(map(str, items[pk].fields.values())),
                    "url": reverse("item", args=[place.project.pk, pk]),
                }
                for pk in ids
            ],
        }
        for version, n, ids in sides
        if n
    ]


def _crumbs(project_id: int, version: JudgeVersion) -> list[dict[str, str]]:
    return [
        {"label": _("Judges"), "url": reverse("judges", args=[project_id])},
        {"label": str(version), "url": reverse("judge", args=[project_id, version.pk])},
    ]

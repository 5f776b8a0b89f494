"""The price of help: how far suggestions move people, as a page for whoever sees results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Right
from annotate.selectors.help_price import (
    LATEST,
    Comparison,
    Design,
    HelpPrice,
    Reveals,
    help_price,
)
from annotate.views.page import AuthenticatedRequest, render_page

if TYPE_CHECKING:
    from consensus.clustered import Contrast, Mean


@require_GET
def help_price_page(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    price = help_price(place.project)
    context = {
        "basis": _basis(price),
        "comparisons": [_comparison(one) for one in price.comparisons],
        "reveals": [_reveals(one) for one in price.reveals],
        "rule": place.project.get_visibility_display(),
        "may_manage": place.may(Right.MANAGE),
    }
    return render_page(
        request, "annotate/help_price.html", context, place=place, current="overview"
    )


def _basis(price: HelpPrice) -> str:
    words = (
        _("From the newest %(n)s answers of people.")
        if price.cut
        else _("From %(n)s answers of people.")
    )
    return words % {"n": intcomma(min(price.looked_at, LATEST))}


def _comparison(found: Comparison) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    several = len(found.questions) > 1
    for price in found.questions:
        of = [
            (_("Gave the judge’s answer"), price.follows),
            (_("Gave it where it is known to be wrong"), price.follows_wrong),
            (_("Gave the known answer"), price.right),
        ]
        rows += [
            {"question": price.question.name if several else "", "what": what, **_points(contrast)}
            for what, contrast in of
            if contrast is not None
        ]
    if found.log_seconds is not None:
        rows.append({"question": "", "what": _("Seconds, typically"), **_time(found.log_seconds)})
    is_random = found.design == Design.RANDOM
    contrasts = [p.follows for p in found.questions if p.follows is not None]
    return {
        "title": _("Drawn at random") if is_random else _("Under different rules"),
        "sentence": _sentence(contrasts[0], is_random=is_random) if contrasts else "",
        "design": _design(is_random=is_random),
        "these": any(c.of_these_raters for c in contrasts),
        "rows": rows,
    }


def _sentence(found: Contrast, *, is_random: bool) -> str:
    """What the first row says, and how sure that is."""
    if found.low is None or found.high is None:
        return _("There are too few items to say how far suggestions move people.")
    if found.low > 0:
        words = (
            _("A suggestion moves people: shown it, they give the judge’s answer more often.")
            if is_random
            else _("Where suggestions were shown, people gave the judge’s answer more often.")
        )
    elif found.high < 0:
        words = _("Where suggestions were shown, people gave the judge’s answer less often.")
    else:
        words = _("No pull of the suggestions can be told from chance yet.")
    return words


def _design(*, is_random: bool) -> str:
    if is_random:
        return _(
            "For each person and item it was drawn whether the suggestion is shown. So the "
            "difference is what the suggestion does, and nothing else."
        )
    return _(
        "Answers under the rule “suggestion first” beside blind ones. They are of other times, "
        "items or people, so the difference may have other reasons. The rule “a random share” "
        "would tell."
    )


def _points(found: Contrast) -> dict[str, str]:
    """Two shares and their difference in points of a hundred."""
    return {
        "shown": _share(found.first, found.n_first),
        "hidden": _share(found.second, found.n_second),
        "difference": _between(
            *(_signed(100 * end) for end in (found.value,)),
            *(None if end is None else _signed(100 * end) for end in (found.low, found.high)),
        ),
    }


def _time(found: Contrast) -> dict[str, str]:
    """Geometric means of seconds, and by how much longer or shorter it took."""

    def change(log: float | None) -> str | None:
        return None if log is None else _signed(100 * (math.exp(min(log, 20)) - 1)) + " %"

    return {
        "shown": _seconds(found.first, found.n_first),
        "hidden": _seconds(found.second, found.n_second),
        "difference": _between(change(found.value) or "", change(found.low), change(found.high)),
    }


def _reveals(found: Reveals) -> dict[str, Any]:
    of: Sequence[tuple[str, Mean | None]] = [
        (_("Changed their answer"), found.changed),
        (_("… to the judge’s"), found.towards),
        (_("… away from the judge’s"), found.away),
        (_("… to something else"), found.other),
        (_("Right before, where the answer is known"), found.right_before),
        (_("Right after"), found.right_after),
    ]
    return {
        "question": found.question.name,
        "rows": [
            {"what": what, "mean": mean, "of": _("of %(n)s") % {"n": intcomma(mean.n)}}
            for what, mean in of
            if mean is not None
        ],
    }


def _share(share: float, n: int) -> str:
    return _("%(percent)s %% of %(n)s") % {
        "percent": number_format(100 * share, 0),
        "n": intcomma(n),
    }


def _seconds(log: float, n: int) -> str:
    return _("%(seconds)s s, of %(n)s") % {
        "seconds": number_format(math.exp(log), 1),
        "n": intcomma(n),
    }


def _signed(value: float) -> str:
    """A number with its sign; a true minus."""
    text = number_format(abs(value), 0)
    return text if text == "0" else ("+" if value > 0 else "−") + text


def _between(value: str, low: str | None, high: str | None) -> str:
    if low is None or high is None:
        return value
    return _("%(value)s (%(low)s to %(high)s)") % {"value": value, "low": low, "high": high}

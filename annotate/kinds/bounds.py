"""Within what an answer has to lie, said in words before anybody goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.kinds.number import number_text
from annotate.kinds.text import USUAL


def bounds_of(kind: str, settings: Mapping[str, Any], n_options: int) -> str:
    """A short sentence, or "" where there is nothing to say."""
    if kind == "multiple":
        return _choices(int(settings.get("min_choices", 1)), settings.get("max_choices"), n_options)
    if kind == "number":
        return _numbers(settings)
    if kind == "ranking":
        return _(
            "Best first: the digits give the places in turn, arrow keys move what is in focus."
        )
    if kind == "span":
        return _(
            "Select with mouse or finger (a tap takes a word, another one extends), or by arrow "
            "keys (Shift extends, Ctrl goes by character). A type marks it; Delete takes a mark "
            "away."
        )
    if kind == "text":
        most = int(settings.get("max_length", USUAL))
        return _("At most %(most)s characters. Ctrl+Enter submits.") % {"most": most}
    return ""


def _choices(least: int, most: int | None, n_options: int) -> str:
    if most is None or most >= n_options:
        if least < 2:
            return _("Choose all that apply.")
        return _("Choose %(least)s or more.") % {"least": least}
    if most == least:
        return ngettext("Choose %(most)d.", "Choose %(most)d.", most) % {"most": most}
    if least < 2:
        return ngettext("Choose up to %(most)d.", "Choose up to %(most)d.", most) % {"most": most}
    return _("Choose %(least)s to %(most)s.") % {"least": least, "most": most}


def _numbers(settings: Mapping[str, Any]) -> str:
    low, high, step = (settings.get(name) for name in ("min", "max", "step"))
    parts = []
    if low is not None and high is not None:
        values = {"low": number_text(low), "high": number_text(high)}
        parts.append(_("%(low)s to %(high)s") % values)
    elif low is not None:
        parts.append(_("%(low)s or more") % {"low": number_text(low)})
    elif high is not None:
        parts.append(_("%(high)s or less") % {"high": number_text(high)})
    if step is not None:
        parts.append(_("in steps of %(step)s") % {"step": number_text(step)})
    return ", ".join(parts)

"""Why a label is likely wrong, in words, and the answers that settle it by one key."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.kinds import Asked, Said, said_of
from annotate.models import LikelyError, Question
from annotate.selectors.label import option_keys
from annotate.views.bidi import isolated

# From so much difference on, the others' plain share and what they say by how they err are two.
WEIGHED_FROM = 0.1


def why_suspected(error: LikelyError, asked: Asked) -> str:
    """“None of 2 others gave this answer; the judges give it 5 %; most speaks for Positive.”"""
    support, parts = error.support, []
    others, same = int(support.get("others", 0)), int(support.get("same", 0))
    if others:
        part = ngettext(
            "%(same)s of %(n)s other gave this answer",
            "%(same)s of %(n)s others gave this answer",
            others,
        ) % {"same": same, "n": others}
        peers = support.get("peers")
        if peers is not None and abs(peers - same / others) >= WEIGHED_FROM:
            part += " " + _("(%(percent)s %% by how they err)") % {"percent": _percent(peers)}
        parts.append(part)
    else:
        parts.append(_("nobody else has labelled it"))
    if "judges" in support:
        parts.append(
            _("the judges give it %(percent)s %%") % {"percent": _percent(support["judges"])}
        )
    if "model" in support:
        parts.append(
            _("a model that has learnt from the other items gives it %(percent)s %%")
            % {"percent": _percent(support["model"])}
        )
    option = asked.by_code.get(-1 if error.instead is None else error.instead)
    if option is not None:
        parts.append(_("most speaks for %(option)s") % {"option": isolated(option.name)})
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def ways_to_settle(error: LikelyError, question: Question, asked: Asked) -> list[dict[str, Any]]:
    """The answers to rule by one key: {value, name, colour, key, is_own, instead}."""
    own = said_of(error.label)
    if error.option is not None:
        ways = [("without", _without(error)), ("keep", own)]
        option = asked.by_code.get(error.option)
        name = isolated(option.name) if option else "?"
        words = {
            "without": _("Take %(option)s away") % {"option": name},
            "keep": _("Leave it as it is"),
        }
        return [
            {
                "value": value,
                "name": words[value],
                "colour": "slate",
                "key": str(n),
                "is_own": said == own,
                "instead": False,
            }
            for n, (value, said) in enumerate(ways, 1)
            if said == own or said.value or asked.settings.get("min_choices", 1) == 0
        ]
    keys = option_keys(question, asked.options)
    return [
        {
            "value": str(option.code),
            "name": option.name,
            "colour": option.colour,
            "key": key,
            "is_own": option.code == own.choice,
            "instead": option.code == error.instead,
        }
        for option, key in zip(asked.options, keys, strict=True)
    ]


def said_by(value: str, error: LikelyError) -> Said | None:
    """The answer that a key stands for; None for none of ours."""
    if error.option is not None:
        return {"without": _without(error), "keep": said_of(error.label)}.get(value)
    if value.isascii() and value.isdecimal() and len(value) < 6:
        return Said(choice=int(value))
    return None


def _without(error: LikelyError) -> Said:
    return Said(value=[code for code in error.label.value or [] if code != error.option])


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"

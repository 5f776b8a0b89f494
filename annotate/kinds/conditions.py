"""Questions that are asked only after one of certain answers to an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from annotate.kinds.base import CUT, Asked, Said, Unfit
from annotate.kinds.registry import KINDS

ONLY_IF = "only_if"


def condition_fits(only_if: Mapping[str, Any], earlier: Mapping[str, Asked]) -> None:
    """Raises Unfit where the condition names no ``earlier`` question, or no option of it."""
    other = earlier.get(only_if["question"])
    if other is None:
        message = _(
            "“%(key)s” is no question that is asked before this one. Before it are: %(keys)s."
        )
        values = {"key": only_if["question"][:CUT], "keys": ", ".join(earlier) or _("none")}
        raise Unfit(message % values, only_if=message % values)
    keys = [option.key for option in other.options]
    if not KINDS[other.kind].stores_choice and other.kind != "multiple":
        message = _("“%(key)s” is not answered by options, so no answer to it can be named here.")
        raise Unfit(message % {"key": other.key}, only_if=message % {"key": other.key})
    unknown = [key for key in only_if["options"] if key not in keys]
    if unknown:
        message = _("“%(option)s” is no option of “%(key)s”. Its options: %(options)s.")
        told = {"option": unknown[0][:CUT], "key": other.key, "options": ", ".join(keys)[:300]}
        raise Unfit(message % told, only_if=message % told)


def hidden_keys(questions: Sequence[Asked], said: Mapping[str, Said]) -> set[str]:
    """Keys of the questions that are not asked, given the answers by key. In their order.

    A question whose condition names one that is itself not asked is not asked either.
    """
    hidden: set[str] = set()
    by_key = {asked.key: asked for asked in questions}
    for asked in questions:
        only_if = asked.settings.get(ONLY_IF)
        if only_if and not _holds(only_if, by_key, said, hidden):
            hidden.add(asked.key)
    return hidden


def _holds(
    only_if: Mapping[str, Any],
    by_key: Mapping[str, Asked],
    said: Mapping[str, Said],
    hidden: set[str],
) -> bool:
    other, answer = by_key.get(only_if["question"]), said.get(only_if["question"])
    if other is None or answer is None or other.key in hidden:
        return False
    named = {other.by_code[code].key for code in KINDS[other.kind].named(answer)}
    return bool(named & set(only_if["options"]))


def condition_words(asked: Asked, by_key: Mapping[str, Asked]) -> str:
    """“Sentiment” is Negative or Mixed; "" where it is always asked."""
    only_if = asked.settings.get(ONLY_IF)
    other = by_key.get(only_if["question"]) if only_if else None
    if not only_if or other is None:
        return ""
    names = {option.key: option.name for option in other.options}
    answers = [names.get(key, key) for key in only_if["options"]]
    return _("“%(question)s” is %(answers)s") % {
        "question": other.name,
        "answers": _(" or ").join(answers),
    }

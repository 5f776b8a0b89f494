"""Answers as lists and lines show them: in words, with the option's colour where it is one."""

from __future__ import annotations

from dataclasses import replace

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.kinds import Asked, Said, asked_of, kind_of
from annotate.models import Item, Question, Submission
from annotate.selectors.label import options_seen
from annotate.services.answers import Answer

# Characters of an answer that the quiet line repeats.
SHORT = 60
# How an answer came about by plain counting, by the words of kinds.Settled.
SETTLED_WORDS = {
    "ruling": gettext_lazy("ruling"),
    "aggregate": gettext_lazy("aggregate"),
    "majority": gettext_lazy("majority"),
    "median": gettext_lazy("median"),
    "mean_rank": gettext_lazy("mean place"),
    "agreed": gettext_lazy("all say so"),
    "differ": gettext_lazy("all different"),
}


def answer_words(question: Question, answer: Answer, submission: Submission) -> tuple[str, str]:
    """What was answered, cut short, and the colour of its option ("" for none)."""
    asked = asked_of(question)
    said = Said(answer.choice, answer.value)
    first = submission.sides.get(question.key, "")
    if first:
        asked = replace(asked, options=tuple(options_seen(asked, first)))
    words = kind_of(asked).words(asked, said, submission.item.fields)
    return Truncator(words).chars(SHORT), colour_of(asked, said)


def answer_chip(
    asked: Asked, said: Said | None, item: Item, *, short: bool = False
) -> dict[str, str] | None:
    """Name and colour, as components/option_chip.html takes them. ``short`` cuts a long answer."""
    if (
        said is None
        or said.is_nothing
        or (said.choice is not None and said.choice not in asked.by_code)
    ):
        return None
    words = kind_of(asked).words(asked, said, item.fields)
    return {
        "name": Truncator(words).chars(SHORT) if short else words,
        "colour": colour_of(asked, said) or "slate",
    }


def colour_of(asked: Asked, said: Said) -> str:
    option = asked.by_code.get(-1 if said.choice is None else said.choice)
    return option.colour if option else ""


def settled_words(source: str) -> str:
    """Why several answers come to none."""
    if source == "differ":
        return _("No one answer: they are all different, and no count can choose among them.")
    return _("No one answer: it is a tie.")

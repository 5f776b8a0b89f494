"""One question of each kind, with an answer and what it looks like in a form and in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from annotate.kinds import Asked, OptionAsked, Said
from annotate.services.projects import OptionDraft, QuestionDraft

TEXT = "Ana Beispiel lives in Berlin."
FIELDS = {"text": TEXT, "one": "A first answer.", "two": "Another answer."}
OPTIONS = (
    OptionDraft("insult", "Insult", "Aimed at a person.", "red"),
    OptionDraft("threat", "Threat", "Of harm.", "amber"),
    OptionDraft("spam", "Spam", "To sell.", "slate"),
)


@dataclass(frozen=True)
class Case:
    """``said`` of a question is ``entries`` in a form, ``plain`` in a file, ``words`` on a screen;
    ``other`` is another answer to it."""

    draft: QuestionDraft
    entries: list[str]
    said: Said
    plain: Any
    words: str
    other: Said

    @property
    def asked(self) -> Asked:
        """As asked_of would say it, without a database."""
        return asked(self.draft)


def asked(draft: QuestionDraft) -> Asked:
    options = tuple(
        OptionAsked(code, option.key, option.name, option.colour or "slate")
        for code, option in enumerate(draft.options)
    )
    return Asked(draft.key, draft.name, draft.kind, options, draft.settings, draft.required)


def question(kind: str, *, options: tuple[OptionDraft, ...] = (), **settings: Any) -> QuestionDraft:
    return QuestionDraft("q", "Question", kind, options, "What about it?", settings=settings)


CASES: dict[str, Case] = {
    "multiple": Case(
        question("multiple", options=OPTIONS, min_choices=0),
        ["0", "2"],
        Said(value=[0, 2]),
        ["insult", "spam"],
        "Insult, Spam",
        Said(value=[]),
    ),
    "number": Case(
        question("number", min=0, max=10, step=0.5, unit="points"),
        ["7.5"],
        Said(value=7.5),
        7.5,
        "7.5 points",
        Said(value=3),
    ),
    "text": Case(
        question("text", max_length=200),
        ["  Ana lives in Berlin.\r\nSince May. "],
        Said(value="Ana lives in Berlin.\nSince May."),
        "Ana lives in Berlin.\nSince May.",
        "Ana lives in Berlin.\nSince May.",
        Said(value="No."),
    ),
    "pairwise": Case(
        question(
            "pairwise",
            options=(
                OptionDraft("a", "one", "", "blue"),
                OptionDraft("tie", "Tie", "", "slate"),
                OptionDraft("b", "two", "", "amber"),
            ),
            field_a="one",
            field_b="two",
            tie=True,
        ),
        ["2"],
        Said(choice=2),
        "b",
        "two",
        Said(choice=0),
    ),
    "ranking": Case(
        question("ranking", options=OPTIONS),
        ["2,0,1"],
        Said(value=[2, 0, 1]),
        ["spam", "insult", "threat"],
        "Spam > Insult > Threat",
        Said(value=[0, 1, 2]),
    ),
    "span": Case(
        question("span", options=OPTIONS, field="text"),
        ["[[22,28,1],[0,3,0]]"],
        Said(value=[[0, 3, 0], [22, 28, 1]]),
        [
            {"start": 0, "end": 3, "label": "insult", "text": "Ana"},
            {"start": 22, "end": 28, "label": "threat", "text": "Berlin"},
        ],
        "Insult: “Ana”; Threat: “Berlin”",
        Said(value=[]),
    ),
}

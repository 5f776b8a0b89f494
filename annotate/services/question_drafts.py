"""What a lead writes to ask a question, and whether it holds together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.kinds import KINDS, Kind, Unfit, asked_of
from annotate.kinds.conditions import ONLY_IF, condition_fits
from annotate.models import Colour, Question, QuestionKind
from annotate.selectors.questions import questions_live

MAX_NAME, MAX_KEY = 200, 100


@dataclass(frozen=True)
class OptionDraft:
    key: str
    name: str
    definition: str = ""
    colour: str = ""


@dataclass(frozen=True)
class QuestionDraft:
    """Codes of options are given by position; for a rating, position is the order.

    ``settings`` are those of the kind (annotate/kinds/). A pairwise question makes its own options.
    """

    key: str
    name: str
    kind: str
    options: Sequence[OptionDraft] = ()
    text: str = ""
    required: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)


def draft_check(draft: QuestionDraft) -> QuestionDraft:
    """The draft as it is stored: settings in their one form, options made. Raises BadInput."""
    wrong: dict[str, str] = {}
    if not draft.key or slugify(draft.key).replace("-", "_") != draft.key.replace("-", "_"):
        wrong["key"] = _("A key is made of small letters, digits, - and _.")
    if not draft.name.strip():
        wrong["name"] = _("A question needs a name.")
    kind = KINDS.get(draft.kind)
    if kind is None:
        wrong["kind"] = _("Choose one of: %(kinds)s.") % {"kinds": ", ".join(QuestionKind.values)}
        raise BadInput(" ".join(wrong.values()), fields=wrong)
    try:
        keys = [option.key.strip() for option in draft.options]
        draft = replace(draft, settings=kind.settings_read(draft.settings, keys))
    except Unfit as error:
        wrong |= error.fields or {"settings": error.message}
    else:
        draft = replace(draft, options=_options(kind, draft))
        wrong |= _wrong_options(kind, draft.options)
    if wrong:
        raise BadInput(" ".join(wrong.values()), fields=wrong)
    return draft


def _options(kind: Kind, draft: QuestionDraft) -> Sequence[OptionDraft]:
    """Those that were written, or that the kind makes of its settings."""
    if kind.writes_options:
        return draft.options
    if kind.name != QuestionKind.PAIRWISE:
        return ()
    one, other = draft.settings["field_a"], draft.settings["field_b"]
    tie = [OptionDraft("tie", _("Tie"), "", Colour.SLATE)] if draft.settings["tie"] else []
    return [
        OptionDraft("a", one[:MAX_NAME], "", Colour.BLUE),
        *tie,
        OptionDraft("b", other[:MAX_NAME], "", Colour.AMBER),
    ]


def _wrong_options(kind: Kind, options: Sequence[OptionDraft]) -> dict[str, str]:
    wrong = {}
    if len(options) < kind.least_options:
        wrong["options"] = (
            _("A question of this kind needs an option or more.")
            if kind.least_options == 1
            else _("A question needs two options or more.")
        )
    keys = [option.key for option in options]
    if len(set(keys)) < len(keys):
        wrong["options"] = _("Two options have the same key.")
    if any(not option.key.strip() or not option.name.strip() for option in options):
        wrong["options"] = _("Each option needs a key and a name.")
    if any(
        len(option.name.strip()) > MAX_NAME or len(option.key.strip()) > MAX_KEY
        for option in options
    ):
        wrong["options"] = _("The name of an option has at most 200 characters, its key 100.")
    return wrong


# --- Conditions: one question after an answer to another ------------------------------------------


def condition_check(draft: QuestionDraft, earlier: Sequence[Question]) -> None:
    """Raise BadInput where a draft is to be asked after an answer that no earlier question has."""
    only_if = draft.settings.get(ONLY_IF)
    if not only_if:
        return
    try:
        condition_fits(only_if, {question.key: asked_of(question) for question in earlier})
    except Unfit as error:
        raise BadInput(error.message, fields=error.fields) from None


def others_check(question: Question, draft: QuestionDraft) -> None:
    """A change of a question: its condition holds together, and so do those that name it."""
    live = questions_live(question.project)
    condition_check(draft, [other for other in live if _comes_before(other, question)])
    keys = {option.key for option in draft.options}
    for other in dependents_of(question):
        missing = set(other.settings[ONLY_IF]["options"]) - keys
        if missing:
            message = _(
                "“%(other)s” is asked only after the answer %(option)s, so that option stays. "
                "Change “%(other)s” first."
            ) % {"other": other.name, "option": sorted(missing)[0]}
            raise BadInput(message, fields={"options": message})


def dependents_of(question: Question) -> list[Question]:
    """The live questions that are asked only after an answer to this one."""
    return [
        other
        for other in questions_live(question.project)
        if other.settings.get(ONLY_IF, {}).get("question") == question.key
    ]


def _comes_before(one: Question, other: Question) -> bool:
    return one.key != other.key and (one.position, one.pk) < (other.position, other.pk)

"""An item as people see it: each field shown as the project says, pairs side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.kinds.sides import first_of
from annotate.models import Item, Project, Question, QuestionKind, Rater
from annotate.selectors.guidelines import guideline_html

# A text of more characters is set in the smaller size.
LONG_TEXT = 420
TEXT = "text"
# How a field can be shown, in the order in which a lead chooses.
HOWS = {
    TEXT: gettext_lazy("Text, as it stands"),
    "markdown": gettext_lazy("Markdown"),
    "chat": gettext_lazy("Turns of a conversation"),
    "code": gettext_lazy("Code"),
    "image": gettext_lazy("Picture at this address"),
    "link": gettext_lazy("Link"),
}
_TURN = re.compile(r"^(\w[\w .-]{0,30}):[ \t]*(.*)$")
# Who speaks, by names that data sets use: told apart by side and name.
ANSWERS = {"assistant", "bot", "gpt", "model", "ai", "agent", "system b"}
MAX_TURNS = 500
# Items whose fields stand for those of all.
LOOKED_AT = 20


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation. ``answers``: it is the machine's or the agent's side."""

    who: str
    text: str
    answers: bool


@dataclass(frozen=True)
class FieldShown:
    """One field. ``how``: a key of HOWS, by which one of ``html``, ``turns``, ``url`` is filled.

    ``marked``: spans are marked in it, so it stands as plain text to the character.
    """

    name: str
    text: str
    how: str = TEXT
    html: SafeString | str = ""
    turns: Sequence[Turn] = ()
    url: str = ""
    marked: bool = False

    @property
    def exact(self) -> str:
        """Its text as a reader of HTML keeps it, character for character, so that spans lie where
        they should: such a reader makes one character of a carriage return and a line feed."""
        return self.text.replace("\r\n", "\u200b\n")


@dataclass(frozen=True)
class ItemShown:
    """``pairs`` are of pairwise questions: fields that stand beside each other, in the order in
    which this person sees them, without their names."""

    pk: int
    fields: Sequence[FieldShown]
    is_long: bool
    pairs: Sequence[Sequence[FieldShown]] = ()
    named: bool = False


def item_shown(
    item: Item, project: Project, questions: Sequence[Question], sides: Mapping[str, str]
) -> ItemShown:
    """An item for somebody who answers. ``sides`` says which field of a pair comes first."""
    fields = {field.name: field for field in fields_shown(project, item.fields, questions)}
    pairs: dict[tuple[str, ...], list[FieldShown]] = {}
    for question in questions:
        if question.kind == QuestionKind.PAIRWISE:
            names = [question.settings["field_a"], question.settings["field_b"]]
            empty = [FieldShown(name, _("(this item has no such text)")) for name in names]
            pair = [fields.get(name, none) for name, none in zip(names, empty, strict=True)]
            if sides.get(question.key) == "b":
                pair.reverse()
            pairs[tuple(sorted(names))] = pair
    beside = {name for names in pairs for name in names}
    alone = [field for field in fields.values() if field.name not in beside]
    return ItemShown(
        pk=item.pk,
        fields=alone,
        is_long=sum(len(field.text) for field in alone) > LONG_TEXT,
        pairs=list(pairs.values()),
        named=len(alone) > 1,
    )


def sides_of(
    project: Project, rater: Rater, item_id: int, questions: Sequence[Question]
) -> dict[str, str]:
    """Which field comes first for this rater, by the key of each pairwise question."""
    return {
        question.key: first_of(project.seed, rater.pk, item_id, question.settings)
        for question in questions
        if question.kind == QuestionKind.PAIRWISE
    }


def fields_shown(
    project: Project, fields: Mapping[str, Any], questions: Sequence[Question] = ()
) -> list[FieldShown]:
    """Each field as the project shows it. What does not fit its way of showing stands as text."""
    marked = {q.settings["field"] for q in questions if q.kind == QuestionKind.SPAN}
    shown = []
    for name, value in fields.items():
        field = FieldShown(str(name), str(value), marked=name in marked)
        how = project.display.get(str(name), TEXT)
        shown.append(field if field.marked else _as(field, how, project))
    return shown


def _as(field: FieldShown, how: str, project: Project) -> FieldShown:
    if how == "markdown":
        return replace(field, how=how, html=guideline_html(field.text))
    if how == "chat":
        turns = turns_of(field.text)
        return replace(field, how=how, turns=turns) if turns else field
    if how == "code":
        return replace(field, how=how)
    if how in {"link", "image"}:
        url = web_address(field.text)
        if not url:
            return field
        outside = how == "image" and project.outside_images and url.startswith("https:")
        return replace(field, how="image" if outside else "link", url=url)
    return field


def web_address(text: str) -> str:
    """The text where it is an address of the web and nothing else, or ""."""
    plain = text.strip()
    if any(letter.isspace() for letter in plain) or len(plain) > 2000:
        return ""
    try:
        parts = urlsplit(plain)
    except ValueError:
        return ""
    return plain if parts.scheme in {"http", "https"} and parts.netloc else ""


def turns_of(text: str) -> list[Turn]:
    """The turns of a conversation: JSON as chat models take it, or lines that begin "Name: ".

    Empty where it is neither, so that the text is shown as it stands.
    """
    return _turns_of_json(text) or _turns_of_lines(text)


def _turns_of_json(text: str) -> list[Turn]:
    if not text.lstrip().startswith(("[", "{")):
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if isinstance(found, dict):
        found = found.get("messages", found.get("conversation"))
    if not isinstance(found, list) or not found or len(found) > MAX_TURNS:
        return []
    turns = []
    for part in found:
        if not isinstance(part, dict):
            return []
        who = part.get("role", part.get("from", part.get("speaker")))
        said = part.get("content", part.get("value", part.get("text")))
        if not isinstance(who, str) or not isinstance(said, str):
            return []
        turns.append(_turn(who, said))
    return turns


def _turns_of_lines(text: str) -> list[Turn]:
    turns: list[tuple[str, list[str]]] = []
    for line in text.strip().splitlines():
        found = _TURN.match(line)
        if found:
            turns.append((found[1], [found[2]]))
        elif turns:
            turns[-1][1].append(line)
        else:
            return []
    if len(turns) < 2 or len(turns) > MAX_TURNS:
        return []
    return [_turn(who, "\n".join(lines).strip()) for who, lines in turns]


def _turn(who: str, text: str) -> Turn:
    return Turn(who.strip(), text, who.strip().casefold() in ANSWERS)


def shows_pictures(project: Project) -> bool:
    """Whether pages of its items may fetch pictures from other sites."""
    return project.outside_images and "image" in project.display.values()


def fields_known(project: Project) -> list[str]:
    """Names of the fields of the first items, in their order. One query."""
    names: dict[str, None] = {}
    first = Item.objects.filter(project=project).order_by("pk").values_list("fields", flat=True)
    for fields in first[:LOOKED_AT]:
        names |= dict.fromkeys(map(str, fields))
    return list(names)

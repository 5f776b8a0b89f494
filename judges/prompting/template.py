"""Texts with {{variables}}: read and filled. Pure.

Plain replacement in one pass: no expressions, no objects, and what was filled in is not looked at
again, so that nothing in an item can name a variable. A paragraph of which every variable is empty
is left out with its heading.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_HOLE = re.compile(r"\{\{([^{}\n]*)\}\}")
_PARAGRAPHS = re.compile(r"\n(?:[ \t]*\n)+")
# One field of the item: {{item.text}}.
FIELD = "item."


@dataclass(frozen=True, slots=True)
class Hole:
    """A variable as it stands in a text: its name, the line (from 1) and the place it begins at."""

    name: str
    line: int
    start: int


def holes(text: str) -> list[Hole]:
    """The variables of a text, in their order."""
    return [
        Hole(_name(match), text.count("\n", 0, match.start()) + 1, match.start())
        for match in _HOLE.finditer(text)
    ]


def names(text: str) -> set[str]:
    """The names of the variables of a text."""
    return {hole.name for hole in holes(text)}


def unclosed(text: str) -> int | None:
    """The line of the first {{ that opens no variable; None where there is none."""
    rest = _HOLE.sub(lambda match: " " * len(match.group()), text)
    at = rest.find("{{")
    return None if at < 0 else text.count("\n", 0, at) + 1


def nearest(name: str, known: Collection[str]) -> str:
    """The known name that was probably meant; "" where none is near."""
    folded = name.casefold()
    if folded.startswith(FIELD):
        # By the field's own name: what all of them begin with would make any two alike.
        fields = [each.removeprefix(FIELD) for each in known if each.startswith(FIELD)]
        found = _closest(folded.removeprefix(FIELD), fields)
        return FIELD + found if found else ""
    exact = [each for each in known if each.casefold() == FIELD + folded]
    return exact[0] if exact else _closest(folded, known)


def _closest(folded: str, known: Collection[str]) -> str:
    by_folded = {each.casefold(): each for each in sorted(known)}
    found = difflib.get_close_matches(folded, list(by_folded), n=1, cutoff=0.6)
    return by_folded[found[0]] if found else ""


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its variables filled. What `values` does not name stays as it is written:
    whether all are known is checked when the text is written (prompting/words.py).
    """
    filled = []
    for paragraph in _PARAGRAPHS.split(text.strip()):
        known = [values[name] for name in names(paragraph) if name in values]
        if known and not any(known) and names(paragraph) <= values.keys():
            continue
        filled.append(_HOLE.sub(lambda match: values.get(_name(match), match.group()), paragraph))
    return "\n\n".join(part for part in filled if part)


def _name(match: re.Match[str]) -> str:
    """Spaces around a name say nothing: {{ item. text }} is {{item.text}}."""
    name = match[1].strip()
    if name.startswith(FIELD):
        return FIELD + name.removeprefix(FIELD).strip()
    return name

"""The words around an item: Concord's own, which variables each part may hold, and what is wrong
with words of a lead's. Pure.

Whatever they say, the item is fenced and declared untrusted (prompting/build.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from judges.prompting.how import Ask, How
from judges.prompting.template import FIELD, holes, names, nearest, unclosed

Part: TypeAlias = Literal["system", "task", "output"]
FaultKind: TypeAlias = Literal[
    "open", "unknown", "no_field", "elsewhere", "missing", "is_reference"
]

# Short on purpose: with long instructions a small model answers by the place of an option rather
# than by the item (seen with 1.5 billion parameters).
DEFAULT_SYSTEM = "You label items. Choose the option that fits the item best."
DEFAULT_OUTPUT = "{{form}}"

# What a whole family of items shares comes first, so that a server's prompt cache can keep it.
_GUIDELINE = "Guideline:\n{{guideline}}"
_OPTIONS = "Options:\n{{options}}"
_CHECKS = "Questions:\n{{checks}}"
_ITEM = "{{item}}"
_REFERENCE = "{{reference}}"
_QUESTION = "{{question}}"
_EXAMPLES = "{{examples}}"

SHARED = ("guideline", "options", "letters", "checks", "persona")
VARIABLES: dict[Part, tuple[str, ...]] = {
    "system": SHARED,
    "task": ("item", "question", "options", "guideline", "examples", "reference", *SHARED[2:]),
    "output": ("form", "letters", "options", "checks"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a part, and at which line (0: it is missing altogether). `name` is the
    variable meant, `near` the one that was probably wanted ("" where none is near).
    """

    part: Part
    kind: FaultKind
    name: str = ""
    line: int = 0
    near: str = ""


def default_task(ask: Ask) -> str:
    """Concord's own task for a way of asking.

    The options stand before the item, for examples to make sense, and once more after it: with the
    options only before it a small model answers by their place (docs/judges.md has the figures).
    """
    first = first_task(ask)
    return first if ask == "checklist" else f"{first}\n{{{{options}}}}"


def first_task(ask: Ask) -> str:
    """Concord's own task as it was at first. A prompt kept without a task was made with it, and
    goes on asking it.
    """
    parts = [_GUIDELINE, _CHECKS if ask == "checklist" else _OPTIONS]
    if ask not in {"checklist", "reference", "pairwise"}:
        parts.append(_EXAMPLES)
    parts.append(_ITEM)
    if ask == "reference":
        parts.append(_REFERENCE)
    return "\n\n".join([*parts, _QUESTION])


_WAYS: tuple[Ask, ...] = ("direct", "checklist", "reference", "pairwise")
_OWN_NOW, _OWN_AT_FIRST = (frozenset(map(own, _WAYS)) for own in (default_task, first_task))
DEFAULT_TASKS = _OWN_NOW | _OWN_AT_FIRST


def own_words(part: Part, text: str, ask: Ask) -> str:
    """The text of a part as a draft has it: line ends alike; "" where system prompt or output are
    Concord's own. A task of Concord's own, for whichever way, becomes the one for this way.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if part == "task":
        if not text or text in _OWN_NOW:
            return default_task(ask)
        return first_task(ask) if text in _OWN_AT_FIRST else text
    return "" if text == {"system": DEFAULT_SYSTEM, "output": DEFAULT_OUTPUT}[part] else text


def faults(
    how: How, *, system: str = "", task: str = "", output: str = "", fields: Collection[str] = ()
) -> list[Fault]:
    """What is wrong with the words of a judge that asks `how` about items with these `fields`.
    Parts that are "" are Concord's own, and right.
    """
    texts: dict[Part, str] = {"system": system, "task": task, "output": output}
    found: list[Fault] = []
    for part, text in texts.items():
        found += _wrong_names(part, text, how, fields)
    return [*found, *_missing(how, system, task)]


def _wrong_names(part: Part, text: str, how: How, fields: Collection[str]) -> Iterator[Fault]:
    line = unclosed(text)
    if line is not None:
        yield Fault(part, "open", line=line)
    known = {*VARIABLES[part]}
    if part == "task":
        known |= {FIELD + name for name in fields}
    anywhere = {name for each in VARIABLES.values() for name in each}
    for hole in holes(text):
        if part == "task" and how.reference and hole.name == FIELD + how.reference:
            yield Fault(part, "is_reference", hole.name, hole.line, "reference")
        elif hole.name in known:
            continue
        elif hole.name in anywhere or (part != "task" and hole.name.startswith(FIELD)):
            yield Fault(part, "elsewhere", hole.name, hole.line)
        elif hole.name.startswith(FIELD):
            yield Fault(part, "no_field", hole.name, hole.line, nearest(hole.name, known))
        else:
            yield Fault(part, "unknown", hole.name, hole.line, nearest(hole.name, known))


def _missing(how: How, system: str, task: str) -> Iterator[Fault]:
    """What the judge could not answer without."""
    if not task:
        return
    there = names(task)
    wanted: list[str] = []
    if how.pair is not None:
        if "item" not in there:
            wanted += [FIELD + name for name in how.pair.fields]
    elif not any(name == "item" or name.startswith(FIELD) for name in there):
        wanted.append("item")
    shown = there | names(system)
    if how.ask == "checklist":
        wanted.append("checks")
    else:
        wanted.append("options")
    if how.ask == "reference":
        wanted.append("reference")
    if how.examples:
        wanted.append("examples")
    for name in wanted:
        if name not in (shown if name in SHARED else there):
            yield Fault("task", "missing", name)

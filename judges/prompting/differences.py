"""How two texts differ, line by line and, in lines that were changed, word by word. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["same", "gone", "new", "left_out"]

# So many lines that are alike stand around a change; those further off are left out.
AROUND = 2
# Beyond so many lines those that occur often are not matched, and longer lines are taken as a
# whole: matching takes time by the square of what there is.
MANY_LINES = 500
LONG_LINE = 2_000
_WORDS = re.compile(r"\s+|[^\s\w]|\w+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line; `changed`: it is what differs in a line that is otherwise alike."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the first text ("gone"), of the second ("new"), or of both ("same"). "left_out"
    stands for `n` lines that are alike.
    """

    kind: Kind
    pieces: tuple[Piece, ...] = ()
    n: int = 1

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def differences(first: str, second: str) -> list[Line]:
    """The lines of both texts, those gone before those that are new in their place; [] where the
    texts are equal.
    """
    if first == second:
        return []
    old, new = first.split("\n"), second.split("\n")
    lines: list[Line] = []
    many = max(len(old), len(new)) > MANY_LINES
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=many).get_opcodes()
    for place, (tag, a, b, c, d) in enumerate(blocks):
        if tag == "equal":
            lines += _alike(old[a:b], first=place == 0, last=place == len(blocks) - 1)
        else:
            lines += _changed(old[a:b], new[c:d])
    return lines


def _alike(lines: Sequence[str], *, first: bool, last: bool) -> list[Line]:
    head, tail = 0 if first else AROUND, 0 if last else AROUND
    shown = [Line("same", (Piece(line),)) for line in lines]
    # One line left out would take the place that it saves.
    if len(lines) <= head + tail + 1:
        return shown
    n = len(lines) - head - tail
    return [*shown[:head], Line("left_out", n=n), *shown[head + n :]]


def _changed(old: Sequence[str], new: Sequence[str]) -> list[Line]:
    gone, come = [], []
    for place in range(max(len(old), len(new))):
        if place < len(old) and place < len(new):
            before, after = _words(old[place], new[place])
            gone.append(Line("gone", before))
            come.append(Line("new", after))
        elif place < len(old):
            gone.append(Line("gone", (Piece(old[place]),)))
        else:
            come.append(Line("new", (Piece(new[place]),)))
    return [*gone, *come]


def _words(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    whole = (Piece(old),), (Piece(new),)
    if max(len(old), len(new)) > LONG_LINE:
        return whole
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.5:
        # Two lines that have little in common: marks on single words would only confuse.
        return whole
    before, after = [], []
    for tag, i, j, k, m in matcher.get_opcodes():
        if i < j:
            before.append(Piece("".join(a[i:j]), tag != "equal"))
        if k < m:
            after.append(Piece("".join(b[k:m]), tag != "equal"))
    return tuple(before), tuple(after)

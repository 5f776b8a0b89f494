"""One figure, ours beside the published one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

# Beyond what was printed, so that a figure halfway between two printed ones agrees with both.
SLACK = 1e-9


@dataclass(frozen=True)
class Figure:
    """What was measured on which set.

    published   as printed; None where nothing is, and the figure stands for itself
    within      how far ours may lie from it; for `at_least`, how far below
    at_least    the figure is a goal that may be exceeded
    note        what is to be known about the published one
    """

    of: str
    what: str
    ours: float
    published: float | None = None
    within: float = 0.0
    at_least: bool = False
    note: str = ""

    @property
    def agrees(self) -> bool:
        if self.published is None:
            return True
        gap = self.published - self.ours
        return (gap if self.at_least else abs(gap)) <= self.within + SLACK

    def line(self, decimals: int = 6) -> str:
        ours = f"{self.ours:.{decimals}f}"
        if self.published is None:
            return f"  {self.of:24} {self.what:38} {ours:>10}"
        goal = f"{'>= ' if self.at_least else ''}{self.published:g}"
        verdict = "" if self.agrees else "  DISAGREES"
        note = f"  ({self.note})" if self.note else ""
        return (
            f"  {self.of:24} {self.what:38} {ours:>10} {goal:>10} {self.within:>9.1g}"
            f"{verdict}{note}"
        )


def to_digits(decimals: int) -> float:
    """How far a figure may lie from one that was printed with so many decimals."""
    return 0.5 * 10.0**-decimals


class Section(Protocol):
    """A table of figures; `quick` leaves out what takes long."""

    def __call__(self, *, quick: bool) -> Iterator[Figure]: ...


HEAD = f"  {'set':24} {'figure':38} {'ours':>10} {'published':>10} {'within':>9}"

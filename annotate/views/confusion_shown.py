"""How two sides' answers to one question meet: rows for annotate/_confusion_rows.html."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.models import Option

# Shares of a row from which a cell is tinted one step deeper.
STEPS = (0.05, 0.2, 0.4, 0.7)


@dataclass(frozen=True)
class Cell:
    """``url`` "" where its items are not known; ``kept``: how many of them are, where not all."""

    n: int
    url: str
    kept: int | None = None


def confusion_rows(
    options: Sequence[Option], cell: Callable[[Option, Option], Cell]
) -> list[dict[str, Any]]:
    """One row an option of the one side; ``cell`` of (option of the one, option of the other)."""
    rows = []
    for own in options:
        found = [cell(own, other) for other in options]
        total = sum(each.n for each in found)
        cells = [
            {
                "n": each.n,
                "other": other.name,
                "same": own.code == other.code,
                "depth": sum(bool(total) and each.n / total >= step for step in STEPS),
                "kept": each.kept,
                "url": each.url if each.n else "",
            }
            for other, each in zip(options, found, strict=True)
        ]
        rows.append({"option": own, "total": total, "cells": cells})
    return rows

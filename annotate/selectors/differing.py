"""On which items people differ, how far, and whether that is more likely slips or ambiguity."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from annotate.models import FigureName, Question, RaterKind
from annotate.selectors.kept_figures import figure_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from annotate.selectors.tables import QuestionTable
    from consensus.disagreement import Disagreement, Part
    from consensus.table import LabelTable

# More items than this are not looked at: so many are drawn at random.
MOST_ITEMS = 5000
BOOTSTRAP = 100
# Of the items behind a number so many are kept, the earliest.
BEHIND = 500
MOST_PAIRS = 10
# Up to which share of the pairs of people that differ a row goes (0: all agree), and up to which
# probability of being ambiguous a column.
ROWS = (0.0, 0.5, 1.0)
COLUMNS = (0.25, 0.75, 1.0)
PARTS = ("total", "rater_error", "ambiguity", "between")


def differing_of(question: Question, found: QuestionTable) -> dict[str, Any]:
    """What the page on differences shows of a question whose answers are choices.

    n_items, looked_at   items that two people or more labelled, and how many of them were drawn
    parts                by name in PARTS [value, low, high], consensus.disagreement; None, None,
                         None where undefined. "between" (people and judges) only with both
    has_model            whether slips and ambiguity could be told apart: items by "row-column"
                         then, else by "row-0"
    cells                [row, column, items, ids of the first of them]
    pairs                the options that people give the same item most often:
                         [code, other code, items, mean probability of ambiguity or None, ids]
    """
    import numpy as np

    from consensus.disagreement import disagreement

    table, person = found.table, _people(found)
    counts = np.zeros((table.n_items, table.n_classes), dtype=np.int64)
    mine = person[table.raters] if table.n_labels else np.zeros(0, dtype=bool)
    np.add.at(counts, (table.items[mine], table.codes[mine]), 1)
    several = np.flatnonzero(counts.sum(axis=1) >= 2)
    drawn = several
    if len(several) > MOST_ITEMS:
        rng = np.random.default_rng(question.project.seed)
        drawn = np.sort(rng.choice(several, MOST_ITEMS, replace=False))
    part = _of_items(table, drawn)
    groups = np.where(person, 0, 1)
    parted = disagreement(part, groups=groups, n_bootstrap=BOOTSTRAP, seed=question.project.seed)
    ambiguous, counts, ids = parted.ambiguous[0], counts[drawn], found.item_ids[drawn]
    has_model = bool(len(drawn)) and not np.isnan(ambiguous).all()
    return {
        "n_items": len(several),
        "looked_at": len(drawn),
        "parts": dict(_parts(parted)),
        "has_model": has_model,
        "cells": list(_cells(counts, ambiguous, ids, has_model=has_model)),
        "pairs": list(_pairs(counts, ambiguous, ids, has_model=has_model)),
    }


def _people(found: QuestionTable) -> NDArray[np.bool_]:
    import numpy as np

    kinds = [found.raters[int(pk)].kind for pk in found.rater_ids]
    return np.array([kind == RaterKind.PERSON for kind in kinds], dtype=bool)


def _of_items(table: LabelTable, drawn: NDArray[np.intp]) -> LabelTable:
    """The table of these items alone, in this order; all raters stay."""
    import numpy as np

    from consensus.table import LabelTable

    place = np.full(table.n_items, -1, dtype=np.int64)
    place[drawn] = np.arange(len(drawn))
    rows = place[table.items] >= 0 if table.n_labels else np.zeros(0, dtype=bool)
    return LabelTable.from_codes(
        place[table.items[rows]],
        table.raters[rows],
        table.codes[rows],
        n_classes=table.n_classes,
        n_items=len(drawn),
        n_raters=table.n_raters,
    )


def _parts(parted: Disagreement) -> Iterator[tuple[str, list[float | None]]]:
    for name in PARTS:
        part: Part = getattr(parted, name)
        yield name, [part.value, part.low, part.high]


def _cells(
    counts: NDArray[np.int64],
    ambiguous: NDArray[np.float64],
    ids: NDArray[np.int64],
    *,
    has_model: bool,
) -> Iterator[list[Any]]:
    import numpy as np

    n = counts.sum(axis=1)
    pairs = np.maximum(n * (n - 1), 1)
    differ = 1 - (counts * (counts - 1)).sum(axis=1) / pairs
    rows = np.searchsorted(ROWS, np.round(differ, 9))
    columns = np.searchsorted(COLUMNS, ambiguous) if has_model else np.zeros_like(rows)
    for row in range(len(ROWS)):
        for column in range(len(COLUMNS) if has_model else 1):
            there = (rows == row) & (columns == column)
            yield [row, column, int(there.sum()), ids[there][:BEHIND].tolist()]


def _pairs(
    counts: NDArray[np.int64],
    ambiguous: NDArray[np.float64],
    ids: NDArray[np.int64],
    *,
    has_model: bool,
) -> Iterator[list[Any]]:
    named = counts > 0
    both = [(c, d, named[:, c] & named[:, d]) for c, d in combinations(range(counts.shape[1]), 2)]
    both.sort(key=lambda pair: -int(pair[2].sum()))
    for c, d, there in both[:MOST_PAIRS]:
        if there.any():
            mean = float(ambiguous[there].mean()) if has_model else None
            yield [c, d, int(there.sum()), mean, ids[there][:BEHIND].tolist()]


def items_differing(question: Question, place: str) -> list[int]:
    """Ids of the items behind a number of the page: "row-column" of a cell, "pair-code-code"."""
    content = figure_of(question, FigureName.MAP, 0).content or {}
    behind = {f"{row}-{column}": ids for row, column, _n, ids in content.get("cells", [])}
    behind |= {f"pair-{c}-{d}": ids for c, d, _n, _mean, ids in content.get("pairs", [])}
    return list(behind.get(place, []))

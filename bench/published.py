"""Published label sets, read from the folder REFERENCE_DATA; they are not part of the project.

Files are NAME.labels.csv (item_id, annotator_id, annotator_kind, label) and NAME.gold.csv (item_id,
gold). Read by the benchmarks and by the reference tests.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from consensus.table import LabelTable


class Dataset(NamedTuple):
    """A table and what its codes stand for; names are sorted, position k is code k."""

    table: LabelTable  # says which raters are judges; gold is kept apart, so that no method sees it
    items: list[str]
    raters: list[str]
    classes: list[str]
    gold: np.ndarray  # class of each item, -1 where there is none


def as_given(label: str) -> str:
    return label


def clipped(label: str) -> str:
    """Relevance in llmjudge is 0 to 3; three labels lie outside."""
    return str(min(int(label), 3))


def folder() -> Path:
    return Path(os.environ["REFERENCE_DATA"])


def rows(file_name: str) -> Iterator[dict[str, str]]:
    with (folder() / file_name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


@cache
def dataset(
    name: str,
    kind: str | None = None,
    read: Callable[[str], str] = as_given,
    leave_out: tuple[str, ...] = (),
) -> Dataset:
    """The labels of `kind`, "human" or "llm", or of both; `read` turns a written label into one.

    `leave_out` are labels that are none, such as an abstention. Classes that only gold names are
    classes too. Numbers are sorted as numbers.
    """
    found = [
        (row["item_id"], row["annotator_id"], read(row["label"]), row["annotator_kind"])
        for row in rows(f"{name}.labels.csv")
        if (kind is None or row["annotator_kind"] == kind) and row["label"] not in leave_out
    ]
    items, raters, classes = (sorted({row[k] for row in found}) for k in range(3))
    known = {}
    if (folder() / f"{name}.gold.csv").exists():
        here = set(items)
        known = {r["item_id"]: r["gold"] for r in rows(f"{name}.gold.csv") if r["item_id"] in here}
        classes = sorted({*classes, *known.values()})
    if all(map(is_number, classes)):
        classes.sort(key=float)
    places = [{value: at for at, value in enumerate(c)} for c in (items, raters, classes)]
    columns = [[places[k][row[k]] for row in found] for k in range(3)]
    judges = np.zeros(len(raters), dtype=bool)
    for row in found:
        judges[places[1][row[1]]] = row[3] == "llm"
    gold = np.full(len(items), -1)
    for item, label in known.items():
        gold[places[0][item]] = places[2][label]
    table = LabelTable.from_codes(*columns, n_classes=len(classes), judges=judges)
    return Dataset(table, items, raters, classes, gold)


def accuracy(posterior: np.ndarray, gold: np.ndarray) -> float:
    """Share of the items whose first class is the gold one; a tie is shared among its classes."""
    posterior, gold = posterior[gold >= 0], gold[gold >= 0]
    first = posterior >= posterior.max(axis=1, keepdims=True) - 1e-9
    return float((first[np.arange(len(gold)), gold] / first.sum(axis=1)).mean())

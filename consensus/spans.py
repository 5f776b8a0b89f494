"""The shape in which marked spans enter this package."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.table import LabelTable, checked_column


@dataclass(frozen=True, eq=False)
class Spans:
    """Spans that raters marked in items: by row k, places starts[k] to ends[k] got tags[k].

    Places are characters or tokens, counted from 0; the end is the first place that no longer
    belongs. `answers[k]` says in which answer the span was marked: answer a is that of rater
    `raters[a]` on item `items[a]`. An answer without spans says that there is nothing to mark. Each
    rater answers an item at most once. `lengths`, (n_items,), is the number of places of each item.

    All are integer arrays, kept as read-only copies. `judges` and `families` are as in LabelTable.

    Raises ValueError where lengths do not fit, values are out of range, a span is empty or ends
    beyond its item, or an answer occurs twice.
    """

    items: NDArray[np.int32]
    raters: NDArray[np.int32]
    answers: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    tags: NDArray[np.int32]
    lengths: NDArray[np.int32]
    n_raters: int
    n_tags: int
    judges: NDArray[np.bool_] | None = None
    families: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        if self.n_tags < 1:
            raise ValueError(f"n_tags must be at least 1, not {self.n_tags}")
        most = 2**31 - 1
        object.__setattr__(self, "lengths", checked_column("lengths", self.lengths, most))
        longest = int(self.lengths.max(initial=0))
        for name, size in (
            ("items", len(self.lengths)),
            ("raters", self.n_raters),
            ("answers", len(self.items)),
            ("starts", longest),
            ("ends", longest + 1),
            ("tags", self.n_tags),
        ):
            object.__setattr__(self, name, checked_column(name, getattr(self, name), size))
        if len(self.items) != len(self.raters):
            raise ValueError("items and raters must have one length: one answer each")
        if not len(self.answers) == len(self.starts) == len(self.ends) == len(self.tags):
            raise ValueError("answers, starts, ends and tags must have one length: one span each")
        pairs = self.items.astype(np.int64) * max(self.n_raters, 1) + self.raters
        if len(np.unique(pairs)) < len(pairs):
            raise ValueError("a rater may answer an item only once")
        if (self.starts >= self.ends).any():
            raise ValueError("a span must end after it starts")
        if (self.ends > self.lengths[self.items[self.answers]]).any():
            raise ValueError("a span must end within its item")
        checked = LabelTable(
            self.items,
            self.raters,
            np.zeros(len(self.items), dtype=np.int32),
            self.n_items,
            self.n_raters,
            1,
            judges=self.judges,
            families=self.families,
        )
        object.__setattr__(self, "judges", checked.judges)
        object.__setattr__(self, "families", checked.families)

    @property
    def n_items(self) -> int:
        return len(self.lengths)

    @property
    def n_answers(self) -> int:
        return len(self.items)

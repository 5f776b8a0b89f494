"""The shape in which answers to "choose all that apply" enter this package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.table import LabelTable, checked_column

NOT_CHOSEN, CHOSEN = 0, 1


@dataclass(frozen=True, eq=False)
class Selections:
    """By row k, rater `raters[k]` chose for item `items[k]` the options where `chosen[k]`.

    `items` and `raters` are integer arrays of one length n_answers, with values in 0..n_items-1 and
    0..n_raters-1; `chosen` is (n_answers, n_options) bool. A row without any True is an answer:
    none of the options. No answer has no row. A pair (item, rater) may occur more than once, and
    then counts as often. All are kept as read-only copies.

    What may be known besides, each None where it is not:

    judges    (n_raters,) bool and
    families  (n_raters,) int, as in LabelTable
    gold      (n_items, n_options) int: 1 where the option belongs to the item, 0 where it does not,
              -1 where it is not known

    Raises ValueError where shapes do not fit, or values are out of range.
    """

    items: NDArray[np.int32]
    raters: NDArray[np.int32]
    chosen: NDArray[np.bool_]
    n_items: int
    n_raters: int
    judges: NDArray[np.bool_] | None = None
    families: NDArray[np.int32] | None = None
    gold: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        for name, size in (("items", self.n_items), ("raters", self.n_raters)):
            object.__setattr__(self, name, checked_column(name, getattr(self, name), size))
        chosen: NDArray[Any] = np.array(self.chosen)
        if chosen.ndim != 2 or chosen.dtype != np.bool_ or chosen.shape[1] < 1:
            raise ValueError("chosen must be (n_answers, n_options) of True or False")
        if not len(self.items) == len(self.raters) == len(chosen):
            raise ValueError(
                "items, raters and chosen must have one length, not"
                f" {len(self.items)}, {len(self.raters)} and {len(chosen)}"
            )
        chosen.flags.writeable = False
        object.__setattr__(self, "chosen", chosen)
        if self.gold is not None:
            gold = np.array(self.gold)
            if gold.shape != (self.n_items, self.n_options):
                raise ValueError(
                    f"gold must be of shape {(self.n_items, self.n_options)}, not {gold.shape}"
                )
            gold.flags.writeable = False
            object.__setattr__(self, "gold", gold)
        checked = self.option_table(0)  # also of the values of gold
        object.__setattr__(self, "judges", checked.judges)
        object.__setattr__(self, "families", checked.families)

    @property
    def n_options(self) -> int:
        return int(self.chosen.shape[1])

    @property
    def n_answers(self) -> int:
        return len(self.items)

    def option_table(self, option: int) -> LabelTable:
        """Each answer as one label for `option`: 1 where it was chosen, 0 where it was not."""
        return LabelTable(
            self.items,
            self.raters,
            self.chosen[:, option].astype(np.int32),
            self.n_items,
            self.n_raters,
            2,
            judges=self.judges,
            families=self.families,
            gold=None if self.gold is None else self.gold[:, option],
        )

"""The shape in which answers that are numbers enter this package."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.table import checked_column


@dataclass(frozen=True, eq=False)
class Numbers:
    """By row k, rater `raters[k]` gave item `items[k]` the number `values[k]`.

    `items` and `raters` are integer arrays of one length with values in 0..n_items-1 and
    0..n_raters-1, `values` finite numbers. A missing answer has no row. A rater may give an item
    several numbers. All are kept as read-only copies.

    Raises ValueError where the columns differ in length, codes are out of range, or a value is not
    a finite number.
    """

    items: NDArray[np.int32]
    raters: NDArray[np.int32]
    values: NDArray[np.float64]
    n_items: int
    n_raters: int

    def __post_init__(self) -> None:
        for name, size in (("items", self.n_items), ("raters", self.n_raters)):
            object.__setattr__(self, name, checked_column(name, getattr(self, name), size))
        values = np.array(self.values, dtype=np.float64)
        if values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError("values must be a row of finite numbers")
        if not len(self.items) == len(self.raters) == len(values):
            raise ValueError(
                "items, raters and values must have one length, not"
                f" {len(self.items)}, {len(self.raters)} and {len(values)}"
            )
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    @property
    def n_labels(self) -> int:
        return len(self.items)

"""The shape in which pairwise comparisons enter this package."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from consensus.table import Column, checked_column, size_of


class Outcome(IntEnum):
    """Which of two items was called better. Left and right are places, as they were shown."""

    LEFT = 0
    TIE = 1
    RIGHT = 2


@dataclass(frozen=True, eq=False)
class Comparisons:
    """By row k, rater `raters[k]` saw items `left[k]` and `right[k]` and said `outcomes[k]`.

    All are integer arrays of one length; items lie in 0..n_items-1, raters in 0..n_raters-1 and
    outcomes are `Outcome`s. They are kept as read-only 32-bit copies. A pair may occur any number
    of times, in either place. "I cannot say" is not a tie and has no row.

    Raises ValueError where the columns differ in length, hold no whole numbers or are out of range,
    and where an item is compared with itself.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    outcomes: NDArray[np.int32]
    raters: NDArray[np.int32]
    n_items: int
    n_raters: int

    def __post_init__(self) -> None:
        for name, size in (
            ("left", self.n_items),
            ("right", self.n_items),
            ("outcomes", len(Outcome)),
            ("raters", self.n_raters),
        ):
            object.__setattr__(self, name, checked_column(name, getattr(self, name), size))
        lengths = {
            name: len(getattr(self, name)) for name in ("left", "right", "outcomes", "raters")
        }
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"left, right, outcomes and raters must have one length, not {lengths}"
            )
        if (self.left == self.right).any():
            raise ValueError("an item cannot be compared with itself")

    @classmethod
    def from_codes(
        cls,
        left: Column,
        right: Column,
        outcomes: Column,
        raters: Column,
        *,
        n_items: int | None = None,
        n_raters: int | None = None,
    ) -> Self:
        """Build from sequences; sizes not given are one more than the largest value."""
        return cls(
            left=np.asarray(left),
            right=np.asarray(right),
            outcomes=np.asarray(outcomes),
            raters=np.asarray(raters),
            n_items=max(size_of(left), size_of(right)) if n_items is None else n_items,
            n_raters=size_of(raters) if n_raters is None else n_raters,
        )

    @property
    def n_comparisons(self) -> int:
        return len(self.left)

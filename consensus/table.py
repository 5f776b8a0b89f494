"""The one shape in which labels enter this package: three columns of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Column = Sequence[int] | NDArray[Any]


@dataclass(frozen=True, eq=False)
class LabelTable:
    """Labels in long form: by row k, rater `raters[k]` gave item `items[k]` the class `codes[k]`.

    `items`, `raters` and `codes` are integer arrays of one length; their values lie in
    0..n_items-1, 0..n_raters-1 and 0..n_classes-1. They are kept as read-only 32-bit copies.

    A missing label or an abstention ("I do not know") is not a class and has no row. Items and
    raters without any row are allowed. A pair (item, rater) may occur more than once: it then
    counts as often as it occurs, as in the table of Dawid and Skene (1979), whose first rater
    answered thrice.

    What may be known besides, each None where it is not:

    judges    (n_raters,) bool: which raters are judges (models); the others are people
    families  (n_raters,) int: raters of one family (one model, near-copies of one prompt) share a
              number from 0; -1 is a rater on its own
    gold      (n_items,) int: the known class of an item, -1 where none is known

    Raises ValueError where the columns differ in length, hold no whole numbers or are out of range.
    """

    items: NDArray[np.int32]
    raters: NDArray[np.int32]
    codes: NDArray[np.int32]
    n_items: int
    n_raters: int
    n_classes: int
    judges: NDArray[np.bool_] | None = None
    families: NDArray[np.int32] | None = None
    gold: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        if self.n_classes < 1:
            raise ValueError(f"n_classes must be at least 1, not {self.n_classes}")
        for name, size in (
            ("items", self.n_items),
            ("raters", self.n_raters),
            ("codes", self.n_classes),
        ):
            object.__setattr__(self, name, checked_column(name, getattr(self, name), size))
        lengths = {"items": len(self.items), "raters": len(self.raters), "codes": len(self.codes)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"items, raters and codes must have one length, not {lengths}")
        if self.judges is not None:
            judges = np.array(self.judges)
            if judges.dtype != np.bool_ or judges.shape != (self.n_raters,):
                raise ValueError(f"judges must be {self.n_raters} times True or False")
            judges.flags.writeable = False
            object.__setattr__(self, "judges", judges)
        for name, length, size in (
            ("families", self.n_raters, self.n_raters),
            ("gold", self.n_items, self.n_classes),
        ):
            if getattr(self, name) is not None:
                known = _checked_known(name, getattr(self, name), length, size)
                object.__setattr__(self, name, known)

    @classmethod
    def from_codes(
        cls,
        items: Column,
        raters: Column,
        codes: Column,
        *,
        n_classes: int,
        n_items: int | None = None,
        n_raters: int | None = None,
        judges: Sequence[bool] | NDArray[np.bool_] | None = None,
        families: Column | None = None,
        gold: Column | None = None,
    ) -> Self:
        """Build a table from sequences; sizes not given are one more than the largest value.

        `n_classes` must be given: a class that nobody used is still a class.
        """
        return cls(
            items=np.asarray(items),
            raters=np.asarray(raters),
            codes=np.asarray(codes),
            n_items=size_of(items) if n_items is None else n_items,
            n_raters=size_of(raters) if n_raters is None else n_raters,
            n_classes=n_classes,
            judges=None if judges is None else np.asarray(judges, dtype=np.bool_),
            families=None if families is None else np.asarray(families),
            gold=None if gold is None else np.asarray(gold),
        )

    @property
    def n_labels(self) -> int:
        return len(self.items)

    def rows(self, kept: NDArray[np.bool_]) -> Self:
        """The table with only the labels where `kept`, (n_labels,) bool, is true.

        Items, raters and what is known of them stay, and keep their numbers.
        """
        return replace(
            self, items=self.items[kept], raters=self.raters[kept], codes=self.codes[kept]
        )

    def of_raters(self, kept: NDArray[np.bool_]) -> Self:
        """The table with only the labels of raters where `kept`, (n_raters,) bool, is true."""
        return self.rows(np.asarray(kept, dtype=np.bool_)[self.raters])

    def counts(self) -> NDArray[np.int64]:
        """How often each item was given each class, shape (n_items, n_classes)."""
        cells = self.items.astype(np.int64) * self.n_classes + self.codes
        flat = np.bincount(cells, minlength=self.n_items * self.n_classes)
        return flat.astype(np.int64, copy=False).reshape(self.n_items, self.n_classes)


def size_of(column: Column) -> int:
    """One more than the largest code of a column, 0 without any."""
    values = np.asarray(column)
    return int(values.max()) + 1 if values.size else 0


def checked_column(name: str, values: Any, size: int) -> NDArray[np.int32]:
    """`values` as a read-only 32-bit copy; ValueError where they are no codes in 0..size-1."""
    column = np.asarray(values)
    if column.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {column.shape}")
    if size < 0 or size > np.iinfo(np.int32).max:
        raise ValueError(f"the number of {name} must lie in 0..2147483647, not {size}")
    if column.size == 0:
        column = column.astype(np.int32)
    if not np.issubdtype(column.dtype, np.integer):
        raise ValueError(f"{name} must hold whole numbers, not {column.dtype}")
    if column.size and (int(column.min()) < 0 or int(column.max()) >= size):
        raise ValueError(
            f"{name} must lie in 0..{size - 1}, but reach from {column.min()} to {column.max()}"
        )
    column = column.astype(np.int32)  # a copy: the caller's array may change later
    column.flags.writeable = False
    return column


def _checked_known(name: str, values: Any, length: int, size: int) -> NDArray[np.int32]:
    column = np.asarray(values)
    if column.shape != (length,):
        raise ValueError(f"{name} must have length {length}, not shape {column.shape}")
    if column.size and int(column.min()) < -1:
        raise ValueError(f"{name} must be -1 where nothing is known, not {column.min()}")
    checked_column(name, column[column >= 0], size)
    known = column.astype(np.int32)
    known.flags.writeable = False
    return known

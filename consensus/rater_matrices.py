"""Each two raters of a table side by side: matrices of plain agreement and of Cohen's kappa.

All pairs at once, from products of sparse matrices of who labelled what, over some items at a time:
memory grows with the square of the raters, not with the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from consensus.table import LabelTable

# Labels looked at together.
_CHUNK = 1_000_000

Square = NDArray[np.float64]
Counts = NDArray[np.int64]


def pairwise_agreement(table: LabelTable) -> tuple[Square, Counts]:
    """For each two raters, the share of their shared items on which they agree, and how many.

    Both results have shape (n_raters, n_raters) and are symmetric; the share is NaN where the two
    share no item. Where a rater labelled an item more than once, each pair of labels counts. The
    diagonal compares a rater's repeats with each other, and is NaN for a rater without repeats.
    """
    size = (table.n_raters, table.n_raters)
    both, same = np.zeros(size), np.zeros(size)
    # A label is no pair with itself, and each two repeats are one pair.
    own = np.bincount(table.raters, minlength=table.n_raters)
    for block in _blocks(table):
        whose = block.matrix()
        both += _product(whose, whose)
        for code in range(table.n_classes):
            named = block.matrix(block.codes == code)
            same += _product(named, named)
    for pairs in (both, same):
        np.fill_diagonal(pairs, (pairs.diagonal() - own) / 2)
    return _ratio(same, both), np.rint(both).astype(np.int64)


def pairwise_kappa(
    table: LabelTable, *, weights: Literal["none", "linear", "quadratic"] = "none"
) -> tuple[Square, Counts]:
    """For each two raters, Cohen's kappa on their shared items, and how many those are.

    Both results have shape (n_raters, n_raters) and are symmetric. Kappa is NaN where the two share
    no item or gave all of them one and the same class. A rater is no other rater: the diagonals
    are NaN and 0. `weights` as in consensus.kappa.cohen_kappa. Where a rater labelled an item more
    than once, each pair of labels counts.

    Raises ValueError for unknown weights.
    """
    if weights not in ("none", "linear", "quadratic"):
        raise ValueError(f"weights must be none, linear or quadratic, not {weights!r}")
    size = (table.n_raters, table.n_raters)
    both, apart = np.zeros(size), np.zeros(size)
    # [c, r, s]: how often r named class c on items that s labelled too.
    named = np.zeros((table.n_classes, *size))
    for block in _blocks(table):
        whose = block.matrix()
        both += _product(whose, whose)
        for code in range(table.n_classes):
            named[code] += _product(block.matrix(block.codes == code), whose)
        apart += _APART[weights](block, table.n_classes, whose)
    by_chance = _APART_BY_CHANCE[weights](named)
    # In whole numbers until here, so that "certain agreement" is exact.
    kappa = 1 - _ratio(apart * both, by_chance)
    np.fill_diagonal(kappa, np.nan)
    np.fill_diagonal(both, 0)
    return kappa, np.rint(both).astype(np.int64)


class _Block:
    """The labels of some items, and sparse matrices (items, raters) of them."""

    def __init__(self, items: Any, raters: Any, codes: Any, shape: tuple[int, int]) -> None:
        self.items, self.raters, self.codes, self.shape = items, raters, codes, shape

    def matrix(self, kept: NDArray[np.bool_] | slice = slice(None), numbers: Any = None) -> Any:
        """Who labelled what, among the labels `kept`: how often, or the sum of `numbers`."""
        from scipy import sparse  # here, so that the rest does not wait for scipy

        items = self.items[kept]
        entries = np.ones(len(items)) if numbers is None else numbers[kept].astype(np.float64)
        return sparse.coo_array((entries, (items, self.raters[kept])), shape=self.shape).tocsr()


def _blocks(table: LabelTable) -> Iterator[_Block]:
    """The table in blocks of items with about _CHUNK labels each; no item is divided."""
    if not table.n_labels:
        return
    n_blocks = -(-table.n_labels // _CHUNK)
    width = -(-table.n_items // n_blocks)
    of_block = table.items // width
    for k in range(n_blocks):
        rows = np.flatnonzero(of_block == k) if n_blocks > 1 else slice(None)
        yield _Block(
            table.items[rows] - k * width,
            table.raters[rows],
            table.codes[rows],
            (width, table.n_raters),
        )


def _product(a: Any, b: Any) -> Square:
    return np.asarray((a.T @ b).toarray())


def _unlike(block: _Block, n_classes: int, whose: Any) -> Square:
    apart = _product(whose, whose)
    for code in range(n_classes):
        named = block.matrix(block.codes == code)
        apart -= _product(named, named)
    return apart


def _steps(block: _Block, n_classes: int, whose: Any) -> Square:
    """Sums of |c - k|: the number of borders between classes that lie between the two."""
    apart = np.zeros((block.shape[1], block.shape[1]))
    for code in range(n_classes - 1):
        crossed = _product(block.matrix(block.codes <= code), block.matrix(block.codes > code))
        apart += crossed + crossed.T
    return apart


def _squares(block: _Block, n_classes: int, whose: Any) -> Square:
    codes = block.codes.astype(np.int64)
    numbers, squares = block.matrix(numbers=codes), block.matrix(numbers=codes**2)
    ends = _product(squares, whose)
    return ends + ends.T - 2 * _product(numbers, numbers)


def _unlike_by_chance(named: Square) -> Square:
    totals = named.sum(axis=0)
    return np.asarray(totals * totals.T - (named * named.transpose(0, 2, 1)).sum(axis=0))


def _steps_by_chance(named: Square) -> Square:
    below = np.cumsum(named, axis=0)
    above = below[-1] - below
    crossed = (below * above.transpose(0, 2, 1)).sum(axis=0)
    return np.asarray(crossed + crossed.T)


def _squares_by_chance(named: Square) -> Square:
    codes = np.arange(len(named), dtype=np.float64)
    totals, sums, squares = (np.tensordot(codes**power, named, axes=1) for power in range(3))
    ends = squares * totals.T
    return np.asarray(ends + ends.T - 2 * sums * sums.T)


def _ratio(above: Square, below: Square) -> Square:
    ratio = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio


_APART: dict[str, Callable[[_Block, int, Any], Square]] = {
    "none": _unlike,
    "linear": _steps,
    "quadratic": _squares,
}
_APART_BY_CHANCE: dict[str, Callable[[Square], Square]] = {
    "none": _unlike_by_chance,
    "linear": _steps_by_chance,
    "quadratic": _squares_by_chance,
}

"""The labels of a table sorted by item, in blocks, and what every model asks of them.

The models that learn raters and items together (Dawid-Skene, iBCC, one-coin, MACE) differ in what
they say of a rater. What they ask of the labels is the same in each round: the probability of each
class at each item, given the raters, and then how often each rater said what, given those
probabilities. Both are products with one sparse matrix of ones; a block of items goes through both
while it is in the processor's cache, so that of all items only the posterior is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.table import LabelTable

# A block has about so many labels and at most so many cells (item, class): a few MB of numbers.
BLOCK_LABELS = 1 << 18
BLOCK_CELLS = 1 << 19
# Adding and taking away this number rounds what lies between 0 and 1 to a multiple of 2 ** -40
# (about 1e-12). A tie is an unstable point of EM: without the rounding the last digits, which
# depend on the order of items and raters, grow into a winner. On that grid the sums over up to
# 8,192 labels are exact, in whatever order. The rounding moves the log-likelihood by no more than
# about 1e-12 an item.
GRID = 6144.0


@dataclass(frozen=True, eq=False)
class Block:
    """Some successive items.

    items       which of all
    votes       sparse (n, n_raters * n_classes): one 1 for each label, in the column of its rater
                and class, r * n_classes + c. The columns of a row are in order, repeats stand
                beside each other: the order of the table's rows changes not even a last digit
    columns     `votes` transposed, the same numbers in memory
    unknown     places in the block of items without labels and without gold
    known       places in the block of items with gold
    gold        the classes of those
    """

    items: slice
    votes: Any
    columns: Any
    unknown: NDArray[np.int64]
    known: NDArray[np.int64]
    gold: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Expected:
    """What one round finds.

    counts    (n_raters, n_classes, n_classes): [r, k, c] is how often r said c where k is true,
              under the posterior
    classes   (n_classes,): sum of the posterior over the items
    evidence  log probability of all labels (of items with gold: and of the gold), in nats
    moved     the largest change of a posterior; NaN where it was not asked for
    """

    counts: NDArray[np.float64]
    classes: NDArray[np.float64]
    evidence: float
    moved: float


class Blocks:
    """The labels of a table by item, and the posterior of its items, (n_items, n_classes).

    The posterior starts as the shares of the votes. An item with gold has the gold class for
    certain, at the start and in every round, whether or not it has labels. An item with neither
    has a row of zeros and no part in anything.
    """

    def __init__(self, table: LabelTable) -> None:
        self.n_raters, self.n_classes = table.n_raters, table.n_classes
        self.posterior = np.empty((table.n_items, table.n_classes))
        self.blocks = list(_blocks(table))
        self.vote(np.ones(table.n_raters))

    @property
    def informed(self) -> NDArray[np.bool_]:
        """Which items have labels or gold, (n_items,)."""
        informed = np.ones(len(self.posterior), dtype=np.bool_)
        for block in self.blocks:
            informed[block.items][block.unknown] = False
        return informed

    def vote(self, weights: NDArray[np.float64]) -> None:
        """The posterior becomes the shares of the votes, those of rater r with `weights[r]`.

        An item whose labels weigh nothing has a row of zeros.
        """
        for block, sums in self._vote_sums(weights):
            totals = sums.sum(axis=1)
            sums /= np.where(totals > 0, totals, 1.0)[:, None]
            sums += GRID
            sums -= GRID
            sums[block.known] = 0.0
            sums[block.known, block.gold] = 1.0
            self.posterior[block.items] = sums

    def support(self) -> NDArray[np.float64]:
        """What others say where a rater says something, (n_raters, n_classes, 3), whole numbers.

        [r, c] holds how often r said c, how many labels those items have, and how many of those
        labels say c as well. It knows of no order and no names: raters alike in it are alike.
        """
        said = np.zeros((self.n_raters * self.n_classes, 3))
        named = np.arange(len(said)), np.tile(np.arange(self.n_classes), self.n_raters)
        for block, sums in self._vote_sums(np.ones(self.n_raters)):
            sizes = np.diff(block.votes.indptr).astype(np.float64)
            said[:, :2] += block.columns @ np.stack([np.ones_like(sizes), sizes], axis=1)
            said[:, 2] += (block.columns @ sums)[named]
        return said.reshape(self.n_raters, self.n_classes, 3)

    def expected(self) -> Expected:
        """How often each rater said what under the posterior as it stands; no evidence."""
        counts = self._no_counts()
        classes = np.zeros(self.n_classes)
        for block in self.blocks:
            rows = self.posterior[block.items]
            counts += block.columns @ rows
            classes += rows.sum(axis=0)
        return Expected(self._by_truth(counts), classes, math.nan, math.nan)

    def squares(self) -> NDArray[np.float64]:
        """Sum of squared posteriors of c where r said c, [r, c], (n_raters, n_classes)."""
        counts = self._no_counts()
        for block in self.blocks:
            counts += block.columns @ self.posterior[block.items] ** 2
        return np.asarray(np.einsum("rcc->rc", self._by_truth(counts)))

    def update(
        self,
        log_classes: NDArray[np.float64],
        log_confusion: NDArray[np.float64],
        *,
        watch: bool = False,
    ) -> Expected:
        """One round: the posterior given the raters, and what is expected under it.

        `log_classes` (n_classes,) and `log_confusion` (n_raters, n_classes, n_classes), [r, k, c],
        may be minus infinity where something cannot be, and need not be normalised. `watch` asks
        for the largest change of a posterior.
        """
        by_label = np.ascontiguousarray(
            log_confusion.transpose(0, 2, 1).reshape(-1, self.n_classes)
        )
        counts = self._no_counts()
        classes = np.zeros(self.n_classes)
        evidence = 0.0
        moved = 0.0 if watch else math.nan
        for block in self.blocks:
            # Classes by items: numpy is several times faster along the long axis.
            scores = np.ascontiguousarray((block.votes @ by_label).T)
            scores += log_classes[:, None]
            evidence += posterior_in_place(scores, block)
            classes += scores.sum(axis=1)
            rows = self.posterior[block.items]
            if watch:
                moved = max(moved, float(np.abs(scores - rows.T).max(initial=0.0)))
            rows[...] = scores.T
            counts += block.columns @ rows
        return Expected(self._by_truth(counts), classes, evidence, moved)

    def _vote_sums(
        self, weights: NDArray[np.float64]
    ) -> Iterator[tuple[Block, NDArray[np.float64]]]:
        named = np.repeat(weights, self.n_classes)[:, None] * np.tile(
            np.eye(self.n_classes), (self.n_raters, 1)
        )
        for block in self.blocks:
            yield block, block.votes @ named

    def _no_counts(self) -> NDArray[np.float64]:
        return np.zeros((self.n_raters * self.n_classes, self.n_classes))

    def _by_truth(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        return counts.reshape(self.n_raters, self.n_classes, self.n_classes).transpose(0, 2, 1)


def posterior_in_place(scores: NDArray[np.float64], block: Block) -> float:
    """Turn log joint probabilities, (n_classes, n), into the posterior; returns the evidence."""
    top = scores.max(axis=0)
    certain = scores[block.gold, block.known]
    scores -= top
    np.exp(scores, out=scores)
    totals = scores.sum(axis=0)
    scores /= totals
    scores += GRID
    scores -= GRID
    np.log(totals, out=totals)
    totals += top
    if len(block.known):
        totals[block.known] = certain
        scores[:, block.known] = 0.0
        scores[block.gold, block.known] = 1.0
    if len(block.unknown):
        totals[block.unknown] = 0.0
        scores[:, block.unknown] = 0.0
    return float(totals.sum())


def sorted_labels(table: LabelTable) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where each item's labels start (n_items + 1,), and the labels' columns, in order by item.

    The column of rater r and class c is r * n_classes + c. Two counting sorts, by column and then
    by item, each as the transposition of a sparse matrix: linear in labels, items and columns.
    """
    from scipy import sparse  # here, so that who only imports does not wait for scipy

    n_labels, n_columns = table.n_labels, table.n_raters * table.n_classes
    width = np.int32 if max(n_columns, n_labels) < 2**31 - 1 else np.int64
    columns: NDArray[np.signedinteger[Any]] = table.raters.astype(width)
    columns *= width(table.n_classes)
    columns += table.codes
    by_column = sparse.csr_array(
        (table.items, columns, np.arange(n_labels + 1, dtype=width)), shape=(n_labels, n_columns)
    ).tocsc()
    starts, items = by_column.indptr, by_column.data
    del by_column, columns  # its other parts are 40 bytes a label
    by_item = sparse.csr_array(
        (np.empty(n_labels, dtype=np.int8), items, starts), shape=(n_columns, table.n_items)
    ).tocsc()
    return by_item.indptr, by_item.indices


def _blocks(table: LabelTable) -> Iterator[Block]:
    from scipy import sparse

    n_columns = table.n_raters * table.n_classes
    starts, columns = sorted_labels(table)
    step = _items_a_block(table)
    ends = [min(start + step, table.n_items) for start in range(0, table.n_items, step)]
    begins = [0, *ends[:-1]]
    longest = max(
        (int(starts[e] - starts[b]) for b, e in zip(begins, ends, strict=False)), default=0
    )
    ones = np.ones(longest)  # shared by all blocks, and small enough to stay in the cache
    for begin, end in zip(begins, ends, strict=False):
        first, last = int(starts[begin]), int(starts[end])
        votes = sparse.csr_array(
            (ones[: last - first], columns[first:last], starts[begin : end + 1] - first),
            shape=(end - begin, n_columns),
        )
        gold = np.full(end - begin, -1) if table.gold is None else table.gold[begin:end]
        silent = np.diff(votes.indptr) == 0
        known = np.flatnonzero(gold >= 0)
        yield Block(
            items=slice(begin, end),
            votes=votes,
            columns=votes.T,
            unknown=np.flatnonzero(silent & (gold < 0)),
            known=known,
            gold=gold[known].astype(np.int32),
        )


def _items_a_block(table: LabelTable) -> int:
    """So many items that a block fits the cache, and that its counts cost less than its labels."""
    n_blocks = max(
        table.n_labels / BLOCK_LABELS, table.n_items * table.n_classes / BLOCK_CELLS, 1.0
    )
    n_columns = max(1, table.n_raters * table.n_classes)
    n_blocks = min(n_blocks, max(1.0, table.n_labels / (4 * n_columns)))
    return max(1, math.ceil(table.n_items / n_blocks))

"""What each two raters said of the items that both labelled: their confusion, all pairs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from consensus.table import LabelTable

# Labels looked at together.
_CHUNK = 1_000_000


def pair_counts(table: LabelTable) -> NDArray[np.int64]:
    """How often two raters named which classes of one item, (n_raters, n_raters, K, K).

    ``[r, s, c, d]`` counts the items to which r gave class c and s class d; ``[s, r]`` is its
    transpose. A rater is no other rater: ``[r, r]`` is 0. Where a rater labelled an item more than
    once, each pair of labels counts. Memory grows with the square of raters times classes.
    """
    from scipy import sparse  # here, so that the rest does not wait for scipy

    n_raters, n_classes = table.n_raters, table.n_classes
    size = n_raters * n_classes
    counts = np.zeros((size, size))
    n_blocks = max(1, -(-table.n_labels // _CHUNK))
    width = max(1, -(-table.n_items // n_blocks))
    of_block = table.items // width
    said = table.raters.astype(np.int64) * n_classes + table.codes
    for block in range(n_blocks):
        rows = np.flatnonzero(of_block == block)
        where = (table.items[rows] - block * width, said[rows])
        named = sparse.coo_array((np.ones(len(rows)), where), shape=(width, size)).tocsr()
        counts += np.asarray((named.T @ named).toarray())
    pairs = np.rint(counts).astype(np.int64).reshape(n_raters, n_classes, n_raters, n_classes)
    pairs = pairs.transpose(0, 2, 1, 3).copy()
    pairs[np.arange(n_raters), np.arange(n_raters)] = 0
    return pairs

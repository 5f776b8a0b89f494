"""Draws over items or raters that no numbering of them changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Draws are handled in chunks whose largest array holds about this many numbers (32 MB).
_CHUNK = 4_000_000


def item_draws(
    items: NDArray[np.int64],
    raters: NDArray[np.int64],
    kinds: NDArray[np.int64],
    *,
    n_kinds: int,
    n_bootstrap: int,
    seed: int,
) -> NDArray[np.float64]:
    """How often each rater has each kind of row in each draw, (n_bootstrap, n_raters, n_kinds).

    Row k says that rater `raters[k]` has a row of kind `kinds[k]` (0..n_kinds-1) at item
    `items[k]`; at least one row. As many items as have rows are drawn, with replacement.
    """
    from scipy import sparse  # here, so that the rest does not wait for scipy

    _, dense = np.unique(items, return_inverse=True)
    n_items, n_raters = int(dense.max()) + 1, int(raters.max()) + 1
    _, rater_places = places_by_content(dense, raters, kinds)
    # Items with equal rows are one item that occurs several times: 100,000 items that five people
    # labelled have a few hundred patterns. A pattern is known by the sum over its rows.
    rows = _mix((rater_places[raters] * n_kinds + kinds).astype(np.uint64))
    sums = np.zeros(n_items, dtype=np.uint64)
    np.add.at(sums, dense, rows)
    _, first, pattern, times = np.unique(
        sums, return_index=True, return_inverse=True, return_counts=True
    )
    kept = first[pattern[dense]] == dense  # the rows of one item of each pattern
    cells = sparse.coo_array(
        (
            np.ones(int(kept.sum())),
            (raters[kept] * n_kinds + kinds[kept], pattern[dense[kept]]),
        ),
        shape=(n_raters * n_kinds, len(times)),
    ).tocsr()
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // len(times))
    draws = [
        (cells @ rng.multinomial(n_items, times / n_items, size=min(step, n_bootstrap - done)).T).T
        for done in range(0, n_bootstrap, step)
    ]
    return np.concatenate(draws).reshape(n_bootstrap, n_raters, n_kinds)


def places_by_content(
    items: NDArray[np.int64], raters: NDArray[np.int64], kinds: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A place for each item, (n_items,), and each rater, that no numbering of either changes.

    Draws are dealt out in this order. Items and raters are coloured in turns by what they meet
    (colour refinement of the graph of labels): after a few rounds equal colours mean equal parts.
    """
    of_items = np.zeros(int(items.max(initial=-1)) + 1, dtype=np.uint64)
    of_raters = np.zeros(int(raters.max(initial=-1)) + 1, dtype=np.uint64)
    met = _mix(kinds.astype(np.uint64))
    for _ in range(3):
        new = np.zeros_like(of_items)
        np.add.at(new, items, _mix(of_raters[raters] ^ met))
        of_items = _mix(new)
        new = np.zeros_like(of_raters)
        np.add.at(new, raters, _mix(of_items[items] ^ met))
        of_raters = _mix(new)
    return _places(of_items), _places(of_raters)


def _places(colours: NDArray[np.uint64]) -> NDArray[np.int64]:
    places = np.empty(len(colours), dtype=np.int64)
    places[np.argsort(colours, kind="stable")] = np.arange(len(colours))
    return places


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread whole numbers over 64 bits, so that sums of them do not meet by chance.

    The finaliser of splitmix64 (G. Steele, D. Lea and C. Flood, OOPSLA 2014).
    """
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))

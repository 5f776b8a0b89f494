"""For each item of two orders, how many others lie the same way round in both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


def concordance(x: Floats, y: Floats) -> Places:
    """[i]: items j ordered alike with i by `x` and `y`, less those ordered the other way round.

    That is the sum over j of sign(x_j - x_i) sign(y_j - y_i), (n_items,), without looking at all
    pairs: from the number of items that lie below i by both, found bit by bit of the places by y.
    """
    by_x, by_y = _places(x), _places(y)
    n = len(x)
    below_x, to_x = _below(by_x)
    below_y, to_y = _below(by_y)
    # Items of equal y that lie below i by x; the other way round; and those equal by both.
    cell = by_x * (n + 1) + by_y
    before, to_cell = _below(_places(cell))
    same = to_cell - before
    equal_x = before - below_x
    before_y, _ = _below(_places(by_y * (n + 1) + by_x))
    equal_y = before_y - below_y
    below = _dominated(by_x, by_y)
    below_or_equal = below + equal_x + equal_y + same
    above = n - to_x - to_y + below_or_equal
    crossed = (below_x - below - equal_y) + (below_y - below - equal_x)
    return np.asarray(below + above - crossed)


def sign_sums(x: Floats, weights: Floats | None = None) -> Floats:
    """[i]: sum over j of sign(x_j - x_i), each times weights[j] where given, (n_items,)."""
    places = _places(x)
    sums = np.bincount(places, weights=weights).astype(np.float64)
    to = np.cumsum(sums)
    return np.asarray((to[-1] - to - (to - sums))[places]) if len(x) else np.zeros(0)


def differing(x: Floats) -> Places:
    """[i]: items j with another value than i's, (n_items,)."""
    places = _places(x)
    return np.asarray(len(x) - np.bincount(places)[places])


def _places(x: NDArray[np.float64] | Places) -> Places:
    """The place of each value among the different values, from 0."""
    return np.asarray(np.unique(x, return_inverse=True)[1], dtype=np.int64)


def _below(places: Places) -> tuple[Places, Places]:
    """How many items have a lower place, and how many one that is not higher."""
    times = np.bincount(places)
    to = np.cumsum(times)
    return (to - times)[places], to[places]


def _dominated(by_x: Places, by_y: Places) -> Places:
    """How many items have a lower place in both orders.

    The places by y are gone through bit by bit, from the highest. Items with the same bits so far
    form a node, in the order of x. Within it, those with a 0 lie below those with a 1 by y, and
    the ones before it lie below by x: each pair is counted once, where its bits first differ.
    """
    n = len(by_x)
    order = np.argsort(by_x, kind="stable")
    found = np.zeros(n, dtype=np.int64)
    at = np.arange(n)
    for bit in reversed(range(int(by_y.max(initial=0)).bit_length())):
        node = by_y[order] >> (bit + 1)
        one = (by_y[order] >> bit) & 1
        zeros = np.concatenate([[0], np.cumsum(1 - one)])
        new_node = np.concatenate([[True], node[1:] != node[:-1]])
        new_tie = new_node | np.concatenate([[True], np.diff(by_x[order]) != 0])
        start = np.maximum.accumulate(np.where(new_node, at, 0))
        tie = np.maximum.accumulate(np.where(new_tie, at, 0))
        found[order] += one * (zeros[tie] - zeros[start])
        # Zeros of a node go before its ones; both keep the order of x.
        ends = np.append(np.flatnonzero(new_node), n)
        end = np.repeat(ends[1:], np.diff(ends))
        inside = zeros[:-1] - zeros[start]
        to_zero = start + inside
        to_one = start + (zeros[end] - zeros[start]) + (at - start - inside)
        moved = np.empty_like(order)
        moved[np.where(one == 1, to_one, to_zero)] = order
        order = moved
    return found

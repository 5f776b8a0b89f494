"""Tests of "it might as well have been the other way round", exact and without a seed.

Each item has some values of which one is looked at: a judge's answer among people's, the answer to
the plain item among the two to it and to a variant of it, this round's among all rounds'. If the
one looked at is nothing special, it is a fair draw from its item's values, whatever these are, and
items are drawn independently. The sum over items then has a known distribution, which is worked out
by adding item after item; an observed sum far out in it speaks against a fair draw. With two values
of opposite sign an item this is the sign-flip test, and with ones McNemar's in its exact form.

Source: R. A. Fisher, The Design of Experiments (1935), § 21; E. J. G. Pitman, Supplement to the
Journal of the Royal Statistical Society 4 (1937), 119-130.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Rounding within a long sum of products must not decide what is as far out as what was seen.
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class SumDistribution:
    """How likely each sum is: `shares[k]` is the probability of `least + k`."""

    least: int
    shares: NDArray[np.float64]

    def upper_tail(self, total: int) -> float:
        """The probability of `total` or more."""
        return float(min(1.0, self.shares[max(0, total - self.least) :].sum()))

    def lower_tail(self, total: int) -> float:
        """The probability of `total` or less."""
        return float(min(1.0, self.shares[: max(0, total - self.least + 1)].sum()))

    def limits(self, tail: float) -> tuple[int, int]:
        """The widest sums, low and high, beyond which there is no more than `tail` on each side."""
        below, above = np.cumsum(self.shares), np.cumsum(self.shares[::-1])[::-1]
        low = int(np.flatnonzero(below > tail + _SAME)[0])
        high = int(np.flatnonzero(above > tail + _SAME)[-1])
        return self.least + low, self.least + high


def sum_distribution(pools: Sequence[Sequence[int]]) -> SumDistribution:
    """The distribution of the sum of one fair draw from each pool of whole numbers.

    No pools: the sum is 0. Time grows with the number of pools times the width of the sum. Raises
    ValueError for an empty pool.
    """
    least, shares = 0, np.ones(1)
    for pool in pools:
        if not len(pool):
            raise ValueError("there is nothing to draw from an empty pool")
        low = min(pool)
        least += low
        if len(set(pool)) > 1:
            counts = np.bincount(np.asarray(pool) - low)
            shares = np.convolve(shares, counts / len(pool))
    return SumDistribution(least, shares)


def exchange_p(seen: Sequence[int], pools: Sequence[Sequence[int]]) -> float:
    """Two-sided p: how likely a sum as far out as that of `seen` is, if each of them is a fair draw
    from its pool. Twice the smaller tail, at most 1.

    Raises ValueError where a value is not in its pool.
    """
    if any(value not in pool for value, pool in zip(seen, pools, strict=True)):
        raise ValueError("each value seen must be in its pool")
    found, total = sum_distribution(pools), sum(seen)
    return min(1.0, 2 * min(found.upper_tail(total), found.lower_tail(total)))

"""Two raters on the same items: does one of them match the people more often than luck would have
it? McNemar's test in its exact form.

Items that both match, or both miss, say nothing about the difference. Of the n that only one of
them matches, the first has as many as a fair coin has heads if they are equally good.
Source: Q. McNemar, Psychometrika 12 (1947), 153-157; exact by the binomial distribution.
"""

from __future__ import annotations

from math import comb

# With fewer items that only one of the two matches, no outcome has a p below 5 %.
FEWEST_TOLD_APART = 6
# Up to so many the sum is taken in whole numbers.
_COUNTED = 1_000


def mcnemar(first_only: int, second_only: int) -> float:
    """Two-sided p: how likely so uneven a split of the items that only one of two raters matched is
    if both match equally often. 1 where there are none.

    Raises ValueError for a negative number.
    """
    if min(first_only, second_only) < 0:
        raise ValueError("A number of items is not negative.")
    n, fewer = first_only + second_only, min(first_only, second_only)
    if n < _COUNTED:
        return min(1.0, float(2 * sum(comb(n, k) for k in range(fewer + 1)) / 2**n))
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(fewer, n, 0.5)))

"""Where does a judge fail? Its share of right answers in each slice of the items beside the rest.

Each slice against all other items: difference with Newcombe's interval (R. Newcombe, Statistics in
Medicine 17 (1998), 873-890) and R. Fisher's exact test, two-sided. Many slices are looked at, so
which of them stand out is told by Benjamini and Yekutieli's procedure, which holds however the
slices overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.alt_test import benjamini_yekutieli
from consensus.beside_people import Estimate, difference_of
from consensus.intervals import proportion_interval


@dataclass(frozen=True, kw_only=True)
class Slice:
    """`n_right` of the `n` items of the slice are right; `difference` is to all other items.

    stands_out  whether the share differs from the rest's at the level asked for, all slices
                considered; in either direction
    """

    n: int
    n_right: int
    share: Estimate
    difference: Estimate
    p: float
    stands_out: bool


def slices_compared(
    right: ArrayLike,
    members: Sequence[ArrayLike],
    *,
    level: float = 0.05,
    confidence: float = 0.95,
) -> list[Slice]:
    """A Slice for each of `members`, (n,) bool: which items are in it. `right` is (n,) bool.

    A slice of no item, or of all, has a p of 1. Raises ValueError for lengths that differ.
    """
    got = np.asarray(right, dtype=np.bool_)
    masks = [np.asarray(mask, dtype=np.bool_) for mask in members]
    if any(mask.shape != got.shape for mask in masks):
        raise ValueError(f"each slice needs {len(got)} times True or False")
    counts = [_counts(got, mask) for mask in masks]
    p = np.array([_fisher(*each) for each in counts])
    stands_out = benjamini_yekutieli(p, level)
    found = []
    for (k, n, k_rest, n_rest), each, out in zip(counts, p, stands_out, strict=True):
        share, rest = _estimate(k, n, confidence), _estimate(k_rest, n_rest, confidence)
        found.append(
            Slice(
                n=n,
                n_right=k,
                share=share,
                difference=difference_of(share, rest),
                p=float(each),
                stands_out=bool(out),
            )
        )
    return found


def _counts(right: NDArray[np.bool_], mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    k, n = int((right & mask).sum()), int(mask.sum())
    return k, n, int(right.sum()) - k, len(right) - n


def _estimate(k: int, n: int, confidence: float) -> Estimate:
    if not n:
        return Estimate()
    low, high = proportion_interval(k, n, confidence)
    return Estimate(value=k / n, low=low, high=high)


def _fisher(k: int, n: int, k_rest: int, n_rest: int) -> float:
    """Two-sided: how likely a table with these margins is that is no likelier than this one."""
    from scipy.special import gammaln

    total, right = n + n_rest, k + k_rest
    if not n or not n_rest:
        return 1.0
    possible = np.arange(max(0, right - n_rest), min(n, right) + 1)

    def log_choose(of: ArrayLike, some: ArrayLike) -> NDArray[np.float64]:
        whole, part = np.asarray(of, dtype=np.float64), np.asarray(some, dtype=np.float64)
        return np.asarray(gammaln(whole + 1) - gammaln(part + 1) - gammaln(whole - part + 1))

    logs = log_choose(n, possible) + log_choose(n_rest, right - possible)
    logs -= log_choose(total, right)
    own = logs[k - int(possible[0])]
    # As likely but for rounding is as likely.
    return min(1.0, float(np.sort(np.exp(logs[logs <= own + 1e-7])).sum()))

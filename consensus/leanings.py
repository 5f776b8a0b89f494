"""Which classes a rater names more often than others do on the same items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.intervals import NORMAL_975


@dataclass(frozen=True, eq=False)
class Leaning:
    """Shares of the classes on the items that somebody else labelled too, each (n_classes,).

    own, others  how often the rater, and how often the others, name a class; of an item, the
                 others' shares count once, however many they are
    more         own - others, with its 95 % interval from `low` to `high`
    n            items that count; without any, all shares are NaN
    """

    own: NDArray[np.float64]
    others: NDArray[np.float64]
    more: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: int


def leaning(codes: NDArray[np.int64], others: NDArray[np.int64]) -> Leaning:
    """Compare a rater's classes, (n_items,), with the counts of the others, (n_items, n_classes).

    The interval is that of a mean of differences within items, after adding half an observation to
    each cell of a table of matched pairs, as A. Agresti and Y. Min do (Statistics in Medicine 24
    (2005), 729-740); without that, full agreement would seem certain to last. It is stretched where
    the difference itself would lie outside.
    """
    n_classes = others.shape[1]
    there = others.sum(axis=1) > 0
    n = int(there.sum())
    if not n:
        nothing = np.full(n_classes, np.nan)
        return Leaning(nothing, nothing, nothing, nothing, nothing, 0)
    named = np.zeros((n, n_classes))
    named[np.arange(n), codes[there]] = 1
    shares = others[there] / others[there].sum(axis=1, keepdims=True)
    apart = named - shares
    more = apart.mean(axis=0)
    size = n + 2
    mean = apart.sum(axis=0) / size
    spread = ((apart**2).sum(axis=0) + 1) / size - mean**2
    half = NORMAL_975 * np.sqrt(spread / size)
    return Leaning(
        own=named.mean(axis=0),
        others=shares.mean(axis=0),
        more=more,
        low=np.clip(np.minimum(mean - half, more), -1, 1),
        high=np.clip(np.maximum(mean + half, more), -1, 1),
        n=n,
    )

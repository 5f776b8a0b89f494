"""The median label of ratings: uses the order of the classes and nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from consensus.estimate import OrdinalEstimate
from consensus.intervals import check_confidence
from consensus.table import LabelTable
from consensus.votes import has_votes, vote_shares


def median_rating(table: LabelTable, *, confidence: float = 0.95) -> OrdinalEstimate:
    """Each item gets the class in the middle of its labels; every label counts the same.

    Classes are ordered by their codes. With an even number of labels the two in the middle may
    differ: then `tied` is set, `choice` is -1 and `value` lies halfway between the two codes.
    `posterior` holds the shares of the votes, `value` the median code, `rating` the mean code.

    `interval` is that of the sign test, ends included: it holds the median of the codes that all
    raters would give with at least `confidence`. Where the item has too few labels for that (5 or
    fewer at .95) both ends are NaN. `error` is NaN: the median of few labels has none.

    Raises ValueError for a `confidence` outside 0..1.
    """
    check_confidence(confidence)
    counts = table.counts()
    shares = vote_shares(table)
    labelled = has_votes(shares)
    below = counts.cumsum(axis=1)
    sizes = below[:, -1]
    lower, upper = _ranked(below, (sizes - 1) // 2), _ranked(below, sizes // 2)
    tied = labelled & (lower != upper)
    value = np.where(labelled, (lower + upper) / 2, np.nan)
    rating = np.where(labelled, shares @ np.arange(table.n_classes), np.nan)
    left_out = _left_out(sizes, confidence)
    ends = np.stack([_ranked(below, left_out), _ranked(below, sizes - 1 - left_out)], axis=1)
    return OrdinalEstimate(
        method="median",
        posterior=shares,
        choice=np.where(labelled & ~tied, lower, -1),
        tied=tied,
        value=value,
        error=np.full(table.n_items, np.nan),
        interval=np.where((left_out >= 0)[:, None], ends, np.nan),
        rating=rating,
    )


def _ranked(below: NDArray[np.int64], ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Code of the label of each rank (from 0) of each item; `below` are cumulative counts."""
    return np.asarray((below <= ranks[:, None]).sum(axis=1), dtype=np.int64)


def _left_out(sizes: NDArray[np.int64], confidence: float) -> NDArray[np.int64]:
    """How many labels may be left out at each end of so many; -1 where not even none may.

    The largest d with P(Binomial(m, 1/2) <= d) at most (1 - confidence) / 2.
    """
    from scipy.special import bdtrik  # here: the median itself needs no scipy

    tail = (1 - confidence) / 2
    different, place = np.unique(sizes, return_inverse=True)
    # bdtrik is the real d where the binomial sum reaches the tail; NaN where d = 0 exceeds it.
    allowed = np.full(len(different), -1)
    for at, m in enumerate(different.tolist()):
        if 0.5**m <= tail:
            allowed[at] = int(np.floor(bdtrik(tail, m, 0.5) + 1e-9))
    return allowed[place]

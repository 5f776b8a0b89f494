"""Plain shares of agreement, without chance taken out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.agreement import Agreement
from consensus.chance import Floats, Parts, jackknife_variance, unanimous_patterns
from consensus.intervals import check_confidence, imagined_interval, proportion_interval
from consensus.patterns import count_patterns
from consensus.table import LabelTable
from consensus.two_raters import paired_codes


def percent_agreement(a_codes: ArrayLike, b_codes: ArrayLike) -> float | None:
    """Share of items to which two raters gave one class; None without items.

    Position k of both sequences is the same item. Raises ValueError where the lengths differ, or
    codes are not whole numbers from 0.
    """
    a, b = paired_codes(a_codes, b_codes)
    return float((a == b).mean()) if a.size else None


def percent_agreement_interval(
    a_codes: ArrayLike, b_codes: ArrayLike, *, confidence: float = 0.95
) -> Agreement:
    """The share of items to which two raters gave one class, with Wilson's interval.

    `n` counts the items too. Raises ValueError as `percent_agreement`, and for a `confidence`
    outside 0..1.
    """
    check_confidence(confidence)
    a, b = paired_codes(a_codes, b_codes)
    low, high = proportion_interval(int((a == b).sum()), a.size, confidence)
    return Agreement(
        measure="percent_agreement",
        value=percent_agreement(a, b),
        low=low if a.size else None,
        high=high if a.size else None,
        n_items=a.size,
        n=a.size,
        confidence=confidence,
        reason=None if a.size else "no_pairs",
    )


def observed_agreement(table: LabelTable) -> float | None:
    """Share of all pairs of labels of one item that name one class; None without such pairs."""
    patterns, times = count_patterns(table)
    pairs = int(times @ _pairs(patterns.sum(axis=1)))
    return int(times @ _pairs(patterns).sum(axis=1)) / pairs if pairs else None


def observed_agreement_interval(table: LabelTable, *, confidence: float = 0.95) -> Agreement:
    """The share of pairs of labels that name one class, with its interval over items.

    The pairs of one item belong together: the interval is Wilson's at the effective sample size of
    the items (consensus.chance). `n_items` and `n` count the items with two
    labels or more, and the pairs on those. One item has a value and no interval.

    Raises ValueError for a `confidence` outside 0..1.
    """
    check_confidence(confidence)
    found, often = count_patterns(table)
    patterns, times = found.astype(np.float64), often.astype(np.float64)
    n_items = int(times.sum())
    low = high = None
    if n_items > 1:
        # Imagined items, as in consensus.chance: else full agreement would seem certain to last.
        unanimous = unanimous_patterns(patterns, times)
        times_more = np.concatenate([times, np.ones(len(unanimous))])
        more = differing_parts(np.concatenate([patterns, unanimous]), times_more)
        differ_low, differ_high = imagined_interval(
            differing_parts(patterns, times).observed,
            more.observed,
            jackknife_variance(more.influence, times_more),
            n_items=n_items,
            n_imagined=len(unanimous),
            confidence=confidence,
        )
        low, high = 1 - differ_high, 1 - differ_low
    return Agreement(
        measure="percent_agreement",
        value=observed_agreement(table),
        low=low,
        high=high,
        n_items=n_items,
        n=int(often @ _pairs(found.sum(axis=1))) // 2,
        confidence=confidence,
        reason=None if n_items else "no_pairs",
    )


def differing_parts(patterns: Floats, times: Floats) -> Parts:
    """The share of pairs that differ, as a coefficient in which chance is left alone."""
    pairs = _pairs(patterns.sum(axis=1))
    n = float(times @ pairs)
    differing = pairs - _pairs(patterns).sum(axis=1)
    share = float(times @ differing) / n
    return Parts(share, 1.0, (differing - share * pairs) / n)


def _pairs(sizes: NDArray[Any]) -> NDArray[Any]:
    """Ordered pairs of so many labels."""
    return np.asarray(sizes * (sizes - 1))

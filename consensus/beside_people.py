"""A judge beside people: does it agree with a person as often as another person does?

Shares are means over items, so that an item with many labels counts no more than one with few.
Intervals are Wilson's at the effective size of the items; differences combine the two intervals and
the correlation of their estimates (G. Zou and A. Donner, Statistics in Medicine 27 (2008),
1693-1702; for two raters on the same items R. Newcombe, Statistics in Medicine 17 (1998),
2635-2650), so that none has width 0 where all agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.intervals import check_confidence, effective_size, proportion_interval
from consensus.intervals import share_interval as share_ends
from consensus.table import LabelTable


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with the ends of its interval; all None where there is nothing to see it by, the
    ends None where one item alone gave it.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class BesidePeople:
    """On `n_items` items with two people or more and a label of the judge.

    judge       mean share of the people of an item who said what the judge said
    people      mean share of the pairs of people of an item who said the same
    difference  judge less people
    """

    n_items: int
    judge: Estimate
    people: Estimate
    difference: Estimate


def beside_people(
    people: LabelTable, judge: ArrayLike, *, confidence: float = 0.95
) -> BesidePeople:
    """Compare `judge` ((n_items,) classes, -1 for no label) with the people of a table.

    Raises ValueError for a `judge` of another length and a `confidence` outside 0..1.
    """
    check_confidence(confidence)
    said = np.asarray(judge, dtype=np.int64)
    if said.shape != (people.n_items,):
        raise ValueError(f"judge must have length {people.n_items}, not shape {said.shape}")
    counts = people.counts().astype(np.float64)
    sizes = counts.sum(axis=1)
    kept = (sizes > 1) & (said >= 0)
    counts, sizes, said = counts[kept], sizes[kept], said[kept]
    n = len(said)
    if not n:
        return BesidePeople(n_items=0, judge=Estimate(), people=Estimate(), difference=Estimate())
    of_judge = counts[np.arange(n), said] / sizes
    of_people = (counts * (counts - 1)).sum(axis=1) / (sizes * (sizes - 1))
    first, second = _mean(of_judge, confidence), _mean(of_people, confidence)
    return BesidePeople(
        n_items=n,
        judge=first,
        people=second,
        difference=difference_of(first, second, _correlation(of_judge, of_people)),
    )


def paired_difference(
    both: int, first_only: int, second_only: int, neither: int, *, confidence: float = 0.95
) -> Estimate:
    """Share of items that the first rater got less that which the second got, on the same items.

    Raises ValueError for a negative number and a `confidence` outside 0..1.
    """
    check_confidence(confidence)
    if min(both, first_only, second_only, neither) < 0:
        raise ValueError("A number of items is not negative.")
    n = both + first_only + second_only + neither
    if not n:
        return Estimate()
    ends = []
    for got in (both + first_only, both + second_only):
        low, high = proportion_interval(got, n, confidence)
        ends.append(Estimate(value=got / n, low=low, high=high))
    margins = (
        float(both + first_only)
        * (second_only + neither)
        * (both + second_only)
        * (first_only + neither)
    )
    product = both * neither - first_only * second_only
    return difference_of(ends[0], ends[1], product / margins**0.5 if margins else 0.0)


def _mean(values: NDArray[np.float64], confidence: float) -> Estimate:
    # Sorted, so that the order of items changes not even the last digit.
    values = np.sort(values)
    n, mean = len(values), float(values.mean())
    if n < 2:
        return Estimate(value=mean)
    size = effective_size(mean, float(values.var(ddof=1)) / n, n)
    low, high = share_ends(mean, size, n, confidence)
    return Estimate(value=mean, low=max(0.0, min(low, mean)), high=min(1.0, max(high, mean)))


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    if len(first) < 2 or first.std() == 0 or second.std() == 0:
        return 0.0
    # Rounded, so that the order of items changes not even the last digit.
    return round(float(np.corrcoef(first, second)[0, 1]), 9)


def difference_of(first: Estimate, second: Estimate, correlation: float = 0.0) -> Estimate:
    """The first share less the second, from the interval of each and how they correlate."""
    if first.value is None or second.value is None:
        return Estimate()
    value = first.value - second.value
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Estimate(value=value)

    def reach(one: float, other: float) -> float:
        return float(max(0.0, one**2 - 2 * correlation * one * other + other**2) ** 0.5)

    below = reach(first.value - first.low, second.high - second.value)
    above = reach(first.high - first.value, second.value - second.low)
    return Estimate(value=value, low=max(-1.0, value - below), high=min(1.0, value + above))

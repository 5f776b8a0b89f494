"""Estimates from many judge labels and few people's: shares, means, and differences of groups.

The judge's labels of all items make an estimate precise and may make it wrong; people's labels of
some, drawn with known probabilities, say by how much. docs/statistics/hand-over.md has the
formulas, their sources, and how the intervals were checked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from consensus.corrected_sample import Combined, Sample, Target, combine, effective_labels

# Labels that a bounded value is smoothed with: one in each corner, judge low or high, people low or
# high. Without them a sample in which the judge happens to be right everywhere would have an
# interval without width.
_CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # people, judge
# Up to this many effective cases the end of the interval that is nearer to 0 (or 1) is the exact
# one of a Poisson mean: Wilson's is too short there.
_FEW = 3.0


@dataclass(frozen=True)
class Figure:
    """A value, the ends of its interval, its standard error; each None where it cannot be had."""

    value: float | None
    low: float | None = None
    high: float | None = None
    error: float | None = None


NO_FIGURE = Figure(None)


@dataclass(frozen=True, kw_only=True)
class ThreeWays:
    """One quantity from people alone, from the judge alone, and from both.

    people       from people's labels alone, weighted by how the items were drawn
    judge        from the judge's labels as if they were true: its interval knows nothing of the
                 judge's errors, and is shown to be compared, not to be believed
    corrected    from both
    tuning       how much of the judge went in: 0 nothing, 1 all of it; None without `corrected`
    n_items      items the judge labelled
    n_labels     items that people labelled
    n_effective  labels of people alone, drawn with equal probability, that would be as precise as
                 `corrected`; None without it
    """

    people: Figure
    judge: Figure
    corrected: Figure
    tuning: float | None
    n_items: int
    n_labels: int
    n_effective: float | None

    @property
    def saved(self) -> int:
        """How many labels of people the judge saved."""
        return max(0, math.floor((self.n_effective or 0.0) - self.n_labels))


def corrected_mean(
    judge: ArrayLike,
    people: ArrayLike,
    *,
    probability: ArrayLike | None = None,
    bounds: tuple[float, float] | None = None,
    target: Target = "items",
    confidence: float = 0.95,
) -> ThreeWays:
    """Mean of what people would say of all items.

    judge        (n,) number of each item according to the judge; no NaN
    people       (n,) number according to people (the mean of several), NaN where nobody labelled it
    probability  (n,) with which each item was drawn for people; None where all were equally likely
    bounds       the least and greatest possible value, where there are such: the interval then
                 stays within, and holds although all labels were equal. For a share, (0, 1)
    target       "items": the mean over these n items; "population": the mean over what these items
                 are themselves a random sample of

    Needs three labels of people; with fewer there is no corrected figure, with fewer than two no
    interval of people's alone. Without bounds there is no interval where all labels are equal.

    Raises ValueError for lengths that differ, NaN from the judge, values outside `bounds`,
    probabilities outside 0..1 and a labelled item with probability 0.
    """
    sample = Sample.checked(judge, people, probability, target, confidence)
    return _three_ways(sample, bounds)


def corrected_share(
    judge: ArrayLike,
    people: ArrayLike,
    *,
    probability: ArrayLike | None = None,
    target: Target = "items",
    confidence: float = 0.95,
) -> ThreeWays:
    """Share of the items of one class: `corrected_mean` of numbers from 0 to 1.

    `judge` and `people` are 1 where the class was named and 0 where not, or how probable it is to
    the judge and the share of people who named it.
    """
    return corrected_mean(
        judge,
        people,
        probability=probability,
        bounds=(0.0, 1.0),
        target=target,
        confidence=confidence,
    )


def corrected_shares(
    judge: ArrayLike,
    people: ArrayLike,
    *,
    probability: ArrayLike | None = None,
    target: Target = "items",
    confidence: float = 0.95,
) -> list[ThreeWays]:
    """Share of each class.

    judge   (n,) class the judge gave each item, or (n, n_classes) how probable each is to it
    people  (n, n_classes) share of people who named each class, NaN rows where nobody labelled it:
            `people_targets.people_shares` or `people_majority`

    Each class is estimated on its own; values add up to 1 only nearly.
    """
    said = np.asarray(people, dtype=np.float64)
    if said.ndim != 2:
        raise ValueError(f"people need a row an item and a column a class, not {said.shape}")
    guess = np.asarray(judge)
    if guess.ndim == 1:
        guess = guess[:, None] == np.arange(said.shape[1])
    if guess.shape != said.shape:
        raise ValueError(f"the judge must have the shape of people, {said.shape}")
    return [
        corrected_share(
            guess[:, code],
            said[:, code],
            probability=probability,
            target=target,
            confidence=confidence,
        )
        for code in range(said.shape[1])
    ]


def corrected_difference(
    judge: ArrayLike,
    people: ArrayLike,
    groups: ArrayLike,
    *,
    probability: ArrayLike | None = None,
    bounds: tuple[float, float] | None = None,
    target: Target = "items",
    confidence: float = 0.95,
) -> ThreeWays:
    """Mean of the items of group 1 minus mean of those of group 0; other groups do not count.

    The rest is as for `corrected_mean`, which estimates each group on its own. `tuning` is the mean
    of the two; `n_effective` is for both groups together, with the labels divided as they were.
    """
    group = np.asarray(groups)
    sample = Sample.checked(judge, people, probability, target, confidence)
    if group.shape != sample.judge.shape:
        raise ValueError(f"groups must have the shape of judge, {sample.judge.shape}")
    one, zero = (_three_ways(sample.only(group == g), bounds) for g in (1, 0))
    alone = _difference(one.people, zero.people)
    both = _difference(one.corrected, zero.corrected)
    n_labels = one.n_labels + zero.n_labels
    tuning = effective = None
    if one.tuning is not None and zero.tuning is not None:
        tuning = (one.tuning + zero.tuning) / 2
    if alone.error and both.error:
        effective = n_labels * (alone.error / both.error) ** 2
    return ThreeWays(
        people=alone,
        judge=_difference(one.judge, zero.judge),
        corrected=both,
        tuning=tuning,
        n_items=one.n_items + zero.n_items,
        n_labels=n_labels,
        n_effective=effective,
    )


def _three_ways(sample: Sample, bounds: tuple[float, float] | None) -> ThreeWays:
    if bounds is None:
        low, width, corners = 0.0, 1.0, None
    else:
        low, width, corners = bounds[0], bounds[1] - bounds[0], _CORNERS
        if not width > 0:
            raise ValueError(f"bounds must be a lower and a higher number, not {bounds}")
        for values in (sample.judge, sample.people):
            if not ((values >= low) & (values <= low + width)).all():
                raise ValueError(f"values must lie within the bounds {bounds}")
    everywhere, y = (sample.judge - low) / width, (sample.people - low) / width
    n = len(y)
    average = float(np.sort(everywhere).mean()) if len(everywhere) else math.nan

    def found(*, tuned: bool) -> Combined:
        return combine(
            sample,
            y,
            everywhere[sample.labelled],
            average,
            corners=corners,
            tuned=tuned,
        )

    def figure(value: float, variance: float, labels: int, quantile: float) -> Figure:
        if bounds is None:
            return _symmetric(value, variance, labels, quantile)
        value = min(1.0, max(0.0, value))
        ends = _bounded_interval(value, variance, labels, quantile, sample.confidence)
        return Figure(
            low + width * value,
            low + width * ends[0],
            low + width * ends[1],
            width * math.sqrt(variance),
        )

    people, corrected, tuning, effective = NO_FIGURE, NO_FIGURE, None, None
    normal = NormalDist().inv_cdf(0.5 + sample.confidence / 2)
    if n:
        alone = found(tuned=False)
        # Of a simple random sample this is Wilson's interval, as everybody knows it.
        wilson = sample.equal and bounds is not None
        people = figure(alone.value, alone.variance, n, normal if wilson else sample.quantile(1))
    if n > 2:
        both = found(tuned=True)
        corrected = figure(both.value, both.variance, n, sample.quantile(2))
        tuning, effective = both.tuning, effective_labels(sample, both)
    variance = float(np.sort(everywhere).var()) / max(1, len(everywhere))
    return ThreeWays(
        people=people,
        judge=figure(average, variance, len(everywhere), normal) if len(everywhere) else NO_FIGURE,
        corrected=corrected,
        tuning=tuning,
        n_items=len(everywhere),
        n_labels=n,
        n_effective=effective,
    )


def _symmetric(value: float, variance: float, labels: int, quantile: float) -> Figure:
    if labels < 2 or not variance > 0:
        return Figure(value)
    error = math.sqrt(variance)
    return Figure(value, value - quantile * error, value + quantile * error, error)


def _bounded_interval(
    value: float, variance: float, labels: int, quantile: float, confidence: float
) -> tuple[float, float]:
    """Wilson's interval for as many labels as the variance is worth, Poisson's ends for few."""
    from scipy.special import gammaincinv

    if variance <= 0:
        return value, value
    smooth = (labels * value + 2) / (labels + 4)
    worth = smooth * (1 - smooth) / variance
    q2 = quantile**2
    centre = value + q2 / (2 * worth)
    half = quantile * math.sqrt(value * (1 - value) / worth + q2 / (4 * worth**2))
    low, high = ((centre + sign * half) / (1 + q2 / worth) for sign in (-1, 1))
    tail = (1 - confidence) / 2

    def poisson(share: float) -> float:
        return float(gammaincinv(share * worth, tail)) / worth if share > 0 else 0.0

    if value * worth <= _FEW:
        low = min(low, poisson(value))
    if (1 - value) * worth <= _FEW:
        high = max(high, 1 - poisson(1 - value))
    return max(0.0, low), min(1.0, high)


def _difference(one: Figure, zero: Figure) -> Figure:
    """Newcombe's interval: each end from the distances of the ends of the two."""
    if one.value is None or zero.value is None:
        return NO_FIGURE
    value = one.value - zero.value
    if one.low is None or one.high is None or zero.low is None or zero.high is None:
        return Figure(value)
    return Figure(
        value,
        value - math.hypot(one.value - one.low, zero.high - zero.value),
        value + math.hypot(one.high - one.value, zero.value - zero.low),
        math.hypot(one.error or 0.0, zero.error or 0.0),
    )

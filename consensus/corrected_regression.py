"""Regression coefficients of what people say, from many judge labels and few of people's.

Regress the judge's labels on all items, and correct each coefficient by how much people's labels
move it where there are both. Formulas and sources are in docs/statistics/hand-over.md.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.canonical import row_order
from consensus.corrected import NO_FIGURE, Figure, ThreeWays
from consensus.corrected_sample import Sample, Target, combine, effective_labels

Kind = Literal["linear", "logistic"]

_ROUNDS = 50
# A logistic fit whose scores still grow beyond this has labels that the features separate: its
# coefficients are infinite.
_LARGEST_SCORE = 30.0


def corrected_regression(
    features: ArrayLike,
    judge: ArrayLike,
    people: ArrayLike,
    *,
    kind: Kind = "linear",
    probability: ArrayLike | None = None,
    target: Target = "items",
    confidence: float = 0.95,
) -> list[ThreeWays]:
    """Coefficients of a regression of people's labels, the intercept first.

    features  (n, p) what is known of each item, without a column of ones: one for its length, one
              for its source, and so on
    judge, people, probability, target, confidence  as for `corrected.corrected_mean`
    kind      "linear": least squares; "logistic": labels are 0 or 1, or shares between

    A coefficient is that of the fit to all items (or to what they are a sample of), whether or not
    the model is right; its intervals hold without assuming so. A fit that does not exist is None:
    fewer labels than coefficients and two more, features that are multiples of each other among the
    labelled items, and for "logistic" labels that the features separate.

    Raises ValueError as `corrected_mean` does, for features of another length or not finite, and
    for "logistic" with labels outside 0..1.
    """
    sample = Sample.checked(judge, people, probability, target, confidence)
    columns = np.asarray(features, dtype=np.float64)
    if columns.ndim != 2 or len(columns) != len(sample.judge):
        raise ValueError(f"features need a row for each of {len(sample.judge)} items")
    if not np.isfinite(columns).all():
        raise ValueError("features must be finite")
    if kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, not {kind!r}")
    if kind == "logistic":
        for values in (sample.judge, sample.people):
            if not ((values >= 0) & (values <= 1)).all():
                raise ValueError("labels of a logistic regression must lie in 0..1")
    sample, columns = _in_order(sample, columns)
    design = np.column_stack([np.ones(len(columns)), columns])
    weights = 1 / sample.drawn
    labelled = design[sample.labelled]
    everywhere = _fit(design, sample.judge, np.ones(len(design)), kind)
    alone = _fit(labelled, sample.people, weights, kind)
    there = _fit(labelled, sample.judge[sample.labelled], weights, kind)
    return [
        _three_ways(sample, column, design.shape[1], everywhere, alone, there)
        for column in range(design.shape[1])
    ]


def _in_order(sample: Sample, features: NDArray[np.float64]) -> tuple[Sample, NDArray[np.float64]]:
    """The same items in an order of their own, so that sums do not differ in a last digit."""
    said, drawn = np.full((2, len(sample.judge)), np.nan)
    said[sample.labelled], drawn[sample.labelled] = sample.people, sample.drawn
    order = row_order([*features.T, sample.judge, said, drawn])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    labelled = place[sample.labelled]
    kept = np.argsort(labelled)
    moved = dataclasses.replace(
        sample,
        judge=sample.judge[order],
        people=sample.people[kept],
        labelled=labelled[kept],
        drawn=sample.drawn[kept],
    )
    return moved, features[order]


@dataclass(frozen=True, eq=False)
class _Fit:
    """values (p,), and the pull (n, p) each item has on them: the values are the weighted mean of
    value plus pull, to first order.
    """

    values: NDArray[np.float64]
    pulls: NDArray[np.float64]


def _fit(
    design: NDArray[np.float64],
    labels: NDArray[np.float64],
    weights: NDArray[np.float64],
    kind: Kind,
) -> _Fit | None:
    """Weighted least squares or maximum likelihood; None where there is no single solution."""
    n, p = design.shape
    if n < p + 2 or np.linalg.matrix_rank(design) < p:
        return None
    values: NDArray[np.float64] = np.zeros(p)
    step = values
    likelihood = -math.inf
    for _ in range(_ROUNDS):
        score = design @ values
        if kind == "linear":
            mean, slope = score, np.ones(n)
        else:
            if np.abs(score).max() > _LARGEST_SCORE:
                return None
            mean = 1 / (1 + np.exp(-score))
            slope = mean * (1 - mean)
            reached = float(weights @ (labels * score - np.logaddexp(0, score)))
            if reached < likelihood - 1e-12 * abs(likelihood):
                values = values - step / 2  # Newton went too far: halfway back
                step = step / 2
                continue
            likelihood = reached
        curvature = design.T @ (design * (weights * slope)[:, None])
        try:
            step = np.asarray(
                np.linalg.solve(curvature, design.T @ (weights * (labels - mean))), np.float64
            )
        except np.linalg.LinAlgError:
            return None
        values = values + step
        if kind == "linear" or np.abs(step).max() < 1e-10 * (1 + np.abs(values).max()):
            break
    else:
        return None
    if kind == "linear":
        mean = design @ values
    inverse = np.linalg.inv(curvature / weights.sum())
    # As if each label had been left out when its residual was taken (HC3).
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design) * weights * slope / weights.sum()
    residual = (labels - mean) / (1 - np.minimum(leverage, 0.9))
    return _Fit(values, (design * residual[:, None]) @ inverse)


def _three_ways(
    sample: Sample,
    column: int,
    n_parameters: int,
    everywhere: _Fit | None,
    alone: _Fit | None,
    there: _Fit | None,
) -> ThreeWays:
    n, n_items = len(sample.people), len(sample.judge)
    quantile = sample.quantile(n_parameters) if n else math.nan
    normal = NormalDist().inv_cdf(0.5 + sample.confidence / 2)
    people, corrected, judge = NO_FIGURE, NO_FIGURE, NO_FIGURE
    tuning = effective = None
    if everywhere is not None:
        pulls = everywhere.pulls[:, column]
        judge = _figure(float(everywhere.values[column]), float(pulls @ pulls) / n_items**2, normal)
    if alone is not None:
        y = alone.pulls[:, column]
        found = combine(sample, y, y, 0.0, corners=None, tuned=False)
        people = _figure(float(alone.values[column]), found.variance, quantile)
        if there is not None and everywhere is not None:
            f = there.pulls[:, column]
            both = combine(sample, y, f, 0.0, corners=None, tuned=True)
            moved = float(everywhere.values[column] - there.values[column])
            value = float(alone.values[column]) + both.tuning * moved
            corrected = _figure(value, both.variance, sample.quantile(n_parameters + 1))
            tuning, effective = both.tuning, effective_labels(sample, both)
    return ThreeWays(
        people=people,
        judge=judge,
        corrected=corrected,
        tuning=tuning,
        n_items=n_items,
        n_labels=n,
        n_effective=effective,
    )


def _figure(value: float, variance: float, quantile: float) -> Figure:
    error = math.sqrt(variance)
    if not error > 0:
        return Figure(value)
    return Figure(value, value - quantile * error, value + quantile * error, error)

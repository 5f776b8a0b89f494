"""Chances of ordered labels in the graded response model, and their slopes.

Source: F. Samejima, "Estimation of latent ability using a response pattern of graded scores",
Psychometrika Monograph 17 (1969), with a logistic link. A rater with discrimination a and bias b
labels an item at x by the class c with thresholds[c-1] < x + b + noise <= thresholds[c], where the
noise is logistic with scale 1/a.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Two thresholds never come nearer than this: a class in between would have no chance at all, and
# the log of none cannot be compared.
NARROWEST = 1e-6


class Graded(NamedTuple):
    """Of each rater r, class c and point q, all (n_raters, n_classes, n_points).

    log_chance  log probability that r labels an item at q by c
    upper       slope of log_chance in the upper end of the class, in units of noise
    lower       slope in the lower end
    high, low   the ends themselves in units of noise, 0 where the class has none
    """

    log_chance: NDArray[np.float64]
    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]


def log_chances(
    thresholds: NDArray[np.float64],
    points: NDArray[np.float64],
    log_steepness: NDArray[np.float64],
    bias: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Log probability of each label, (n_raters, n_classes, n_points).

    With F the logistic function, F(u) - F(l) = F(u) F(-l) (1 - exp(l - u)): no digits are lost
    where both are near 0 or near 1.
    """
    ends = _ends(thresholds, points, log_steepness, bias)
    result = np.zeros((len(bias), len(thresholds) + 1, len(points)))
    # log(1 + exp(x)) is the larger of x and 0 plus this, which is the same for x and -x.
    rest = np.log1p(np.exp(-np.abs(ends)))
    result[:, :-1] -= np.maximum(-ends, 0.0) + rest
    result[:, 1:] -= np.maximum(ends, 0.0) + rest
    result[:, 1:-1] += np.log(-np.expm1(ends[:, :-1] - ends[:, 1:]))
    return result


def _chances(
    thresholds: NDArray[np.float64],
    points: NDArray[np.float64],
    log_steepness: NDArray[np.float64],
    bias: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Probability of each label, (n_raters, n_classes, n_points): faster, without the last digits.

    What is below exp(-700) comes out as about that.
    """
    odds = np.exp(-np.clip(_ends(thresholds, points, log_steepness, bias), -700.0, 700.0))
    result = np.ones((len(bias), len(thresholds) + 1, len(points)))
    result[:, :-1] /= 1.0 + odds
    result[:, 1:] *= odds / (1.0 + odds)
    result[:, 1:-1] *= 1.0 - odds[:, 1:] / odds[:, :-1]
    return result


def graded(
    thresholds: NDArray[np.float64],
    points: NDArray[np.float64],
    log_steepness: NDArray[np.float64],
    bias: NDArray[np.float64],
) -> Graded:
    """Log probabilities with their slopes; see `Graded`."""
    ends = _ends(thresholds, points, log_steepness, bias)
    log_chance = log_chances(thresholds, points, log_steepness, bias)
    upper, lower = np.zeros_like(log_chance), np.zeros_like(log_chance)
    high, low = np.zeros_like(log_chance), np.zeros_like(log_chance)
    below = 0.5 * (1.0 + np.tanh(ends / 2))  # the logistic function without overflow
    upper[:, :-1] = 1.0 - below
    lower[:, 1:] = -below
    gap = 1.0 / np.expm1(np.minimum(ends[:, 1:] - ends[:, :-1], 700.0))
    upper[:, 1:-1] += gap
    lower[:, 1:-1] -= gap
    high[:, :-1] = ends
    low[:, 1:] = ends
    return Graded(log_chance, upper, lower, high, low)


def _ends(
    thresholds: NDArray[np.float64],
    points: NDArray[np.float64],
    log_steepness: NDArray[np.float64],
    bias: NDArray[np.float64],
) -> NDArray[np.float64]:
    distance = thresholds[None, :, None] - points[None, None, :] - bias[:, None, None]
    return np.asarray(np.exp(log_steepness)[:, None, None] * distance)


def rater_slopes(at: Graded, steepness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slopes of log_chance in log steepness and in bias, (2, n_raters, n_classes, n_points)."""
    by_steepness = at.high * at.upper + at.low * at.lower
    by_bias = -steepness[:, None, None] * (at.upper + at.lower)
    return np.stack([by_steepness, by_bias])


def rater_steps(
    counts: NDArray[np.float64], at: Graded, steepness: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope (n_raters, 2) and expected information (n_raters, 2, 2) in log steepness and bias.

    `counts` are expected labels, (n_raters, n_classes, n_points). The expected information is never
    negative, unlike the curvature, so that a scoring step always leads uphill.
    """
    slopes = rater_slopes(at, steepness)
    expected = np.exp(at.log_chance) * counts.sum(axis=1, keepdims=True)
    slope = np.einsum("krcq,rcq->rk", slopes, counts)
    information = np.einsum("krcq,lrcq,rcq->rkl", slopes, slopes, expected, optimize=True)
    return slope, information


def threshold_steps(
    counts: NDArray[np.float64], at: Graded, steepness: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope (n_classes - 1,) and expected information (square) in the shared thresholds."""
    scale = steepness[:, None, None]
    upper, lower = scale * at.upper, scale * at.lower
    expected = np.exp(at.log_chance) * counts.sum(axis=1, keepdims=True)
    slope = (counts * upper).sum(axis=(0, 2))[:-1] + (counts * lower).sum(axis=(0, 2))[1:]
    diagonal = (expected * upper**2).sum(axis=(0, 2))[:-1]
    diagonal += (expected * lower**2).sum(axis=(0, 2))[1:]
    beside = (expected * upper * lower).sum(axis=(0, 2))[1:-1]
    return slope, np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)


def averaged_chances(
    thresholds: NDArray[np.float64],
    points: NDArray[np.float64],
    log_steepness: NDArray[np.float64],
    bias: NDArray[np.float64],
    information: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Log probability of each label where log steepness and bias are not quite known.

    Both are normal about the values given, with the inverse of `information`, (n_raters, 2, 2), as
    covariance; 25 Gauss-Hermite nodes.
    """
    places, shares = np.polynomial.hermite_e.hermegauss(5)
    shares = shares / shares.sum()
    root = np.linalg.cholesky(np.linalg.inv(information))
    chances = np.zeros((len(bias), len(thresholds) + 1, len(points)))
    for one, its_share in zip(places, shares, strict=True):
        for other, other_share in zip(places, shares, strict=True):
            away = root @ np.array([one, other])
            chances += (its_share * other_share) * _chances(
                thresholds, points, log_steepness + away[:, 0], bias + away[:, 1]
            )
    return np.log(np.maximum(chances, 1e-300))

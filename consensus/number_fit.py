"""Offsets and precisions of raters who give numbers, by variational Bayes with the items free.

The model, for number n of rater j on item i:

    y_n = mu_i + b_j + e_n,   b_j ~ N(0, omega2),   e_n ~ Student t with scale 1 / sqrt(lambda_j)

with a flat prior for mu_i. Source of the t as a normal with a gamma-distributed weight u_n:
K. L. Lange, R. J. A. Little and J. M. G. Taylor, "Robust statistical modeling using the t
distribution", Journal of the American Statistical Association 84 (1989), 881-896. mu and b are
kept together in one normal distribution, so that with normal noise and known variances the answer
is that of the mixed model equations (C. R. Henderson, Biometrics 31 (1975), 423-447).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Noise of raters: gamma prior of the precision, worth so many numbers; its scale is estimated.
PRIOR_NUMBERS = 4.0
# Offsets: inverse gamma prior of their variance, worth two raters; mode at a quarter of the noise.
_OFFSET_SHAPE, _OFFSET_SCALE = 1.0, 0.5
# Degrees of freedom that are tried, and the gamma prior of Juarez and Steel (2010), mean 20.
_TAILS = np.geomspace(2.5, 200.0, 60)
_TAIL_RATE = 0.1
_CHUNK = 4_000_000
_SMALL = 200_000


@dataclass
class NumberFit:
    """What is known after the fit; arrays of raters have length n_raters, of labels n_labels.

    mean, precision  (n_items,): of mu given the offsets
    shared           (n_items,): variance that mu has from not knowing the offsets
    offset, offset_variance  of raters
    shape, rate      of the gamma distributions of the precisions of raters
    weight           (n_labels,): mean of u
    offset_spread    omega2
    noise            mean square noise of a typical rater
    tail             degrees of freedom
    trace            lower bound of the evidence after each round, in nats
    """

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]
    shared: NDArray[np.float64]
    offset: NDArray[np.float64]
    offset_variance: NDArray[np.float64]
    shape: NDArray[np.float64]
    rate: NDArray[np.float64]
    weight: NDArray[np.float64]
    offset_spread: float
    noise: float
    tail: float
    trace: list[float]
    converged: bool


def fit_numbers(
    items: NDArray[np.int64],
    raters: NDArray[np.int64],
    values: NDArray[np.float64],
    n_items: int,
    n_raters: int,
    *,
    rounding: float,
    tail: float | None,
    max_iterations: int,
    tolerance: float,
) -> NumberFit:
    """Fit numbers that come sorted by item, each item having two or more.

    `rounding` is the variance that each number has for being rounded; it keeps raters who agree to
    the last digit from becoming infinitely precise.
    """
    from scipy.special import digamma, gammaln

    counts = np.bincount(raters, minlength=n_raters)
    taking_part = counts > 0
    residuals = values - (np.bincount(items, values, n_items) / np.bincount(items))[items]
    noise = 2.2 * float(np.median(np.abs(residuals))) ** 2 + rounding
    half = PRIOR_NUMBERS / 2
    fit = NumberFit(
        mean=np.zeros(n_items),
        precision=np.zeros(n_items),
        shared=np.zeros(n_items),
        offset=np.zeros(n_raters),
        offset_variance=np.zeros(n_raters),
        shape=half + counts / 2,
        rate=(half + counts / 2) * noise,
        weight=np.ones(len(values)),
        offset_spread=noise / 4,
        noise=noise,
        tail=float(_TAILS[20]) if tail is None else tail,
        trace=[],
        converged=False,
    )
    while not fit.converged and len(fit.trace) < max_iterations:
        lam = fit.shape / fit.rate
        squares, log_volume = _offsets(fit, items, raters, values, lam, rounding)
        scaled = lam[raters] * squares
        fit.tail, gain = _best_tail(scaled, fit.tail, free=tail is None)
        fit.weight = _weights(scaled, fit.tail)
        # The bound, with the weights at their best and the rest as the round found it.
        log_lam = digamma(fit.shape) - np.log(fit.rate)
        away = fit.offset**2 + fit.offset_variance
        bound = gain + float((counts * (log_lam - np.log(2 * np.pi))).sum()) / 2
        bound -= float(_divergence(fit, lam, log_lam, half)[taking_part].sum())
        bound -= (
            float((np.log(fit.offset_spread) + away / fit.offset_spread)[taking_part].sum()) / 2
        )
        bound += log_volume + (n_items * np.log(2 * np.pi) + n_items + taking_part.sum()) / 2
        prior = _OFFSET_SCALE * fit.noise
        bound += _OFFSET_SHAPE * np.log(prior) - float(gammaln(_OFFSET_SHAPE))
        bound -= (_OFFSET_SHAPE + 1) * np.log(fit.offset_spread) + prior / fit.offset_spread
        fit.trace.append(float(bound))
        gained = np.inf if len(fit.trace) < 2 else fit.trace[-1] - fit.trace[-2]
        fit.converged = bool(gained <= tolerance * max(len(values), 100))
        if not fit.converged:
            _spreads(fit, raters, squares, away, taking_part, half)
    return fit


def _offsets(
    fit: NumberFit,
    items: NDArray[np.int64],
    raters: NDArray[np.int64],
    values: NDArray[np.float64],
    lam: NDArray[np.float64],
    rounding: float,
) -> tuple[NDArray[np.float64], float]:
    """The joint normal of items and offsets; expected squares of the noise, log root determinant.

    Items are taken out first (they touch raters only), which leaves one system of the raters.
    """
    n_items, n_raters = len(fit.mean), len(fit.offset)
    weights = lam[raters] * fit.weight
    fit.precision = np.asarray(np.bincount(items, weights, n_items), dtype=np.float64)
    share = weights / fit.precision[items]
    shares = _matrix(items, raters, share, n_items, n_raters)
    taken_out = shares.T @ _matrix(items, raters, weights, n_items, n_raters)
    own = np.bincount(raters, weights, n_raters)
    system = np.diag(own + 1 / fit.offset_spread)
    system -= taken_out if isinstance(taken_out, np.ndarray) else taken_out.toarray()
    covariance = np.linalg.inv(system)
    covariance = (covariance + covariance.T) / 2
    weighted = np.bincount(items, weights * values, n_items)
    fit.offset = covariance @ (
        np.bincount(raters, weights * values, n_raters) - shares.T @ weighted
    )
    fit.offset_variance = np.diag(covariance).copy()
    fit.mean = weighted / fit.precision - shares @ fit.offset
    squares = (values - fit.mean[items] - fit.offset[raters]) ** 2 + rounding
    squares += _variances(fit, shares, share, covariance, items, raters)
    _, log_determinant = np.linalg.slogdet(system)
    idle = n_raters - len(np.unique(raters))  # their rows of the system are their priors
    log_determinant += idle * np.log(fit.offset_spread)
    return squares, -(float(np.log(fit.precision).sum()) + float(log_determinant)) / 2


def _matrix(
    items: NDArray[np.int64],
    raters: NDArray[np.int64],
    weights: NDArray[np.float64],
    n_items: int,
    n_raters: int,
) -> Any:
    """Sums of weights by item and rater: sparse where there are many of both."""
    if n_items * n_raters <= _SMALL:
        sums = np.bincount(items * n_raters + raters, weights, n_items * n_raters)
        return sums.reshape(n_items, n_raters)
    from scipy import sparse

    return sparse.coo_array((weights, (items, raters)), shape=(n_items, n_raters)).tocsr()


def _variances(
    fit: NumberFit,
    shares: Any,
    share: NDArray[np.float64],
    covariance: NDArray[np.float64],
    items: NDArray[np.int64],
    raters: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Variance of mu + b for each number; sets `fit.shared`."""
    together = np.empty(len(items))  # minus the covariance of mu and b
    step = max(1, _CHUNK // max(1, len(covariance)))
    for start in range(0, len(fit.mean), step):
        spread = shares[start : start + step] @ covariance
        low, high = np.searchsorted(items, [start, start + step])
        together[low:high] = spread[items[low:high] - start, raters[low:high]]
    fit.shared = np.asarray(np.bincount(items, share * together, len(fit.mean)), dtype=np.float64)
    result = (1 / fit.precision + fit.shared)[items] - 2 * together
    return np.asarray(result + fit.offset_variance[raters])


def _weights(scaled: NDArray[np.float64], nu: float) -> NDArray[np.float64]:
    return np.ones_like(scaled) if np.isinf(nu) else (nu + 1) / (nu + scaled)


def _best_tail(scaled: NDArray[np.float64], nu: float, *, free: bool) -> tuple[float, float]:
    """Degrees of freedom uphill from `nu` on the list of those tried, and what they add."""
    best = _log_weights(scaled, nu) + _log_tail(nu)
    at = int(np.argmin(np.abs(_TAILS - nu)))
    for direction in (-1, 1) if free else ():
        while 0 <= at + direction < len(_TAILS):
            trial = float(_TAILS[at + direction])
            value = _log_weights(scaled, trial) + _log_tail(trial)
            if value <= best:
                break
            nu, best, at = trial, value, at + direction
    return nu, best


def _log_weights(scaled: NDArray[np.float64], nu: float) -> float:
    """What the best distribution of the weights adds to the bound."""
    from scipy.special import gammaln

    if np.isinf(nu):
        return -float(scaled.sum()) / 2
    each = nu / 2 * np.log(nu / 2) + gammaln((nu + 1) / 2) - gammaln(nu / 2)
    return float(len(scaled) * each - (nu + 1) / 2 * np.log((nu + scaled) / 2).sum())


def _log_tail(nu: float) -> float:
    return 0.0 if np.isinf(nu) else float(np.log(nu)) - _TAIL_RATE * nu


def _divergence(
    fit: NumberFit, lam: NDArray[np.float64], log_lam: NDArray[np.float64], half: float
) -> NDArray[np.float64]:
    """Kullback-Leibler divergence of the raters' precisions from their prior, in nats."""
    from scipy.special import gammaln

    rate = half * fit.noise
    own = fit.shape * np.log(fit.rate) - gammaln(fit.shape)
    own += (fit.shape - 1) * log_lam - fit.rate * lam
    prior = half * np.log(rate) - gammaln(half) + (half - 1) * log_lam - rate * lam
    return np.asarray(own - prior)


def _spreads(
    fit: NumberFit,
    raters: NDArray[np.int64],
    squares: NDArray[np.float64],
    away: NDArray[np.float64],
    taking_part: NDArray[np.bool_],
    half: float,
) -> None:
    """Precisions of the raters, then the two scales that all raters share."""
    n_raters = len(away)
    fit.rate = half * fit.noise + np.bincount(raters, fit.weight * squares, n_raters) / 2
    number = float(taking_part.sum())
    fit.offset_spread = float(away[taking_part].sum() / 2 + _OFFSET_SCALE * fit.noise) / (
        number / 2 + _OFFSET_SHAPE + 1
    )
    lam = float((fit.shape / fit.rate)[taking_part].sum())
    fit.noise = (number * half + _OFFSET_SHAPE) / (half * lam + _OFFSET_SCALE / fit.offset_spread)
    idle = ~taking_part
    fit.rate[idle] = half * fit.noise

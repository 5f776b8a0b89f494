"""How the labels of an item are distributed, and how mixed they are, with what is not known of it.

Sources: T. P. Minka, "Estimating a Dirichlet distribution" (2000), the Dirichlet-multinomial;
D. H. Wolpert and D. R. Wolf, "Estimating functions of probability distributions from a finite set
of samples", Physical Review E 52 (1995), 6841-6854, moments of the entropy; G. A. Miller, "Note on
the bias of information estimates" (1955). Formulas are in docs/statistics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.intervals import check_confidence
from consensus.table import LabelTable

# Prior of the log concentration: normal about log(n_classes) with this width.
_WIDTH = 3.0
_LOWEST, _HIGHEST = np.log(1e-3), np.log(1e5)


@dataclass(frozen=True, eq=False, kw_only=True)
class SoftLabels:
    """For each item, what share of all raters would give each class. Rows without labels are NaN.

    shares         (n_items, n_classes): posterior means; rows sum to 1
    low, high      (n_items, n_classes): ends of the interval of each share
    prior          (n_classes,): what the labels of all items say beforehand, as so many labels
    concentration  sum of `prior`: near 0 where items are unanimous, large where all items have the
                   same mixture
    concentration_interval  its interval; None where it was given or cannot be estimated
    estimated      whether the concentration was estimated: that needs an item with two labels. Else
                   half a label a class is the prior (Jeffreys)
    entropy        (n_items,): posterior mean of the entropy of the shares, in nats
    entropy_low, entropy_high  (n_items,): ends of its interval
    """

    shares: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    prior: NDArray[np.float64]
    concentration: float
    concentration_interval: tuple[float, float] | None
    estimated: bool
    entropy: NDArray[np.float64]
    entropy_low: NDArray[np.float64]
    entropy_high: NDArray[np.float64]


def soft_labels(
    table: LabelTable, *, concentration: float | None = None, confidence: float = 0.95
) -> SoftLabels:
    """Dirichlet posterior of each item's shares under a prior that all items share.

    The prior has the mean of all labels (half a label a class added) and a concentration that is
    estimated from how alike the labels of an item are, or given. Where it is estimated, shares,
    entropy and intervals are averaged over what concentration and mean may be; where it is given,
    the prior is taken as known. Every label counts the same; a rater's repeats count as labels of
    further raters.

    Raises ValueError for a `concentration` that is not positive, or a `confidence` outside 0..1.
    """
    if concentration is not None and not 0 < concentration < np.inf:
        raise ValueError(f"concentration must be positive, not {concentration}")
    check_confidence(confidence)
    counts = table.counts()
    patterns, place = np.unique(counts, axis=0, return_inverse=True)
    times = np.bincount(place.ravel(), minlength=len(patterns))
    mean = counts.sum(axis=0) + 0.5
    mean = mean / mean.sum()
    estimated = concentration is None and bool((patterns.sum(axis=1) > 1).any())
    interval = None
    prior = np.full(table.n_classes, 0.5)
    totals, weights = np.array([prior.sum()]), np.ones(1)
    if concentration is not None:
        prior = concentration * mean
        totals = np.array([concentration])
    elif estimated:
        totals, weights, interval = _concentrations(patterns, times, mean, confidence)
        prior = totals[len(totals) // 2] * mean
    centre = prior / prior.sum()
    alphas = [patterns + total * centre for total in totals]
    for alpha in alphas:
        alpha[patterns.sum(axis=1) == 0] = np.nan
    doubts = [
        _doubt_of_prior(patterns, times, total) if estimated else np.zeros(len(patterns))
        for total in totals
    ]
    shares, low, high = _shares(alphas, weights, doubts, centre, confidence)
    entropy, entropy_low, entropy_high = _entropies(alphas, weights, doubts, centre, confidence)
    item = place.ravel()
    return SoftLabels(
        shares=shares[item],
        low=low[item],
        high=high[item],
        prior=prior,
        concentration=float(prior.sum()),
        concentration_interval=interval,
        estimated=estimated,
        entropy=entropy[item],
        entropy_low=entropy_low[item],
        entropy_high=entropy_high[item],
    )


def item_entropy(table: LabelTable, *, miller_madow: bool = False) -> NDArray[np.float64]:
    """Entropy of each item's votes in nats, (n_items,); NaN without labels.

    The entropy of few votes is too low on average: n votes of m different classes miss about
    (m - 1) / 2n. `miller_madow` adds that, up to log(n_classes). One vote still has entropy 0.
    """
    counts = table.counts()
    sizes = counts.sum(axis=1)
    shares = counts / np.maximum(sizes, 1)[:, None]
    logs = np.log(shares, out=np.zeros_like(shares), where=counts > 0)
    entropy = -(shares * logs).sum(axis=1)
    if miller_madow:
        missed = ((counts > 0).sum(axis=1) - 1) / (2 * np.maximum(sizes, 1))
        entropy = np.minimum(entropy + missed, np.log(table.n_classes))
    return np.where(sizes > 0, np.abs(entropy), np.nan)


def _concentrations(
    patterns: NDArray[np.int64],
    times: NDArray[np.int64],
    mean: NDArray[np.float64],
    confidence: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float]]:
    """What the concentration may be, with weights, the mode in the middle; and its interval."""
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln, ndtri

    sizes = patterns.sum(axis=1)

    def loss(log_total: float) -> float:
        total = np.exp(log_total)
        alpha = total * mean
        each = gammaln(total) - gammaln(total + sizes)
        each = each + (gammaln(alpha + patterns) - gammaln(alpha)).sum(axis=1)
        away = (log_total - np.log(len(mean))) / _WIDTH
        return float(away**2 / 2 - times @ each)

    best = minimize_scalar(
        loss, bounds=(_LOWEST, _HIGHEST), method="bounded", options={"xatol": 1e-9}
    )
    mode, step = float(best.x), 1e-3
    curvature = (loss(mode + step) - 2 * loss(mode) + loss(mode - step)) / step**2
    spread = 1 / np.sqrt(max(curvature, _WIDTH**-2))
    nodes = mode + spread * np.linspace(-2.5, 2.5, 7)
    losses = np.array([loss(node) for node in nodes])
    weights = np.exp(losses.min() - losses)
    half = float(ndtri(0.5 + confidence / 2)) * spread
    return np.exp(nodes), weights / weights.sum(), (np.exp(mode - half), np.exp(mode + half))


def _doubt_of_prior(
    patterns: NDArray[np.int64], times: NDArray[np.int64], total: float
) -> NDArray[np.float64]:
    """How much not knowing the prior mean adds to each item, in variances of a single label.

    The prior mean is that of all labels; labels of one item are alike with correlation
    1 / (total + 1). An item's shares follow the prior mean by total / (labels + total).
    """
    sizes = patterns.sum(axis=1)
    alike = sizes * (1 + np.maximum(sizes - 1, 0) / (total + 1))
    of_mean = float(times @ alike) / max(float(times @ sizes), 1.0) ** 2
    return np.asarray(of_mean * (total / (sizes + total)) ** 2)


def _shares(
    alphas: list[NDArray[np.float64]],
    weights: NDArray[np.float64],
    doubts: list[NDArray[np.float64]],
    centre: NDArray[np.float64],
    confidence: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Means of Dirichlet shares, and the ends of the interval; each share alone is beta."""
    means, squares = [], []
    for alpha, doubt in zip(alphas, doubts, strict=True):
        total = alpha.sum(axis=1, keepdims=True)
        means.append(alpha / total)
        of_prior = doubt[:, None] * centre * (1 - centre)
        squares.append(alpha * (alpha + 1) / (total * (total + 1)) + of_prior)
    return _mixed(means, squares, weights, confidence)


def _entropies(
    alphas: list[NDArray[np.float64]],
    weights: NDArray[np.float64],
    doubts: list[NDArray[np.float64]],
    centre: NDArray[np.float64],
    confidence: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean of the entropy, and the ends of its interval."""
    from scipy.special import digamma, polygamma

    means, squares = [], []
    top = np.log(max(alphas[0].shape[1], 2))
    for alpha, doubt in zip(alphas, doubts, strict=True):
        total = alpha.sum(axis=1)
        slope = -1 - np.log(alpha / total[:, None])
        of_prior = doubt * (slope**2 @ centre - (slope @ centre) ** 2)
        after = (total + 2)[:, None]
        one = alpha * (digamma(alpha + 1) - digamma(after))
        pairs = one.sum(axis=1) ** 2 - (one**2).sum(axis=1)
        pairs -= polygamma(1, total + 2) * (total**2 - (alpha**2).sum(axis=1))
        own = (digamma(alpha + 2) - digamma(after)) ** 2 + polygamma(1, alpha + 2)
        own = (alpha * (alpha + 1) * (own - polygamma(1, after))).sum(axis=1)
        mean = digamma(total + 1) - (alpha * digamma(alpha + 1)).sum(axis=1) / total
        means.append(mean / top)
        squares.append(((pairs + own) / (total * (total + 1)) + of_prior) / top**2)
    mean, low, high = _mixed(means, squares, weights, confidence)
    low = np.where(
        low < 1e-3, 0.0, low
    )  # where the entropy piles up at 0, the interval begins there
    return top * mean, top * low, top * high


def _mixed(
    means: list[NDArray[np.float64]],
    squares: list[NDArray[np.float64]],
    weights: NDArray[np.float64],
    confidence: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean of a mixture on 0..1, and the interval of the beta with its mean and variance."""
    from scipy.special import betaincinv

    mean = sum(w * m for w, m in zip(weights, means, strict=True))
    square = sum(w * s for w, s in zip(weights, squares, strict=True))
    mean = np.clip(mean, 0.0, 1.0)
    variance = square - mean**2
    certain = variance <= 1e-15  # one class: the share is 1, the entropy 0
    mean = np.where(certain, np.round(mean), mean)
    size = mean * (1 - mean) / np.where(certain, 1.0, variance) - 1
    size = np.where(certain | (size <= 0), 1.0, size)
    tail = (1 - confidence) / 2
    inner = np.clip(mean, 1e-12, 1 - 1e-12)
    low, high = (betaincinv(inner * size, (1 - inner) * size, end) for end in (tail, 1 - tail))
    return mean, np.where(certain, mean, low), np.where(certain, mean, high)

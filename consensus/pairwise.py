"""Strengths of items from comparisons of two: Bradley-Terry, and Davidson's model where ties count.

Formulas and sources are in docs/statistics.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.ability import share_right, wilson_intervals
from consensus.comparisons import Comparisons, Outcome
from consensus.estimate import PairwiseEstimate
from consensus.intervals import NORMAL_975
from consensus.paired_model import PairedModel, Parameters, maximise

# The covariance of the values is a full matrix: above so many items there is none, and no interval.
MOST_ITEMS_WITH_INTERVALS = 3000


def bradley_terry(
    comparisons: Comparisons,
    *,
    order_effect: bool = False,
    prior: float = 0.5,
    max_iterations: int = 100,
    tolerance: float = 1e-8,
) -> PairwiseEstimate:
    """Strengths such that log odds of winning are their differences; a tie is half a win for each.

    `order_effect` adds a constant in favour of the left place. `prior` gives each item so many wins
    and as many losses against an item of average strength: it keeps an item that won or lost
    everything finite. 0 is maximum likelihood.

    Raises ValueError for a negative prior or tolerance, `max_iterations` below 1, and without prior
    where the values are not finite: the comparisons do not link all items by wins in both
    directions (ties count in both).
    """
    return _fitted(
        "bradley_terry",
        comparisons,
        order_effect=order_effect,
        ties=False,
        prior=prior,
        max_iterations=max_iterations,
        tolerance=tolerance,
    )


def davidson(
    comparisons: Comparisons,
    *,
    order_effect: bool = False,
    prior: float = 0.5,
    max_iterations: int = 100,
    tolerance: float = 1e-8,
) -> PairwiseEstimate:
    """As `bradley_terry`, with a tie as an outcome of its own: more likely between equals.

    Raises ValueError as `bradley_terry`, and without prior where there is no tie or nothing else.
    """
    return _fitted(
        "davidson",
        comparisons,
        order_effect=order_effect,
        ties=True,
        prior=prior,
        max_iterations=max_iterations,
        tolerance=tolerance,
    )


def outcome_chances(
    estimate: PairwiseEstimate, left: ArrayLike, right: ArrayLike
) -> NDArray[np.float64]:
    """Probability of each `Outcome` where `left` meets `right`, (n, 3); NaN for unknown items."""
    x = estimate.value[np.asarray(left)] - estimate.value[np.asarray(right)]
    x = np.atleast_1d(x + (estimate.order or 0.0))
    half = np.abs(x) / 2  # against overflow
    odds = np.stack(
        [np.exp(x / 2 - half), (estimate.tie or 0.0) * np.exp(-half), np.exp(-x / 2 - half)], 1
    )
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def difference(estimate: PairwiseEstimate, one: int, other: int) -> tuple[float, float, float]:
    """By how much `one` is stronger than `other`, in log odds, and the ends of the 95 % interval.

    NaN where one of them was never compared; ends are NaN where there is no covariance.
    """
    value = float(estimate.value[one] - estimate.value[other])
    if estimate.covariance is None:
        return value, float("nan"), float("nan")
    c = estimate.covariance
    width = NORMAL_975 * float(np.sqrt(max(c[one, one] + c[other, other] - 2 * c[one, other], 0.0)))
    return value, value - width, value + width


def _fitted(
    method: str,
    comparisons: Comparisons,
    *,
    order_effect: bool,
    ties: bool,
    prior: float,
    max_iterations: int,
    tolerance: float,
) -> PairwiseEstimate:
    if min(prior, tolerance) < 0:
        raise ValueError("prior and tolerance must not be negative")
    if max_iterations < 1:
        raise ValueError(f"max_iterations must be at least 1, not {max_iterations}")
    component = _components(comparisons)
    met = np.flatnonzero(component >= 0)
    if not len(met):
        return _nothing(method, comparisons, component)
    connected = bool((component[met] == component[met[0]]).all())
    if not prior:
        _check_finite(comparisons, connected=connected, ties=ties)
    place = np.cumsum(component >= 0, dtype=np.int32) - 1
    model = PairedModel(
        place[comparisons.left],
        place[comparisons.right],
        comparisons.outcomes,
        len(met),
        order_effect,
        ties,
        prior,
    )
    p, trace, converged = maximise(model, max_iterations, tolerance)
    if not prior and abs(p.order) > 25:
        raise ValueError("the order effect separates the outcomes; a prior would keep it finite")
    value = np.full(comparisons.n_items, np.nan)
    value[met] = p.strength - p.strength.mean()
    covariance, extra = _covariance(model, p)
    full = None
    error = np.full(comparisons.n_items, np.nan)
    if covariance is not None:
        full = np.full((comparisons.n_items, comparisons.n_items), np.nan)
        full[np.ix_(met, met)] = covariance
        error[met] = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    ability, ability_interval = _abilities(comparisons, value)
    return PairwiseEstimate(
        method=method,
        ability=ability,
        ability_interval=ability_interval,
        iterations=len(trace) - 1,
        converged=converged,
        log_likelihood=tuple(trace[1:]),
        value=value,
        error=error,
        interval=np.stack([value - NORMAL_975 * error, value + NORMAL_975 * error], axis=1),
        covariance=full,
        order=p.order if order_effect else None,
        order_interval=_ends(p.order, extra[0]) if order_effect else None,
        tie=float(np.exp(p.log_tie)) if ties else None,
        tie_interval=_exp(_ends(p.log_tie, extra[1])) if ties else None,
        connected=connected,
        component=component,
    )


def _components(comparisons: Comparisons) -> NDArray[np.int64]:
    """Strong components of the graph from loser to winner; a tie is an edge both ways."""
    from scipy import sparse
    from scipy.sparse import csgraph

    n = comparisons.n_items
    left_beaten = comparisons.outcomes != Outcome.LEFT
    right_beaten = comparisons.outcomes != Outcome.RIGHT
    losers = np.concatenate([comparisons.left[left_beaten], comparisons.right[right_beaten]])
    winners = np.concatenate([comparisons.right[left_beaten], comparisons.left[right_beaten]])
    graph = sparse.coo_array((np.ones(len(losers), np.int8), (losers, winners)), shape=(n, n))
    _, found = csgraph.connected_components(graph.tocsr(), directed=True, connection="strong")
    met = np.zeros(n, dtype=np.bool_)
    met[comparisons.left] = met[comparisons.right] = True
    component = np.full(n, -1)
    component[met] = np.unique(found[met], return_inverse=True)[1]
    return component


def _check_finite(comparisons: Comparisons, *, connected: bool, ties: bool) -> None:
    if not connected:
        raise ValueError(
            "the comparisons do not link all items by wins in both directions, so that some values"
            " are infinite; a prior would keep them finite"
        )
    if ties:
        n_ties = int((comparisons.outcomes == Outcome.TIE).sum())
        if n_ties in (0, comparisons.n_comparisons):
            raise ValueError("without ties, or with nothing else, their odds need a prior")


def _covariance(
    model: PairedModel, p: Parameters
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """Covariance of the values relative to their mean, and errors of order and log nu."""
    from scipy import linalg

    n = model.n_items
    if n > MOST_ITEMS_WITH_INTERVALS:
        return None, np.full(2, np.nan)
    at = model.slopes(p)
    whole = np.zeros((n + 2, n + 2), order="F")
    whole[:n, :n] = -at.met.toarray()
    whole[np.arange(n), np.arange(n)] += at.diagonal
    whole[:n, n:], whole[n:, :n], whole[n:, n:] = at.border, at.border.T, at.corner
    # Without prior a shift of all strengths changes nothing. This gives it a weight, and taking the
    # mean off below removes it again.
    whole[:n, :n] += np.trace(whole[:n, :n]) / n**2
    factor, failed = linalg.lapack.dpotrf(whole, lower=1, overwrite_a=1)
    if failed:  # ill-conditioned beyond rescue: no honest error
        return None, np.full(2, np.nan)
    inverse, _ = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    errors = np.sqrt(np.diag(inverse)[n:])
    below = np.tril(inverse[:n, :n], -1)
    covariance = below + below.T
    covariance[np.arange(n), np.arange(n)] = np.diag(inverse)[:n]
    means = covariance.mean(axis=0)
    covariance -= means[:, None]
    covariance -= means - means.mean()
    return covariance, errors


def _abilities(
    comparisons: Comparisons, value: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How often a rater's winner has the higher value, equals half, with Wilson's interval."""
    signs = 1 - comparisons.outcomes
    decided = signs != 0
    lead = (value[comparisons.left] - value[comparisons.right]) * signs
    agrees = np.where(np.abs(lead) < 1e-9, 0.5, lead > 0)[decided]
    raters = comparisons.raters[decided]
    hits = np.bincount(raters, agrees, comparisons.n_raters).astype(np.float64)
    totals = np.bincount(raters, minlength=comparisons.n_raters).astype(np.float64)
    return share_right(hits, totals), wilson_intervals(hits, totals)


def _ends(value: float, error: float) -> tuple[float, float]:
    return value - NORMAL_975 * float(error), value + NORMAL_975 * float(error)


def _exp(ends: tuple[float, float]) -> tuple[float, float]:
    return float(np.exp(ends[0])), float(np.exp(ends[1]))


def _nothing(
    method: str, comparisons: Comparisons, component: NDArray[np.int64]
) -> PairwiseEstimate:
    unknown = np.full(comparisons.n_items, np.nan)
    return PairwiseEstimate(
        method=method,
        ability=np.full(comparisons.n_raters, np.nan),
        ability_interval=np.full((comparisons.n_raters, 2), np.nan),
        log_likelihood=(),
        value=unknown,
        error=unknown.copy(),
        interval=np.full((comparisons.n_items, 2), np.nan),
        connected=True,
        component=component,
    )

"""How many errors may be among items nobody has read, given the errors among those somebody has.

P-values of the claim "the error rate is above alpha": a small one allows to say that it is not.
Formulas and sources are in docs/statistics/hand-over.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# alpha * unread may be a whole number that binary floating point misses by a last digit.
_WHOLE = 1e-9
# Bets of the mixture in `loss_p_value`, as shares of the largest bet that cannot go bankrupt. The
# largest pays most where no loss was seen, the small ones where many were.
_BETS = np.array([0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0])


def allowed_errors(unread: ArrayLike, alpha: float) -> NDArray[np.int64]:
    """The most errors among `unread` items that are a rate of at most alpha."""
    return np.floor(np.asarray(unread) * alpha + _WHOLE).astype(np.int64)


def rate_p_value(errors: ArrayLike, labelled: ArrayLike, alpha: float) -> NDArray[np.float64]:
    """P(at most `errors` among `labelled` draws) where each is an error with probability alpha.

    This is at most delta exactly where Clopper and Pearson's upper bound of confidence 1 - delta is
    at most alpha.
    """
    from scipy.special import bdtr

    k, n = np.broadcast_arrays(np.asarray(errors), np.asarray(labelled))
    return np.where(k >= n, 1.0, np.where(k < 0, 0.0, bdtr(np.clip(k, 0, n), n, alpha)))


def unread_p_value(
    errors: ArrayLike, labelled: ArrayLike, unread: ArrayLike, alpha: float
) -> NDArray[np.float64]:
    """P-value of "more than alpha of these unread items are errors".

    The labelled items are a simple random sample of labelled and unread together. Were v of the
    unread ones errors, v the first number that is too many, then `errors` + v would be among all,
    and no more than `errors` of them drawn with the hypergeometric probability returned. 0 where
    nothing is unread. Whole numbers of one shape.
    """
    return unread_tail(errors, labelled, unread, allowed_errors(unread, alpha) + 1)


def unread_upper_bound(errors: int, labelled: int, unread: int, delta: float) -> int:
    """The largest number of errors among the unread items that is not rejected at level delta."""
    low, high = 0, unread + 1  # `high` is rejected, or more than there are
    while high - low > 1:
        middle = (low + high) // 2
        if unread_tail(errors, labelled, unread, middle) <= delta:
            high = middle
        else:
            low = middle
    return low


def unread_tail(
    errors: ArrayLike, labelled: ArrayLike, unread: ArrayLike, unread_errors: ArrayLike
) -> NDArray[np.float64]:
    """P(K <= `errors`), K of all errors + unread_errors that `labelled` draws would find.

    Hypergeometric, without replacement from labelled + unread items. 0 where that is impossible.
    """
    from scipy.special import gammaln

    k, m, u, v = (
        np.array(a, dtype=np.float64)
        for a in np.broadcast_arrays(errors, labelled, unread, unread_errors)
    )
    possible = (v <= u) & (k >= 0)
    k, m, u, v = (np.where(possible, a, 0.0) for a in (k, m, u, v))
    good, whole = m - k, u - v  # items that are no errors, labelled and unread

    def log_ways(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gammaln(a + b + 1) - gammaln(a + 1) - gammaln(b + 1))

    term = np.exp(log_ways(k, v) + log_ways(good, whole) - log_ways(m, u))
    # Terms fall away from the mode: add them up on the side where `errors` is, and take the rest.
    above = k * (m + u) > m * (k + v)
    total = np.where(above, 0.0, term)
    step = 0.0
    while True:
        down = (k - step) * (whole - step) / ((v + step + 1) * (good + step + 1))
        up = (v - step) * (good - step) / ((k + step + 1) * (whole + step + 1))
        term = term * np.maximum(np.where(above, up, down), 0.0)
        if not (term > 1e-17 * np.maximum(total, 1e-300)).any():
            break
        total += term
        step += 1
    tail = np.where(above, 1 - total, total)
    return np.where(possible, np.clip(tail, 0.0, 1.0), 0.0)


def loss_p_value(
    losses: NDArray[np.float64], stakes: NDArray[np.float64] | None, rate: float
) -> float:
    """P-value of "the mean loss is at least `rate`" from losses in 0..1 of sampled items.

    `stakes` are the smallest probability with which any of the items was drawn, over that of this
    one, so from 0 to 1; None where all are equal. The inverse of the mean wealth of gamblers who
    bet, each a fixed share, that losses stay below the rate; by Markov's inequality it is at most x
    with probability at most x. It does not depend on the order of the items.
    """
    if not 0 < rate < 1:
        return 0.0 if rate >= 1 else 1.0
    gain = (rate - losses) / (1 - rate)
    if stakes is not None:
        gain = gain * stakes
    gain = np.sort(gain)  # sums in one order, whatever the order of the items
    with np.errstate(divide="ignore"):  # a gambler who is bankrupt stays so
        logs = np.log1p(_BETS[:, None] * gain[None, :]).sum(axis=1)
    return float(_inverse_wealth(logs))


def equal_losses_p_value(
    errors: ArrayLike, labelled: ArrayLike, rate: float
) -> NDArray[np.float64]:
    """`loss_p_value` where `errors` losses are 1 and the rest of the `labelled` ones 0."""
    k, n = np.broadcast_arrays(np.asarray(errors), np.asarray(labelled))
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = np.where(k > 0, k * np.log1p(-_BETS).reshape(-1, *[1] * k.ndim), 0.0)
    won = (n - k) * np.log1p(_BETS * rate / (1 - rate)).reshape(-1, *[1] * k.ndim)
    return np.where(k > n, 1.0, _inverse_wealth(won + lost))


def _inverse_wealth(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """One over the mean of exp(logs) over the gamblers, the first axis; at most 1."""
    top = np.maximum(logs.max(axis=0), -700.0)
    mean = np.exp(logs - top).mean(axis=0)
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(np.minimum(1.0, np.exp(-top) / mean))

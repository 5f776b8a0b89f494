"""What each way of combining labels returns, one shape for each kind of answer.

All of them are an `Estimate`: how it was found, and how far each rater is to be trusted. What is
said of the items depends on what was asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimate:
    """What every method says, whatever was asked.

    method          name of the method
    ability         (n_raters,) or None: how good each rater's own labels are, 0 (worst) to 1; for
                    classes the expected share of them that is right. NaN for a rater without labels
    ability_interval  (n_raters, 2) or None: ends of the 95 % interval of `ability`, NaN as there
    iterations      rounds taken; 0 for a method without rounds
    converged       whether it stopped because nothing moved any more, not because rounds ran out
    log_likelihood  after each round, with log priors where there are priors (for variational
                    methods the lower bound), in nats; None for a method that has none. It never
                    falls from one round to the next
    """

    method: str
    ability: NDArray[np.float64] | None = None
    ability_interval: NDArray[np.float64] | None = None
    iterations: int = 0
    converged: bool = True
    log_likelihood: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassEstimate(Estimate):
    """The classes of the items, as one method sees them.

    posterior       (n_items, n_classes): probability, or share of votes, of each class. A row sums
                    to 1, or is all zero where the item has no labels
    choice          (n_items,): the most probable class; -1 where there are no labels or the first
                    place is tied. A tie is reported, never broken
    tied            (n_items,): whether two or more classes share the first place
    confusion       (n_raters, n_classes, n_classes) or None: [r, k, c] is the probability that
                    rater r says c where k is true. NaN rows: nothing was seen to estimate them from
    """

    posterior: NDArray[np.float64]
    choice: NDArray[np.int64]
    tied: NDArray[np.bool_]
    confusion: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ScaleEstimate(Estimate):
    """A place on a scale for each item: a strength, a mean, a latent rating.

    value     (n_items,): NaN where nothing is known of the item
    error     (n_items,): standard error of `value`; NaN where it cannot be had
    interval  (n_items, 2): ends of the 95 % interval of `value`
    bias      (n_raters,) or None: how far each rater's labels lie above the items' values
    """

    value: NDArray[np.float64]
    error: NDArray[np.float64]
    interval: NDArray[np.float64]
    bias: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class OrdinalEstimate(ClassEstimate, ScaleEstimate):
    """Ratings: the ordered class of each item, and its place on the scale under the classes.

    value, error, interval and bias are in units of the scale (see the method); `choice` is the
    class in whose range the value most probably lies.

    rating          (n_items,): expected class code, 0..n_classes-1; NaN without labels
    thresholds      (n_classes - 1,) or None: ends of the classes on the scale, rising
    discrimination  (n_raters,) or None: how steeply a rater's labels follow the value; NaN for a
                    rater without labels
    """

    rating: NDArray[np.float64]
    thresholds: NDArray[np.float64] | None = None
    discrimination: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class PairwiseEstimate(ScaleEstimate):
    """Strengths of items from comparisons: log odds, relative to the mean of the compared items.

    `value`, `error` and `interval` are NaN for an item that was never compared. `ability` is the
    share of a rater's decided comparisons that agree with the order of the values.

    covariance  (n_items, n_items) or None: of the values; NaN for items never compared
    order       how much more often the left place wins, in log odds; None where not asked
    order_interval  (2,) or None: its 95 % interval
    tie         Davidson's nu: odds of a tie against a win between two equal items; None where ties
                count as half a win each
    tie_interval  (2,) or None: its 95 % interval
    connected   whether every item is linked with every other by wins in both directions. If not,
                only the prior keeps the values of different components from drifting apart
    component   (n_items,): items of one number are so linked; -1 for an item never compared. The
                numbers say nothing else
    """

    covariance: NDArray[np.float64] | None = None
    order: float | None = None
    order_interval: tuple[float, float] | None = None
    tie: float | None = None
    tie_interval: tuple[float, float] | None = None
    connected: bool
    component: NDArray[np.int64]

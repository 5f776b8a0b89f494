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
                    classes the expected share of them that is right (votes: that agrees). NaN where
                    nothing can be said, as of a rater without labels
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
                    to 1, or is all zero where the item has no labels (and no gold, if that counts)
    choice          (n_items,): the most probable class; -1 where the row is zero or the first
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

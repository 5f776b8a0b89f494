"""What every way of combining labels returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Estimate:
    """The classes of the items, as one method sees them.

    method          name of the method
    posterior       (n_items, n_classes): probability, or share of votes, of each class. A row sums
                    to 1, or is all zero where the item has no labels
    choice          (n_items,): the most probable class; -1 where there are no labels or the first
                    place is tied. A tie is reported, never broken
    tied            (n_items,): whether two or more classes share the first place
    confusion       (n_raters, n_classes, n_classes) or None: [r, k, c] is the probability that
                    rater r says c where k is true. NaN rows: nothing was seen to estimate them from
    ability         (n_raters,) or None: the expected share of a rater's own labels that are right,
                    0 to 1; NaN for a rater without labels
    iterations      rounds taken; 0 for a method without rounds
    converged       whether it stopped because nothing moved any more, not because rounds ran out
    log_likelihood  after each round, with log priors where there are priors (for iBCC its lower
                    bound), in nats; None for a method that has none
    """

    method: str
    posterior: NDArray[np.float64]
    choice: NDArray[np.int64]
    tied: NDArray[np.bool_]
    confusion: NDArray[np.float64] | None
    ability: NDArray[np.float64] | None
    iterations: int
    converged: bool
    log_likelihood: tuple[float, ...] | None

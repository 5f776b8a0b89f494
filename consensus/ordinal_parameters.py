"""What the graded response model is fitted by, and what is believed of it beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.graded import NARROWEST, log_chances

# No rater is steeper than this: noise a tenth as wide as the spread of items, near the step of the
# grid. A known class is a label by such a rater, without bias.
STEEPEST = float(np.log(18.0))
# Log discrimination of raters: the prior of their mean, and its width.
MEAN_LOG_STEEPNESS, MEAN_WIDTH = float(np.log(1.8)), 1.0
# A logistic with this steepness is close to the standard normal, the distribution of the items.
ITEMS_LOG_STEEPNESS = float(np.log(1.702))


@dataclass
class Parameters:
    thresholds: NDArray[np.float64]
    log_steepness: NDArray[np.float64]
    bias: NDArray[np.float64]
    mean_log_steepness: float

    def packed(self) -> NDArray[np.float64]:
        """All of them as one vector, each in noise or in standard deviations of the items."""
        mean = [self.mean_log_steepness]
        return np.concatenate([self.thresholds, self.log_steepness, self.bias, mean])

    def unpacked(self, vector: NDArray[np.float64]) -> Parameters | None:
        """As many of them from a vector; None where its thresholds are out of order."""
        ends = np.cumsum([len(self.thresholds), len(self.bias), len(self.bias)])
        thresholds, log_steepness, bias, mean = np.split(vector, ends)
        if not (np.diff(thresholds) > NARROWEST).all():
            return None
        return Parameters(thresholds, np.minimum(log_steepness, STEEPEST), bias, float(mean[0]))


@dataclass(frozen=True)
class Priors:
    ability_spread: float
    bias_spread: float
    class_prior: float
    rated: NDArray[np.bool_]  # raters with labels; the others have no part in anything

    def log_density(self, p: Parameters) -> float:
        return float(
            self.of_raters(p)[self.rated].sum()
            - (p.mean_log_steepness - MEAN_LOG_STEEPNESS) ** 2 / (2 * MEAN_WIDTH**2)
            + self.of_thresholds(p.thresholds)
        )

    def of_raters(self, p: Parameters) -> NDArray[np.float64]:
        return np.asarray(
            -((p.log_steepness - p.mean_log_steepness) ** 2) / (2 * self.ability_spread**2)
            - p.bias**2 / (2 * self.bias_spread**2)
        )

    def of_thresholds(self, thresholds: NDArray[np.float64]) -> float:
        """`class_prior` items of each class, as the distribution of the items cuts them."""
        if not self.class_prior:
            return 0.0
        shares = log_chances(thresholds, np.zeros(1), np.array([ITEMS_LOG_STEEPNESS]), np.zeros(1))
        return float(self.class_prior * shares.sum())

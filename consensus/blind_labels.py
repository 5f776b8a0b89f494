"""Labels that people gave blind, of items drawn at random: the evidence for a hand-over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.error_bounds import (
    equal_losses_p_value,
    loss_p_value,
    rate_p_value,
    unread_p_value,
    unread_upper_bound,
)
from consensus.hand_over_search import Tally
from consensus.intervals import exact_upper_bound

About = Literal["these", "future"]


@dataclass(frozen=True, eq=False)
class BlindLabels:
    """What `hand_over` was given, checked, and the bound that fits it.

    confidence, loss  (n,) of the labelled items
    unread            (n_unread,) confidences of the unread items
    drawn             (n + n_unread,) probability of being drawn, of labelled and then of unread
                      items; None where all are equal
    exact             whether errors are counted: equal probabilities, losses that are 0 or 1
    """

    confidence: NDArray[np.float64]
    loss: NDArray[np.float64]
    unread: NDArray[np.float64]
    drawn: NDArray[np.float64] | None
    alpha: float
    delta: float
    about: About
    exact: bool

    @classmethod
    def checked(
        cls,
        confidence: ArrayLike,
        loss: ArrayLike,
        unread: ArrayLike,
        *,
        alpha: float,
        delta: float,
        probability: ArrayLike | None,
        unread_probability: ArrayLike | None,
        soft: bool,
        about: About,
    ) -> BlindLabels:
        """Raises ValueError for what `hand_over` says it does not take."""
        sure, lost = np.asarray(confidence, dtype=np.float64), np.asarray(loss, dtype=np.float64)
        others = np.asarray(unread, dtype=np.float64)
        if sure.ndim != 1 or others.ndim != 1 or lost.shape != sure.shape:
            raise ValueError(
                f"each labelled item needs one confidence and one loss, not {sure.shape} and "
                f"{lost.shape}, and each unread one a confidence, not {others.shape}"
            )
        if np.isnan(sure).any() or np.isnan(others).any():
            raise ValueError("a confidence is NaN; give items without one the lowest instead")
        if not ((lost >= 0) & (lost <= 1)).all():
            raise ValueError("losses must lie in 0..1")
        for name, level in (("alpha", alpha), ("delta", delta)):
            if not 0 < level < 1:
                raise ValueError(f"{name} must lie between 0 and 1, not {level}")
        if about not in get_args(About):
            raise ValueError(f"about must be one of {', '.join(get_args(About))}, not {about!r}")
        if not soft and not np.isin(lost, (0.0, 1.0)).all():
            raise ValueError("losses between 0 and 1 must be asked for with soft=True")
        drawn = _probabilities(probability, unread_probability, sure.shape, others.shape)
        exact = drawn is None and not soft
        return cls(sure, lost, others, drawn, alpha, delta, about, exact)

    @property
    def counts_unread(self) -> bool:
        """Whether the bound is on a whole number of errors among the unread items."""
        return self.exact and self.about == "these"

    def at(self, threshold: float) -> Tally:
        """The tally of one threshold."""
        above = self.confidence >= threshold
        return Tally(
            threshold=np.array([threshold]),
            labelled=np.array([above.sum()]),
            unread=np.array([(self.unread >= threshold).sum()]),
            loss=np.array([np.sort(self.loss[above]).sum()]),
        )

    def p_values(self, tally: Tally) -> NDArray[np.float64]:
        """For each threshold, of "more than alpha of what lies at or above it is wrong"."""
        if self.exact:
            return self._exact(tally, np.rint(tally.loss).astype(np.int64))
        rates, least = self._rate_of_all(tally), self._least_drawn(tally)
        found = []
        for threshold, rate, smallest in zip(tally.threshold, rates, least, strict=True):
            above = self.confidence >= threshold
            drawn = None if self.drawn is None else self.drawn[: len(above)][above]
            stakes = None if drawn is None else smallest / drawn
            found.append(loss_p_value(self.loss[above], stakes, float(rate)))
        return np.array(found)

    def _exact(self, tally: Tally, errors: NDArray[np.int64]) -> NDArray[np.float64]:
        if self.about == "future":
            return rate_p_value(errors, tally.labelled, self.alpha)
        return unread_p_value(errors, tally.labelled, tally.unread, self.alpha)

    def _rate_of_all(self, tally: Tally) -> NDArray[np.float64]:
        """The mean loss, labelled items included, at which alpha of the unread is lost."""
        if self.about == "future":
            return np.full(len(tally.threshold), self.alpha)
        return np.asarray(
            (tally.loss + self.alpha * tally.unread) / (tally.labelled + tally.unread)
        )

    def critical_errors(self, tally: Tally) -> NDArray[np.int64]:
        """The most errors with which each threshold passes; -1 where it cannot.

        It depends on no label. With weights or losses between 0 and 1 it is only a guess to plan
        by: as if as many labels as these are worth were equal, and errors whole.
        """
        worth = self._worth(tally)

        def passes(errors: NDArray[np.int64]) -> NDArray[np.bool_]:
            if self.exact:
                return (errors <= tally.labelled) & (self._exact(tally, errors) <= self.delta)
            return equal_losses_p_value(errors, worth, self.alpha) <= self.delta

        critical = _binomial_critical(worth, self.alpha, self.delta)
        while (fails := (critical >= 0) & ~passes(critical)).any():
            critical = critical - fails
        while (more := passes(critical + 1)).any():
            critical = critical + more
        return critical

    def _least_drawn(self, tally: Tally) -> NDArray[np.float64]:
        """The smallest probability of any item, labelled or not, at or above each threshold."""
        if self.drawn is None:
            return np.ones(len(tally.threshold))
        everything = np.concatenate([self.confidence, self.unread])
        order = np.argsort(-everything)
        least = np.minimum.accumulate(self.drawn[order])
        return np.asarray(least[tally.labelled + tally.unread - 1])

    def _worth(self, tally: Tally) -> NDArray[np.int64]:
        """How many labels of equal weight would say as much."""
        if self.drawn is None:
            return tally.labelled
        drawn = self.drawn[: len(self.confidence)]
        weights = np.cumsum(1 / drawn[np.argsort(-self.confidence)])[tally.labelled - 1]
        return np.floor(weights * self._least_drawn(tally) + 1e-9).astype(np.int64)

    def upper_bound(self, tally: Tally) -> float:
        """Bound of the error rate above the one threshold of the tally, of confidence 1 - delta."""
        labelled, left = int(tally.labelled[0]), int(tally.unread[0])
        if self.exact:
            errors = round(float(tally.loss[0]))
            if self.about == "future":
                return exact_upper_bound(errors, labelled, self.delta)
            return unread_upper_bound(errors, labelled, left, self.delta) / left
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            guess = BlindLabels(**{**vars(self), "alpha": middle})
            rejected = guess.p_values(tally)[0] <= self.delta
            low, high = (low, middle) if rejected else (middle, high)
        return high


def _probabilities(
    probability: ArrayLike | None,
    unread_probability: ArrayLike | None,
    shape: tuple[int, ...],
    unread_shape: tuple[int, ...],
) -> NDArray[np.float64] | None:
    if (probability is None) != (unread_probability is None):
        raise ValueError("labelled and unread items both need probabilities, or neither")
    if probability is None or unread_probability is None:
        return None
    parts = [np.asarray(p, dtype=np.float64) for p in (probability, unread_probability)]
    if parts[0].shape != shape or parts[1].shape != unread_shape:
        raise ValueError("each labelled and each unread item needs one probability")
    drawn = np.concatenate(parts)
    if not ((drawn > 0) & (drawn <= 1)).all():
        raise ValueError("probabilities must lie in 0..1, without 0")
    return None if not drawn.size or (drawn == drawn[0]).all() else drawn


def _binomial_critical(
    labelled: NDArray[np.int64], alpha: float, delta: float
) -> NDArray[np.int64]:
    from scipy.special import bdtrik

    root = bdtrik(delta, labelled, alpha)
    return np.where(np.isfinite(root), np.floor(np.nan_to_num(root)), -1).astype(np.int64)

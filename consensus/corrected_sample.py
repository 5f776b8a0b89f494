"""Labels of few people beside a judge's on many items, and how the two are weighed together.

What consensus.corrected and consensus.corrected_regression have in common.
docs/statistics/hand-over.md has the formulas and their sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Target = Literal["items", "population"]


@dataclass(frozen=True, eq=False)
class Sample:
    """What the functions here take, checked.

    judge     (n,) numbers of all items
    people    (n_labels,) numbers of the labelled ones
    labelled  (n_labels,) their places
    drawn     (n_labels,) probability with which each was drawn
    equal     whether all were equally likely
    """

    judge: NDArray[np.float64]
    people: NDArray[np.float64]
    labelled: NDArray[np.int64]
    drawn: NDArray[np.float64]
    equal: bool
    target: Target
    confidence: float

    @classmethod
    def checked(
        cls,
        judge: ArrayLike,
        people: ArrayLike,
        probability: ArrayLike | None,
        target: Target,
        confidence: float,
    ) -> Sample:
        guess, said = np.asarray(judge, dtype=np.float64), np.asarray(people, dtype=np.float64)
        if guess.ndim != 1 or said.shape != guess.shape:
            raise ValueError(f"judge and people must be as long, not {guess.shape}, {said.shape}")
        if not np.isfinite(guess).all():
            raise ValueError("the judge must have labelled every item; leave out the others")
        if np.isinf(said).any():
            raise ValueError("people's labels must be finite, or NaN where there is none")
        if target not in get_args(Target):
            raise ValueError(f"target must be one of {', '.join(get_args(Target))}, not {target!r}")
        if not 0 < confidence < 1:
            raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
        labelled = np.flatnonzero(~np.isnan(said))
        equal = probability is None
        drawn = np.full(len(guess), len(labelled) / max(1, len(guess)))
        if probability is not None:
            drawn = np.asarray(probability, dtype=np.float64)
            if drawn.shape != guess.shape or not ((drawn >= 0) & (drawn <= 1)).all():
                raise ValueError("every item needs a probability from 0 to 1")
            if not (drawn[labelled] > 0).all():
                raise ValueError("an item that was labelled had probability 0 of being drawn")
        # One order, whatever the order of the items, so that sums do not differ in a last digit.
        labelled = labelled[np.lexsort((drawn[labelled], guess[labelled], said[labelled]))]
        return cls(
            judge=guess,
            people=said[labelled],
            labelled=labelled,
            drawn=drawn[labelled],
            equal=equal,
            target=target,
            confidence=confidence,
        )

    def only(self, kept: NDArray[np.bool_]) -> Sample:
        """The items where `kept`, (n,) bool, is true, as a sample of their own."""
        inside = kept[self.labelled]
        places = np.cumsum(kept) - 1
        drawn = self.drawn[inside]
        if self.equal and kept.any():
            drawn = np.full(len(drawn), len(drawn) / kept.sum())
        return Sample(
            judge=self.judge[kept],
            people=self.people[inside],
            labelled=places[self.labelled[inside]],
            drawn=drawn,
            equal=self.equal,
            target=self.target,
            confidence=self.confidence,
        )

    def parts(self) -> NDArray[np.float64]:
        """Weight of each squared residual in the variance; 0 where drawn for certain."""
        return (1 - self.drawn) / self.drawn**2

    def quantile(self, parameters: int) -> float:
        """Of Student's t, with as many labels as those parts are worth (Kish)."""
        from scipy.special import stdtrit

        parts = self.parts()
        worth = parts.sum() ** 2 / (parts**2).sum() if parts.any() else float(len(parts))
        return float(stdtrit(max(1.0, worth - parameters), 0.5 + self.confidence / 2))


@dataclass(frozen=True)
class Combined:
    """An estimate, its variance, the share of the judge in it, and the variance of one label."""

    value: float
    variance: float
    tuning: float
    one_label: float


def combine(
    sample: Sample,
    people: NDArray[np.float64],
    judge: NDArray[np.float64],
    judge_everywhere: float,
    *,
    corners: NDArray[np.float64] | None,
    tuned: bool,
) -> Combined:
    """Weighted mean of `people` plus tuning * (`judge_everywhere` - weighted mean of `judge`).

    The difference estimator of survey sampling, with the tuning that makes its variance least; with
    equal probabilities that is PPI++. `people` and `judge` (n_labels,) are numbers of the labelled
    items. Each of the `corners` counts as one more label in tuning and variance, though not in the
    value. Without `tuned` the judge does not count.
    """
    weights = 1 / sample.drawn
    value, of_judge = (float(weights @ v / weights.sum()) for v in (people, judge))
    parts = sample.parts()
    share, leverage = (parts if parts.any() else np.ones(len(people))), weights / weights.sum()
    y, f = people, judge
    if corners is not None:
        y, f = np.concatenate([y, corners[:, 0]]), np.concatenate([f, corners[:, 1]])
        share = np.concatenate([share, np.full(len(corners), share.mean())])
    share = share / share.sum()
    y, f = centred(y, share), centred(f, share)
    spread = float(share @ f**2)
    tuning = 0.0
    if tuned and spread > 0:
        tuning = float(share @ (y * f)) / spread
        pull = weights * f[: len(people)] ** 2
        leverage = leverage + pull / max(float(pull.sum()), np.finfo(float).tiny)
    if corners is not None:
        tuning = min(1.0, max(0.0, tuning))
    residual = y - tuning * f
    if tuned or corners is None or not sample.equal:
        # As if each label had been left out when its residual was taken (HC3).
        residual[: len(people)] /= 1 - np.minimum(leverage, 0.9)
    one_label = float(share @ y**2)
    if corners is None:
        one_label *= len(people) / max(1, len(people) - 1)
    variance = float(share @ residual**2) * float(parts.sum()) / float(weights.sum()) ** 2
    if sample.target == "population":
        variance += one_label / len(sample.judge)
    value += tuning * (judge_everywhere - of_judge)
    return Combined(value, variance, tuning, one_label)


def centred(values: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values less their weighted mean; exactly 0 where all are equal."""
    if (values == values[0]).all():
        return np.zeros(len(values))
    return np.asarray(values - share @ values)


def effective_labels(sample: Sample, found: Combined) -> float | None:
    """Labels of people alone, drawn with equal probability, that give the same variance."""
    rest = found.variance
    if sample.target == "items":
        rest += found.one_label / len(sample.judge)
    return found.one_label / rest if rest > 0 else None

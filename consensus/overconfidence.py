"""Whether a stated confidence may be believed: held against gold or the judges' agreement.

The formulas are in docs/statistics/correlated-judges.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.estimate import ClassEstimate
from consensus.intervals import proportion_interval
from consensus.meanings import percent
from consensus.support import Support

# From here on an item counts as stated to be sure.
_SURE = 0.99


@dataclass(frozen=True)
class Overconfidence:
    """Mean stated confidence beside the accuracy it should have.

    against     "gold": held-out known answers; "agreement": what the judges' agreement supports
    n_items     items that are compared: with a choice, and with gold where that is the measure
    stated      mean confidence of the choices; None without items
    limit       accuracy on them, or the confidence supported; None without items
    low, high   95 % interval of the accuracy; None where agreement is the measure
    gap         stated - limit; above 0 is too sure
    sure        share of the items with more than .99
    sure_right  share of those that are right; None without gold, or without such items
    warns       whether `stated` lies above what `limit` may be: above `high`, or above a supported
                confidence at all
    """

    against: str
    n_items: int
    stated: float | None = None
    limit: float | None = None
    low: float | None = None
    high: float | None = None
    gap: float | None = None
    sure: float | None = None
    sure_right: float | None = None
    warns: bool = False

    @property
    def sentence(self) -> str:
        """What the numbers mean, in plain English."""
        if self.stated is None or self.limit is None:
            return "There is nothing to hold the stated confidence against."
        stated = f"the mean stated confidence is {percent(self.stated, 1)}"
        if self.low is None or self.high is None:
            limit = f"the judges' agreement supports at most {percent(self.limit, 1)}"
        else:
            limit = (
                f"{percent(self.limit, 1)} of {self.n_items} items with known answers are right "
                f"({percent(self.low, 1)} to {percent(self.high, 1)})"
            )
        if not self.warns:
            return f"No sign of overconfidence: {stated}, and {limit}."
        sure = ""
        if self.sure is not None and self.sure_right is not None:
            sure = (
                f" Of the {percent(self.sure)} stated to be more than {percent(_SURE)} sure, "
                f"{percent(self.sure_right)} are right."
            )
        return f"Too sure: {stated}, but {limit}.{sure}"


def against_gold(estimate: ClassEstimate, gold: ArrayLike) -> Overconfidence:
    """Hold an estimate that has not seen them against known answers.

    `gold`, (n_items,), has the class of an item, -1 where none is known. Tied items have no choice
    and are left out. An estimate that was given the gold (by clamping or training) knows it by
    heart; then only a held-out or cross-fitted posterior says anything.

    Raises ValueError where `gold` has another length or a class that does not exist.
    """
    known = np.asarray(gold)
    if known.shape != estimate.choice.shape:
        raise ValueError(f"gold must have length {len(estimate.choice)}, not {known.shape}")
    if known.size and (known.min() < -1 or known.max() >= estimate.posterior.shape[1]):
        raise ValueError(f"gold must lie in -1..{estimate.posterior.shape[1] - 1}")
    return compare(estimate.posterior, estimate.choice, known)


def against_support(estimate: ClassEstimate, support: Support) -> Overconfidence:
    """Hold an estimate made from judges' labels against what their agreement supports."""
    chosen = estimate.choice >= 0
    stated = _stated(estimate.posterior, estimate.choice)[chosen]
    if not stated.size:
        return Overconfidence("agreement", 0)
    mean = float(stated.mean())
    return Overconfidence(
        against="agreement",
        n_items=len(stated),
        stated=mean,
        limit=support.claim,
        gap=mean - support.claim,
        sure=float((stated > _SURE).mean()),
        warns=mean > support.claim + 1e-6,
    )


def compare(
    posterior: NDArray[np.float64], choice: NDArray[np.int64], gold: NDArray[np.int64]
) -> Overconfidence:
    """As against_gold, of a posterior and the choices made from it."""
    used = (choice >= 0) & (gold >= 0)
    n_items = int(used.sum())
    if not n_items:
        return Overconfidence("gold", 0)
    stated = _stated(posterior, choice)[used]
    right = choice[used] == gold[used]
    low, high = proportion_interval(int(right.sum()), n_items)
    sure = stated > _SURE
    mean, accuracy = float(stated.mean()), float(right.mean())
    return Overconfidence(
        against="gold",
        n_items=n_items,
        stated=mean,
        limit=accuracy,
        low=low,
        high=high,
        gap=mean - accuracy,
        sure=float(sure.mean()),
        sure_right=float(right[sure].mean()) if sure.any() else None,
        warns=mean > high,
    )


def _stated(posterior: NDArray[np.float64], choice: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(posterior[np.arange(len(choice)), np.maximum(choice, 0)])

"""Whether a judge still errs no more than it may, from items that people go on labelling blind.

After a hand-over some of the items handed over are drawn at random and read all the same. The
alarm here may be looked at after each of them: while the judge keeps within alpha, it ever goes off
with no more than a stated probability. Formula and source are in docs/statistics/hand-over.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# What gamblers stake on "wrong again", as shares of what they have: little against a judge that is
# a bit worse than it may be, much against one that broke down.
_STAKES = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.6])


@dataclass(frozen=True, eq=False)
class Audit:
    """evidence   (n,) e-value after each item: how many times as much gamblers have by then who bet
                  that the loss is above alpha
    alarm_at   place of the item at which it first went off; None if it never did
    n          items audited
    losses     sum of their losses
    """

    evidence: NDArray[np.float64]
    alarm_at: int | None
    n: int
    losses: float


def audit(
    losses: ArrayLike,
    *,
    alpha: float,
    false_alarm: float,
    probability: ArrayLike | None = None,
    least_probability: float | None = None,
) -> Audit:
    """Evidence that the judge's mean loss is above alpha, after each audited item.

    losses             (n,) from 0 (right) to 1 (wrong), in the order in which items were drawn
    alpha              the mean loss that was promised
    false_alarm        probability that it ever goes off while the mean loss is at most alpha
    probability        (n,) with which each item was drawn; None where all are equally likely. With
                       it goes `least_probability`, the smallest of any item that may be drawn

    Items must be drawn independently of each other and of what the audit found so far. It goes off
    where the evidence reaches 1 / false_alarm.

    Raises ValueError for losses or probabilities outside 0..1, probabilities below the least, and
    alpha or false_alarm not between 0 and 1.
    """
    for name, level in (("alpha", alpha), ("false_alarm", false_alarm)):
        if not 0 < level < 1:
            raise ValueError(f"{name} must lie between 0 and 1, not {level}")
    lost = np.asarray(losses, dtype=np.float64)
    if lost.ndim != 1 or not ((lost >= 0) & (lost <= 1)).all():
        raise ValueError("losses must be a sequence of numbers in 0..1")
    if (probability is None) != (least_probability is None):
        raise ValueError("probability and least_probability go together")
    gain = (lost - alpha) / alpha
    if probability is not None:
        drawn = np.asarray(probability, dtype=np.float64)
        if drawn.shape != lost.shape or not ((drawn > 0) & (drawn <= 1)).all():
            raise ValueError("each audited item needs a probability in 0..1, without 0")
        if least_probability is None or not 0 < least_probability <= drawn.min(initial=1.0):
            raise ValueError("no item may be likelier to be missed than least_probability says")
        gain = gain * (least_probability / drawn)
    logs = np.cumsum(np.log1p(_STAKES[:, None] * gain), axis=1)
    top = logs.max(axis=0, initial=-700.0)
    evidence = np.exp(np.minimum(top, 700.0)) * np.exp(logs - top).mean(axis=0)
    off = np.flatnonzero(evidence >= (1 - 1e-12) / false_alarm)
    return Audit(
        evidence=evidence,
        alarm_at=int(off[0]) if off.size else None,
        n=len(lost),
        losses=float(lost.sum()),
    )

"""How many errors a judge makes above each confidence: the picture behind a hand-over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from consensus.blind_labels import BlindLabels


@dataclass(frozen=True)
class RiskPoint:
    """All at or above one confidence.

    threshold    the confidence
    n_unread     unread items there
    n_labelled   labelled items there
    n_errors     how many of those the judge got wrong
    upper_bound  upper bound of the share of errors among the unread, of confidence 1 - delta for
                 this threshold had it been fixed in advance; 1 where nothing is known
    """

    threshold: float
    n_unread: int
    n_labelled: int
    n_errors: int
    upper_bound: float


def risk_curve(
    confidence: ArrayLike,
    loss: ArrayLike,
    unread: ArrayLike,
    *,
    alpha: float,
    delta: float,
    points: int = 40,
    through: float | None = None,
) -> list[RiskPoint]:
    """Risk above each confidence that unread items have, from the surest downwards.

    Arguments as for `hand_over.hand_over`, with equal probabilities and losses of 0 and 1. At most
    about `points` thresholds, evenly over the ranks of the unread items; `through`, a threshold, is
    one of them. Raises ValueError as `hand_over` does.
    """
    labels = BlindLabels.checked(
        confidence,
        loss,
        unread,
        alpha=alpha,
        delta=delta,
        probability=None,
        unread_probability=None,
        soft=False,
        about="these",
    )
    if not labels.unread.size:
        return []
    from_the_top = np.sort(labels.unread)[::-1]
    ranks = np.unique(np.linspace(0, len(from_the_top) - 1, points).round().astype(int))
    chosen = set(from_the_top[ranks].tolist())
    if through is not None:
        chosen.add(float(through))
    found = []
    for threshold in sorted(chosen, reverse=True):
        tally = labels.at(threshold)
        known = tally.unread[0] > 0 and tally.labelled[0] > 0
        found.append(
            RiskPoint(
                threshold=float(threshold),
                n_unread=int(tally.unread[0]),
                n_labelled=int(tally.labelled[0]),
                n_errors=round(float(tally.loss[0])),
                upper_bound=min(1.0, labels.upper_bound(tally)) if known else 1.0,
            )
        )
    return found

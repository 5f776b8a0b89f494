"""How much the votes of a rater of known accuracy should weigh, and what a weighted vote says.

The optimal weight is the log odds of being right: S. Nitzan and J. Paroush, International Economic
Review 23 (1982), 289-297.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.estimate import ClassEstimate
from consensus.intervals import NORMAL_975
from consensus.table import LabelTable
from consensus.votes import TIE_WIDTH

# A rater of whom nothing is known is taken as the average one, with this many labels of weight.
_PRIOR_LABELS = 2.0


def counts_from_gold(table: LabelTable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many labels of each rater agree with the table's gold and how many do not, (n_raters,).

    Raises ValueError for a table without gold.
    """
    if table.gold is None:
        raise ValueError("the table has no gold")
    known = table.gold[table.items]
    hit = np.bincount(table.raters[known == table.codes], minlength=table.n_raters)
    seen = np.bincount(table.raters[known >= 0], minlength=table.n_raters)
    return hit.astype(np.float64), (seen - hit).astype(np.float64)


def counts_from_estimate(
    table: LabelTable, estimate: ClassEstimate
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right and wrong labels of each rater as an estimate sees them, (n_raters,) each.

    With `ability_interval` they are as many as give an interval of that width, at most the rater's
    labels; without it, the rater's labels. An estimate from the same labels flatters itself: the
    gain that follows is the one its own model expects.

    Raises ValueError for an estimate without abilities or of another table.
    """
    if estimate.ability is None:
        raise ValueError(f"{estimate.method} says nothing of the raters' ability")
    if estimate.ability.shape != (table.n_raters,):
        raise ValueError("the estimate is of another table")
    ability = np.clip(np.nan_to_num(estimate.ability), 0.0, 1.0)
    rests = np.bincount(table.raters, minlength=table.n_raters).astype(np.float64)
    if estimate.ability_interval is not None:
        width = np.nan_to_num(estimate.ability_interval[:, 1] - estimate.ability_interval[:, 0])
        error = np.maximum(width / (2 * NORMAL_975), 1e-9)
        rests = np.clip(ability * (1 - ability) / error**2 - 1, 0.0, rests)
    rests = np.where(np.isnan(estimate.ability), 0.0, rests)
    return ability * rests, (1 - ability) * rests


def with_prior(
    hits: NDArray[np.float64], misses: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Parameters of each rater's Beta distribution, drawn a little towards the average rater."""
    average = (np.sort(hits).sum() + 1) / (np.sort(hits + misses).sum() + 2)
    return hits + _PRIOR_LABELS * average, misses + _PRIOR_LABELS * (1 - average)


def log_odds(accuracy: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """How much more likely a vote is where its class is true than where another one is, as log."""
    safe = np.clip(accuracy, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(safe * max(n_classes - 1, 1) / (1 - safe)))


def weighted_scores(
    votes: Any, weights: NDArray[np.float64], n_classes: int
) -> NDArray[np.float64]:
    """Sum of the weights of the votes for each class, (n_items, n_classes)."""
    by_label = np.zeros((len(weights), n_classes, n_classes))
    by_label[:, np.arange(n_classes), np.arange(n_classes)] = weights[:, None]
    return np.asarray(votes @ by_label.reshape(-1, n_classes))


def leading_classes(scores: NDArray[Any]) -> NDArray[np.bool_]:
    """Which classes share the first place of each item, (n_items, n_classes)."""
    return np.asarray(scores >= scores.max(axis=1, keepdims=True) - TIE_WIDTH)

"""How much the votes of a rater of known accuracy should weigh, and what a weighted vote says.

The optimal weight is the log odds of being right: S. Nitzan and J. Paroush, International Economic
Review 23 (1982), 289-297.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def vote_weights(right: ArrayLike, *, n_classes: int) -> NDArray[np.float64]:
    """How much the vote of each of a few raters should count, from `right`, (n_items, n_raters)
    bool: whether each gave an item's known answer. (n_raters,), none negative.

    The log odds of the accuracy, drawn towards the average rater's by `with_prior`:

        p = (hits + 2 a) / (n + 2),    weight = max(0, log(p (K - 1) / (1 - p)))

    with a the mean accuracy. So none is taken to be infallible, and one that errs as often as
    chance, or oftener, counts nothing instead of being read backwards. Drawing them more (by ten
    labels, or by how much of their differences is more than chance) was tried on five published
    sets of language models' labels and was worse on each, from 12 to 100 items.

    Raises ValueError for another shape, no item, no rater or fewer than two classes.
    """
    table = np.asarray(right, dtype=np.float64)
    if table.ndim != 2 or not table.size or not np.isin(table, (0.0, 1.0)).all():
        raise ValueError("right must be true or false for each item and rater, and not empty")
    if n_classes < 2:
        raise ValueError(f"n_classes must be at least 2, not {n_classes}")
    hits = table.sum(axis=0)
    hits, misses = with_prior(hits, len(table) - hits)
    return np.maximum(log_odds(hits / (hits + misses), n_classes), 0.0)


def votes_trust(votes: ArrayLike, truth: ArrayLike, weights: ArrayLike, *, n_classes: int) -> float:
    """How far the probabilities that follow from weighted votes may be believed: the factor, of 0
    to 1, by which their logits must be multiplied.

    votes    (n_items, n_raters) what each rater said, in the order in which they are asked
    truth    (n_items,) the known answers
    weights  (n_raters,) log odds, as of `vote_weights`

    Votes that are independent have 1. Raters that err together have less: language models some .4.
    Fitted to the votes as they stand after one rater, after two and so on, for that is where one
    decides whether to ask on: temperature scaling (C. Guo, G. Pleiss, Y. Sun and K. Weinberger,
    ICML 2017), drawn towards 1 as in `calibration`. The fit is on average over all confidences;
    the surest votes are mostly still surer than right.
    """
    from consensus.calibration import calibrate_distributions

    said = np.asarray(votes, dtype=np.int64)
    weight = np.asarray(weights, dtype=np.float64)
    one_hot = np.eye(n_classes)[said] * weight[:, None]
    scores = np.cumsum(one_hot, axis=1).transpose(1, 0, 2).reshape(-1, n_classes)
    parts = np.exp(scores - scores.max(axis=1, keepdims=True))
    known = np.tile(np.asarray(truth, dtype=np.int64), said.shape[1])
    found = calibrate_distributions(
        parts / parts.sum(axis=1, keepdims=True), known, method="temperature"
    )
    slope = 1.0 if found.slope is None else float(found.slope[0])
    return min(max(slope, 0.0), 1.0)


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

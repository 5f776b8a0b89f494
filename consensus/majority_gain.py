"""What weighting raters gains over a plain majority, measured on items with gold."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.intervals import check_confidence
from consensus.item_draws import places_by_content
from consensus.rater_weights import (
    counts_from_gold,
    leading_classes,
    log_odds,
    weighted_scores,
    with_prior,
)
from consensus.table import LabelTable
from consensus.votes import vote_matrix


@dataclass(frozen=True, kw_only=True)
class MeasuredGain:
    """Majority and weighted vote against gold; None where no gold item has labels.

    n_gold     items with gold and labels
    majority   accuracy of the majority; a tie counts by equal parts
    weighted   accuracy of the weighted vote
    gain       their difference
    interval   ends of its interval
    """

    n_gold: int
    majority: float | None
    weighted: float | None
    gain: float | None
    interval: tuple[float, float] | None


def measured_gain(
    table: LabelTable, *, n_folds: int = 5, seed: int, confidence: float = 0.95
) -> MeasuredGain:
    """What weighting gains over majority on the items with gold, measured and not assumed.

    Each fold of the gold items is answered with accuracies from the other folds. The interval,
    Bonett and Price's for paired shares ("Adjusted Wald confidence interval for a difference of
    binomial proportions based on paired data", 2012), is that of such weights on more such items.

    Raises ValueError for a table without gold, fewer than two folds or a confidence outside 0..1.
    """
    check_confidence(confidence)
    if n_folds < 2:
        raise ValueError(f"n_folds must be at least 2, not {n_folds}")
    hits, misses = counts_from_gold(table)
    gold = np.zeros(0) if table.gold is None else table.gold
    known = table.rows(gold[table.items] >= 0)
    judged = np.flatnonzero(np.bincount(known.items, minlength=table.n_items))
    n = len(judged)
    if n == 0:
        return MeasuredGain(n_gold=0, majority=None, weighted=None, gain=None, interval=None)
    fold = _folds(known, gold, judged, n_folds, seed)
    most = leading_classes(known.counts()[judged])
    best = np.zeros_like(most)
    for k in range(n_folds):
        inside = fold[known.items] == k
        held = known.rows(inside)
        own_hits, own_misses = counts_from_gold(held)
        alpha, beta = with_prior(hits - own_hits, misses - own_misses)
        weights = log_odds(alpha / (alpha + beta), table.n_classes)
        here = fold[judged] == k
        best[here] = leading_classes(
            weighted_scores(vote_matrix(held)[judged[here]], weights, table.n_classes)
        )
    rows, truth = np.arange(n), gold[judged]
    by_most = most[rows, truth] / most.sum(axis=1)
    by_best = best[rows, truth] / best.sum(axis=1)
    turn = np.sort(by_best - by_most)
    gain = float(turn.mean())
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = float(turn.sum()) / (n + 2)
    half = z * float(np.sqrt((((turn**2).sum() + 2) / (n + 2) - centre**2) / (n + 2)))
    return MeasuredGain(
        n_gold=n,
        majority=float(np.sort(by_most).mean()),
        weighted=float(np.sort(by_best).mean()),
        gain=gain,
        interval=(max(-1.0, min(gain, centre - half)), min(1.0, max(gain, centre + half))),
    )


def _folds(
    known: LabelTable, gold: NDArray[Any], judged: NDArray[np.int64], n_folds: int, seed: int
) -> NDArray[np.int64]:
    """A fold for each item, (n_items,), dealt out in rounds by content; -1 for items without."""
    kinds = known.codes.astype(np.int64) * known.n_classes + gold[known.items]
    place, _ = places_by_content(
        known.items.astype(np.int64), known.raters.astype(np.int64), kinds.astype(np.int64)
    )
    rng = np.random.default_rng(seed)
    rounds = -(-len(judged) // n_folds)
    dealt = rng.permuted(np.tile(np.arange(n_folds), (rounds, 1)), axis=1).ravel()
    fold = np.full(known.n_items, -1)
    fold[judged[np.argsort(place[judged])]] = dealt[: len(judged)]
    return fold

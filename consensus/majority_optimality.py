"""When is a majority vote already the best one could do, and what would weighting bring?

Source: S. Nitzan and J. Paroush, "Optimal decision rules in uncertain dichotomous choice
situations", International Economic Review 23 (1982), 289-297: independent raters are best weighed
by the log odds of being right. Where those weights cannot overrule a majority, the majority is
optimal (A. Purificato and others, "The majority vote paradigm shift", 2025). Formulas are in
docs/statistics/trust.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.intervals import check_confidence
from consensus.item_draws import places_by_content
from consensus.majority_gain import MeasuredGain
from consensus.rater_weights import leading_classes, log_odds, weighted_scores, with_prior
from consensus.table import LabelTable
from consensus.votes import vote_matrix

# Sums over a whole table are exact to this much: closer, two sides of a vote are even.
_SUM_WIDTH = 1e-7
# A gain below this many points of accuracy is not worth another rule than "most votes".
WORTH = 0.005


@dataclass(frozen=True, eq=False, kw_only=True)
class MajorityOptimality:
    """Majority vote beside the optimally weighted vote, over the items with labels.

    n_items          items with labels
    weights          (n_raters,) log odds by which a vote counts best; below 0: worse than guessing.
                     Empty without items
    n_tied           items whose majority is tied, where any weights help
    n_changed        items with a clear majority that the weighted vote overrules
    changed          n_changed / n_items; None without items
    changed_interval  interval of the share that the truly best weights would overrule
    safe             share of the items whose raters could not be overruled whatever they had voted
    gain             expected gain in accuracy of the weighted vote on these items; ties of the
                     majority count as right by equal parts
    gain_interval    interval of the gain: accuracies are uncertain, and the items few
    """

    n_items: int
    weights: NDArray[np.float64]
    n_tied: int
    n_changed: int
    changed: float | None
    changed_interval: tuple[float, float] | None
    safe: float | None
    gain: float | None
    gain_interval: tuple[float, float] | None


def majority_optimality(
    table: LabelTable,
    right: ArrayLike,
    wrong: ArrayLike,
    *,
    n_draws: int = 200,
    seed: int,
    confidence: float = 0.95,
) -> MajorityOptimality:
    """Would weighting the raters by their accuracy change the majority's answers, and gain?

    `right` and `wrong`, (n_raters,), say on how many labels a rater's accuracy rests and how they
    fell; they may be fractions. `counts_from_gold` and `counts_from_estimate` of
    `consensus.rater_weights` make them. The model: raters err independently, each with an accuracy
    of its own (Beta distributed, given the counts), wrong answers and classes equally likely. All
    raters of the table vote, judges too: `table.of_raters` leaves some out. Time grows with
    `n_draws` times the labels.

    Raises ValueError for counts that are negative or of another length, `n_draws` below 1 or a
    confidence outside 0..1.
    """
    hits, misses = _counts("right", right, table), _counts("wrong", wrong, table)
    if n_draws < 1:
        raise ValueError(f"n_draws must be at least 1, not {n_draws}")
    check_confidence(confidence)
    labelled = np.bincount(table.items, minlength=table.n_items) > 0
    n_items = int(labelled.sum())
    if n_items == 0:
        return _NOTHING
    if not (hits + misses).any():
        raise ValueError("right and wrong are all 0: nothing is known of any rater's accuracy")
    alpha, beta = with_prior(hits, misses)
    weights = log_odds(alpha / (alpha + beta), table.n_classes)

    votes = vote_matrix(table)[np.flatnonzero(labelled)]
    most = leading_classes(weighted_scores(votes, np.ones(table.n_raters), table.n_classes))
    best = leading_classes(weighted_scores(votes, weights, table.n_classes))
    clear = most.sum(axis=1) == 1
    differs = (most != best).any(axis=1)  # overruled, or a tie that the weights break
    # By how much each class being true would turn the accuracy, item by item.
    turns = best[differs] / best[differs].sum(axis=1, keepdims=True)
    turns = turns - most[differs] / most[differs].sum(axis=1, keepdims=True)

    rng = np.random.default_rng(seed)
    place = _rater_places(table)
    changed, expected, chance = [], [], []
    for _ in range(n_draws):
        # By content, so that a rater keeps its draw under another number.
        accuracy = _beta_draws(rng, alpha, beta, place)
        scores = weighted_scores(votes, log_odds(accuracy, table.n_classes), table.n_classes)
        changed.append(float(_overruled(most, leading_classes(scores)).mean()))
        posterior = np.exp(scores[differs] - scores[differs].max(axis=1, keepdims=True))
        posterior /= posterior.sum(axis=1, keepdims=True)
        means = (posterior * turns).sum(axis=1)
        variances = (posterior * turns**2).sum(axis=1) - means**2
        expected.append(float(np.sort(means).sum()) / n_items)
        # One item more, as intervals of shares need it where few differ.
        chance.append((float(np.sort(variances).sum()) + bool(differs.any())) / n_items**2)
    tail = [(1 - confidence) / 2, (1 + confidence) / 2]
    overruled = _overruled(most, best)
    gain = float(np.mean(expected))
    # Two sources of doubt: accuracies differ from draw to draw, and the items are few.
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    half = z * math.sqrt(float(np.var(expected)) + max(float(np.mean(chance)), 0.0))
    return MajorityOptimality(
        n_items=n_items,
        weights=weights,
        n_tied=int((~clear).sum()),
        n_changed=int(overruled.sum()),
        changed=float(overruled.mean()),
        changed_interval=_ends(np.quantile(changed, tail)),
        safe=float(_safe(table, weights)[labelled].mean()),
        gain=gain,
        gain_interval=(gain - half, gain + half),
    )


def majority_key(result: MajorityOptimality, measured: MeasuredGain | None = None) -> str:
    """Which of these holds: no_items, optimal, enough, weigh, try, unclear.

    optimal  no clear majority would be overruled, and ties make at most half a point of accuracy
    enough   at most half a point of accuracy can be gained
    weigh    weighting gains, as measured
    try      it should gain, if raters err independently: nothing has been measured
    unclear  it may or may not

    The measured gain decides where there is one; else the expected one does.
    """
    if result.gain_interval is None:
        return "no_items"
    low, high = result.gain_interval
    gains = "try"
    if measured is not None and measured.interval is not None:
        low, high = measured.interval
        gains = "weigh"
    if high <= WORTH:
        return "enough" if result.n_changed else "optimal"
    return gains if low > 0 else "unclear"


def majority_sentence(result: MajorityOptimality, measured: MeasuredGain | None = None) -> str:
    """What the result means, in plain English."""
    key = majority_key(result, measured)
    if result.gain is None or result.gain_interval is None:
        return "There are no labels to vote with yet."
    overruled = f"{result.n_changed}" if result.n_changed else "none"
    text = f"Weighting raters by accuracy would overrule {overruled} of {result.n_items} majorities"
    if result.n_tied:
        text += f" (and could break {result.n_tied} ties)"
    if measured is None or measured.gain is None or measured.interval is None:
        gain, ends = result.gain, result.gain_interval
        text += "; if raters err independently, the expected gain is "
    else:
        gain, ends = measured.gain, measured.interval
        text += f"; on {measured.n_gold} gold items the gain is "
    low, high = (100 * end for end in ends)
    text += f"{100 * gain:.1f} points of accuracy (interval {low:.1f} to {high:.1f}). "
    return text + _ADVICE[key]


# --- Steps --------------------------------------------------------------------------------------

_ADVICE = {
    "optimal": "Plain majority is already the best vote here.",
    "enough": "Plain majority is as good as optimal here.",
    "weigh": "Use a method that weighs raters.",
    "try": "Try a method that weighs raters, and measure it on gold items: raters who err alike "
    "gain less, or lose.",
    "unclear": "Whether weighting helps is not clear: more gold items would tell.",
}

_NOTHING = MajorityOptimality(
    n_items=0,
    weights=np.zeros(0),
    n_tied=0,
    n_changed=0,
    changed=None,
    changed_interval=None,
    safe=None,
    gain=None,
    gain_interval=None,
)


def _counts(name: str, values: ArrayLike, table: LabelTable) -> NDArray[np.float64]:
    counts = np.asarray(values, dtype=np.float64)
    if counts.shape != (table.n_raters,):
        raise ValueError(f"{name} must have length {table.n_raters}, not shape {counts.shape}")
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise ValueError(f"{name} must hold numbers of labels, 0 or more")
    return counts


def _overruled(most: NDArray[np.bool_], best: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Items with a clear majority that is not among the best classes."""
    return np.asarray((most.sum(axis=1) == 1) & ~(most & best).any(axis=1))


def _rater_places(table: LabelTable) -> NDArray[np.int64]:
    """A place for each rater, (n_raters,), by its labels; raters without labels come last."""
    _, places = places_by_content(
        table.items.astype(np.int64), table.raters.astype(np.int64), table.codes.astype(np.int64)
    )
    return np.concatenate([places, np.arange(len(places), table.n_raters)])


def _beta_draws(
    rng: np.random.Generator,
    alpha: NDArray[np.float64],
    beta: NDArray[np.float64],
    place: NDArray[np.int64],
) -> NDArray[np.float64]:
    in_order = np.argsort(place)
    drawn = np.empty(len(alpha))
    drawn[in_order] = rng.beta(alpha[in_order], beta[in_order])
    return drawn


def _safe(table: LabelTable, weights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Items whose raters, whatever they vote, never overrule a clear majority, (n_items,).

    For each number k of votes that can make a clear majority, the worst case: the k raters who
    weigh least against the heaviest others that one class can have then, fewer than k.
    """
    voters = np.bincount(table.items, minlength=table.n_items)
    safe = voters > 0
    if table.n_classes == 1:
        return safe
    given = weights[table.raters]
    positive = np.bincount(table.items[given > 0], minlength=table.n_items)
    order = np.lexsort((given, table.items))
    sums = np.concatenate([[0.0], np.cumsum(given[order])])
    ends = np.cumsum(voters)
    for k in range(1, int(voters.max(initial=0)) + 1):
        here = np.flatnonzero(voters >= k)
        rest = voters[here] - k
        # Third classes take what the challenger does not, each fewer than k.
        fewest = np.maximum(rest - (table.n_classes - 2) * (k - 1), 0)
        most = np.minimum(rest, k - 1)
        challengers = np.clip(positive[here], fewest, np.maximum(most, fewest))
        end = ends[here]
        light = sums[end - voters[here] + k] - sums[end - voters[here]]
        heavy = sums[end] - sums[end - challengers]
        safe[here[(fewest <= most) & (light < heavy - _SUM_WIDTH)]] = False
    return safe


def _ends(pair: NDArray[np.float64]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])

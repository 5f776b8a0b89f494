"""Where to look for the lowest confidence that may be handed over, without spending any of delta.

Candidates are walked from the least confident items upwards, looking only at labels *below* the
place where the walk stands; the test at that place counts only labels above it. So where the walk
stops may depend on the labels it has seen, and the test there is still a test at full level. From
there the tests go down again, one candidate after the other, until the first that fails. Why this
keeps the guarantee, and what it assumes, is in docs/statistics/hand-over.md. What is chosen *here*
decides only how much is handed over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.error_bounds import allowed_errors

# Error rates by rank from the top, a * rank ** g: flat (g = 0) to all errors at the bottom. Every
# pair is equally likely before a label is seen. Half of the rates `a` are these shares of alpha,
# half lie these shares of the way from alpha to 1: the bottom is not trusted before it is seen.
_BELOW = np.array([0.1, 0.2, 0.4, 0.7])
_ABOVE = np.array([0.1, 0.3, 0.5, 0.8])
_POWERS = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 8.0])
# The walk looks for the station with the best chance to pass; among nearly equal ones for the
# lowest: the chance counts times this power of what would be handed over.
_SIZE = 0.1
# It also stops where the labels just passed are this much likelier (in nats) at a tenth of alpha
# than at alpha: further up is then no better, whatever the curve says.
_GOOD_ENOUGH = 1.1


@dataclass(frozen=True, eq=False)
class Tally:
    """What lies at or above each of some thresholds, the safest first; arrays of shape (n,).

    threshold  the confidence itself
    labelled   labelled items, int
    unread     unread items, int
    loss       sum of the losses of those labelled
    """

    threshold: NDArray[np.float64]
    labelled: NDArray[np.int64]
    unread: NDArray[np.int64]
    loss: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ladder(Tally):
    """All candidates, and the labelled items in groups of one confidence, the highest first.

    rank            (n_groups,) share of all items that are more confident, half the group's own
    group_labelled  (n_groups,) labelled items of the group
    group_loss      (n_groups,) sum of their losses
    groups          (n,) how many of those groups lie at or above the candidate
    """

    rank: NDArray[np.float64]
    group_labelled: NDArray[np.int64]
    group_loss: NDArray[np.float64]
    groups: NDArray[np.int64]


def ladder(
    confidence: NDArray[np.float64],
    loss: NDArray[np.float64],
    unread: NDArray[np.float64],
    *,
    whole_errors: float | None,
) -> Ladder:
    """The candidates of a hand-over; items of one confidence go together or not at all.

    Thresholds between the same two labelled items are told apart by nothing that was seen, so one
    of them is a candidate: the lowest, or, where errors among the unread items are counted
    (`whole_errors` is alpha), the highest that already allows the most of them.
    """
    values, place = np.unique(-np.concatenate([confidence, unread]), return_inverse=True)
    at, others = place[: len(confidence)], place[len(confidence) :]
    # Sums in one order, whatever the order of the rows.
    order = np.lexsort((loss, at))
    by_value = np.bincount(at, minlength=len(values))
    losses = np.bincount(at[order], weights=loss[order], minlength=len(values)).astype(np.float64)
    labelled, left = by_value.cumsum(), np.bincount(others, minlength=len(values)).cumsum()
    last = np.flatnonzero(np.append(np.diff(labelled) > 0, [True]))  # before the next label
    picked = last
    if whole_errors is not None:
        allowed = allowed_errors(left, whole_errors)
        first = np.searchsorted(labelled, labelled[last], side="left")
        picked = np.maximum(first, np.searchsorted(allowed, allowed[last], side="left"))
        picked = np.unique(np.append(picked, last[-1:]))  # everything is a candidate too
    picked = picked[(labelled[picked] > 0) & (left[picked] > 0)]
    seen = by_value > 0
    middle = (labelled + left - (by_value + np.diff(left, prepend=0)) / 2) / len(place)
    return Ladder(
        threshold=-values[picked],
        labelled=labelled[picked],
        unread=left[picked],
        loss=losses.cumsum()[picked],
        rank=middle[seen],
        group_labelled=by_value[seen],
        group_loss=losses[seen],
        groups=seen.cumsum()[picked],
    )


def start_of_tests(rungs: Ladder, critical: NDArray[np.int64], alpha: float) -> int | None:
    """The first candidate to be tested; None where no candidate can pass.

    Only candidates that allow one error more than all before them are places to start ("stations"):
    right before one, an error fails that right after would have been allowed.
    """
    record = np.maximum.accumulate(np.maximum(critical, -1))
    stations = np.flatnonzero(np.diff(record, prepend=-1) > 0)
    if not stations.size:
        return None
    ends = rungs.groups[stations]
    chance = _chances_to_pass(rungs, ends, record[stations], alpha)
    worth = chance * (rungs.unread[stations] / rungs.unread[-1]) ** _SIZE
    here = worth.diagonal()
    better = np.tril(worth, -1).max(axis=1, initial=0.0)  # at the best station further up
    stop = (here >= better) | (_good_below(rungs, ends, alpha) >= _GOOD_ENOUGH)
    stop[0] = True
    # Stations from the lowest: stop at the first that says so.
    return int(stations[np.flatnonzero(stop)[-1]])


def _chances_to_pass(
    rungs: Ladder, ends: NDArray[np.int64], allowed: NDArray[np.int64], alpha: float
) -> NDArray[np.float64]:
    """[s, t]: chance to pass at station t, as the labels below station s let it expect.

    A Poisson number of errors for each curve, and the curves as likely as they make those labels.
    """
    from scipy.special import pdtr

    rates = np.concatenate([alpha * _BELOW, alpha + (1 - alpha) * _ABOVE])
    rate, power = (a.ravel()[:, None] for a in np.meshgrid(rates, _POWERS, indexing="ij"))
    curve = rate * rungs.rank**power  # (n_curves, n_groups)
    right = rungs.group_labelled - rungs.group_loss
    fit = rungs.group_loss * np.log(curve) + right * np.log1p(-curve)
    zero = np.zeros((len(curve), 1))
    below = np.hstack([np.cumsum(fit[:, ::-1], axis=1)[:, ::-1], zero])[:, ends]
    likely = np.exp(below - below.max(axis=0))
    expected = np.cumsum(curve * rungs.group_labelled, axis=1)[:, ends - 1]
    passes = pdtr(allowed.astype(np.float64), expected)
    return np.asarray((likely / likely.sum(axis=0)).T @ passes)


def _good_below(rungs: Ladder, ends: NDArray[np.int64], alpha: float) -> NDArray[np.float64]:
    """Page's cumulative sum over the labels below each station, for "a tenth of alpha"."""
    right = rungs.group_labelled - rungs.group_loss
    steps = rungs.group_loss * np.log(1 / 10) + right * np.log((1 - alpha / 10) / (1 - alpha))
    walk = np.concatenate([[0.0], np.cumsum(steps[::-1])])
    return np.asarray((walk - np.minimum.accumulate(walk))[::-1][ends])

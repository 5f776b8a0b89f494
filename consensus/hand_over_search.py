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
# pair is equally likely before a label is seen.
_RATES = np.array([0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.8])
_POWERS = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 8.0])
# Going up by one station gives up one allowed error; it is worth it while it leaves out more
# expected errors than this.
_WORTH = 0.7
# The walk also stops where the labels just passed are this much likelier (in nats) at a tenth of
# alpha than at alpha: further up is then no better, whatever the curve says.
_GOOD_ENOUGH = 1.2


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
    gained = np.diff(record[stations])  # errors allowed at a station and not at the one before
    ends = rungs.groups[stations]
    expected = _expected_errors(rungs, ends)
    good = _good_below(rungs, ends, alpha)
    stop = (expected <= _WORTH * gained) | (good[1:] >= _GOOD_ENOUGH)
    # Stations from the lowest: stop at the first that says so, else at the highest of all.
    stopping = np.flatnonzero(stop)
    return int(stations[stopping[-1] + 1] if stopping.size else stations[0])


def _expected_errors(rungs: Ladder, ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Expected errors between each two stations, from the labels below the lower of the two."""
    rate, power = (a.ravel()[:, None] for a in np.meshgrid(_RATES, _POWERS, indexing="ij"))
    curve = rate * rungs.rank**power  # (n_curves, n_groups)
    right = rungs.group_labelled - rungs.group_loss
    fit = rungs.group_loss * np.log(curve) + right * np.log1p(-curve)
    zero = np.zeros((len(curve), 1))
    below = np.hstack([np.cumsum(fit[:, ::-1], axis=1)[:, ::-1], zero])[:, ends[1:]]
    weight = np.exp(below - below.max(axis=0, initial=-np.inf))
    above = np.hstack([zero, np.cumsum(curve * rungs.group_labelled, axis=1)])[:, ends]
    between = np.diff(above, axis=1)
    return np.asarray((weight * between).sum(axis=0) / weight.sum(axis=0))


def _good_below(rungs: Ladder, ends: NDArray[np.int64], alpha: float) -> NDArray[np.float64]:
    """Page's cumulative sum over the labels below each station, for "a tenth of alpha"."""
    right = rungs.group_labelled - rungs.group_loss
    steps = rungs.group_loss * np.log(1 / 10) + right * np.log((1 - alpha / 10) / (1 - alpha))
    walk = np.concatenate([[0.0], np.cumsum(steps[::-1])])
    return np.asarray((walk - np.minimum.accumulate(walk))[::-1][ends])

"""Who should look at an item next, and when nobody need: expected gain for each label.

The chance that an item's answer is right is the highest posterior probability of its classes. A
further label is worth what it is expected to add to that, for its price; an item is settled once
that chance is high enough. docs/statistics/routing.md has the formulas and what they promise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.ibcc import ibcc
from consensus.table import LabelTable

# What is known of all people (or judges) together counts for one of them as so many labels.
POOLED = 10.0
# And before anything is known: as iBCC has it.
_DIAGONAL, _OFF = 4.0, 1.0
# Labels of one kind that a gain looks ahead: one alone often cannot change an answer, two can.
AHEAD = 3
# Outcomes that are gone through, and numbers held at once.
_MOST_OUTCOMES = 400
_CHUNK = 4_000_000


@dataclass(frozen=True, eq=False)
class RoutingModel:
    """How raters err, and how common the classes are.

    classes    (n_classes,) their shares
    confusion  (n_raters, n_classes, n_classes): [r, k, c] is how often rater r says c where k is
               true; a rater without labels has that of all of their kind
    people     (n_classes, n_classes) that of a person nobody knows yet
    judges     (n_raters,) which raters are judges
    n_labels   (n_raters,) on how many labels each confusion rests
    """

    classes: NDArray[np.float64]
    confusion: NDArray[np.float64]
    people: NDArray[np.float64]
    judges: NDArray[np.bool_]
    n_labels: NDArray[np.int64]


def routing_model(table: LabelTable) -> RoutingModel:
    """Fit from the labels so far: people's by iBCC, judges against what that makes of the items.

    Judges do not move what is held true while fitting, so that many of them cannot agree
    themselves into being right. Known answers (`gold`) are kept. A rater's confusion is drawn
    towards that of all of their kind by POOLED labels.

    Raises ValueError for a table without labels of people.
    """
    n_classes = table.n_classes
    judges = np.zeros(table.n_raters, dtype=bool) if table.judges is None else table.judges
    people = table.of_raters(~judges) if judges.any() else table
    if not people.n_labels:
        raise ValueError("there are no labels of people to learn from")
    posterior = ibcc(replace(people, families=None)).posterior
    # Only items that people labelled (or whose answer is known) say how somebody errs.
    counts = np.zeros((table.n_raters, n_classes, n_classes))
    for true in range(n_classes):
        cells = table.raters.astype(np.int64) * n_classes + table.codes
        counts[:, true] = np.bincount(
            cells, weights=posterior[table.items, true], minlength=table.n_raters * n_classes
        ).reshape(table.n_raters, n_classes)
    prior = np.full((n_classes, n_classes), _OFF) + np.eye(n_classes) * (_DIAGONAL - _OFF)
    pooled = {}
    for kind in (False, True):
        of_kind = counts[judges == kind].sum(axis=0) + prior
        pooled[kind] = of_kind / of_kind.sum(axis=1, keepdims=True)
    base = np.where(judges[:, None, None], pooled[True], pooled[False])
    confusion = counts + POOLED * base
    confusion /= confusion.sum(axis=2, keepdims=True)
    classes = posterior.sum(axis=0) + 1.0
    return RoutingModel(
        classes=classes / classes.sum(),
        confusion=confusion,
        people=pooled[False],
        judges=judges,
        n_labels=np.bincount(table.raters, minlength=table.n_raters),
    )


def routing_posterior(model: RoutingModel, table: LabelTable) -> NDArray[np.float64]:
    """Probability of each class of each item, (n_items, n_classes), given its labels so far.

    Each person is a voice of their own. All judges of an item together are one: the mean of their
    log likelihoods, since models err on the same items. An item without labels has the shares of
    the classes. The raters of `table` are those of the model.

    Raises ValueError for a table of other raters or classes.
    """
    if model.confusion.shape[0] != table.n_raters or len(model.classes) != table.n_classes:
        raise ValueError("the table has other raters or classes than the model")
    said = np.log(model.confusion)[table.raters, :, table.codes]
    is_judge = model.judges[table.raters]
    judges_there = np.bincount(table.items[is_judge], minlength=table.n_items)
    weight = np.where(is_judge, 1.0 / np.maximum(judges_there, 1)[table.items], 1.0)
    # Summed in one order, whatever that of the rows: no last digit hangs on it.
    order = np.lexsort((table.codes, table.raters, table.items))
    scores = np.stack(
        [
            np.bincount(
                table.items[order], weights=(said[:, k] * weight)[order], minlength=table.n_items
            )
            for k in range(table.n_classes)
        ],
        axis=1,
    )
    scores += np.log(model.classes)
    scores -= scores.max(axis=1, keepdims=True)
    chance = np.exp(scores)
    return np.asarray(chance / chance.sum(axis=1, keepdims=True))


def expected_gain(
    posterior: ArrayLike, confusion: ArrayLike, *, ahead: int = AHEAD
) -> NDArray[np.float64]:
    """What a label by somebody is expected to add to the chance that the answer is right, (n,).

    posterior  (n, n_classes), rows sum to 1
    confusion  (n_classes, n_classes): [k, c], how often they say c where k is true
    ahead      up to so many labels by such raters are looked ahead: the gain is the best over
               m = 1 … ahead of what m labels add, divided by m. Fewer where there are too many
               classes to go through all outcomes

    Never negative. Raises ValueError for other shapes or `ahead` below 1.
    """
    chance = np.asarray(posterior, dtype=np.float64)
    errs = np.asarray(confusion, dtype=np.float64)
    n_classes = chance.shape[-1]
    if chance.ndim != 2 or errs.shape != (n_classes, n_classes):
        raise ValueError("posterior (n, n_classes) and confusion (n_classes, n_classes) must fit")
    if ahead < 1:
        raise ValueError(f"ahead must be at least 1, not {ahead}")
    now = chance.max(axis=1, initial=0.0)
    best = np.zeros(len(chance))
    for m in range(1, ahead + 1):
        if m > 1 and math.comb(n_classes + m - 1, m) > _MOST_OUTCOMES:
            break
        times, ways = _outcomes(n_classes, m)
        # How likely each outcome is where each class is true, (outcomes, n_classes).
        likely = ways[:, None] * np.exp(times @ np.log(np.maximum(errs, 1e-12)).T)
        then = np.empty(len(chance))
        step = max(1, _CHUNK // likely.size)
        for start in range(0, len(chance), step):
            part = chance[start : start + step, None, :] * likely[None]
            then[start : start + step] = part.max(axis=2).sum(axis=1)
        best = np.maximum(best, (then - now) / m)
    return best


def judge_gain(
    model: RoutingModel,
    posterior: ArrayLike,
    people_only: ArrayLike,
    n_judges: ArrayLike,
    rater: int,
) -> NDArray[np.float64]:
    """The same for one label of a judge of the model, (n,): it joins the one voice of the judges.

    posterior    (n, n_classes) with the judges that have spoken, `people_only` without them
    n_judges     (n,) how many have spoken of each item
    rater        its place in the model

    Never negative. A judge that says what others of them said adds little.
    """
    chance, alone = np.asarray(posterior, dtype=float), np.asarray(people_only, dtype=float)
    spoken = np.asarray(n_judges)
    errs = model.confusion[rater]
    # What the judges have said so far, as one voice: log likelihood up to a constant.
    voice = np.log(np.maximum(chance, 1e-300)) - np.log(np.maximum(alone, 1e-300))
    now = chance.max(axis=1, initial=0.0)
    then = np.zeros(len(chance))
    for code in range(chance.shape[1]):
        likely = chance @ errs[:, code]
        joined = (voice * spoken[:, None] + np.log(errs[:, code])) / (spoken + 1)[:, None]
        scores = np.log(np.maximum(alone, 1e-300)) + joined
        scores -= scores.max(axis=1, keepdims=True)
        said = np.exp(scores)
        # What is believed before decides how good the answer then is, not the smoothed voice.
        picked = said.argmax(axis=1)
        after = chance * errs[:, code]
        right = after[np.arange(len(after)), picked] / np.maximum(likely, 1e-300)
        then += likely * right
    return np.asarray(np.maximum(then - now, 0.0))


def settled(
    posterior: ArrayLike, n_people: ArrayLike, *, certainty: float, least_people: int
) -> NDArray[np.bool_]:
    """Which items need no further label, (n,): the answer is right with a chance of `certainty` or
    more, and at least `least_people` people have labelled it.

    Raises ValueError for a certainty outside 0..1 or least_people below 1: an item that nobody
    looked at is not settled by this rule.
    """
    if not 0 < certainty < 1:
        raise ValueError(f"certainty must lie between 0 and 1, not {certainty}")
    if least_people < 1:
        raise ValueError(f"least_people must be at least 1, not {least_people}")
    top = np.asarray(posterior, dtype=np.float64).max(axis=1, initial=0.0)
    return np.asarray((top >= certainty) & (np.asarray(n_people) >= least_people))


@dataclass(frozen=True, eq=False)
class NextBest:
    """Who should look next at each item.

    choice  (n,): place among the options; -1 where the item is settled or nobody adds anything
    value   (n,): expected gain for each unit of cost by that choice; 0 there
    """

    choice: NDArray[np.int64]
    value: NDArray[np.float64]


def next_best(
    gains: Mapping[str, ArrayLike], costs: Mapping[str, float], is_settled: ArrayLike
) -> NextBest:
    """The option with most expected gain for its cost; of equals the first.

    gains  by option, (n,) each: NaN where the option cannot be had, as a judge that has spoken
    costs  of one label by each option, above 0, in one unit

    Raises ValueError for costs that are not positive or options without a cost.
    """
    if gains.keys() != costs.keys():
        raise ValueError("every option needs a gain and a cost")
    if any(not cost > 0 for cost in costs.values()):
        raise ValueError("a cost must be above 0")
    done = np.asarray(is_settled, dtype=bool)
    value = np.stack(
        [
            np.nan_to_num(np.asarray(gain, dtype=float), nan=-1.0) / costs[name]
            for name, gain in gains.items()
        ]
    )
    choice = value.argmax(axis=0)
    best = value.max(axis=0)
    nobody = done | (best <= 0)
    return NextBest(np.where(nobody, -1, choice), np.where(nobody, 0.0, best))


@cache
def _outcomes(n_classes: int, m: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All counts of m labels over the classes, (outcomes, n_classes), and in how many orders."""
    rows, ways = [], []
    for combination in itertools.combinations_with_replacement(range(n_classes), m):
        times = np.bincount(combination, minlength=n_classes)
        rows.append(times)
        ways.append(math.factorial(m) / math.prod(math.factorial(int(n)) for n in times))
    return np.array(rows, dtype=np.float64), np.array(ways)

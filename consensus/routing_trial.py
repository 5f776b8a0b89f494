"""What a stop rule would have saved on labels that are there: tried before it is switched on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consensus.intervals import NORMAL_975, proportion_interval, wilson
from consensus.routing import RoutingModel, routing_model, routing_posterior, settled
from consensus.table import LabelTable

# Orders in which each item's labels could have come in.
ORDERS = 10
# Draws of items from which the rule is learnt anew, for the intervals.
DRAWS = 60


@dataclass(frozen=True)
class StopTrial:
    """One stop rule on past labels. Shares go from 0 to 1, intervals have 95 %.

    certainty, least_people  the rule
    n_items        items that two people or more labelled
    n_labels       their labels of people
    saved          share of these labels that would not have been asked for, with its interval:
                   of further items of this kind, by a rule learnt from as many items as there are
    changed        share of items whose answer would have been another than with all labels: at
                   most so much accuracy is lost
    n_known        items of these with a known answer
    accuracy_all   share of known answers that all labels give; None where none is known
    accuracy       the same of the rule
    lost           the first less the second, with its interval
    """

    certainty: float
    least_people: int
    n_items: int
    n_labels: int
    saved: float
    saved_interval: tuple[float, float]
    changed: float
    changed_interval: tuple[float, float]
    n_known: int
    accuracy_all: float | None
    accuracy: float | None
    lost: float | None
    lost_interval: tuple[float, float] | None


def stop_trials(
    table: LabelTable, rules: Sequence[tuple[float, int]], *, seed: int
) -> list[StopTrial]:
    """Try stop rules, (certainty, least people) each, on items that two people or more labelled.

    The labels of judges in the table count as given from the start. People's come one by one, in
    ORDERS random orders; the rule is asked after each. How raters err is learnt from all the items,
    as it would be for the work to come; `gold` of the table is used for the accuracy alone, and not
    told to the model.

    The intervals hold what the items vary, and what the rule varies that is learnt from them: a
    little more or less trust in two people who agree can settle all such items or none. So they
    also reach over what DRAWS rules, learnt from items drawn with replacement, do on the items that
    were not drawn, where no item helps to judge itself.

    No rules or no such items: the list is empty.
    """
    judges = np.zeros(table.n_raters, dtype=bool) if table.judges is None else table.judges
    n_people = np.bincount(table.items[~judges[table.raters]], minlength=table.n_items)
    tried = np.flatnonzero(n_people >= 2)
    if not len(tried) or not rules:
        return []
    rng = np.random.default_rng(seed)
    gold = np.full(table.n_items, -1, dtype=np.int64)
    if table.gold is not None:
        gold[:] = table.gold
    untold = replace(table, gold=None)
    found = _Found.empty(len(rules), table.n_items)
    _try(routing_model(untold), untold, tried, rules, gold, ORDERS, rng, found)
    figures = [_figures(found, n, tried, n_people, gold) for n in range(len(rules))]
    drawn: list[list[_Figures]] = [[] for _ in rules]
    for _draw in range(DRAWS):
        times = np.bincount(rng.integers(0, table.n_items, table.n_items), minlength=table.n_items)
        out = tried[times[tried] == 0]
        if not len(out):
            continue
        model = _learn(untold, times)
        once = _Found.empty(len(rules), table.n_items)
        _try(model, untold, out, rules, gold, 1, rng, once)
        for n in range(len(rules)):
            drawn[n].append(_figures(once, n, out, n_people, gold))
    return [
        _trial(rule, figures[n], drawn[n], found, n, tried, n_people, gold)
        for n, rule in enumerate(rules)
    ]


@dataclass(frozen=True)
class _Found:
    """By rule and item: labels taken, whether the answer is another, and whether it is the known
    one; each the mean over the orders. ``right_all`` (n_items,) of the answer by all labels."""

    taken: NDArray[np.float64]
    changed: NDArray[np.float64]
    right: NDArray[np.float64]
    right_all: NDArray[np.float64]

    @classmethod
    def empty(cls, n_rules: int, n_items: int) -> _Found:
        shape = (n_rules, n_items)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(n_items))


@dataclass(frozen=True)
class _Figures:
    saved: float
    changed: float
    lost: float | None


def _learn(table: LabelTable, times: NDArray[np.int64]) -> RoutingModel:
    """The model of the items, each counted so many times; of all where that leaves no labels."""
    judges = np.zeros(table.n_raters, dtype=bool) if table.judges is None else table.judges
    # An item drawn twice is two items with the same labels.
    rows = np.repeat(np.arange(table.n_labels), times[table.items])
    if not (~judges[table.raters[rows]]).any():
        return routing_model(table)
    copy = np.arange(len(rows)) - np.repeat(
        np.cumsum(times[table.items]) - times[table.items], times[table.items]
    )
    _, items = np.unique(
        table.items[rows].astype(np.int64) * (int(times.max()) + 1) + copy, return_inverse=True
    )
    return routing_model(
        LabelTable.from_codes(
            items,
            table.raters[rows],
            table.codes[rows],
            n_classes=table.n_classes,
            n_raters=table.n_raters,
            judges=judges,
        )
    )


def _try(
    model: RoutingModel,
    table: LabelTable,
    here: NDArray[np.int64],
    rules: Sequence[tuple[float, int]],
    gold: NDArray[np.int64],
    orders: int,
    rng: np.random.Generator,
    found: _Found,
) -> None:
    """Let people's labels of the items ``here`` come one by one, and add what each rule does."""
    is_here = np.zeros(table.n_items, dtype=bool)
    is_here[here] = True
    given = table.rows(is_here[table.items])
    people = ~model.judges[given.raters]
    answer = routing_posterior(model, given).argmax(axis=1)
    found.right_all[here] = (answer == gold)[here]
    sizes = np.bincount(given.items[people], minlength=given.n_items)
    for _order in range(orders):
        order = rng.permutation(given.n_labels)
        ranked = order[np.argsort(given.items[order], kind="stable")]
        ranked = ranked[people[ranked]]
        place = np.full(given.n_labels, -1)  # judges come first
        place[ranked] = np.arange(len(ranked)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        waits = np.tile(is_here, (len(rules), 1))
        for so_far in range(1, int(sizes.max(initial=0)) + 1):
            posterior = routing_posterior(model, given.rows(place < so_far))
            said = posterior.argmax(axis=1)
            n_people = np.minimum(sizes, so_far)
            for n, (certainty, least) in enumerate(rules):
                stop = settled(posterior, n_people, certainty=certainty, least_people=least)
                ends = waits[n] & (stop | (sizes <= so_far))
                found.taken[n, ends] += n_people[ends] / orders
                found.changed[n, ends] += (said != answer)[ends] / orders
                found.right[n, ends] += (said == gold)[ends] / orders
                waits[n] &= ~ends


def _figures(
    found: _Found,
    n: int,
    items: NDArray[np.int64],
    n_people: NDArray[np.int64],
    gold: NDArray[np.int64],
) -> _Figures:
    known = items[gold[items] >= 0]
    apart = found.right_all[known] - found.right[n, known]
    return _Figures(
        saved=float(1 - found.taken[n, items].sum() / n_people[items].sum()),
        changed=float(found.changed[n, items].mean()),
        lost=float(apart.mean()) if len(known) else None,
    )


def _trial(
    rule: tuple[float, int],
    figures: _Figures,
    drawn: Sequence[_Figures],
    found: _Found,
    n: int,
    tried: NDArray[np.int64],
    n_people: NDArray[np.int64],
    gold: NDArray[np.int64],
) -> StopTrial:
    total = n_people[tried].astype(float)
    saved = figures.saved
    # A ratio of sums over items: the spread of its residuals gives the error (delta method).
    residual = (total - found.taken[n, tried]) - saved * total
    error = NORMAL_975 * float(np.sqrt((residual**2).sum()) / total.sum())
    known = tried[gold[tried] >= 0]
    interval = None
    if len(known):
        interval = _hull(
            _paired_interval(found.right_all[known] - found.right[n, known]),
            [one.lost for one in drawn if one.lost is not None],
            (-1.0, 1.0),
        )
    return StopTrial(
        certainty=rule[0],
        least_people=rule[1],
        n_items=len(tried),
        n_labels=int(total.sum()),
        saved=saved,
        saved_interval=_hull(
            (saved - error, saved + error), [one.saved for one in drawn], (0.0, 1.0)
        ),
        changed=figures.changed,
        changed_interval=_hull(
            _mean_interval(found.changed[n, tried]), [one.changed for one in drawn], (0.0, 1.0)
        ),
        n_known=len(known),
        accuracy_all=float(found.right_all[known].mean()) if len(known) else None,
        accuracy=float(found.right[n, known].mean()) if len(known) else None,
        lost=figures.lost,
        lost_interval=interval,
    )


def _hull(
    ends: tuple[float, float], drawn: Sequence[float], bounds: tuple[float, float]
) -> tuple[float, float]:
    """The interval by theory and that of the draws, together."""
    low, high = ends
    if drawn:
        percentiles = np.percentile(drawn, [2.5, 97.5])
        low, high = min(low, float(percentiles[0])), max(high, float(percentiles[1]))
    return max(low, bounds[0]), min(high, bounds[1])


def _paired_interval(apart: NDArray[np.float64]) -> tuple[float, float]:
    """Of a mean difference of items right or wrong: two items are added, one won and one lost
    (Bonett and Price, 2012), since few items without a difference do not mean that there is none.
    """
    n = len(apart) + 2
    mean = float(apart.sum() / n)
    squares = float(((apart - mean) ** 2).sum()) + (1 - mean) ** 2 + (1 + mean) ** 2
    error = NORMAL_975 * float(np.sqrt(squares)) / n
    return mean - error, mean + error


def _mean_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Of a mean of shares: Wilson's, for as many items; wider than needed where an item is partly
    changed, never too narrow."""
    n, mean = len(values), float(values.mean())
    if mean in (0.0, 1.0):
        return proportion_interval(round(mean * n), n)
    return wilson(mean, n, NORMAL_975)

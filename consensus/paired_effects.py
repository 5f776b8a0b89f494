"""What a change of an item's wording or form does to a rater's answers, item by item.

Each item was answered twice: as it is and changed. An unbiased rater may be noisy, and answers
differently now and then, but does not drift one way: had the two answers come the other way round,
that would be as likely. So all tests here are of exchanged answers (consensus/exchange.py), exact
whatever the noise, and what they find is a pull and not mere noise.

Intervals are Bonett and Price's for paired answers, on which one imagined item that moved up by a
step and one that moved down are added before the normal interval, with Student's quantile (D.
Bonett and R. Price, Journal of Educational and Behavioral Statistics 37 (2012), 479-488;
exactly theirs where a step is all that an answer can move, but for the quantile).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.exchange import exchange_p
from consensus.intervals import check_confidence, student_quantile

FEWEST = 2


@dataclass(frozen=True)
class Effect:
    """A mean difference over `n` items: `value` with its interval, and the p of no pull at all.

    `n_moved` are the items whose answers differ.
    """

    value: float
    low: float
    high: float
    p: float
    n: int
    n_moved: int


@dataclass(frozen=True)
class OptionEffect:
    """The option whose share of the answers changed most, and by how much (`effect`).

    Over all `n_tried` options together the interval holds and p keeps its level (Bonferroni).
    """

    option: Hashable
    effect: Effect
    n_tried: int


def paired_effect(steps: ArrayLike, unit: float, *, confidence: float = 0.95) -> Effect | None:
    """The mean of whole `steps`, (n,), one an item: how far its answer moved; `unit` is what a step
    is worth. None for fewer than `FEWEST` items.
    """
    moved = np.asarray(steps, dtype=np.int64)
    n = len(moved)
    if n < FEWEST:
        return None
    seen = moved[moved != 0].tolist()
    p = exchange_p(seen, [(step, -step) for step in seen])
    low, high = paired_interval(moved * np.float64(unit), unit, confidence=confidence)
    return Effect(float(moved.mean()) * unit, low, high, p, n, len(seen))


def paired_interval(
    differences: NDArray[np.float64], unit: float, *, confidence: float = 0.95
) -> tuple[float, float]:
    """The interval of the mean of `differences`, (n,), the smallest of which is worth `unit`; it
    holds the mean itself. Raises ValueError for fewer than `FEWEST`.
    """
    check_confidence(confidence)
    n = len(differences)
    if n < FEWEST:
        raise ValueError(f"an interval needs {FEWEST} items at least, not {n}")
    with_two = np.concatenate([differences, [unit, -unit]])
    half = student_quantile(confidence, n - 1) * float(with_two.std()) / math.sqrt(n + 2)
    centre, mean = float(with_two.mean()), float(differences.mean())
    return min(mean, centre - half), max(mean, centre + half)


def option_moved_most(
    plain: Sequence[Hashable], changed: Sequence[Hashable], *, confidence: float = 0.95
) -> OptionEffect | None:
    """The option whose share differs most between the answers to items as they are and changed.

    None for fewer than `FEWEST` items. Options that nobody gave are not looked at: which those are
    is the same whichever way round the answers came.
    """
    if len(plain) < FEWEST:
        return None
    named = sorted({*plain, *changed}, key=repr)
    # Of two options one gains what the other loses: that is one question and not two.
    n_tried = len(named) if len(named) > 2 else 1
    inner = 1 - (1 - confidence) / n_tried
    pairs = list(zip(plain, changed, strict=True))
    steps = {o: [(after == o) - (before == o) for before, after in pairs] for o in named}
    # What one option loses others gain: of equal changes a gain is named.
    most = max(named, key=lambda option: (abs(sum(steps[option])), sum(steps[option])))
    found = paired_effect(steps[most], 1.0, confidence=inner)
    if found is None:
        return None
    tests = [paired_effect(steps[option], 1.0) for option in named]
    least = min(each.p for each in tests if each is not None)
    n_moved = sum(before != after for before, after in pairs)
    effect = Effect(found.value, found.low, found.high, min(1.0, n_tried * least), found.n, n_moved)
    return OptionEffect(most, effect, n_tried)


def extra_changes(
    plain: Sequence[Hashable], changed: Sequence[Hashable], again: Sequence[Hashable]
) -> Effect | None:
    """How much more often the answer differs when something is changed than when the same is asked
    `again`: a difference of two shares. None for fewer than `FEWEST` items.

    The noise of a rater is in both, and so cancels out.
    """
    triples = list(zip(plain, changed, again, strict=True))
    steps = [(there != first) - (here != first) for first, there, here in triples]
    found = paired_effect(steps, 1.0)
    if found is None:
        return None
    n_moved = sum(there != first for first, there, _here in triples)
    return Effect(found.value, found.low, found.high, found.p, found.n, n_moved)


def one_among(
    seen: Sequence[int], others: Sequence[Sequence[int]], unit: float, *, confidence: float = 0.95
) -> Effect | None:
    """How far one rater's values lie above the others' on the same items, in the mean; `unit` is
    what 1 is worth. None for fewer than `FEWEST` items.

    `others` has the values of the other raters of each item, one or more. p is that of the rater
    being no more than one of them.
    """
    if len(seen) < FEWEST:
        return None
    pools = [(value, *rest) for value, rest in zip(seen, others, strict=True)]
    above = np.array(
        [value - sum(rest) / len(rest) for value, rest in zip(seen, others, strict=True)]
    )
    low, high = paired_interval(above * unit, unit, confidence=confidence)
    n_moved = int(np.count_nonzero(above))
    return Effect(
        float(above.mean()) * unit, low, high, exchange_p(seen, pools), len(seen), n_moved
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p made larger for how many were looked at, so that the chance of one false alarm or more
    among them is at most the level. In the order given; NaN counts as not looked at.

    Source: S. Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.
    """
    known = [at for at, p in enumerate(p_values) if not math.isnan(p)]
    adjusted = [math.nan] * len(p_values)
    reached = 0.0
    for rank, at in enumerate(sorted(known, key=lambda at: p_values[at])):
        reached = max(reached, min(1.0, (len(known) - rank) * p_values[at]))
        adjusted[at] = reached
    return adjusted

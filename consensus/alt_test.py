"""The Alternative Annotator Test: may a judge stand in for one of the people?

Source: N. Calderon, R. Reichart and R. Dror, "The Alternative Annotator Test for LLM-as-a-Judge",
ACL 2025. Each person is left out in turn; who is closer to the rest, that person or the judge? The
test is lenient and weak at once, so nothing here says "passed": `consensus.alt_test_power` says
what an epsilon forgives, how often a worse judge gets through, and puts a result into a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.intervals import effective_size, wilson
from consensus.item_draws import item_draws
from consensus.table import LabelTable

Score = Literal["accuracy", "neg_rmse"]
# A judge that beats this share of the people has reached the limit of the test's authors.
LIMIT = 0.5
# Draws are handled in chunks whose largest array holds about this many numbers (32 MB).
_CHUNK = 4_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class AltTest:
    """What the test says of one judge. K people count; None or empty where nobody does.

    epsilon             what a person is docked, as a share of items, 0 to 1
    winning_rate        share of the K people whom the judge beats: its mean difference to them is
                        significantly below epsilon
    winning_interval    ends of its bootstrap interval
    advantage           mean over people of the share of items on which the judge is at least as
                        close to the rest as the person ("average advantage probability")
    advantage_interval  ends of its interval: Wilson's, at the bootstrap's variance
    raters              (K,) rater numbers of the people who count
    skipped             rater numbers of people with fewer than `min_items` such items
    n_items             (K,) items on which each was compared with the judge
    difference          (K,) share of items where the person is closer less that where the judge is
    advantages          (K,) share of items where the judge is at least as close
    p_value             (K,) of the one-sided t-test that the difference is not below epsilon
    beaten              (K,) bool: rejected by Benjamini-Yekutieli at `level`
    epsilons            (E,) and winning_rates (E,): the curve; winning_bands (E, 2): its interval
    epsilon_needed      smallest epsilon at which half of the people are beaten; None: at none
    epsilon_needed_interval  its bootstrap interval; an end is None where half are never beaten
    """

    epsilon: float
    winning_rate: float | None
    winning_interval: tuple[float, float] | None
    advantage: float | None
    advantage_interval: tuple[float, float] | None
    raters: NDArray[np.int64]
    skipped: NDArray[np.int64]
    n_items: NDArray[np.int64]
    difference: NDArray[np.float64]
    advantages: NDArray[np.float64]
    p_value: NDArray[np.float64]
    beaten: NDArray[np.bool_]
    epsilons: NDArray[np.float64]
    winning_rates: NDArray[np.float64]
    winning_bands: NDArray[np.float64]
    epsilon_needed: float | None
    epsilon_needed_interval: tuple[float | None, float | None] | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Each label of a person against the judge's at the same item, row by row.

    `sides` is 1 where the person is strictly closer to the other people of the item, -1 where the
    judge is, 0 where neither. `raters` and `items` are numbers of the table.
    """

    items: NDArray[np.int64]
    raters: NDArray[np.int64]
    sides: NDArray[np.int64]


def alt_test(
    table: LabelTable,
    judge: ArrayLike,
    *,
    epsilon: float,
    score: Score = "accuracy",
    min_items: int = 30,
    level: float = 0.05,
    epsilons: Sequence[float] | None = None,
    n_bootstrap: int = 1000,
    seed: int,
    confidence: float = 0.95,
) -> AltTest:
    """Compare the judge's labels with those of each person of the table.

    `judge` has a class for each item, (n_items,), or -1 where the judge has none; `labels_of` takes
    them out of a table. Raters whom the table knows as judges are left out. Only items with two
    people or more count, and only people with `min_items` of them. `score` says what close means:
    "accuracy" (share of the others who said the same) or "neg_rmse" (for ordered classes, minus the
    root mean square distance of the codes, taken as equally spaced).

    The intervals come from drawing whole items with replacement, with the same people: they say how
    the result would vary over other items of this kind, not over other people. They depend on
    `seed` and on contents, not on any order or name. The curve runs over `epsilons`, by default 0
    to .5 in steps of .01.

    Raises ValueError where a person labelled an item twice, for an epsilon or level outside 0..1,
    `min_items` below 2, `n_bootstrap` below 1 or a confidence outside 0..1.
    """
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must lie in 0..1, not {epsilon}")
    if not 0 < level < 1 or not 0 < confidence < 1:
        raise ValueError("level and confidence must lie between 0 and 1")
    if min_items < 2:
        raise ValueError(f"min_items must be at least 2 for a t-test, not {min_items}")
    if n_bootstrap < 1:
        raise ValueError(f"n_bootstrap must be at least 1, not {n_bootstrap}")
    grid = np.asarray(np.arange(51) / 100 if epsilons is None else epsilons, dtype=np.float64)
    if grid.ndim != 1 or (grid.size and not (grid.min() >= 0 and grid.max() <= 1)):
        raise ValueError("epsilons must be a sequence of numbers in 0..1")

    rows = compare(table, judge, score=score)
    present, tallies = _tallies(rows, table.n_raters)
    counted = tallies.sum(axis=1) >= min_items
    raters, tallies = present[counted], tallies[counted]
    n_items = tallies.sum(axis=1)
    p_value = p_values(tallies, np.array(epsilon))
    beaten = benjamini_yekutieli(p_value, level)
    advantages = (tallies[:, 0] + tallies[:, 1]) / np.maximum(n_items, 1)

    def rate(of: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
        return winning_rates(of, at, level)

    if not len(raters):
        none = np.full(len(grid), np.nan)
        found = (none, np.full((len(grid), 2), np.nan), None, None)
        rates, bands, needed, needed_interval = found
        winning_interval = advantage_interval = None
    else:
        rates = rate(tallies[None], grid[:, None])
        needed = _finite(_smallest_epsilon(tallies[None], rate)[0])
        kept = np.isin(rows.raters, raters)
        draws = item_draws(
            rows.items[kept],
            np.searchsorted(raters, rows.raters[kept]),
            rows.sides[kept] + 1,
            n_kinds=3,
            n_bootstrap=n_bootstrap,
            seed=seed,
        )
        tail = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
        curve = np.concatenate(
            [
                rate(part[:, None], np.append(grid, epsilon)[None, :, None])
                for part in _chunks(draws, len(grid) + 1)
            ]
        )
        bands = np.quantile(curve, tail, axis=0, method="inverted_cdf").T
        winning_interval = (float(bands[-1, 0]), float(bands[-1, 1]))
        bands = bands[:-1]
        advantage_interval = _share_interval(
            float(_advantage(tallies[None])[0]),
            float(np.sort(_advantage(draws)).var()),
            len(np.unique(rows.items[kept])),
            confidence,
        )
        ends = np.quantile(_smallest_epsilon(draws, rate), tail, method="inverted_cdf")
        needed_interval = (_finite(ends[0]), _finite(ends[1]))
    return AltTest(
        epsilon=epsilon,
        winning_rate=float(beaten.mean()) if len(raters) else None,
        winning_interval=winning_interval,
        advantage=float(_advantage(tallies[None])[0]) if len(raters) else None,
        advantage_interval=advantage_interval,
        raters=raters,
        skipped=present[~counted],
        n_items=n_items.astype(np.int64),
        difference=(tallies[:, 2] - tallies[:, 0]) / np.maximum(n_items, 1),
        advantages=advantages,
        p_value=p_value,
        beaten=beaten,
        epsilons=grid,
        winning_rates=rates,
        winning_bands=bands,
        epsilon_needed=needed,
        epsilon_needed_interval=needed_interval,
    )


def labels_of(table: LabelTable, rater: int) -> NDArray[np.int64]:
    """One rater's class of each item, (n_items,); -1 where that rater has no label.

    Raises ValueError for an unknown rater, and where the rater labelled an item twice.
    """
    if not 0 <= rater < table.n_raters:
        raise ValueError(f"rater must lie in 0..{table.n_raters - 1}, not {rater}")
    mine = table.raters == rater
    items = table.items[mine]
    if len(np.unique(items)) < len(items):
        raise ValueError(f"rater {rater} labelled an item more than once")
    labels = np.full(table.n_items, -1, dtype=np.int64)
    labels[items] = table.codes[mine]
    return labels


def compare(table: LabelTable, judge: ArrayLike, *, score: Score = "accuracy") -> Comparison:
    """Who is closer to the other people of an item, for each label of a person; see `alt_test`.

    Rows come for people only, on items with two people or more that the judge has labelled.
    """
    if score not in get_args(Score):
        raise ValueError(f"score must be one of {', '.join(get_args(Score))}, not {score!r}")
    if table.judges is not None:
        table = table.of_raters(~table.judges)
    said = _judge_codes(judge, table)
    pairs = table.items.astype(np.int64) * max(table.n_raters, 1) + table.raters
    if len(np.unique(pairs)) < len(pairs):
        raise ValueError("a person labelled an item more than once: keep one label each")
    people = np.bincount(table.items, minlength=table.n_items)
    kept = (people[table.items] > 1) & (said[table.items] >= 0)
    items = table.items[kept].astype(np.int64)
    own = table.codes[kept].astype(np.int64)
    sides = closer(items, own, said, table.n_classes, score)
    return Comparison(items, table.raters[kept].astype(np.int64), sides)


def closer(
    items: NDArray[np.int64],
    own: NDArray[np.int64],
    said: NDArray[np.int64],
    n_classes: int,
    score: Score,
) -> NDArray[np.int64]:
    """The sides of a `Comparison`: by row k a person gave item `items[k]` the class `own[k]`.

    `said` holds the judge's class of each item. All labels of people of these items must be there,
    two or more an item.
    """
    judged = said[items]
    if score == "accuracy":
        # The others who said the same; the person's own label is not among them.
        counts = np.bincount(items * n_classes + own, minlength=len(said) * n_classes)
        person = counts[items * n_classes + own] - 1
        machine = counts[items * n_classes + judged] - (judged == own)
        return np.asarray(np.sign(person - machine))
    # The sum of squares to the others, judge's less person's, is (l - h)((m - 1)(h + l) - 2S): in
    # whole numbers, so that a tie is a tie.
    people = np.bincount(items, minlength=len(said))
    sums = np.bincount(items, weights=own, minlength=len(said)).astype(np.int64)
    others = sums[items] - own
    return np.asarray(np.sign((judged - own) * ((people[items] - 1) * (own + judged) - 2 * others)))


def benjamini_yekutieli(p_values: ArrayLike, level: float = 0.05) -> NDArray[np.bool_]:
    """Which hypotheses to reject, at a false discovery rate of `level` under any dependence.

    `p_values` has shape (..., K); each row of K is a family of its own. Y. Benjamini and
    D. Yekutieli, Annals of Statistics 29 (2001), 1165-1188.
    """
    p = np.asarray(p_values, dtype=np.float64)
    k = p.shape[-1]
    if k == 0:
        return np.zeros(p.shape, dtype=np.bool_)
    places = np.arange(1, k + 1)
    limits = level * places / (k * (1 / places).sum())
    ordered = np.sort(p, axis=-1)
    last = np.where(ordered <= limits, places, 0).max(axis=-1, keepdims=True)
    cut = np.take_along_axis(ordered, np.maximum(last - 1, 0), axis=-1)
    return np.asarray((last > 0) & (p <= cut))


# --- Steps --------------------------------------------------------------------------------------

Rate = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def winning_rates(
    tallies: NDArray[np.float64], epsilon: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    """Share of people beaten, for tallies (..., K, 3) of judge closer, neither, person closer."""
    return np.asarray(benjamini_yekutieli(p_values(tallies, epsilon), level).mean(axis=-1))


def _judge_codes(judge: ArrayLike, table: LabelTable) -> NDArray[np.int64]:
    codes = np.asarray(judge)
    if codes.shape != (table.n_items,):
        raise ValueError(f"judge must have length {table.n_items}, not shape {codes.shape}")
    if codes.size and not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"judge must hold whole numbers, not {codes.dtype}")
    if codes.size and (int(codes.min()) < -1 or int(codes.max()) >= table.n_classes):
        raise ValueError(f"judge must lie in 0..{table.n_classes - 1}, or be -1 for no label")
    return codes.astype(np.int64)


def _tallies(rows: Comparison, n_raters: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Raters with rows, and for each how often the judge, neither, the person was closer."""
    cells = np.bincount(rows.raters * 3 + rows.sides + 1, minlength=3 * n_raters).reshape(-1, 3)
    present = np.flatnonzero(cells.sum(axis=1))
    return present.astype(np.int64), cells[present].astype(np.float64)


def p_values(tallies: NDArray[np.float64], epsilon: NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values of the one-sided t-tests, (..., K), from tallies (..., K, 3).

    Without variance p is 0 if the difference is below epsilon, else 1. Whoever has fewer than two
    items (which only a bootstrap draw can bring about) counts as not beaten.
    """
    from scipy.special import stdtr  # here, so that the rest does not wait for scipy

    n = tallies.sum(axis=-1)
    safe = np.maximum(n, 2)
    mean = (tallies[..., 2] - tallies[..., 0]) / safe
    squares = tallies[..., 2] + tallies[..., 0]
    variance = np.maximum(squares - safe * mean**2, 0) / (safe - 1)
    constant = tallies.max(axis=-1, initial=0) == n  # in whole numbers: no rounding decides this
    error = np.sqrt(np.where(constant, 1.0, variance) / safe)
    p = np.where(
        constant, np.where(mean < epsilon, 0.0, 1.0), stdtr(safe - 1, (mean - epsilon) / error)
    )
    return np.where(n < 2, 1.0, p)


def _advantage(tallies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over people of the judge's advantage, for tallies (B, K, 3); people drawn only."""
    n = tallies.sum(axis=-1)
    shares = np.where(n > 0, (tallies[..., 0] + tallies[..., 1]) / np.maximum(n, 1), 0.0)
    # Sorted, so that the order of people changes not even the last digit of the sum.
    return np.asarray(np.sort(shares, axis=-1).sum(axis=-1) / np.maximum((n > 0).sum(axis=-1), 1))


def _smallest_epsilon(tallies: NDArray[np.float64], rate: Rate) -> NDArray[np.float64]:
    """Smallest epsilon in 0..1 at which half of the people are beaten, (B,); inf where none is.

    P-values fall as epsilon grows, so the winning rate never falls and halving finds the place.
    """
    low, high = np.zeros(len(tallies)), np.ones(len(tallies))
    at_none = rate(tallies, low[:, None]) >= LIMIT
    never = rate(tallies, high[:, None]) < LIMIT
    for _ in range(24):
        middle = (low + high) / 2
        reached = rate(tallies, middle[:, None]) >= LIMIT
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle)
    return np.where(never, np.inf, np.where(at_none, 0.0, high))


def _chunks(draws: NDArray[np.float64], factor: int) -> list[NDArray[np.float64]]:
    step = max(1, _CHUNK // max(draws[0].size * factor, 1))
    return [draws[start : start + step] for start in range(0, len(draws), step)]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _share_interval(
    share: float, variance: float, n_items: int, confidence: float
) -> tuple[float, float]:
    """Wilson's interval for as many independent items as would give this variance.

    Percentiles of the draws are too narrow near 1, where a good judge is. At 0 or 1, where no draw
    varies, the items count as they are.
    """
    size = effective_size(share, variance, n_items)
    low, high = wilson(share, size, NormalDist().inv_cdf(0.5 + confidence / 2))
    return max(0.0, min(low, share)), min(1.0, max(high, share))

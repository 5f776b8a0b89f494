"""Why raters differ: slips of raters, ambiguity of items, systematic difference between groups.

Definitions, what identifies the parts and what does not are in docs/statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.ambiguity import AmbiguityFit, AmbiguityModel
from consensus.canonical import item_order
from consensus.intervals import check_confidence
from consensus.rater_pairs import PairDifferences, pair_differences
from consensus.table import LabelTable

# To tell slips from ambiguity by the model, a group needs so many items with four raters or more.
# With three, a mixture of slips explains what ambiguity does nearly as well.
MIN_ITEMS_WITH_FOUR = 20

Source = Literal["model", "repeats"]


@dataclass(frozen=True)
class Part:
    """A part of the disagreement and its bootstrap interval; None where undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Disagreement:
    """How often two raters differ, and why. total = rater_error + ambiguity + between.

    total        two raters, each of a group drawn by `weights`, differ on an item
    within       two raters of one group, the group drawn by `weights`
    rater_error, ambiguity  the parts of `within`; None where they cannot be told apart
    between      total - within: half the squared distance between the label shares of two groups.
                 None without groups. Below 0: none to be seen, by chance less than none
    source       what tells slips from ambiguity: "model" or "repeats"
    weights      (n_groups,)
    group_within, group_error, group_ambiguity  (n_groups,): the same within each group; NaN where
                 undefined
    across       (n_groups, n_groups): how often raters of two groups differ; NaN where undefined
    slip         (n_raters,): how often a rater is careless, by the model; NaN where not fitted
    ambiguous    (n_groups, n_items): probability that careful raters of the group are split over
                 the item, by the model; NaN where not fitted
    """

    total: Part
    within: Part
    rater_error: Part
    ambiguity: Part
    between: Part
    source: Source
    weights: NDArray[np.float64]
    group_within: NDArray[np.float64]
    group_error: NDArray[np.float64]
    group_ambiguity: NDArray[np.float64]
    across: NDArray[np.float64]
    slip: NDArray[np.float64]
    ambiguous: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Values:
    """Parts under one weighting of the items; NaN where undefined."""

    group_within: NDArray[np.float64]
    group_ambiguity: NDArray[np.float64]
    across: NDArray[np.float64]

    def parts(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Total, within, rater error, ambiguity, between."""
        there = weights > 0  # a group without labels has nothing to say, not even NaN
        share, mine = weights[there], self.group_within[there]
        within, ambiguity = float(share @ mine), float(share @ self.group_ambiguity[there])
        if len(weights) == 1:
            return np.array([within, within, within - ambiguity, ambiguity, np.nan])
        apart = self.across[np.ix_(there, there)] - (mine[:, None] + mine) / 2
        np.fill_diagonal(apart, 0.0)
        between = float(share @ apart @ share)
        return np.array([within + between, within, within - ambiguity, ambiguity, between])


def disagreement(
    table: LabelTable,
    *,
    groups: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    source: Source = "model",
    n_bootstrap: int = 200,
    confidence: float = 0.95,
    seed: int,
) -> Disagreement:
    """Split the disagreement of random pairs of raters; intervals by drawing whole items.

    `groups`, (n_raters,), numbers groups of raters from 0 (people and judges, two communities);
    without it all are one group. `weights`, one a group, say how likely a rater of the pair comes
    from it; by default the groups' shares of the labels. `source` "model" takes slips and ambiguity
    apart by how disagreement is spread over raters and items (consensus.ambiguity); "repeats" by
    how often a rater contradicts the own earlier label, which needs raters who labelled an item
    more than once. A group of one rater is that rater: it never differs from itself.

    Raises ValueError where groups or weights do not fit, for another `source`, a `confidence`
    outside 0..1 or a negative `n_bootstrap`.
    """
    if source not in ("model", "repeats"):
        raise ValueError(f'source must be "model" or "repeats", not {source!r}')
    check_confidence(confidence)
    if n_bootstrap < 0:
        raise ValueError(f"n_bootstrap must not be negative, not {n_bootstrap}")
    of_rater, n_groups = _checked_groups(table, groups)
    share = _checked_weights(table, of_rater, n_groups, weights)
    pairs = pair_differences(table, of_rater, n_groups)
    models: list[AmbiguityModel | None] = [None] * n_groups
    fits: list[AmbiguityFit | None] = [None] * n_groups
    if source == "model":
        for group in range(n_groups):
            if (pairs.raters[group] >= 4).sum() >= MIN_ITEMS_WITH_FOUR:
                model = AmbiguityModel(table.of_raters(of_rater == group))
                models[group], fits[group] = model, model.fit()
    ones = np.ones(table.n_items)
    found = _values(pairs, fits, ones, source)
    values = found.parts(share)
    draws = np.full((n_bootstrap, len(values)), np.nan)
    order = item_order(table, of_rater)
    filled = pairs.raters.sum(axis=0)[order] > 0
    rng = np.random.default_rng(seed)
    for draw in range(n_bootstrap if filled.any() else 0):
        times = np.zeros(table.n_items)
        times[order[filled]] = rng.multinomial(
            filled.sum(), np.full(filled.sum(), 1 / filled.sum())
        )
        again = [
            None if model is None or fit is None else model.refit(fit, times)
            for model, fit in zip(models, fits, strict=True)
        ]
        draws[draw] = _values(pairs, again, times, source).parts(share)
    total, within, error, ambiguity, between = (
        _part(value, draws[:, at], confidence) for at, value in enumerate(values.tolist())
    )
    slip = np.full(table.n_raters, np.nan)
    ambiguous = np.full((n_groups, table.n_items), np.nan)
    for group, fit in enumerate(fits):
        if fit is not None:
            mine = of_rater == group
            slip[mine], ambiguous[group] = fit.slip[mine], fit.ambiguous
    return Disagreement(
        total=total,
        within=within,
        rater_error=error,
        ambiguity=ambiguity,
        between=between,
        source=source,
        weights=share,
        group_within=found.group_within,
        group_error=found.group_within - found.group_ambiguity,
        group_ambiguity=found.group_ambiguity,
        across=found.across,
        slip=slip,
        ambiguous=ambiguous,
    )


def _values(
    pairs: PairDifferences,
    fits: list[AmbiguityFit | None],
    times: NDArray[np.float64],
    source: Source,
) -> _Values:
    group_within = _weighted_means(pairs.within, times)
    ambiguity = np.full(len(group_within), np.nan)
    for group, fit in enumerate(fits):
        if (pairs.raters[group] > 0).any() and group_within[group] == 0:
            ambiguity[group] = 0.0  # where nobody differs there is nothing to take apart
        elif source == "repeats":
            ambiguity[group] = group_within[group] - _weighted_means(pairs.repeats[group], times)
        elif fit is not None:
            paired = ~np.isnan(pairs.within[group])
            ambiguity[group] = _weighted_means(np.where(paired, fit.split, np.nan), times)
    return _Values(group_within, ambiguity, _weighted_means(pairs.across, times))


def _weighted_means(values: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over the items, the last axis, that are not NaN; NaN where none is left."""
    there = np.where(np.isnan(values), 0.0, times)
    totals = there.sum(axis=-1)
    sums = (np.nan_to_num(values) * there).sum(axis=-1)
    result = np.full(np.shape(totals), np.nan)
    np.divide(sums, totals, out=result, where=totals > 0)
    return np.asarray(result)


def _part(value: float, draws: NDArray[np.float64], confidence: float) -> Part:
    defined = draws[~np.isnan(draws)]
    if np.isnan(value):
        return Part(None)
    if not len(defined):
        return Part(value)
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Part(value, float(low), float(high))


def _checked_groups(table: LabelTable, groups: ArrayLike | None) -> tuple[NDArray[np.int64], int]:
    if groups is None:
        return np.zeros(table.n_raters, dtype=np.int64), 1
    of_rater = np.asarray(groups)
    if of_rater.dtype == np.bool_:
        of_rater = of_rater.astype(np.int64)
    if of_rater.shape != (table.n_raters,) or not np.issubdtype(of_rater.dtype, np.integer):
        raise ValueError(f"groups must be {table.n_raters} whole numbers, one a rater")
    if of_rater.size and int(of_rater.min()) < 0:
        raise ValueError("groups must be numbered from 0")
    return of_rater.astype(np.int64), int(of_rater.max(initial=0)) + 1


def _checked_weights(
    table: LabelTable, of_rater: NDArray[np.int64], n_groups: int, weights: ArrayLike | None
) -> NDArray[np.float64]:
    if weights is None:
        labels = np.bincount(of_rater[table.raters], minlength=n_groups).astype(np.float64)
        return labels / labels.sum() if labels.sum() else np.full(n_groups, 1 / n_groups)
    share = np.asarray(weights, dtype=np.float64)
    if share.shape != (n_groups,) or not (share >= 0).all() or not share.sum() > 0:
        raise ValueError(f"weights must be {n_groups} numbers from 0 up, not all 0")
    return np.asarray(share / share.sum())

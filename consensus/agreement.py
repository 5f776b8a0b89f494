"""How far raters agree: Krippendorff's alpha with an interval, Cohen's kappa, plain shares.

Formulas and sources are in docs/statistics.md. Each measure is None (or NaN in a matrix) where it
is undefined; it is never 0 or 1 for want of data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.table import LabelTable

Level = Literal["nominal", "ordinal", "interval"]

# Draws are handled in chunks whose largest array holds about this many numbers (32 MB).
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha with its bootstrap interval.

    value        alpha, at most 1; 0 is chance, below 0 is worse than chance; None where undefined
    low, high    ends of the interval; None where alpha is undefined or fewer than two items count
    n_items      items with at least two labels: only these count
    n_pairable   labels on those items
    n_undefined  bootstrap draws left out because all their labels were of one class
    level        "nominal", "ordinal" or "interval"
    """

    value: float | None
    low: float | None
    high: float | None
    n_items: int
    n_pairable: int
    n_undefined: int
    level: Level


def krippendorff_alpha(table: LabelTable, *, level: Level = "nominal") -> float | None:
    """Krippendorff's alpha of all raters of the table.

    None where undefined: fewer than two labels share an item, or all those labels are of one class.
    `level` says what a difference between classes is: "nominal" (same or not), "ordinal" (how many
    labels lie between), "interval" (squared distance of the codes, taken as equally spaced).
    Repeats by one rater count like labels of further raters; leave them out beforehand to avoid it.
    """
    patterns, times = _patterns(table, level)
    value = float(_alphas(patterns, times[None, :], level)[0])
    return None if math.isnan(value) else value


def krippendorff_interval(
    table: LabelTable,
    *,
    level: Level = "nominal",
    n_bootstrap: int = 1000,
    seed: int,
    confidence: float = 0.95,
) -> Agreement:
    """Alpha with the percentile interval of `n_bootstrap` draws of whole items, with replacement.

    Items are drawn, not labels, since the labels of one item belong together. Depends on `seed` and
    on the table's contents, not on the order of its rows, items or raters. Draws whose labels are
    all of one class have no alpha; they are left out and counted in `n_undefined`.

    Raises ValueError for a `confidence` outside 0..1 or `n_bootstrap` below 1.
    """
    _check_confidence(confidence)
    if n_bootstrap < 1:
        raise ValueError(f"n_bootstrap must be at least 1, not {n_bootstrap}")
    patterns, times = _patterns(table, level)
    n_items = int(times.sum())
    value = float(_alphas(patterns, times[None, :], level)[0])
    low = high = None
    n_undefined = 0
    if not math.isnan(value) and n_items > 1:
        rng = np.random.default_rng(seed)
        step = max(1, _CHUNK // len(patterns))
        draws = np.concatenate(
            [
                _alphas(
                    patterns,
                    rng.multinomial(n_items, times / n_items, size=min(step, n_bootstrap - done)),
                    level,
                )
                for done in range(0, n_bootstrap, step)
            ]
        )
        defined = draws[~np.isnan(draws)]
        n_undefined = n_bootstrap - len(defined)
        if len(defined):
            tail = (1 - confidence) / 2
            low, high = (float(end) for end in np.quantile(defined, [tail, 1 - tail]))
    return Agreement(
        value=None if math.isnan(value) else value,
        low=low,
        high=high,
        n_items=n_items,
        n_pairable=int(times @ patterns.sum(axis=1)),
        n_undefined=n_undefined,
        level=level,
    )


def _patterns(table: LabelTable, level: Level) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different rows of the item-by-class counts, and how many items have each.

    Only items with two or more labels. Alpha knows an item by its counts alone, so items with equal
    counts are one item that occurs several times: 100,000 items often have a few hundred patterns.
    The patterns come sorted, which makes the draws independent of the order of the items.
    """
    if level not in get_args(Level):
        raise ValueError(f"level must be one of {', '.join(get_args(Level))}, not {level!r}")
    counts = table.counts()
    counts = counts[counts.sum(axis=1) > 1]
    base = int(counts.max(initial=0)) + 1
    if base**table.n_classes >= 2**62:  # too many classes to write a row as one number
        patterns, times = np.unique(counts, axis=0, return_counts=True)
        return patterns, times
    digits = base ** np.arange(table.n_classes, dtype=np.int64)
    keys, times = np.unique(counts @ digits, return_counts=True)
    return keys[:, None] // digits % base, times


def _alphas(
    patterns: NDArray[np.int64], weights: NDArray[np.int64], level: Level
) -> NDArray[np.float64]:
    """Alpha for each row of `weights` (n_draws, n_patterns); NaN where undefined.

    Disagreement of two labels is 1 (nominal) or the squared distance of their values: the codes
    (interval) or the mid-ranks among all labels (ordinal, where they differ from draw to draw).
    """
    rows = patterns.astype(np.float64)
    draws = weights.astype(np.float64)
    sizes = rows.sum(axis=1)  # labels of an item, at least 2
    totals = draws @ rows  # labels of each class, (n_draws, n_classes)
    n = totals.sum(axis=1)
    if level == "nominal":
        within = draws @ ((sizes**2 - (rows**2).sum(axis=1)) / (sizes - 1))
        overall = n**2 - (totals**2).sum(axis=1)
    elif level == "interval":
        values = np.arange(rows.shape[1], dtype=np.float64)
        within = draws @ (2 * (sizes * (rows @ values**2) - (rows @ values) ** 2) / (sizes - 1))
        overall = 2 * (n * (totals @ values**2) - (totals @ values) ** 2)
    else:
        ranks = np.cumsum(totals, axis=1) - totals / 2
        spread = sizes[:, None] * (rows @ (ranks**2).T) - (rows @ ranks.T) ** 2
        within = 2 * np.einsum("dp,pd->d", draws, spread / (sizes - 1)[:, None])
        overall = 2 * (n * (totals * ranks**2).sum(axis=1) - (totals * ranks).sum(axis=1) ** 2)
    result = np.full(len(draws), np.nan)
    defined = (totals > 0).sum(axis=1) > 1
    np.divide((n - 1) * within, overall, out=result, where=defined)
    return 1 - result


def percent_agreement(a_codes: ArrayLike, b_codes: ArrayLike) -> float | None:
    """Share of items to which two raters gave one class; None without items.

    Position k of both sequences is the same item. Raises ValueError where the lengths differ.
    """
    a, b = _paired(a_codes, b_codes)
    return float((a == b).mean()) if a.size else None


def observed_agreement(table: LabelTable) -> float | None:
    """Share of all pairs of labels of one item that name one class; None without such pairs."""
    counts = table.counts()
    sizes = counts.sum(axis=1)
    pairs = int((sizes * (sizes - 1)).sum())
    return int((counts * (counts - 1)).sum()) / pairs if pairs else None


def cohen_kappa(a_codes: ArrayLike, b_codes: ArrayLike, n_classes: int) -> float | None:
    """Cohen's kappa of two raters over the same items, unweighted.

    None where undefined: no items, or both raters gave all of them one and the same class.
    Raises ValueError where lengths differ or a code is not in 0..n_classes-1.
    """
    a, b = _paired(a_codes, b_codes)
    if not a.size:
        return None
    for codes in (a, b):
        if codes.min() < 0 or codes.max() >= n_classes:
            raise ValueError(f"codes must lie in 0..{n_classes - 1}")
    of_a = np.bincount(a, minlength=n_classes)
    of_b = np.bincount(b, minlength=n_classes)
    by_chance = int(of_a @ of_b)  # in whole numbers, so that "certain agreement" is exact
    if by_chance == a.size**2:
        return None
    expected = by_chance / a.size**2
    return float(((a == b).mean() - expected) / (1 - expected))


def pairwise_agreement(table: LabelTable) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each two raters, the share of their shared items on which they agree, and how many.

    Both results have shape (n_raters, n_raters) and are symmetric; the share is NaN where the two
    share no item. Where a rater labelled an item more than once, each pair of labels counts. The
    diagonal compares a rater's repeats with each other, and is NaN for a rater without repeats.
    """
    from scipy import sparse  # here, so that the rest does not wait for scipy

    same = np.zeros((table.n_raters, table.n_raters))
    both = np.zeros((table.n_raters, table.n_raters))
    shape = (table.n_items, table.n_raters)

    def shared(rows: NDArray[np.bool_] | slice) -> NDArray[np.float64]:
        places = (table.items[rows], table.raters[rows])
        named = sparse.coo_array((np.ones(len(places[0])), places), shape=shape).tocsr()
        pairs: NDArray[np.float64] = (named.T @ named).toarray()
        # A label is no pair with itself, and each two repeats are one pair.
        own = np.bincount(places[1], minlength=table.n_raters)
        np.fill_diagonal(pairs, (pairs.diagonal() - own) / 2)
        return pairs

    if table.n_labels:
        both = shared(slice(None))
        for code in range(table.n_classes):
            same += shared(table.codes == code)
    share = np.full(same.shape, np.nan)
    np.divide(same, both, out=share, where=both > 0)
    return share, np.rint(both).astype(np.int64)


def proportion_interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for k out of n; (0.0, 1.0) for n = 0, where nothing is known.

    Raises ValueError where k is not in 0..n or `confidence` not between 0 and 1.
    """
    _check_confidence(confidence)
    if not 0 <= k <= n:
        raise ValueError(f"k must lie in 0..n, but k = {k} and n = {n}")
    if n == 0:
        return 0.0, 1.0
    z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    share = k / n
    centre = share + z2 / (2 * n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n)))
    scale = 1 + z2 / n
    # The formula gives exactly 0 for k = 0 and 1 for k = n; rounding would leave a last digit.
    low = 0.0 if k == 0 else (centre - half) / scale
    high = 1.0 if k == n else (centre + half) / scale
    return low, high


def agreement_key(agreement: Agreement) -> str:
    """Which of these a value is: no_pairs, one_class, chance, low, tentative, reliable.

    The limits .667 and .800 are Krippendorff's. They are customs, not laws.
    """
    if agreement.value is None:
        return "no_pairs" if agreement.n_pairable < 2 else "one_class"
    return _grade(agreement.value)


def agreement_sentence(agreement: Agreement) -> str:
    """What the value means, in plain English; the same words for the same values."""
    key = agreement_key(agreement)
    if key == "no_pairs":
        return "Agreement is not defined yet: no item has labels of two raters."
    if key == "one_class":
        return (
            "Agreement is not defined: all labels name one class, so nobody could have disagreed."
        )
    sentence = _MEANINGS[key]
    if agreement.low is None:
        return f"{sentence} One item is too few for an interval."
    if _grade(agreement.low) != key:
        return f"{sentence} The interval reaches into a lower band: label more items to be sure."
    return sentence


_MEANINGS = {
    "chance": "Raters agree no more than chance would have it: the labels say nothing yet.",
    "low": "Agreement is low: the guideline or the items leave too much open to rely on labels.",
    "tentative": "Agreement is fair: good enough for tentative conclusions, not more.",
    "reliable": "Agreement is high: the labels can be relied on.",
}


def _grade(alpha: float) -> str:
    if alpha >= 0.8:
        return "reliable"
    if alpha >= 0.667:
        return "tentative"
    return "low" if alpha > 0 else "chance"


def _paired(a_codes: ArrayLike, b_codes: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    a, b = np.asarray(a_codes), np.asarray(b_codes)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"both raters need codes of the same items, not {a.shape} and {b.shape}")
    if a.size and not (np.issubdtype(a.dtype, np.integer) and np.issubdtype(b.dtype, np.integer)):
        raise ValueError(
            "codes must be whole numbers; leave out items that one rater did not label"
        )
    return a.astype(np.int64), b.astype(np.int64)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")

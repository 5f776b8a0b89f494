"""Agreement of two raters on ratings or numbers: Pearson, Spearman, and Kendall's tau-b.

Sources: C. Spearman, American Journal of Psychology 15 (1904), 72-101; M. G. Kendall, Biometrika
33 (1945), 239-251 (tau-b); interval by the jackknife on Fisher's z. The formulas are in
docs/statistics/agreement.md.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from consensus.agreement import Agreement
from consensus.concordance import Floats, concordance, differing, sign_sums
from consensus.intervals import check_confidence, share_interval, student_quantile

Correlation = Literal["pearson", "spearman", "kendall_tau_b"]

# Two points always lie on a line, so that fewer say nothing; without one of four, three are left.
_LEAST = 3
_LEAST_FOR_INTERVAL = 4
# Sums of squares below this share of the largest are rounding errors around 0.
_ROUNDING = 1e-12
# Fisher's z is infinite at -1 and 1.
_OPEN = (-1 + 1e-12, 1 - 1e-12)


def correlation(
    a_numbers: ArrayLike, b_numbers: ArrayLike, *, measure: Correlation = "spearman"
) -> float | None:
    """How far two raters order the same items alike, -1 to 1; position k of both is one item.

    "pearson" linear, of the numbers; "spearman" Pearson's of their mid-ranks; "kendall_tau_b" pairs
    of items ordered alike less those ordered otherwise, ties taken out. None where undefined: fewer
    than three items, or a rater who gave all of them one number.

    Raises ValueError where lengths differ, a number is not finite, or for an unknown measure.
    """
    a, b = _paired_numbers(a_numbers, b_numbers, measure)
    if _undefined(a, b) is not None:
        return None
    return _without_each(a, b, measure)[0]


def correlation_interval(
    a_numbers: ArrayLike,
    b_numbers: ArrayLike,
    *,
    measure: Correlation = "spearman",
    confidence: float = 0.95,
) -> Agreement:
    """The correlation with its interval over items; `n` counts the items too.

    The variance of Fisher's z is found by leaving out each item in turn (in closed form), the
    quantile is Student's. Where that says nothing (both orders are one and the same, say) it is
    Wilson's interval of (1 - r) / 2 as a share of the items. Below four items there is none.

    Raises ValueError as `correlation`, and for a `confidence` outside 0..1.
    """
    check_confidence(confidence)
    a, b = _paired_numbers(a_numbers, b_numbers, measure)
    reason = _undefined(a, b)
    value = low = high = None
    if reason is None:
        value, without = _without_each(a, b, measure)
        if len(a) >= _LEAST_FOR_INTERVAL:
            low, high = _interval(value, without, confidence)
    return Agreement(
        measure=measure,
        value=value,
        low=low,
        high=high,
        n_items=len(a),
        n=len(a),
        level="interval" if measure == "pearson" else "ordinal",
        confidence=confidence,
        reason=reason,
    )


def _paired_numbers(a: ArrayLike, b: ArrayLike, measure: str) -> tuple[Floats, Floats]:
    if measure not in get_args(Correlation):
        raise ValueError(f"measure must be one of {', '.join(get_args(Correlation))}")
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(
            f"both raters need numbers of the same items, not {first.shape} and {second.shape}"
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("numbers must be finite; leave out items that one rater did not label")
    order = np.lexsort((second, first))  # so that the order of items changes not even a last digit
    return first[order], second[order]


def _undefined(a: Floats, b: Floats) -> Literal["no_pairs", "few_items", "one_class"] | None:
    if len(a) < _LEAST:
        return "few_items" if len(a) else "no_pairs"
    return "one_class" if np.ptp(a) == 0 or np.ptp(b) == 0 else None


def _without_each(a: Floats, b: Floats, measure: Correlation) -> tuple[float, Floats]:
    """The correlation, and what it is without each item in turn, (n_items,); NaN where undefined.

    All three are a sum of products divided by the root of two sums of squares. What the sums are
    without an item is known from the item's own part in them.
    """
    parts: list[Floats]
    if measure == "pearson":
        a, b = a - a.mean(), b - b.mean()
        more = len(a) / (len(a) - 1)  # without an item, the mean moves as well
        parts = [more * a * b, more * a * a, more * b * b]
        sums = [float(a @ b), float(a @ a), float(b @ b)]
    elif measure == "kendall_tau_b":
        # Sums over ordered pairs, in which an item takes part on either side.
        pairs = [concordance(a, b), differing(a), differing(b)]
        parts = [2 * pair.astype(np.float64) for pair in pairs]
        sums = [float(pair.sum()) for pair in pairs]
    else:
        # Ranks, doubled and around 0, are sums of signs: without an item each loses one sign.
        rank_a, rank_b = -sign_sums(a), -sign_sums(b)
        parts = [
            rank_a * rank_b + sign_sums(b, rank_a) + sign_sums(a, rank_b) - concordance(a, b),
            rank_a**2 + 2 * sign_sums(a, rank_a) - differing(a),
            rank_b**2 + 2 * sign_sums(b, rank_b) - differing(b),
        ]
        sums = [float(rank_a @ rank_b), float(rank_a @ rank_a), float(rank_b @ rank_b)]
    value = float(np.clip(sums[0] / math.sqrt(sums[1] * sums[2]), -1, 1))
    left = [total - part for total, part in zip(sums, parts, strict=True)]
    varied = (left[1] > _ROUNDING * sums[1]) & (left[2] > _ROUNDING * sums[2])
    without = np.full(len(a), np.nan)
    np.divide(left[0], np.sqrt(np.abs(left[1] * left[2])), out=without, where=varied)
    return value, np.clip(without, -1, 1)


def _interval(value: float, without: Floats, confidence: float) -> tuple[float, float]:
    n = len(without)
    # Without that item nothing would be left to correlate: it is taken to change nothing.
    z = np.arctanh(np.clip(np.where(np.isnan(without), value, without), *_OPEN))
    variance = (n - 1) / n * float(((z - z.mean()) ** 2).sum())
    if variance < _ROUNDING:
        low, high = share_interval((1 - value) / 2, n, n, confidence)
        return 1 - 2 * high, 1 - 2 * low
    centre = math.atanh(float(np.clip(value, *_OPEN)))
    reach = student_quantile(confidence, n - 1) * math.sqrt(variance)
    return math.tanh(centre - reach), math.tanh(centre + reach)

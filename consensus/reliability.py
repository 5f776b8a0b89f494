"""Does confidence keep its word? Reliability by bins, calibration error and Brier score.

All with intervals. Sources: Wilson (1927) and C. Clopper and E. Pearson, Biometrika 26 (1934), for
the bins; A. Kumar, P. Liang and T. Ma, NeurIPS 2019, for the bias of the calibration error; T.
Dimitriadis, T. Gneiting and A. Jordan, PNAS 118 (2021), for the parts of the Brier score. Formulas,
and how the intervals were checked, are in docs/statistics/trust.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.calibration import checked_labels, checked_pair
from consensus.intervals import exact_interval, proportion_interval

Interval = Literal["wilson", "exact"]

# A bin below this many labels tells next to nothing: its interval is .4 wide and more.
_LABELS_A_BIN = 20
_MOST_BINS = 10


@dataclass(frozen=True, eq=False, kw_only=True)
class ReliabilityTable:
    """One row for each of B bins of stated confidence, from low to high.

    low, high   (B,) smallest and largest confidence in the bin
    n           (B,) labels in it, at least 1
    n_right     (B,) how many of them are right
    confidence  (B,) their mean stated confidence
    accuracy    (B,) share that is right
    interval    (B, 2) ends of the interval of the accuracy
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: NDArray[np.int64]
    n_right: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    interval: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CalibrationError:
    """Mean distance of confidence and accuracy over bins (ECE); all None without labels.

    plain      as computed, which is above 0 even for perfect confidence
    debiased   less the part that chance adds, not below 0
    low, high  ends of the interval
    n_bins     bins used
    """

    plain: float | None
    debiased: float | None
    low: float | None
    high: float | None
    n_bins: int


@dataclass(frozen=True, kw_only=True)
class Brier:
    """Mean squared distance of confidence to what came out; all None without labels.

    score           0 is perfect; .25 is what a constant .5 gets
    low, high       ends of the interval
    miscalibration  what recalibration would save, at least 0
    discrimination  what telling right from wrong saves over one constant confidence, at least 0
    uncertainty     accuracy times one less accuracy: the score of the best constant.
                    score = miscalibration - discrimination + uncertainty
    """

    score: float | None
    low: float | None
    high: float | None
    miscalibration: float | None
    discrimination: float | None
    uncertainty: float | None


def reliability_table(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    n_bins: int | None = None,
    interval: Interval = "wilson",
    level: float = 0.95,
) -> ReliabilityTable:
    """Bins of as nearly as possible equally many labels; equal confidences share a bin.

    `confidence` (n,) in 0..1 is what was stated of each label, `correct` (n,) whether it was right.
    By default one bin for each 20 labels, at most 10 and at least 1; there are fewer where many
    labels have one confidence. `interval` is Wilson's, or Clopper and Pearson's "exact" one, which
    never covers less than `level` and is wider.

    Raises ValueError for values outside 0..1, other lengths, or fewer than one bin.
    """
    if interval not in get_args(Interval):
        raise ValueError(f"interval must be one of {', '.join(get_args(Interval))}")
    stated, right = checked_pair(confidence, correct)
    n = len(stated)
    wanted = min(_MOST_BINS, max(1, n // _LABELS_A_BIN)) if n_bins is None else n_bins
    if wanted < 1:
        raise ValueError(f"n_bins must be at least 1, not {n_bins}")
    values, which, times = np.unique(stated, return_inverse=True, return_counts=True)
    # A confidence goes to the bin in which the middle of its labels lies.
    middle = np.cumsum(times) - times / 2
    _, bins = np.unique((middle * wanted / max(n, 1)).astype(np.int64), return_inverse=True)
    counts = np.bincount(bins, weights=times).astype(np.int64)
    of_value = np.bincount(which, weights=right, minlength=len(values))
    n_right = np.bincount(bins, weights=of_value).astype(np.int64)
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    ends = np.append(starts[1:], len(values)) - 1
    find = proportion_interval if interval == "wilson" else exact_interval
    intervals = [find(int(k), int(m), level) for k, m in zip(n_right, counts, strict=True)]
    return ReliabilityTable(
        low=values[starts],
        high=values[ends] if len(values) else values,
        n=counts,
        n_right=n_right,
        confidence=np.bincount(bins, weights=values * times) / counts,
        accuracy=n_right / counts,
        interval=np.array(intervals, dtype=np.float64).reshape(-1, 2),
    )


def calibration_error(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    n_bins: int | None = None,
    level: float = 0.95,
) -> CalibrationError:
    """Expected calibration error over equal-mass bins, debiased, with an interval.

    It is the error of the bins' means: confidence that is too high and too low within one bin
    cancels out. The interval needs no draws. Arguments and errors as of `reliability_table`.
    """
    z = _quantile(level)
    table = reliability_table(confidence, correct, n_bins=n_bins, interval="exact", level=level)
    if not len(table.n):
        return CalibrationError(plain=None, debiased=None, low=None, high=None, n_bins=0)
    share = table.n / table.n.sum()
    gap = table.accuracy - table.confidence
    size = np.abs(gap)
    plain = float(share @ size)
    # How far each gap may really be: to the end of the bin's interval on the side of no gap, and
    # to the end further from it. Wilson's ends hold where all or none of a bin are right.
    ends = table.interval
    error = np.abs(table.accuracy - np.where(gap > 0, ends[:, 0], ends[:, 1])) / z
    furthest = np.abs(ends - table.confidence[:, None]).max(axis=1)

    def expected(scale: float) -> tuple[float, float]:
        """Mean and standard deviation of the plain error, if the true gaps were scale * gap."""
        means, variances = _folded(scale * size, error)
        return float(share @ means), math.sqrt(float(share**2 @ variances))

    debiased = max(0.0, 2 * plain - expected(1.0)[0])
    low = min(_lowest(plain, z, expected), debiased)
    high = min(1.0, plain + math.sqrt(float(share**2 @ (furthest - size) ** 2)))
    return CalibrationError(plain=plain, debiased=debiased, low=low, high=high, n_bins=len(table.n))


def brier(confidence: ArrayLike, correct: ArrayLike, *, level: float = 0.95) -> Brier:
    """Brier score of confidences (n,) against whether each label was right (n,), with its parts.

    The parts come from isotonic regression, without bins. With few labels miscalibration and
    discrimination are both too high, by what isotonic regression fits of the noise; their
    difference is not. Raises ValueError as `reliability_table`.
    """
    z = _quantile(level)
    stated, right = checked_pair(confidence, correct)
    n = len(stated)
    if n == 0:
        return Brier(
            score=None,
            low=None,
            high=None,
            miscalibration=None,
            discrimination=None,
            uncertainty=None,
        )
    from scipy.optimize import isotonic_regression

    values, which, times = np.unique(stated, return_inverse=True, return_counts=True)
    shares = np.bincount(which, weights=right) / times
    weights = times.astype(np.float64)

    def mean_score(said: NDArray[np.float64]) -> float:
        return float(weights @ (shares * (1 - said) ** 2 + (1 - shares) * said**2)) / n

    accuracy = float(weights @ shares) / n
    score = mean_score(values)
    recalibrated = mean_score(isotonic_regression(shares, weights=weights).x)
    uncertainty = accuracy * (1 - accuracy)
    low, high = _mean_interval(stated, right, z)
    return Brier(
        score=score,
        low=min(low, score),
        high=max(high, score),
        miscalibration=max(0.0, score - recalibrated),
        discrimination=max(0.0, uncertainty - recalibrated),
        uncertainty=uncertainty,
    )


def top_confidence(
    distributions: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Of distributions (n, n_classes) and true classes (n,): what the first class was given.

    Returns its probability, whether it is the true class, and which rows count, each (n,): a row
    whose first place is tied has made no choice and should be left out.

    Raises ValueError for rows that are no distributions, or labels out of range.
    """
    stated, codes = checked_labels(distributions, labels)
    top = stated.max(axis=1, initial=0.0)
    first = stated >= top[:, None] - 1e-9
    right = stated.argmax(axis=1) == codes if len(stated) else np.zeros(0, dtype=np.bool_)
    return top, np.asarray(right), np.asarray(first.sum(axis=1) == 1)


def reliability_sentence(error: CalibrationError, confidence: float, accuracy: float) -> str:
    """What a calibration error means, in plain English, with mean confidence and accuracy."""
    if error.plain is None or error.low is None or error.high is None:
        return "Nothing is known of the confidence yet: no label can be compared with the truth."
    said = f"Mean confidence is {_percent(confidence)}, and {_percent(accuracy)} are right"
    off = (
        f"on average confidence is off by {_percent(error.debiased or 0.0)} "
        f"(interval {_percent(error.low)} to {_percent(error.high)})"
    )
    if error.low == 0:
        return f"{said}; {off}. That may be chance: the labels do not show that it is off."
    way = "too sure" if confidence > accuracy else "not sure enough"
    return f"{said}; {off}. Overall the judge is {way}: calibrate before using its confidence."


# --- Steps ----------------------------------------------------------------------------------------


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    return NormalDist().inv_cdf(0.5 + level / 2)


def _folded(
    means: NDArray[np.float64], errors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of the size of a normal number (folded normal distribution)."""
    from scipy.special import ndtr

    ratio = np.divide(means, errors, out=np.full_like(means, np.inf), where=errors > 0)
    folded = errors * math.sqrt(2 / math.pi) * np.exp(-(ratio**2) / 2)
    folded += means * (1 - 2 * ndtr(-ratio))
    return folded, np.maximum(means**2 + errors**2 - folded**2, 0.0)


def _lowest(plain: float, z: float, expected: Callable[[float], tuple[float, float]]) -> float:
    """Lower end of the error: the smallest that would not make `plain` surprisingly large.

    The true gaps are taken as those seen, scaled down: at scale 0 this is the test of perfect
    confidence, at large gaps the usual normal interval.
    """

    def reach(scale: float) -> float:
        mean, spread = expected(scale)
        return mean + z * spread

    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if reach(middle) < plain else (low, middle)
    return low * plain


def _mean_interval(
    stated: NDArray[np.float64], right: NDArray[np.float64], z: float
) -> tuple[float, float]:
    """Interval of the mean squared error: Agresti and Coull's, carried over from shares.

    z^2 / 2 labels that are right and as many that are wrong, with the confidences of the sample,
    are added before the normal interval is taken. With one confidence for all it is theirs.
    """
    n, added = len(stated), z * z / 2
    losses = np.sort((stated - right) ** 2)  # so that the order of rows changes no last digit
    if_right, if_wrong = np.sort((1 - stated) ** 2), np.sort(stated**2)
    total = n + 2 * added
    mean = (losses.sum() + added * (if_right.mean() + if_wrong.mean())) / total
    second = (losses**2).sum() + added * ((if_right**2).mean() + (if_wrong**2).mean())
    half = z * math.sqrt(max(float(second / total - mean**2), 0.0) / total)
    return max(0.0, float(mean) - half), min(1.0, float(mean) + half)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"

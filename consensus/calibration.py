"""Turn stated confidence into confidence that can be believed: temperature, Platt, isotonic.

Each map is fitted to labels and drawn towards leaving confidence as it is, so that a handful of
labels does no harm. Sources: J. Platt, "Probabilistic outputs for support vector machines" (1999);
B. Zadrozny and C. Elkan, KDD 2002 (isotonic); C. Guo, G. Pleiss, Y. Sun and K. Weinberger, ICML
2017 (temperature and vector scaling). How well a map does is measured in `consensus.reliability`.
Formulas are in docs/statistics/trust.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Method = Literal["identity", "temperature", "platt", "isotonic"]
METHODS: tuple[Method, ...] = get_args(Method)

# Labels that the prior is worth, for each number that a map has to learn.
PRIOR_LABELS = 5.0
# Stated probabilities are read as no surer than this: no set of labels that people can make tells
# .9999 from more, and the logarithm of 0 is no number to fit with.
FLOOR = 1e-4
# Holds what the labels leave open (slope and intercept of one constant confidence) at the identity.
_RIDGE = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibration:
    """A map from stated to calibrated confidence.

    method     "identity", "temperature", "platt" or "isotonic"
    n_classes  None: maps single confidences, (n,) to (n,). Else maps distributions, (n, n_classes)
               to (n, n_classes)
    n_labels   labels it was fitted to
    slope      temperature: (1,), one over the temperature; platt: (1,), or one for each class
    intercept  platt: (1,), or one for each class
    curves     isotonic: one curve, or one for each class: stated values and what they become
    """

    method: Method
    n_classes: int | None
    n_labels: int
    slope: NDArray[np.float64] | None = None
    intercept: NDArray[np.float64] | None = None
    curves: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...] = field(default=())

    @property
    def temperature(self) -> float | None:
        """One over the slope, infinite where the slope is 0; None for other methods."""
        if self.method != "temperature" or self.slope is None:
            return None
        return float(1 / self.slope[0]) if self.slope[0] > 0 else float("inf")

    def apply(self, stated: ArrayLike) -> NDArray[np.float64]:
        """The calibrated confidences (n,) or distributions (n, n_classes).

        Raises ValueError for the wrong shape, or values that are no probabilities.
        """
        if self.n_classes is None:
            raw = checked_confidence(stated)
        else:
            raw = checked_distributions(stated)
            if raw.shape[1] != self.n_classes:
                raise ValueError(f"{self.n_classes} classes were fitted, not {raw.shape[1]}")
        if self.method == "identity":
            return raw
        columns = _columns(raw)
        if self.method == "isotonic":
            mapped = np.stack(
                [
                    np.interp(column, *curve)
                    for column, curve in zip(columns.T, self.curves, strict=True)
                ],
                axis=1,
            )
            return mapped[:, 0] if self.n_classes is None else _to_one(mapped, raw)
        assert self.slope is not None  # noqa: S101  # both have one
        return _softmax_map(columns, self.slope, self.intercept)


def calibrate(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    method: Method = "platt",
    prior_labels: float | None = None,
) -> Calibration:
    """Fit a map of single confidences, (n,) in 0..1, to whether each label was right, (n,) bool.

    The prior is `prior_labels` made-up labels (5 for each number to learn, by default) with the
    confidences of the sample, right exactly as often as stated: alone, they make every method the
    identity. So without labels the map is the identity, and with few it stays near. Maps never
    turn the order round: where surer labels are right less often, the map is flat.

    Raises ValueError for values outside 0..1, other lengths, or a negative prior.
    """
    stated, truth = checked_pair(confidence, correct)
    return _fit(stated[:, None], truth[:, None], None, method, prior_labels)


def calibrate_distributions(
    distributions: ArrayLike,
    labels: ArrayLike,
    *,
    method: Method = "temperature",
    prior_labels: float | None = None,
) -> Calibration:
    """Fit a map of distributions, (n, n_classes), to the true classes, (n,).

    "temperature" has one number to learn for all classes, "platt" is vector scaling (a slope and
    an intercept for each class), "isotonic" a curve for each class against the rest, brought back
    to a sum of 1. For the rest see `calibrate`.
    """
    stated, codes = checked_labels(distributions, labels)
    return _fit(stated, np.eye(stated.shape[1])[codes], stated.shape[1], method, prior_labels)


def out_of_fold(
    stated: ArrayLike,
    truth: ArrayLike,
    *,
    method: Method,
    n_folds: int = 5,
    prior_labels: float | None = None,
    seed: int,
) -> NDArray[np.float64]:
    """What each row becomes by a map fitted without it, of the shape of `stated`.

    Confidences (n,) with whether right (n,), or distributions (n, n_classes) with classes (n,).
    Folds are drawn within each class of truth, after sorting by content: another order of rows
    changes nothing but which of two identical rows goes where. Pass one row an item: two labels of
    one item in different folds would tell on each other.

    Raises ValueError for fewer than two folds, and as `calibrate`.
    """
    if n_folds < 2:
        raise ValueError(f"n_folds must be at least 2, not {n_folds}")
    single = np.ndim(stated) == 1
    raw, said = (checked_pair if single else checked_labels)(stated, truth)
    folds = _folds(raw, said, n_folds, seed)
    result = raw.copy()
    for fold in range(n_folds):
        inside = folds == fold
        if not inside.any():
            continue
        fit = calibrate if single else calibrate_distributions
        found = fit(raw[~inside], said[~inside], method=method, prior_labels=prior_labels)
        result[inside] = found.apply(raw[inside])
    return result


def best_calibration(
    stated: ArrayLike,
    truth: ArrayLike,
    *,
    methods: Sequence[Method] = METHODS,
    n_folds: int = 5,
    seed: int,
) -> Method:
    """The simplest of the methods whose out-of-fold log loss is as good as the best one's.

    `methods` come in the order of simplicity. "As good" is within one standard error of the paired
    difference: a map has to earn its freedom. Without rows, the first method.

    Raises ValueError without methods, and as `out_of_fold`.
    """
    if not methods:
        raise ValueError("there must be a method to choose from")
    if not np.size(truth):
        return methods[0]
    losses = [
        log_losses(out_of_fold(stated, truth, method=m, n_folds=n_folds, seed=seed), truth)
        for m in methods
    ]
    best = min(losses, key=lambda each: float(np.sort(each).mean()))
    for method, each in zip(methods, losses, strict=True):
        worse = np.sort(each - best)
        if worse.mean() <= worse.std() / np.sqrt(len(worse)):
            return method
    return methods[-1]


def log_losses(stated: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Minus the log of what was stated of the truth, (n,), in nats; at most -log(.0001)."""
    if np.ndim(stated) == 1:
        confidence, right = checked_pair(stated, truth)
        of_truth = np.where(right > 0, confidence, 1 - confidence)
    else:
        distributions, codes = checked_labels(stated, truth)
        of_truth = distributions[np.arange(len(codes)), codes]
    return np.asarray(-np.log(np.maximum(of_truth, FLOOR)))


# --- Checks, which `consensus.reliability` shares -------------------------------------------------


def checked_confidence(values: ArrayLike) -> NDArray[np.float64]:
    confidence = np.array(values, dtype=np.float64)
    if confidence.ndim != 1:
        raise ValueError(f"confidence must be one-dimensional, not of shape {confidence.shape}")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("confidence must lie in 0..1")
    return confidence


def checked_pair(
    confidence: ArrayLike, correct: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Confidences and 0 or 1 for each, both (n,)."""
    stated, right = checked_confidence(confidence), np.asarray(correct)
    if right.shape != stated.shape:
        raise ValueError(f"correct must have shape {stated.shape}, not {right.shape}")
    if not np.isin(right, (0, 1)).all():
        raise ValueError("correct must hold True and False only")
    return stated, right.astype(np.float64)


def checked_distributions(values: ArrayLike) -> NDArray[np.float64]:
    rows = np.array(values, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] < 1:
        raise ValueError(f"distributions must have shape (n, n_classes), not {rows.shape}")
    if not ((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-6)):
        raise ValueError("each distribution must hold shares that sum to 1")
    return rows


def checked_labels(
    distributions: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distributions (n, n_classes) and the true class of each, (n,)."""
    stated, codes = checked_distributions(distributions), np.asarray(labels)
    if codes.shape != (len(stated),):
        raise ValueError(f"labels must have length {len(stated)}, not shape {codes.shape}")
    if codes.size == 0:
        codes = codes.astype(np.int64)
    if not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"labels must hold whole numbers, not {codes.dtype}")
    if codes.size and not (codes.min() >= 0 and codes.max() < stated.shape[1]):
        raise ValueError(f"labels must lie in 0..{stated.shape[1] - 1}")
    return stated, codes.astype(np.int64)


# --- Fitting --------------------------------------------------------------------------------------


def _fit(
    stated: NDArray[np.float64],
    truth: NDArray[np.float64],
    n_classes: int | None,
    method: Method,
    prior_labels: float | None,
) -> Calibration:
    """`stated` and `truth` have shape (n, 1) for single confidences, else (n, n_classes)."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    n, width = stated.shape
    learnt = {"identity": 0, "temperature": 1, "platt": 2 * width, "isotonic": 4}[method]
    prior = PRIOR_LABELS * learnt if prior_labels is None else prior_labels
    if prior < 0:
        raise ValueError(f"prior_labels must not be negative, not {prior}")
    if n == 0 or n_classes == 1 or method == "identity":  # of one class all is said
        return Calibration(method="identity", n_classes=n_classes, n_labels=n)
    # Sums in an order of their own, so that the order of rows changes not even the last digit.
    order = np.lexsort((*stated.T, *truth.T))
    columns = _columns(stated[order])
    # The made-up labels share the rows: each row is one label and prior / n of a label that says
    # what was stated.
    targets = (truth[order] + prior / n * columns) / (1 + prior / n)
    if method == "isotonic":
        curves = tuple(_isotonic(x, y) for x, y in zip(columns.T, targets.T, strict=True))
        return Calibration(method=method, n_classes=n_classes, n_labels=n, curves=curves)
    slope, intercept = _scaling(columns, targets, with_intercept=method == "platt")
    return Calibration(
        method=method, n_classes=n_classes, n_labels=n, slope=slope, intercept=intercept
    )


def _columns(stated: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities no surer than `FLOOR`, (n, 1) or (n, n_classes)."""
    if stated.ndim == 1 or stated.shape[1] == 1:
        return np.clip(stated.reshape(-1, 1), FLOOR, 1 - FLOOR)
    floored = np.maximum(stated, FLOOR)
    return np.asarray(floored / floored.sum(axis=1, keepdims=True))


def _isotonic(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Non-decreasing least squares of y over x; equal x are one point."""
    from scipy.optimize import isotonic_regression  # here, so that the rest need not wait for scipy

    places, which, times = np.unique(x, return_inverse=True, return_counts=True)
    means = np.bincount(which, weights=y) / times
    return places, isotonic_regression(means, weights=times.astype(np.float64)).x


def _scaling(
    columns: NDArray[np.float64], targets: NDArray[np.float64], *, with_intercept: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Slopes of at least 0, and intercepts, that minimise the log loss against soft targets."""
    from scipy.optimize import minimize

    n, width = columns.shape
    n_slopes = width if with_intercept else 1
    scores = _scores(columns)

    def loss(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, intercept = numbers[:n_slopes], numbers[n_slopes:]
        bent = scores * slope + (intercept if with_intercept else 0.0)
        if width == 1:
            log_total = np.logaddexp(0, bent)
            residual = np.exp(bent - log_total) - targets
        else:
            top = bent.max(axis=1, keepdims=True)
            log_total = top + np.log(np.exp(bent - top).sum(axis=1, keepdims=True))
            residual = np.exp(bent - log_total) - targets
        value = float((log_total.sum() - (targets * bent).sum()) / n)
        away = numbers - np.repeat([1.0, 0.0], [n_slopes, len(intercept)])
        by_slope = (residual * scores).sum(axis=0)
        gradient = np.concatenate(
            [
                by_slope if with_intercept else [by_slope.sum()],
                residual.sum(axis=0)[: len(intercept)],
            ]
        )
        return value + _RIDGE * float(away @ away), gradient / n + 2 * _RIDGE * away

    n_numbers = n_slopes + (width if with_intercept else 0)
    start = np.repeat([1.0, 0.0], [n_slopes, n_numbers - n_slopes])
    bounds = [(0.0, None)] * n_slopes + [(None, None)] * (n_numbers - n_slopes)
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-13, "gtol": 1e-9},
    ).x
    return found[:n_slopes], found[n_slopes:] if with_intercept else None


def _scores(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds of single confidences, logs of distributions."""
    if columns.shape[1] == 1:
        return np.asarray(np.log(columns / (1 - columns)))
    return np.asarray(np.log(columns))


def _softmax_map(
    columns: NDArray[np.float64],
    slope: NDArray[np.float64],
    intercept: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    bent = _scores(columns) * slope + (0.0 if intercept is None else intercept)
    if columns.shape[1] == 1:
        return np.asarray(np.exp(bent - np.logaddexp(0, bent))[:, 0])
    grown = np.exp(bent - bent.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def _to_one(mapped: NDArray[np.float64], raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows brought to a sum of 1; where nothing is left, what was stated."""
    totals = mapped.sum(axis=1, keepdims=True)
    return np.where(totals > 0, mapped / np.where(totals > 0, totals, 1.0), raw)


def _folds(
    stated: NDArray[np.float64], truth: NDArray[np.float64 | np.int64], n_folds: int, seed: int
) -> NDArray[np.int64]:
    """A fold for each row: the rows sorted by truth and content are dealt out in rounds."""
    rng = np.random.default_rng(seed)
    n = len(stated)
    rounds = -(-n // n_folds)
    dealt = rng.permuted(np.tile(np.arange(n_folds), (rounds, 1)), axis=1).ravel()[:n]
    folds = np.empty(n, dtype=np.int64)
    folds[np.lexsort((*stated.reshape(n, -1).T, truth))] = dealt
    return folds

"""Judges' labels and known answers together: a combiner that is calibrated on the known answers.

It starts from what is believed without gold and lets the gold correct it, the more so the more gold
there is. The formulas are in docs/statistics/correlated-judges.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.kernel_logistic import (
    Array,
    KernelFit,
    fit_kernel_logistic,
    log_softmax,
    softmax,
)
from consensus.pooled import Votes
from consensus.votes import POSTERIOR_DECIMALS, has_votes

# Prior variances of the logits: by class, and by what was believed before.
_BY_CLASS = 0.1
_BY_BELIEF = 0.05
# Reaches of the kernel, in medians of the distance of two gold items, and its variances. All are
# fitted and averaged by how well they predict gold that was left out.
_REACHES = (0.25, 0.5, 1.0)
_VARIANCES = (0.3, 1.0, 3.0)
_JITTER = 1e-6
# What was believed beforehand enters as a logit; beyond this a probability is as good as certain.
_LEAST = 1e-6
# Standard deviation of the log of the temperature, beforehand.
_TEMPERATURE = 0.15
# Time grows with the cube of the gold items that are learnt from.
_MAX_GOLD = 1000
_CHUNK = 2_000_000


@dataclass(frozen=True, eq=False)
class Combined:
    """Probabilities that have learnt from gold.

    posterior    (n_items, n_classes): a row sums to 1, or is all zero where nothing was believed
                 before. Gold items are predicted like the others here
    learnt_from  (n_used,): the gold items
    left_out     (n_used, n_classes): what is said of each of them without its own gold
    temperature  by which the logits were multiplied to make confidence fit accuracy; 1 is no change
    weight       how much of the average the belief without gold still has, 0 to 1
    """

    posterior: Array
    learnt_from: NDArray[np.int64]
    left_out: Array
    temperature: float
    weight: float


def combine_with_gold(belief: Array, votes: Votes, gold: NDArray[np.integer]) -> Combined:
    """Correct `belief` by what the gold says of items with votes alike.

    belief  (n_items, n_classes): the posterior without gold; zero rows where nothing is known
    votes   of the judges' voices; how alike two items are is how often the same voices say the same
    gold    (n_items,): known classes, -1 elsewhere

    Without gold on items with belief, the belief is returned unchanged.
    Raises ValueError where the shapes do not fit.
    """
    if belief.shape != (len(gold), votes.n_classes) or votes.shares.shape[0] != len(gold):
        raise ValueError("belief, votes and gold must be of the same items and classes")
    believed = has_votes(belief)
    used = _learnt_from(belief, np.flatnonzero(believed & (gold >= 0)))
    if not len(used):
        nothing = np.zeros((0, belief.shape[1]))
        return Combined(belief.copy(), used, nothing, temperature=1.0, weight=1.0)
    offset = np.log(np.maximum(belief, _LEAST))
    known = gold[used].astype(np.int64)
    models = _Models(offset, votes, used)
    fits = models.fits(known)
    weights, left_out = _averaged(fits, offset[used], known)
    temperature = _temperature(left_out, known)
    posterior = np.zeros_like(belief)
    rows = np.flatnonzero(believed)
    step = max(1, _CHUNK // max(len(used), votes.n_voices * votes.n_classes))
    for start in range(0, len(rows), step):
        chunk = rows[start : start + step]
        posterior[chunk] = models.predicted(chunk, fits, weights)
    posterior[believed] = _sharpened(posterior[believed], temperature)
    return Combined(
        posterior=np.round(posterior, POSTERIOR_DECIMALS),
        learnt_from=used,
        left_out=_sharpened(left_out, temperature),
        temperature=temperature,
        weight=float(weights[0]),
    )


class _Models:
    """Kernels between items, for each reach."""

    def __init__(self, offset: Array, votes: Votes, used: NDArray[np.int64]) -> None:
        self.offset = offset
        self.used = used
        self.votes = votes
        number = np.asarray(votes.spoke.sum(axis=0)).ravel()
        totals = np.asarray(votes.shares.sum(axis=0)).reshape(votes.n_voices, votes.n_classes)
        self.usual = totals / np.maximum(number, 1)[:, None]
        self.points = self._points(used)
        distance = self._distance(self.points)
        apart = distance[np.triu_indices(len(used), 1)]
        self.scale = float(np.median(apart[apart > 1e-9])) if (apart > 1e-9).any() else 0.0
        self.centres: list[Array] = []
        self.kernels: list[Array] = []
        for reach in _REACHES if self.scale else ():
            near = np.exp(-distance / (reach * self.scale))
            centre = near.mean(axis=0)
            self.centres.append(centre)
            self.kernels.append(near - centre - centre[:, None] + centre.mean())
        self.linear = self._linear(used)

    def fits(self, known: NDArray[np.int64]) -> list[tuple[int, float, KernelFit]]:
        """Each model: which kernel (-1: none), its variance, the fit."""
        offset = self.offset[self.used]
        jitter = _JITTER * np.eye(len(known))
        plain = fit_kernel_logistic(self.linear + jitter, known, offset)
        if not self.kernels:
            return [(-1, 0.0, plain)]
        fits = []
        for at, kernel in enumerate(self.kernels):
            near = plain.added
            for variance in _VARIANCES:
                whole = variance * kernel + self.linear + jitter
                fits.append((at, variance, fit_kernel_logistic(whole, known, offset, near=near)))
                near = fits[-1][-1].added
        return fits

    def predicted(
        self, rows: NDArray[np.int64], fits: list[tuple[int, float, KernelFit]], weights: Array
    ) -> Array:
        """Average of the models' probabilities, the belief without gold first."""
        offset = self.offset[rows]
        result = weights[0] * softmax(offset)
        linear = self._linear(rows)
        near: list[Array] = []
        if self.kernels:
            distance = self._distance(self._points(rows))
            for reach, centre in zip(_REACHES, self.centres, strict=True):
                own = np.exp(-distance / (reach * self.scale))
                own -= own.mean(axis=1, keepdims=True) + centre - centre.mean()
                near.append(own)
        for weight, (at, variance, fit) in zip(weights[1:], fits, strict=True):
            added = linear @ fit.coefficients
            if at >= 0:
                added += variance * (near[at] @ fit.coefficients)
            result += weight * softmax(offset + added)
        return np.asarray(result)

    def _points(self, rows: NDArray[np.int64]) -> Array:
        """What the voices say of items, as points; a silent voice says what it usually does."""
        said = self.votes.by_voice(rows)
        silent = said.sum(axis=2) == 0
        said += np.where(silent[:, :, None], self.usual, 0.0)
        return said.reshape(len(rows), self.votes.n_voices * self.votes.n_classes)

    def _distance(self, points: Array) -> Array:
        """Mean over voices of 1 - (how far they say the same), to the gold items."""
        own = self.points
        squares = (points**2).sum(axis=1)[:, None] + (own**2).sum(axis=1) - 2 * points @ own.T
        return np.asarray(np.maximum(squares, 0) / max(2 * self.votes.n_voices, 1))

    def _linear(self, rows: NDArray[np.int64]) -> Array:
        own = self.offset[self.used] - self.offset[self.used].mean(axis=1, keepdims=True)
        theirs = self.offset[rows] - self.offset[rows].mean(axis=1, keepdims=True)
        return np.asarray(_BY_CLASS + _BY_BELIEF * theirs @ own.T)


def _learnt_from(belief: Array, gold_items: NDArray[np.int64]) -> NDArray[np.int64]:
    """All gold items, or as many as there is time for, from the surest to the least sure."""
    if len(gold_items) <= _MAX_GOLD:
        return gold_items
    order = np.argsort(belief[gold_items].max(axis=1), kind="stable")
    kept = order[np.linspace(0, len(order) - 1, _MAX_GOLD).round().astype(np.int64)]
    return np.sort(gold_items[kept])


def _averaged(
    fits: list[tuple[int, float, KernelFit]], offset: Array, known: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Weights of the models, the belief without gold first, and the average left-out prediction.

    A model weighs as the root of the probability that it gives to the gold left out; the root,
    since that probability is itself known only roughly. Beforehand the variances (0 is the belief)
    weigh the same.
    """
    logits = [offset, *(fit.left_out for _, _, fit in fits)]
    rows = np.arange(len(known))
    score = np.array([log_softmax(each)[rows, known].sum() for each in logits]) / 2
    score[1:] -= np.log(max(len(fits) / len(_VARIANCES), 1.0))
    weights = softmax(score)
    left_out = np.einsum("m,mic->ic", weights, np.stack([softmax(each) for each in logits]))
    return weights, np.asarray(left_out)


def _temperature(left_out: Array, known: NDArray[np.int64]) -> float:
    """The factor on the logits that makes mean confidence equal accuracy, drawn towards 1.

    Both are those of left-out predictions. The accuracy is known up to its sampling error, the log
    of the factor beforehand up to 0.15.
    """
    from scipy.optimize import minimize_scalar

    top = left_out.max(axis=1)
    leads = left_out >= top[:, None] - 1e-9
    right = float((leads[np.arange(len(known)), known] / leads.sum(axis=1)).mean())
    # One right and one wrong more: the error of few items all right is not zero.
    share = (right * len(known) + 1) / (len(known) + 2)
    error = share * (1 - share) / len(known)

    def loss(log_factor: float) -> float:
        stated = float(_sharpened(left_out, np.exp(log_factor)).max(axis=1).mean())
        return (stated - right) ** 2 / error + (log_factor / _TEMPERATURE) ** 2

    found = minimize_scalar(loss, bounds=(-1, 1), method="bounded", options={"xatol": 1e-9})
    return float(np.exp(np.round(found.x, 6)))


def _sharpened(probability: Array, factor: float) -> Array:
    return softmax(factor * np.log(np.maximum(probability, 1e-300)))

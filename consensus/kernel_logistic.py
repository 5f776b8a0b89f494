"""Multinomial logistic regression with an offset and a Gaussian process prior on what it adds.

Sources: C. E. Rasmussen and C. K. I. Williams, "Gaussian processes for machine learning" (2006),
section 3.5, for the mode; A. Vehtari and others, "Bayesian leave-one-out cross-validation
approximations for Gaussian latent variable models", Journal of Machine Learning Research 17 (2016),
no. 103, for predictions of left-out items without fitting again. The formulas are in
docs/statistics/correlated-judges.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MAX_ROUNDS = 50
_MAX_HALVINGS = 20


@dataclass(frozen=True, eq=False)
class KernelFit:
    """The mode of the posterior.

    coefficients   (n, n_classes): of an item with kernel row k to the n, the logits are its own
                   offset + k @ coefficients
    added          (n, n_classes): kernel @ coefficients, what is added to the offsets of the n
    left_out       (n, n_classes): logits of each of the n as predicted from the others
    objective      log-likelihood and log prior at the mode, after each round; it never falls
    converged      whether it stopped because nothing moved
    """

    coefficients: Array
    added: Array
    left_out: Array
    objective: tuple[float, ...]
    converged: bool


def fit_kernel_logistic(
    kernel: Array,
    classes: NDArray[np.int64],
    offset: Array,
    *,
    near: Array | None = None,
    tolerance: float = 1e-4,
) -> KernelFit:
    """The mode of P(class) = softmax(offset + f), each class's f a Gaussian process of `kernel`.

    kernel   (n, n), symmetric and positive semi-definite
    classes  (n,): the known classes
    offset   (n, n_classes): logits believed beforehand
    near     (n, n_classes): `added` of a fit with a kernel alike, from where fewer rounds are left
    tolerance  a round that gains less is the last. Newton's method gains about the square of it in
               the next, so the default leaves the objective within 1e-8 or so of the mode
    """
    n, n_classes = offset.shape
    target = np.zeros((n, n_classes))
    target[np.arange(n), classes] = 1.0
    coefficients = np.zeros((n, n_classes))
    added = np.zeros((n, n_classes))
    trace = [_objective(coefficients, added, offset, target)]
    if near is not None:  # only a place to look from: a round depends on nothing else
        added = near
    converged = False
    while not converged and len(trace) <= _MAX_ROUNDS:
        probability = softmax(offset + added)
        inverse, total = _inverses(kernel, probability)
        right = probability * (added - (probability * added).sum(axis=1, keepdims=True))
        right += target - probability
        smoothed = kernel @ right
        part = np.stack([inverse[c] @ smoothed[:, c] for c in range(n_classes)], axis=1)
        shift = _solve(total, part.sum(axis=1))
        newton = right - part + np.stack([e @ shift for e in inverse], axis=1)
        step, value = 1.0, -np.inf
        for _ in range(_MAX_HALVINGS):
            tried = coefficients + step * (newton - coefficients)
            following = kernel @ tried
            value = _objective(tried, following, offset, target)
            if value >= trace[-1]:
                break
            step /= 2
        if value < trace[-1]:  # the mode, as far as rounding lets it be seen
            converged = True
            break
        converged = value - trace[-1] < tolerance
        coefficients, added = tried, following
        trace.append(value)
    probability = softmax(offset + added)
    inverse, total = _inverses(kernel, probability)
    left_out = _left_out(kernel, inverse, total, probability, target, offset + added)
    return KernelFit(coefficients, added, left_out, tuple(trace[1:]), converged)


def softmax(logits: Array) -> Array:
    """Probabilities along the last axis."""
    found = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(found / found.sum(axis=-1, keepdims=True))


def log_softmax(logits: Array) -> Array:
    """Log probabilities along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _objective(coefficients: Array, added: Array, offset: Array, target: Array) -> float:
    fit = (log_softmax(offset + added) * target).sum()
    return float(fit - (coefficients * added).sum() / 2)


def _inverses(kernel: Array, probability: Array) -> tuple[list[Array], Array]:
    """For each class (K + D^-1)^-1, D the diagonal of its probabilities, and their sum."""
    from scipy.linalg import lapack

    inverse = []
    for column in probability.T:
        root = np.sqrt(column)
        inner = root[:, None] * kernel * root
        inner[np.diag_indices_from(inner)] += 1.0
        # The transpose of a symmetric matrix is itself, but stored as LAPACK wants it.
        factor, _ = lapack.dpotrf(inner.T, lower=1, overwrite_a=1)
        lower, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
        full = np.tril(lower) + np.tril(lower, -1).T
        inverse.append(root[:, None] * full * root)
    return inverse, np.asarray(sum(inverse))


def _solve(matrix: Array, right: Array) -> Array:
    from scipy.linalg import cho_factor, cho_solve

    return np.asarray(cho_solve(cho_factor(matrix, lower=True), right))


def _left_out(
    kernel: Array,
    inverse: list[Array],
    total: Array,
    probability: Array,
    target: Array,
    logits: Array,
) -> Array:
    """Each item's logits with its own label taken out of the posterior around the mode."""
    n, n_classes = logits.shape
    seen = [e @ kernel for e in inverse]
    solved = [_solve(total, v) for v in seen]
    covariance = np.empty((n, n_classes, n_classes))
    for c in range(n_classes):
        for k in range(c, n_classes):
            value = np.einsum("ri,ri->i", seen[c], solved[k])
            if c == k:
                value += kernel.diagonal() - np.einsum("ri,ri->i", kernel, seen[c])
            covariance[:, c, k] = covariance[:, k, c] = value
    curvature = probability[:, :, None] * (np.eye(n_classes) - probability[:, None, :])
    without = np.linalg.solve(np.eye(n_classes) - covariance @ curvature, covariance)
    return np.asarray(logits - np.einsum("ick,ik->ic", without, target - probability))

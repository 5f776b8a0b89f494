"""EM for all models in which a rater's label depends on nothing but the class of the item.

A model says how raters follow from what they are expected to have said (`Model`); the rounds, the
clamping of gold, the trace and the estimate are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from consensus.ability import around, expected_intervals, share_right
from consensus.blocks import Blocks, Expected
from consensus.estimate import ClassEstimate
from consensus.votes import choose


@dataclass(frozen=True, eq=False)
class Raters:
    """What a model says of classes and raters, as the labels see it.

    log_classes    (n_classes,)
    log_confusion  (n_raters, n_classes, n_classes): [r, k, c], r says c where k is true
    log_prior      what priors add to the log-likelihood: their log density, or for variational
                   methods minus the divergence from them
    confusion      the same as `log_confusion`, in probabilities, to be reported
    """

    log_classes: NDArray[np.float64]
    log_confusion: NDArray[np.float64]
    log_prior: float
    confusion: NDArray[np.float64]


R = TypeVar("R", bound=Raters)


@dataclass(frozen=True, eq=False)
class Fit(Generic[R]):
    """How the rounds went. `expected` is of the posterior that the blocks hold now."""

    expected: Expected
    raters: R
    trace: tuple[float, ...]
    converged: bool


def check_rounds(max_iterations: int, tolerance: float) -> None:
    """Raises ValueError for `max_iterations` below 1 or a negative (or NaN) tolerance."""
    if max_iterations < 1:
        raise ValueError(f"max_iterations must be at least 1, not {max_iterations}")
    if not tolerance >= 0:
        raise ValueError(f"tolerance must not be negative, not {tolerance}")


def fit(
    blocks: Blocks,
    learn: Callable[[Expected], R],
    *,
    max_iterations: int,
    tolerance: float,
    until_still: bool = False,
    start: R | None = None,
) -> Fit[R]:
    """Rounds of `learn` (the M step) and the posterior that follows, until a round changes little.

    Little is a gain of log-likelihood of at most `tolerance` of its size; with `until_still`, that
    no posterior moved by as much as `tolerance`. Starts with the posterior in `blocks`, or with the
    raters `start`, which then make the first round. Without any label or gold there are no rounds.
    """
    trace: list[float] = []
    expected = blocks.expected()
    raters = start or learn(expected)
    converged = not blocks.informed.any()
    while not converged and len(trace) < max_iterations:
        if trace:
            raters = learn(expected)
        expected = blocks.update(raters.log_classes, raters.log_confusion, watch=until_still)
        trace.append(expected.evidence + raters.log_prior)
        if until_still:
            converged = expected.moved < tolerance
        elif len(trace) > 1:
            converged = trace[-1] - trace[-2] <= tolerance * abs(trace[-2])
    return Fit(expected, raters, tuple(trace), converged)


def abilities(
    blocks: Blocks, expected: Expected, prior: tuple[float, float] = (0.5, 0.5)
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Expected share of each rater's labels that is right, (n_raters,), and its 95 % interval."""
    n = expected.counts.sum(axis=(1, 2)).round()
    right = np.einsum("rcc->r", expected.counts)
    variance = np.maximum(right - blocks.squares().sum(axis=1), 0.0)
    return share_right(right, n), expected_intervals(right, variance, n, prior)


def class_estimate(
    method: str, blocks: Blocks, fitted: Fit[R], cautious: Blocks | None = None
) -> ClassEstimate:
    """The estimate that every model of this kind returns.

    `cautious` holds the items as the intervals of abilities are to see them, where not as `blocks`
    does; the ends then are moved so that the ability lies between them.
    """
    choice, tied = choose(blocks.posterior, blocks.informed)
    ability, interval = abilities(blocks, fitted.expected)
    if cautious is not None:
        interval = around(ability, abilities(cautious, cautious.expected())[1])
    return ClassEstimate(
        method=method,
        posterior=blocks.posterior,
        choice=choice,
        tied=tied,
        confusion=fitted.raters.confusion,
        ability=ability,
        ability_interval=interval,
        iterations=len(fitted.trace),
        converged=fitted.converged,
        log_likelihood=fitted.trace,
    )

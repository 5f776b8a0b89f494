"""MACE: a rater either knows the answer or answers from habit.

Source: D. Hovy, T. Berg-Kirkpatrick, A. Vaswani and E. Hovy, "Learning whom to trust with MACE",
NAACL-HLT 2013. The formulas are in docs/statistics/aggregation.md.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from consensus.ability import around
from consensus.blocks import Blocks, Expected
from consensus.estimate import ClassEstimate
from consensus.ibcc import cautious
from consensus.mixture import Fit, Raters, check_rounds, class_estimate, fit
from consensus.shares import log_density, shares
from consensus.table import LabelTable
from consensus.variational import divergence, expected_log

Variant = Literal["vb", "em"]

# A start is taken for better only by more than this share of the bound: starts that end in one
# optimum differ in the last digits, which depend on the order of items and raters.
BETTER = 1e-10


@dataclass(frozen=True, eq=False, kw_only=True)
class MaceEstimate(ClassEstimate):
    """What MACE says of the items, and of how raters answer.

    competence           (n_raters,): probability that the rater knows the answer; NaN for a rater
                         without labels. A rater who does not know may still hit: `ability` is the
                         share of right labels, as for the other methods
    competence_interval  (n_raters, 2): ends of its 95 % interval
    habit                (n_raters, n_classes): what the rater says without knowing
    """

    competence: NDArray[np.float64]
    competence_interval: NDArray[np.float64]
    habit: NDArray[np.float64]


def mace(
    table: LabelTable,
    *,
    seed: int,
    variant: Variant = "vb",
    restarts: int = 10,
    max_iterations: int = 50,
    tolerance: float = 1e-8,
    spread: float = 0.1,
    know_prior: float = 0.5,
    spam_prior: float = 0.5,
    habit_prior: float = 10.0,
    smoothing: float | None = None,
) -> MaceEstimate:
    """The best of `restarts` random starts, each until the gain is at most `tolerance` of its size.

    `variant` "vb" is variational Bayes under Beta(`know_prior`, `spam_prior`) for competence and
    Dirichlet(`habit_prior`, ...) for habits. "em" is EM in which `smoothing` labels are added to
    each expected count (0.01 / n_classes where not given). Classes are equally likely beforehand.
    Items with gold keep it.

    A start gives each rater a competence of about 1/2 and nearly even habits, as shares of draws
    between 1 and 1 + `spread`. A rater's draws depend on `seed`, on the number of the start
    and on what the rater and others said, not on the rater's place: order and names change nothing.

    Raises ValueError for another variant, a prior or smoothing that is not positive, a negative
    tolerance or spread, or `restarts` or `max_iterations` below 1.
    """
    if variant not in get_args(Variant):
        raise ValueError(f"variant must be one of {', '.join(get_args(Variant))}, not {variant!r}")
    smooth = 0.01 / table.n_classes if smoothing is None else smoothing
    if min(know_prior, spam_prior, habit_prior, smooth) <= 0:
        raise ValueError("priors and smoothing must be positive")
    if not spread >= 0:
        raise ValueError(f"spread must not be negative, not {spread}")
    if restarts < 1:
        raise ValueError(f"restarts must be at least 1, not {restarts}")
    check_rounds(max_iterations, tolerance)

    if variant == "vb":
        priors = np.array([know_prior, spam_prior]), np.full(table.n_classes, habit_prior)
    else:
        priors = np.array([smooth, smooth]), np.full(table.n_classes, smooth)
    model = _Model(variant, *priors, spread)
    blocks = Blocks(table)
    support = blocks.support()
    best: Fit[_Habits] | None = None
    for restart in range(restarts):
        start = model.start(support, np.random.default_rng([seed, restart]))
        fitted = fit(
            blocks, model.learn, max_iterations=max_iterations, tolerance=tolerance, start=start
        )
        if best is None or _is_better(fitted, best):
            best = fitted
    assert best is not None  # noqa: S101 - there is at least one start
    if best.trace:  # the blocks hold the posterior of the last start
        again = blocks.update(best.raters.log_classes, best.raters.log_confusion)
        best = replace(best, expected=again)
    return _estimate(model, blocks, best, cautious(table))


def _is_better(new: Fit[_Habits], old: Fit[_Habits]) -> bool:
    return bool(new.trace) and new.trace[-1] - old.trace[-1] > BETTER * abs(old.trace[-1])


@dataclass(frozen=True, eq=False)
class _Habits(Raters):
    """MACE's raters: parameters of Betas (n_raters, 2) and Dirichlets (n_raters, n_classes).

    `hits` is the share of right labels [r, c] that r gave without knowing.
    """

    know: NDArray[np.float64]
    habit: NDArray[np.float64]
    hits: NDArray[np.float64]


class _Model:
    """From expected counts to raters, given the raters under which they were expected (`last`)."""

    last: _Habits

    def __init__(
        self,
        variant: Variant,
        know_prior: NDArray[np.float64],
        habit_prior: NDArray[np.float64],
        spread: float,
    ) -> None:
        self.variant, self.spread = variant, spread
        self.know_prior, self.habit_prior = know_prior, habit_prior

    def start(self, support: NDArray[np.float64], rng: np.random.Generator) -> _Habits:
        """Random raters, alike where they are alike in `support`: about half of the labels count as
        known, and habits are nearly even."""
        n_raters, n_classes, width = support.shape
        n = support[..., 0].sum(axis=1, keepdims=True)
        of_rater = support.sum(axis=1)
        knowing, not_knowing = (self._drawn(rng, of_rater) for _ in range(2))
        known = (knowing / (knowing + not_knowing))[:, None]
        of_both = np.concatenate(
            [support, np.broadcast_to(of_rater[:, None], support.shape)], axis=2
        )
        uneven = self._drawn(rng, of_both.reshape(n_raters * n_classes, 2 * width))
        habit = shares(uneven.reshape(n_raters, n_classes))
        return self._raters(n[:, 0] * known[:, 0], n * (1 - known) * habit)

    def _drawn(
        self, rng: np.random.Generator, features: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """A draw for each row of `features`; equal rows get the same one.

        The different rows are numbered in their own order, so that the order of raters and the
        names of classes decide nothing.
        """
        order = np.lexsort(features.T)
        ordered = features[order]
        new = np.ones(len(features), dtype=np.bool_)
        new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
        number = np.empty(len(features), dtype=np.int64)
        number[order] = np.cumsum(new) - 1
        return rng.uniform(1.0, 1.0 + self.spread, size=int(new.sum()))[number]

    def learn(self, expected: Expected) -> _Habits:
        return self._raters(*split(expected, self.last.hits))

    def _raters(self, knows: NDArray[np.float64], spams: NDArray[np.float64]) -> _Habits:
        know = np.stack([knows, spams.sum(axis=1)], axis=1) + self.know_prior
        habit = spams + self.habit_prior
        mean_know, mean_habit = shares(know), shares(habit)
        if self.variant == "vb":
            log_know, log_habit = expected_log(know), expected_log(habit)
            log_prior = -divergence(know, self.know_prior, log_know)
            log_prior -= divergence(habit, self.habit_prior, log_habit)
        else:
            log_know, log_habit = np.log(mean_know), np.log(mean_habit)
            log_prior = log_density(self.know_prior, log_know)
            log_prior += log_density(self.habit_prior, log_habit)
        knowing, spamming = np.exp(log_know[:, :1]), np.exp(log_know[:, 1:] + log_habit)
        n_classes = len(self.habit_prior)
        self.last = _Habits(
            log_classes=np.full(n_classes, -np.log(n_classes)),
            log_confusion=np.log(_confusion(knowing, spamming)),
            log_prior=log_prior,
            confusion=_confusion(mean_know[:, :1], mean_know[:, 1:] * mean_habit),
            know=know,
            habit=habit,
            hits=spamming / (knowing + spamming),
        )
        return self.last


def split(
    expected: Expected, hits: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many labels raters knew, (n_raters,), and gave from habit, (n_raters, n_classes)."""
    knows = np.einsum("rcc->rc", expected.counts) * (1 - hits)
    spams = np.maximum(expected.counts.sum(axis=1) - knows, 0.0)
    return knows.sum(axis=1), spams


def _confusion(know: NDArray[np.float64], spam: NDArray[np.float64]) -> NDArray[np.float64]:
    """[r, k, c]: `know` (n_raters, 1) where k = c, and `spam` (n_raters, n_classes) anyway."""
    return know[:, :, None] * np.eye(spam.shape[1]) + spam[:, None, :]


def _estimate(
    model: _Model, blocks: Blocks, fitted: Fit[_Habits], careful: Blocks | None
) -> MaceEstimate:
    raters = fitted.raters
    n = fitted.expected.counts.sum(axis=(1, 2)).round()
    knows, spams = split(fitted.expected, raters.hits)
    competence = (knows + model.know_prior[0]) / (n + model.know_prior.sum())
    habit = shares(spams + model.habit_prior)
    plain = class_estimate("mace", blocks, fitted, careful)
    assert plain.ability_interval is not None  # noqa: S101 - class_estimate always has one
    # Right without knowing, as often as habits meet the classes of the rater's items. Where that is
    # always, nothing tells who knows.
    by_habit = (shares(fitted.expected.counts.sum(axis=2)) * habit).sum(axis=1, keepdims=True)
    ends = np.broadcast_to([0.0, 1.0], (len(n), 2)).copy()
    np.divide(plain.ability_interval - by_habit, 1 - by_habit, out=ends, where=by_habit < 1 - 1e-9)
    ends = np.where(n[:, None] > 0, np.clip(ends, 0.0, 1.0), np.nan)
    fields = {field.name: getattr(plain, field.name) for field in dataclasses.fields(plain)}
    return MaceEstimate(
        **fields,
        competence=np.where(n > 0, competence, np.nan),
        competence_interval=around(np.where(n > 0, competence, np.nan), ends),
        habit=np.where(n[:, None] > 0, habit, np.nan),
    )

"""Likelihood of paired comparisons with ties and an order effect, and its maximum by Newton.

Sources: R. A. Bradley and M. E. Terry, Biometrika 39 (1952), 324-345; R. R. Davidson, "On extending
the Bradley-Terry model to accommodate ties", Journal of the American Statistical Association 65
(1970), 317-328; R. R. Davidson and R. J. Beaver, "On extending the Bradley-Terry model to
incorporate within-pair order effects", Biometrics 33 (1977), 693-702.

With x = strength of left - strength of right + order, the odds of left, tie and right are
exp(x / 2) : nu : exp(-x / 2). The log-likelihood is concave in strengths, order and log nu.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from consensus.comparisons import Outcome

_MAX_STEP = 4.0  # log odds; far from the maximum Newton's steps can be absurd


class Parameters(NamedTuple):
    """Strengths (n_items,), order effect and log nu; the last two are ignored where not asked."""

    strength: NDArray[np.float64]
    order: float
    log_tie: float


class Slopes(NamedTuple):
    """Slope of the objective, and minus its curvature as a matrix with a border of two."""

    slope: NDArray[np.float64]  # (n_items + 2,)
    diagonal: NDArray[np.float64]  # (n_items,), of strengths
    met: Any  # sparse (n_items, n_items), what is taken off beside the diagonal
    border: NDArray[np.float64]  # (n_items, 2), of strengths with order and log nu
    corner: NDArray[np.float64]  # (2, 2)


@dataclass(frozen=True, eq=False)
class PairedModel:
    """Comparisons of items that all occur, and what is to be estimated.

    prior  wins, and as many losses, of each item against an item of strength 0; wins and losses of
           the left place; ties, wins and losses between equal items
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    outcomes: NDArray[np.int32]
    n_items: int
    with_order: bool
    with_ties: bool
    prior: float

    @cached_property
    def _rows(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Comparisons as the entries of a sparse matrix: which, columns, starts of the rows."""
        rows = np.concatenate([self.left, self.right])
        columns = np.concatenate([self.right, self.left])
        # Sixteen bits are sorted by their digits, several times faster.
        short = rows.astype(np.uint16) if self.n_items <= 1 << 16 else rows
        order = np.argsort(short, kind="stable")
        starts = np.append(0, np.bincount(rows, minlength=self.n_items).cumsum())
        return order % len(self.left), columns[order], starts

    def start(self) -> Parameters:
        """Log odds of having won, as if all had met the same opponents."""
        wins = np.array([1.0, 0.5, 0.0])[self.outcomes]
        won = np.bincount(self.left, wins, self.n_items)
        won = won + np.bincount(self.right, 1.0 - wins, self.n_items)
        played = np.bincount(self.left, minlength=self.n_items)
        played = played + np.bincount(self.right, minlength=self.n_items)
        strength = np.log((won + 0.5 + self.prior) / (played - won + 0.5 + self.prior))
        n_ties = float((self.outcomes == Outcome.TIE).sum())
        decided = len(self.outcomes) - n_ties
        return Parameters(
            strength - strength.mean(), 0.0, float(np.log((2 * n_ties + 1) / (decided + 1)))
        )

    def value(self, p: Parameters) -> float:
        """Log-likelihood plus log prior, in nats; the prior without its constant."""
        x = self._differences(p)
        signs = 1.0 - self.outcomes
        total = float((signs * x).sum() / 2 - self._log_total(x, p).sum())
        if self.with_ties:
            total += p.log_tie * float((self.outcomes == Outcome.TIE).sum())
        if self.prior:
            total -= 2 * self.prior * float(np.logaddexp(p.strength / 2, -p.strength / 2).sum())
            if self.with_order:
                total -= 2 * self.prior * float(np.logaddexp(p.order / 2, -p.order / 2))
            if self.with_ties:
                total += self.prior * (p.log_tie - 3 * float(np.logaddexp(np.log(2.0), p.log_tie)))
        return total

    def slopes(self, p: Parameters) -> Slopes:
        from scipy import sparse

        n = self.n_items
        x = self._differences(p)
        log_total = self._log_total(x, p)
        up, down = np.exp(x / 2 - log_total), np.exp(-x / 2 - log_total)
        lead = (up - down) / 2
        tied = 1.0 - up - down
        residual = (1.0 - self.outcomes) / 2 - lead
        weight = (up + down) / 4 - lead**2
        crossed = -lead * tied
        slope = np.append(self._per_item(residual), [residual.sum(), 0.0])
        corner = np.array(
            [[weight.sum(), crossed.sum()], [crossed.sum(), (tied * (1 - tied)).sum()]]
        )
        border = np.stack([self._per_item(weight), self._per_item(crossed)], axis=1)
        slope[-1] = (self.outcomes == Outcome.TIE).sum() - tied.sum()
        of_left, of_right = (np.bincount(side, weight, n) for side in (self.left, self.right))
        diagonal: NDArray[np.float64] = np.asarray(of_left + of_right, dtype=np.float64)
        if self.prior:
            half = np.tanh(np.append(p.strength, p.order) / 2)
            slope[:-1] -= self.prior * half
            diagonal += self.prior * (1 - half[:-1] ** 2) / 2
            corner[0, 0] += self.prior * (1 - half[-1] ** 2) / 2
            even = 1 / (1 + 2 * np.exp(-p.log_tie))
            slope[-1] += self.prior * (1 - 3 * even)
            corner[1, 1] += 3 * self.prior * even * (1 - even)
        for at, asked in enumerate((self.with_order, self.with_ties)):
            if not asked:  # a parameter of its own that nothing moves
                slope[n + at] = 0.0
                border[:, at] = corner[at, :] = corner[:, at] = 0.0
                corner[at, at] = 1.0
        which, columns, starts = self._rows
        met = sparse.csr_array((weight[which], columns, starts), shape=(n, n))
        return Slopes(slope, diagonal, met, border, corner)

    def moved(self, step: NDArray[np.float64]) -> float:
        """By how much a step moves the log odds of any comparison, at most."""
        x = self._differences(Parameters(step[:-2], float(step[-2]), 0.0))
        return max(float(np.abs(x).max()), abs(float(step[-1])))

    def _differences(self, p: Parameters) -> NDArray[np.float64]:
        x = p.strength[self.left] - p.strength[self.right]
        return x + p.order if self.with_order else x

    def _log_total(self, x: NDArray[np.float64], p: Parameters) -> NDArray[np.float64]:
        """log(exp(x / 2) + nu + exp(-x / 2)) without overflow."""
        half = np.abs(x) / 2
        rest = np.exp(-2 * half)
        if self.with_ties:
            rest += np.exp(p.log_tie - half)
        return np.asarray(half + np.log1p(rest))

    def _per_item(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of what each item has on the left less what it has on the right."""
        of_left = np.bincount(self.left, rows, self.n_items)
        return np.asarray(of_left - np.bincount(self.right, rows, self.n_items))


def maximise(
    model: PairedModel, max_iterations: int, tolerance: float
) -> tuple[Parameters, list[float], bool]:
    """Newton's method from the log odds of having won; each step is halved until it gains.

    Steps come from conjugate gradients, so that memory grows with the comparisons and not with the
    square of the items. Returns the maximum, the objective of each round, and whether no parameter
    moved by `tolerance` any more.
    """
    p = model.start()
    trace = [model.value(p)]
    for _round in range(max_iterations):
        at = model.slopes(p)
        step = _solved(at, tolerance)
        step *= min(1.0, _MAX_STEP / max(model.moved(step), 1e-300))
        for _halving in range(40):
            trial = Parameters(
                p.strength + step[:-2], p.order + float(step[-2]), p.log_tie + float(step[-1])
            )
            value = model.value(trial)
            # A last digit lost to rounding is no loss.
            if value >= trace[-1] - 1e-13 * abs(trace[-1]):
                break
            step = step / 2
        else:
            return p, trace, False
        p = trial
        trace.append(value)
        if np.abs(step).max() < tolerance:
            return p, trace, True
    return p, trace, False


def _solved(at: Slopes, tolerance: float) -> NDArray[np.float64]:
    """Newton's step by conjugate gradients, scaled by the diagonal."""
    n = len(at.diagonal)

    def times(v: NDArray[np.float64]) -> NDArray[np.float64]:
        upper = at.diagonal * v[:n] - at.met @ v[:n] + at.border @ v[n:]
        return np.concatenate([upper, at.border.T @ v[:n] + at.corner @ v[n:]])

    scale = 1.0 / np.maximum(np.append(at.diagonal, np.diag(at.corner)), 1e-12)
    step = np.zeros(n + 2)
    rest = at.slope.copy()
    scaled = scale * rest
    direction = scaled.copy()
    size = float(rest @ scaled)
    # As exact as is worth while so far from the maximum; exact near it.
    enough = size * min(1e-4, max(size, 1e-16))
    for _round in range(10 * (n + 2)):
        if size <= enough or size < 1e-28:
            break
        moved = times(direction)
        along = size / float(direction @ moved)
        step += along * direction
        rest -= along * moved
        scaled = scale * rest
        size, before = float(rest @ scaled), size
        direction = scaled + (size / before) * direction
    return step

"""GLAD: raters differ in skill and items in difficulty.

Source: J. Whitehill, P. Ruvolo, T. Wu, J. Bergsma and J. Movellan, "Whose vote should count more:
optimal integration of labels from labelers of unknown expertise", NIPS 2009. The formulas are in
docs/statistics/aggregation.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.ability import around
from consensus.blocks import Block, Blocks, posterior_in_place
from consensus.estimate import ClassEstimate
from consensus.ibcc import cautious
from consensus.mixture import abilities, check_rounds
from consensus.table import LabelTable
from consensus.votes import choose

# Steps are made longer by this factor as long as the log-likelihood rises.
STRETCH = 1.3
# Below such a gain the height of an item is known no better than to its last digits.
NOISE = 1e-11


@dataclass(frozen=True, eq=False, kw_only=True)
class GladEstimate(ClassEstimate):
    """What GLAD says of items and raters: r is right on i with probability
    1 / (1 + exp(-skill[r] / difficulty[i])).

    skill       (n_raters,): 0 is guessing among two, negative is worse; NaN without labels
    difficulty  (n_items,): above 0; large is hard; NaN without labels
    """

    skill: NDArray[np.float64]
    difficulty: NDArray[np.float64]


def glad(
    table: LabelTable,
    *,
    max_iterations: int = 500,
    tolerance: float = 1e-7,
    skill_mean: float = 1.0,
    skill_sd: float = 1.0,
    ease_mean: float = 1.0,
    ease_sd: float = 1.0,
) -> GladEstimate:
    """EM from the prior means until the log-likelihood gains at most `tolerance` of its size.

    Skill has a normal prior with `skill_mean` and `skill_sd`, minus the log of difficulty one with
    `ease_mean` and `ease_sd`. Classes are equally likely beforehand; errors fall evenly on the
    other classes. `log_likelihood` includes the log priors, without their constants. Items with
    gold keep it.

    Raises ValueError for a standard deviation that is not positive, a mean that is not finite, a
    negative tolerance, or `max_iterations` below 1.
    """
    if not (skill_sd > 0 and ease_sd > 0):
        raise ValueError("standard deviations must be positive")
    if not (math.isfinite(skill_mean) and math.isfinite(ease_mean)):
        raise ValueError("means must be finite")
    check_rounds(max_iterations, tolerance)
    priors = _Priors(skill_mean, skill_sd**-2, ease_mean, ease_sd**-2)
    blocks = Blocks(table)
    cells = [_cells(block, table.n_classes) for block in blocks.blocks]
    point = plain = following = _Point(
        np.full(table.n_raters, skill_mean), np.full(table.n_items, ease_mean)
    )
    trace: list[float] = []
    converged = not blocks.informed.any()
    stretch = 1.0
    while not converged and len(trace) < max_iterations:
        evidence, better = _round(blocks, cells, following, priors)
        log_likelihood = evidence + priors.log_density(following)
        gain = log_likelihood - trace[-1] if trace else math.inf
        if gain < 0 and stretch > 1:  # too far: the plain step from here cannot fall
            following, stretch = plain, 1.0
            continue
        trace.append(log_likelihood)
        small = len(trace) > 1 and gain <= tolerance * abs(trace[-2])
        converged = small and stretch == 1
        stretch = 1.0 if small else stretch * STRETCH
        point, plain = following, better
        following = point.towards(plain, stretch)
    return _estimate(blocks, point, tuple(trace), cautious(table), converged=converged)


@dataclass(frozen=True, eq=False)
class _Point:
    """Skills (n_raters,) and eases (n_items,), the logs of 1 / difficulty."""

    skill: NDArray[np.float64]
    ease: NDArray[np.float64]

    def towards(self, other: _Point, stretch: float) -> _Point:
        """So many times the way from here to there."""
        if stretch == 1:
            return other
        return _Point(
            self.skill + stretch * (other.skill - self.skill),
            self.ease + stretch * (other.ease - self.ease),
        )


@dataclass(frozen=True)
class _Priors:
    """Means and precisions (1 / variance) of the normal priors."""

    skill: float
    of_skill: float
    ease: float
    of_ease: float

    def log_density(self, point: _Point) -> float:
        skills = ((point.skill - self.skill) ** 2).sum() * self.of_skill
        eases = ((point.ease - self.ease) ** 2).sum() * self.of_ease
        return float(-(skills + eases) / 2)

    def better_ease(
        self, ease: NDArray[np.float64], slope: NDArray[np.float64], bend: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """A Newton step up slope * e^ease - bend * e^(2 ease) + log prior, item by item.

        A step that would fall is halved until it does not, or else not taken.
        """
        scale = np.exp(ease)
        gradient = (slope - 2 * bend * scale) * scale - self.of_ease * (ease - self.ease)
        curvature = (4 * bend * scale - slope) * scale + self.of_ease
        step = np.clip(gradient / np.maximum(curvature, self.of_ease), -1.0, 1.0)
        at = np.flatnonzero(gradient * step > NOISE)
        for last in [False] * 6 + [True]:
            now, then = (
                self._height(of, slope[at], bend[at]) for of in (ease[at], ease[at] + step[at])
            )
            at = at[then < now]
            if not len(at):
                break
            step[at] *= 0 if last else 0.5
        return np.asarray(ease + step)

    def _height(
        self, ease: NDArray[np.float64], slope: NDArray[np.float64], bend: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        scale = np.exp(ease)
        log_prior = -self.of_ease / 2 * (ease - self.ease) ** 2
        return np.asarray((slope - bend * scale) * scale + log_prior)


def _cells(block: Block, n_classes: int) -> NDArray[np.int64]:
    """Which cell of the block's posterior, (n, n_classes) in one row, each label names."""
    items = np.repeat(np.arange(block.votes.shape[0]), np.diff(block.votes.indptr))
    items *= n_classes
    items += block.votes.indices % n_classes
    return items


def _round(
    blocks: Blocks, cells: list[NDArray[np.int64]], point: _Point, priors: _Priors
) -> tuple[float, _Point]:
    """The posterior at a point, its evidence, and a better point.

    With x = skill / difficulty and q the probability that a label is right, the expected log
    likelihood of a label is (q - 1/2) x - log(2 cosh(x / 2)). The last term lies above a parabola
    that touches it at the present x (Jaakkola and Jordan, 2000): ease and then skill are moved up
    the sum with the parabolas in its place, which cannot lower the likelihood.
    """
    n_classes, n_raters = blocks.n_classes, blocks.n_raters
    log_errors = math.log(max(1, n_classes - 1))
    skill = np.repeat(point.skill, n_classes)
    ease = np.empty_like(point.ease)
    pull, weight = np.zeros(len(skill)), np.zeros(len(skill))
    evidence = 0.0
    for block, named in zip(blocks.blocks, cells, strict=True):
        shape = block.votes.shape[0], n_classes
        old = point.ease[block.items]
        logit = skill[block.votes.indices]
        logit *= np.repeat(np.exp(old), np.diff(block.votes.indptr))
        by_cell = np.bincount(named, logit + log_errors, minlength=shape[0] * n_classes)
        scores: NDArray[np.float64] = np.array(by_cell.reshape(shape).T, np.float64, order="C")
        evidence += posterior_in_place(scores, block)
        evidence -= (shape[0] - len(block.unknown)) * math.log(n_classes)
        rows = blocks.posterior[block.items]
        rows[...] = scores.T

        size = np.abs(logit)
        one_more = np.exp(-size)  # becomes 1 + exp(-|x|)
        bends = np.subtract(1.0, one_more)
        one_more += 1.0
        evidence -= float(np.maximum(logit, 0.0).sum()) + _log_product(one_more)
        evidence -= len(logit) * log_errors
        size *= one_more
        size *= 4
        bends = np.divide(bends, size, out=np.full(len(size), 0.125), where=size > 1e-6)
        surplus = rows.reshape(-1)[named]
        surplus -= 0.5

        surpluses, parabolas = _like(block.votes, surplus), _like(block.votes, bends)
        ease[block.items] = priors.better_ease(old, surpluses @ skill, parabolas @ skill**2)
        scale = np.exp(ease[block.items])
        pull += surpluses.T @ scale
        weight += parabolas.T @ scale**2
    pull, weight = (each.reshape(n_raters, n_classes).sum(axis=1) for each in (pull, weight))
    better = (pull + priors.skill * priors.of_skill) / (2 * weight + priors.of_skill)
    return evidence, _Point(better, ease)


def _like(votes: Any, values: NDArray[np.float64]) -> Any:
    """The votes with these values in place of ones."""
    return type(votes)((values, votes.indices, votes.indptr), shape=votes.shape)


def _log_product(values: NDArray[np.float64]) -> float:
    """Sum of the logs of values between 1 and 2, with one logarithm for 512 of them."""
    whole = len(values) // 512 * 512
    products = values[:whole].reshape(512, -1).prod(axis=0)
    return float(np.log(products).sum() + np.log(values[whole:]).sum())


def _estimate(
    blocks: Blocks,
    point: _Point,
    trace: tuple[float, ...],
    careful: Blocks | None,
    *,
    converged: bool,
) -> GladEstimate:
    """The intervals of abilities span those of `careful` too, which knows of no difficulty."""
    choice, tied = choose(blocks.posterior, blocks.informed)
    expected = blocks.expected()
    ability, interval = abilities(blocks, expected)
    if careful is not None:
        other = abilities(careful, careful.expected())[1]
        interval = around(other[:, 1], around(other[:, 0], interval))
    active = expected.counts.any(axis=(1, 2))
    labelled = np.zeros(len(point.ease), dtype=np.bool_)
    for block in blocks.blocks:
        labelled[block.items] = np.diff(block.votes.indptr) > 0
    return GladEstimate(
        method="glad",
        posterior=blocks.posterior,
        choice=choice,
        tied=tied,
        ability=ability,
        ability_interval=interval,
        iterations=len(trace),
        converged=converged,
        log_likelihood=trace,
        skill=np.where(active, point.skill, np.nan),
        difficulty=np.where(labelled, np.exp(-point.ease), np.nan),
    )

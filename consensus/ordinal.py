"""Ratings: a latent value of each item, and severity and discrimination of each rater, together.

Sources: F. Samejima, Psychometrika Monograph 17 (1969), the graded response model; R. D. Bock and
M. Aitkin, "Marginal maximum likelihood estimation of item parameters: application of an EM
algorithm", Psychometrika 46 (1981), 443-459. Formulas and priors are in docs/statistics.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.accelerated import climb
from consensus.estimate import OrdinalEstimate
from consensus.graded import (
    NARROWEST,
    averaged_chances,
    graded,
    log_chances,
    rater_slopes,
    rater_steps,
    threshold_steps,
)
from consensus.grid import quantiles, shares_below
from consensus.ordinal_parameters import (
    ITEMS_LOG_STEEPNESS,
    MEAN_LOG_STEEPNESS,
    MEAN_WIDTH,
    STEEPEST,
    Parameters,
    Priors,
)
from consensus.table import LabelTable
from consensus.votes import abilities, choose, normalise_scores, vote_matrix

# The values of items are standard normal, on a grid of this many points from -_REACH to _REACH.
_POINTS, _REACH = 61, 4.5
# Rounds with raters averaged: until nothing that raters share moves by more, or so many.
_STILL, _MOST_AVERAGED = 1e-3, 50
# A vote matrix with more of its cells filled than this is no longer kept as a sparse one.
_FULL = 1 / 6
# Items handled at once: bounds the memory of a round.
_CHUNK = 50_000


def ordinal(
    table: LabelTable,
    *,
    ability_spread: float = 0.5,
    bias_spread: float = 0.5,
    class_prior: float = 0.5,
    max_iterations: int = 500,
    tolerance: float = 1e-8,
) -> OrdinalEstimate:
    """EM for the graded response model, until a round gains less than `tolerance` a label.

    Classes are ordered by their codes. An item has a value x, standard normal over the items. Rater
    j labels it by the class in which x + bias_j + noise falls, the classes being cut by thresholds
    that all raters share; the noise is logistic with scale 1 / discrimination_j. `posterior` is the
    probability that x itself lies in the class: what a rater without bias and noise would say.
    `confusion` is averaged over the items of a class. Known classes (`table.gold`) are clamped.

    Priors keep few labels from running away: log discriminations are normal about their common mean
    with `ability_spread`, biases are normal about 0 with `bias_spread` (both in units of the items'
    standard deviation), and each class has `class_prior` items more. The objective is the log
    evidence of the labels plus the log priors. From its maximum, further rounds average over what
    each rater's discrimination and bias may be, as posterior, error and interval do in the end; the
    thresholds they take as known.

    Raises ValueError for fewer than two classes, a spread that is not positive, a negative
    `class_prior` or tolerance, or `max_iterations` below 1.
    """
    if table.n_classes < 2:
        raise ValueError("ratings need at least two classes")
    if min(ability_spread, bias_spread) <= 0:
        raise ValueError("spreads must be positive")
    if min(class_prior, tolerance) < 0:
        raise ValueError("class_prior and tolerance must not be negative")
    if max_iterations < 1:
        raise ValueError(f"max_iterations must be at least 1, not {max_iterations}")
    votes, known = _votes(table)
    points = np.linspace(-_REACH, _REACH, _POINTS)
    weights = -(points**2) / 2
    weights -= np.log(np.exp(weights).sum())
    rated = np.bincount(table.raters, minlength=table.n_raters) > 0
    priors = Priors(ability_spread, bias_spread, class_prior, rated)
    p = _start(table)
    trace: list[float] = []
    converged = not len(known)
    if len(known):
        their_votes = _filled(votes[known])

        def with_prior(at: Parameters) -> tuple[NDArray[np.float64], float]:
            counts, evidence = _expected(their_votes, _by_label(at, points), weights, table)
            return counts, evidence + priors.log_density(at)

        p, trace, converged = climb(
            p,
            with_prior,
            lambda at, counts: _improved(at, counts, points, priors),
            packed=Parameters.packed,
            unpacked=p.unpacked,
            max_iterations=max_iterations,
            least_gain=tolerance * max(1, table.n_labels),
        )
    if len(known):
        p = _with_doubt(table, votes, known, p, points, weights, priors)
    return _estimate(table, votes, known, p, points, weights, priors, trace, converged=converged)


def _with_doubt(
    table: LabelTable,
    votes: Any,
    known: NDArray[np.int64],
    p: Parameters,
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    priors: Priors,
) -> Parameters:
    """Further rounds, in which items see raters averaged over what they may be.

    At the maximum, few labels a rater are explained by the raters' own numbers, so that raters seem
    less noisy than they are, as a variance does when it is not divided by its degrees of freedom.
    Where raters have many labels the first round moves nothing.
    """
    for _round in range(_MOST_AVERAGED):
        by_label = _averaged(table, votes, _by_label(p, points), p, points, weights, priors)
        counts, _ = _expected(votes[known], by_label, weights, table)
        new = _improved(p, counts, points, priors)
        moved = max(
            float(np.abs(new.thresholds - p.thresholds).max()),
            abs(new.mean_log_steepness - p.mean_log_steepness),
        )
        p = new
        if moved < _STILL:
            break
    return p


def _votes(table: LabelTable) -> tuple[Any, NDArray[np.int64]]:
    """The vote matrix with gold as the labels of one more rater, and the items that have any."""
    gold = np.full(table.n_items, -1) if table.gold is None else table.gold
    given = np.flatnonzero(gold >= 0)
    votes = vote_matrix(
        LabelTable(
            np.concatenate([table.items, given]),
            np.concatenate([table.raters, np.full(len(given), table.n_raters)]),
            np.concatenate([table.codes, gold[given]]),
            table.n_items,
            table.n_raters + 1,
            table.n_classes,
        )
    )
    return votes, np.flatnonzero(np.diff(votes.indptr))


def _filled(votes: Any) -> Any:
    """The same votes, written out where most raters labelled most items: then that is faster."""
    cells = votes.shape[0] * votes.shape[1]
    return votes.toarray() if votes.nnz > _FULL * cells else votes


def _start(table: LabelTable) -> Parameters:
    """Thresholds where the labels' shares cut a normal curve; all raters alike."""
    from scipy.special import ndtri

    totals = np.bincount(table.codes, minlength=table.n_classes) + 0.5
    cuts = np.asarray(ndtri(totals.cumsum()[:-1] / totals.sum()))
    return Parameters(
        thresholds=cuts * np.sqrt(2.0),  # labels spread about twice as widely as items
        log_steepness=np.full(table.n_raters, MEAN_LOG_STEEPNESS),
        bias=np.zeros(table.n_raters),
        mean_log_steepness=MEAN_LOG_STEEPNESS,
    )


def _with_gold(p: Parameters) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.append(p.log_steepness, STEEPEST), np.append(p.bias, 0.0)


def _by_label(p: Parameters, points: NDArray[np.float64]) -> NDArray[np.float64]:
    chances = log_chances(p.thresholds, points, *_with_gold(p))
    return chances.reshape(-1, len(points))


def _expected(
    votes: Any,
    by_label: NDArray[np.float64],
    weights: NDArray[np.float64],
    table: LabelTable,
) -> tuple[NDArray[np.float64], float]:
    """Expected labels (n_raters + 1, n_classes, n_points), and the log evidence of all items."""
    counts = np.zeros_like(by_label)
    evidence = 0.0
    for start in range(0, votes.shape[0], _CHUNK):
        part = votes[start : start + _CHUNK]
        posterior, log_evidence = normalise_scores(np.asarray(part @ by_label) + weights)
        counts += part.T @ posterior
        evidence += float(log_evidence.sum())
    return counts.reshape(table.n_raters + 1, table.n_classes, -1), evidence


def _improved(
    p: Parameters, counts: NDArray[np.float64], points: NDArray[np.float64], priors: Priors
) -> Parameters:
    """One scoring step of the raters, then one of the thresholds; neither may lose anything."""
    p = _raters_improved(p, counts[:-1], points, priors)
    rated = p.log_steepness[priors.rated]
    precision = len(rated) / priors.ability_spread**2
    mean = rated.sum() / priors.ability_spread**2 + MEAN_LOG_STEEPNESS / MEAN_WIDTH**2
    p.mean_log_steepness = float(mean / (precision + 1 / MEAN_WIDTH**2))
    return _thresholds_improved(p, counts, points, priors)


def _raters_improved(
    p: Parameters, counts: NDArray[np.float64], points: NDArray[np.float64], priors: Priors
) -> Parameters:
    def value(trial: Parameters) -> NDArray[np.float64]:
        chances = log_chances(trial.thresholds, points, trial.log_steepness, trial.bias)
        return np.asarray((counts * chances).sum(axis=(1, 2)) + priors.of_raters(trial))

    at = graded(p.thresholds, points, p.log_steepness, p.bias)
    slope, information = rater_steps(counts, at, np.exp(p.log_steepness))
    widths = np.array([priors.ability_spread, priors.bias_spread]) ** -2.0
    away = np.stack([p.log_steepness - p.mean_log_steepness, p.bias], axis=1)
    slope -= away * widths
    held = (p.log_steepness >= STEEPEST) & (slope[:, 0] > 0)
    information[held, 0, 1] = information[held, 1, 0] = 0.0  # the bias moves alone
    step = np.asarray(np.linalg.solve(information + np.diag(widths), slope[..., None]))[..., 0]
    step *= np.minimum(1.0, 1.0 / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-300))
    step[~priors.rated] = 0.0

    def moved(step: NDArray[Any]) -> Parameters:
        steeper = np.minimum(p.log_steepness + step[:, 0], STEEPEST)
        return Parameters(p.thresholds, steeper, p.bias + step[:, 1], p.mean_log_steepness)

    before = value(p)
    for _halving in range(12):
        worse = value(moved(step)) < before
        if not worse.any():
            break
        step[worse] /= 2
    else:
        step[worse] = 0.0
    return moved(step)


def _thresholds_improved(
    p: Parameters, counts: NDArray[np.float64], points: NDArray[np.float64], priors: Priors
) -> Parameters:
    log_steepness, bias = _with_gold(p)

    def value(thresholds: NDArray[np.float64]) -> float:
        chances = log_chances(thresholds, points, log_steepness, bias)
        return float((counts * chances).sum()) + priors.of_thresholds(thresholds)

    at = graded(p.thresholds, points, log_steepness, bias)
    slope, information = threshold_steps(counts, at, np.exp(log_steepness))
    pseudo = np.full((1, len(p.thresholds) + 1, 1), priors.class_prior)
    items = np.array([ITEMS_LOG_STEEPNESS])
    more = threshold_steps(
        pseudo, graded(p.thresholds, np.zeros(1), items, np.zeros(1)), np.exp(items)
    )
    information += more[1] + np.eye(len(slope)) * 1e-9
    step = np.linalg.solve(information, slope + more[0])
    before = value(p.thresholds)
    for _halving in range(20):
        trial = p.thresholds + step
        if (np.diff(trial) > NARROWEST).all() and value(trial) >= before:
            return Parameters(trial, p.log_steepness, p.bias, p.mean_log_steepness)
        step = step / 2
    return p


def _estimate(
    table: LabelTable,
    votes: Any,
    known: NDArray[np.int64],
    p: Parameters,
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    priors: Priors,
    trace: list[float],
    *,
    converged: bool,
) -> OrdinalEstimate:
    by_label = _by_label(p, points)
    if len(known):
        by_label = _averaged(table, votes, by_label, p, points, weights, priors)
    below = shares_below(p.thresholds, points)
    posterior = np.zeros((table.n_items, table.n_classes))
    value, error = np.full(table.n_items, np.nan), np.full(table.n_items, np.nan)
    interval = np.full((table.n_items, 2), np.nan)
    for start in range(0, len(known), _CHUNK):
        part = known[start : start + _CHUNK]
        places, _ = normalise_scores(np.asarray(votes[part] @ by_label) + weights)
        posterior[part] = places @ np.diff(below, axis=1, prepend=0.0, append=1.0)
        value[part] = places @ points
        error[part] = np.sqrt(np.maximum(places @ points**2 - value[part] ** 2, 0.0))
        interval[part] = quantiles(places, points, (0.025, 0.975))
    if table.gold is not None:
        clamped = np.flatnonzero(table.gold >= 0)
        posterior[clamped] = np.eye(table.n_classes)[table.gold[clamped]]
    labelled = np.zeros(table.n_items, dtype=np.bool_)
    labelled[known] = True
    choice, tied = choose(posterior, labelled)
    rated = priors.rated
    return OrdinalEstimate(
        method="ordinal",
        posterior=posterior,
        choice=choice,
        tied=tied,
        confusion=_confusion(p, points, weights, below, rated),
        ability=abilities(table, posterior),
        iterations=len(trace),
        converged=converged,
        log_likelihood=tuple(trace),
        value=value,
        error=error,
        interval=interval,
        bias=np.where(rated, p.bias, np.nan),
        rating=np.where(labelled, posterior @ np.arange(table.n_classes), np.nan),
        thresholds=p.thresholds,
        discrimination=np.where(rated, np.exp(p.log_steepness), np.nan),
    )


def _averaged(
    table: LabelTable,
    votes: Any,
    by_label: NDArray[np.float64],
    p: Parameters,
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    priors: Priors,
) -> NDArray[np.float64]:
    """Log chances of labels, averaged over what discrimination and bias of each rater may be.

    Their information is that of the slopes of the evidence, label by label, plus that of the
    priors. Without it raters with few labels would make items look far too certain.
    """
    slopes = rater_slopes(
        graded(p.thresholds, points, p.log_steepness, p.bias), np.exp(p.log_steepness)
    )
    information = np.zeros((table.n_raters, 2, 2))
    order = np.argsort(table.items, kind="stable")
    for start in range(0, len(order), _CHUNK):
        part = order[start : start + _CHUNK]
        items, place = np.unique(table.items[part], return_inverse=True)
        places, _ = normalise_scores(np.asarray(votes[items] @ by_label) + weights)
        slope = np.einsum(
            "klq,lq->lk", slopes[:, table.raters[part], table.codes[part]], places[place]
        )
        for row, column in ((0, 0), (0, 1), (1, 1)):
            information[:, row, column] += np.bincount(
                table.raters[part], slope[:, row] * slope[:, column], table.n_raters
            )
    information[:, 1, 0] = information[:, 0, 1]
    information += np.diag([priors.ability_spread**-2, priors.bias_spread**-2])
    averaged = by_label.copy()
    averaged[: table.n_raters * table.n_classes] = averaged_chances(
        p.thresholds, points, p.log_steepness, p.bias, information
    ).reshape(-1, len(points))
    return averaged


def _confusion(
    p: Parameters,
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    below: NDArray[np.float64],
    rated: NDArray[np.bool_],
) -> NDArray[np.float64]:
    chances = np.exp(log_chances(p.thresholds, points, p.log_steepness, p.bias))
    cells = np.diff(below, axis=1, prepend=0.0, append=1.0) * np.exp(weights)[:, None]
    totals = cells.sum(axis=0)
    within = np.full_like(cells, np.nan)
    np.divide(cells, totals, out=within, where=totals > 0)
    confusion = np.einsum("qk,rcq->rkc", within, chances)
    confusion[~rated] = np.nan
    return np.asarray(confusion)

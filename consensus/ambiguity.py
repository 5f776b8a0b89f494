"""Slips of raters told apart from ambiguity of items, by a mixture of kinds of items.

The model: an item is clear, and every careful rater says one class, or it is ambiguous, and careful
raters are split over two classes 3:1, 1:1 or 1:3, or evenly over all. Each time, rater r is
careless with probability slip_r and then says class c with probability chance_c, whatever the item.
How common each kind of item is, is estimated without assuming a form (J. Kiefer and J. Wolfowitz,
Annals of Mathematical Statistics 27 (1956), 887-906). The careless rater is that of D. Hovy et al.,
"Learning whom to trust with MACE", NAACL 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.table import LabelTable
from consensus.votes import normalise_scores, vote_matrix

SPLITS = (0.75, 0.5, 0.25)
# Clear items that are added: ambiguity has to pay for itself, since with few labels an item slips
# explain nearly everything as well. And labels of each class that are said by chance.
_CLEAR_ITEMS, _CHANCE_LABELS = 10.0, 1.0
# Careful labels of each rater that are added.
_CAREFUL_LABELS = 1.0
# Share of ambiguous kinds when they first come in.
_FIRST_SHARE = 0.05
_CHUNK = 2_000_000


@dataclass(frozen=True, eq=False)
class AmbiguityFit:
    """What the mixture says.

    kinds       (n_kinds, n_classes): what careful raters say of each kind of item; the first
                n_classes kinds are the clear ones
    shares      (n_kinds,): how common each kind is
    slip        (n_raters,): how often a rater is careless; NaN without labels
    chance      (n_classes,): what is said then
    split       (n_items,): how often two careful raters would differ on the item; NaN without
                labels
    ambiguous   (n_items,): probability that the item is of an ambiguous kind; NaN without labels
    log_likelihood  after each round, with log priors
    """

    kinds: NDArray[np.float64]
    shares: NDArray[np.float64]
    slip: NDArray[np.float64]
    chance: NDArray[np.float64]
    split: NDArray[np.float64]
    ambiguous: NDArray[np.float64]
    log_likelihood: tuple[float, ...]
    converged: bool


@dataclass
class _State:
    shares: NDArray[np.float64]
    slip: NDArray[np.float64]
    chance: NDArray[np.float64]


class AmbiguityModel:
    """The labels of one table, ready to be fitted with any weights of the items."""

    def __init__(self, table: LabelTable) -> None:
        self.table = table
        self.votes = vote_matrix(table)
        self.labelled = np.diff(self.votes.indptr) > 0
        self.rated = np.bincount(table.raters, minlength=table.n_raters) > 0
        self.kinds = _kinds(table.counts())
        self.scattered = 1.0 - (self.kinds**2).sum(axis=1)

    def fit(self, *, max_iterations: int = 300, tolerance: float = 1e-6) -> AmbiguityFit:
        """EM, first with clear items only, then with all kinds.

        What slips and ambiguity explain equally well is thus put down to slips. Ends when a round
        gains less than `tolerance` an item.
        """
        weights = self.labelled.astype(np.float64)
        n_classes = self.table.n_classes
        clear = np.zeros(len(self.kinds))
        clear[:n_classes] = 1 / n_classes
        state = _State(
            clear, np.full(self.table.n_raters, 0.2), np.full(n_classes, 1.0 / n_classes)
        )
        state, _, _ = self._climb(state, weights, max_iterations, tolerance)
        state = self._opened(state, _FIRST_SHARE)
        state, trace, converged = self._climb(state, weights, max_iterations, tolerance)
        return self._told(state, trace, converged=converged)

    def refit(
        self, fit: AmbiguityFit, weights: NDArray[np.float64], *, max_iterations: int = 25
    ) -> AmbiguityFit:
        """The fit for items that count `weights` times, (n_items,), started from another fit."""
        slip = np.where(self.rated, fit.slip, 0.2)
        state = self._opened(_State(fit.shares, slip, fit.chance), 0.01)
        state, trace, converged = self._climb(state, weights, max_iterations, 1e-5)
        return self._told(state, trace, converged=converged)

    def _opened(self, state: _State, share: float) -> _State:
        """Kinds that have died out, or were never there, get a share of the items again."""
        fresh = np.zeros(len(self.kinds))
        ambiguous = len(self.kinds) - self.table.n_classes
        if not ambiguous:
            return state
        fresh[self.table.n_classes :] = 1 / ambiguous
        return _State((1 - share) * state.shares + share * fresh, state.slip, state.chance)

    def _climb(
        self, state: _State, weights: NDArray[np.float64], max_iterations: int, tolerance: float
    ) -> tuple[_State, list[float], bool]:
        trace: list[float] = []
        converged = not self.labelled.any()
        enough = tolerance * max(1.0, float(weights.sum()))
        while not converged and len(trace) < max_iterations:
            found, evidence, kinds = self._expected(state, weights)
            trace.append(evidence + self._log_prior(state))
            converged = len(trace) > 1 and trace[-1] - trace[-2] <= enough
            if not converged:
                state = self._improved(state, found, kinds)
        return state, trace, converged

    def _log_said(self, state: _State) -> NDArray[np.float64]:
        """Log probability of each label, (n_raters, n_classes, n_kinds)."""
        careful = (1 - state.slip)[:, None, None] * self.kinds.T
        said = careful + (state.slip[:, None] * state.chance)[:, :, None]
        return np.log(np.maximum(said, 1e-300))

    def _by_item(self, state: _State, start: int, step: int) -> tuple[Any, Any, Any]:
        by_label = self._log_said(state).reshape(-1, len(self.kinds))
        part = self.votes[start : start + step]
        scores = np.asarray(part @ by_label) + np.log(np.maximum(state.shares, 1e-300))
        posterior, evidence = normalise_scores(scores)
        return part, posterior, evidence

    def _chunks(self) -> tuple[range, int]:
        step = max(1, _CHUNK // len(self.kinds))
        return range(0, self.table.n_items, step), step

    def _expected(
        self, state: _State, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
        """Expected labels (n_raters, n_classes, n_kinds), log evidence, items of each kind."""
        counts = np.zeros((self.votes.shape[1], len(self.kinds)))
        evidence, kinds = 0.0, np.zeros(len(self.kinds))
        starts, step = self._chunks()
        for start in starts:
            part, posterior, each = self._by_item(state, start, step)
            share = weights[start : start + step]
            posterior *= share[:, None]
            counts += part.T @ posterior
            kinds += posterior.sum(axis=0)
            evidence += float(share @ each)
        shape = (self.table.n_raters, self.table.n_classes, len(self.kinds))
        return counts.reshape(shape), evidence, kinds

    def _improved(
        self, state: _State, found: NDArray[np.float64], kinds: NDArray[np.float64]
    ) -> _State:
        n_classes = self.table.n_classes
        careless = (state.slip[:, None] * state.chance)[:, :, None]
        slipped = found * careless / np.maximum(np.exp(self._log_said(state)), 1e-300)
        labels = found.sum(axis=(1, 2))
        slip = slipped.sum(axis=(1, 2)) / (labels + _CAREFUL_LABELS)
        chance = slipped.sum(axis=(0, 2)) + _CHANCE_LABELS
        shares = kinds.copy()
        shares[:n_classes] += _CLEAR_ITEMS / n_classes
        return _State(shares / shares.sum(), slip, chance / chance.sum())

    def _log_prior(self, state: _State) -> float:
        n_classes = self.table.n_classes
        clear = np.log(np.maximum(state.shares[:n_classes], 1e-300)).sum()
        return float(
            _CLEAR_ITEMS / n_classes * clear
            + _CAREFUL_LABELS * np.log1p(-state.slip[self.rated]).sum()
            + _CHANCE_LABELS * np.log(state.chance).sum()
        )

    def _told(self, state: _State, trace: list[float], *, converged: bool) -> AmbiguityFit:
        split, ambiguous = np.full((2, self.table.n_items), np.nan)
        starts, step = self._chunks()
        for start in starts:
            _, posterior, _ = self._by_item(state, start, step)
            split[start : start + step] = posterior @ self.scattered
            ambiguous[start : start + step] = posterior[:, self.table.n_classes :].sum(axis=1)
        split[~self.labelled] = ambiguous[~self.labelled] = np.nan
        return AmbiguityFit(
            kinds=self.kinds,
            shares=state.shares,
            slip=np.where(self.rated, state.slip, np.nan),
            chance=state.chance,
            split=split,
            ambiguous=ambiguous,
            log_likelihood=tuple(trace),
            converged=converged,
        )


def _kinds(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Clear kinds, pairs of classes that meet on some item, and all classes evenly."""
    n_classes = counts.shape[1]
    named = (counts > 0).astype(np.float64)
    met = named.T @ named
    kinds = list(np.eye(n_classes))
    for one, other in combinations(range(n_classes), 2):
        if met[one, other]:
            for share in SPLITS:
                kind = np.zeros(n_classes)
                kind[one], kind[other] = share, 1 - share
                kinds.append(kind)
    if n_classes > 2:
        kinds.append(np.full(n_classes, 1 / n_classes))
    return np.array(kinds)

"""One vote a family: raters that are near-copies of each other share a vote at each item.

The formulas are in docs/statistics/correlated-judges.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.estimate import ClassEstimate
from consensus.table import LabelTable
from consensus.variational import divergence, expected_log
from consensus.votes import (
    abilities,
    choose,
    expected_confusion,
    has_votes,
    item_scores,
    normalise_scores,
    vote_matrix,
)


@dataclass(frozen=True, eq=False)
class Votes:
    """What voices say: raters, or families of raters with one vote together.

    shares    sparse (n_items, n_voices * n_classes): column v * n_classes + c is the share of voice
              v for class c. Its shares of an item sum to 1, or are all 0 where it says nothing
    spoke     sparse (n_items, n_voices): 1 where the voice says something of the item
    n_voices, n_classes
    """

    shares: Any
    spoke: Any
    n_voices: int
    n_classes: int

    def by_voice(self, rows: NDArray[np.int64] | slice) -> NDArray[np.float64]:
        """Some items' shares as a full array (n_rows, n_voices, n_classes)."""
        full: NDArray[np.float64] = self.shares[rows].toarray()
        return full.reshape(len(full), self.n_voices, self.n_classes)


def pooled_votes(table: LabelTable, voices: NDArray[np.integer[Any]]) -> Votes:
    """The mean of what the members of each voice said of an item, each rater counted once.

    `voices`, (n_raters,), numbers them from 0; a rater with -1 is left out. Members that said
    nothing of the item have no part in it.

    Raises ValueError where `voices` has another length or a number below -1.
    """
    from scipy import sparse  # here, as in votes.py

    voices = np.asarray(voices)
    if voices.shape != (table.n_raters,) or (voices.size and voices.min() < -1):
        raise ValueError(f"voices must be {table.n_raters} numbers from -1 on")
    n_classes, n_voices = table.n_classes, int(voices.max(initial=-1)) + 1
    # A rater who repeats itself has one vote, like any other member.
    own = _as_shares(vote_matrix(table), table.n_raters, n_classes)
    members = np.flatnonzero(voices >= 0)
    columns = np.arange(n_classes)
    into = sparse.csr_array(
        (
            np.ones(len(members) * n_classes),
            (
                (members[:, None] * n_classes + columns).ravel(),
                (voices[members].astype(np.int64)[:, None] * n_classes + columns).ravel(),
            ),
        ),
        shape=(table.n_raters * n_classes, n_voices * n_classes),
    )
    shares = _as_shares((own @ into).tocsr(), n_voices, n_classes)
    spoke = (shares @ _adder(n_voices, n_classes)).tocsr()
    spoke.data = np.ones_like(spoke.data)
    return Votes(shares, spoke, n_voices, n_classes)


def pooled_majority(table: LabelTable, voices: NDArray[np.integer[Any]]) -> ClassEstimate:
    """Majority of the voices, numbered as for pooled_votes; `posterior` is their mean share."""
    votes = pooled_votes(table, voices)
    each = np.tile(np.eye(table.n_classes), (votes.n_voices, 1))
    totals = np.asarray(votes.spoke.sum(axis=1)).reshape(-1, 1)
    posterior = np.asarray(votes.shares @ each) / np.maximum(totals, 1)
    choice, tied = choose(posterior, has_votes(posterior))
    return ClassEstimate(
        method="pooled_majority",
        posterior=posterior,
        choice=choice,
        tied=tied,
        ability=abilities(table, posterior),
    )


def pooled_ibcc(
    table: LabelTable,
    voices: NDArray[np.integer[Any]],
    *,
    max_iterations: int = 500,
    tolerance: float = 1e-3,
    prior_diagonal: float = 4.0,
    prior_off: float = 1.0,
    class_prior: float = 1.0,
) -> ClassEstimate:
    """iBCC in which each voice is one rater whose vote may be divided; see consensus.ibcc.

    A share counts as that part of a label, in the confusions and in the evidence. `confusion` is
    that of the rater's voice; NaN for a rater left out. With every rater its own voice, once an
    item, this is iBCC. `voices` as in pooled_votes.

    Raises ValueError for a prior that is not positive, a negative tolerance, or `max_iterations`
    below 1.
    """
    if min(prior_diagonal, prior_off, class_prior) <= 0:
        raise ValueError("Dirichlet parameters must be positive")
    if tolerance < 0 or max_iterations < 1:
        raise ValueError("tolerance must not be negative and max_iterations must be at least 1")
    votes = pooled_votes(table, voices)
    prior = np.full((table.n_classes, table.n_classes), prior_off)
    np.fill_diagonal(prior, prior_diagonal)
    prior_classes = np.full(table.n_classes, class_prior)
    posterior = pooled_majority(table, voices).posterior
    labelled = has_votes(posterior)
    dirichlet = np.broadcast_to(prior, (votes.n_voices, *prior.shape)).copy()
    trace: list[float] = []
    converged = not labelled.any()
    while not converged and len(trace) < max_iterations:
        previous = posterior
        dirichlet = expected_confusion(votes.shares, posterior, votes.n_voices) + prior
        classes = posterior.sum(axis=0) + prior_classes
        log_classes, log_confusion = expected_log(classes), expected_log(dirichlet)
        posterior, evidence = normalise_scores(
            item_scores(votes.shares, log_classes, log_confusion)
        )
        posterior[~labelled] = 0.0
        bound = float(evidence[labelled].sum())
        bound -= divergence(dirichlet, prior, log_confusion)
        bound -= divergence(classes, prior_classes, log_classes)
        trace.append(bound)
        converged = float(np.abs(posterior - previous).max()) < tolerance
    confusion = np.full((table.n_raters, table.n_classes, table.n_classes), np.nan)
    known = np.flatnonzero(np.asarray(voices) >= 0)
    means = dirichlet / dirichlet.sum(axis=-1, keepdims=True)
    confusion[known] = means[np.asarray(voices)[known]]
    choice, tied = choose(posterior, labelled)
    return ClassEstimate(
        method="pooled_ibcc",
        posterior=posterior,
        choice=choice,
        tied=tied,
        confusion=confusion,
        ability=abilities(table, posterior),
        iterations=len(trace),
        converged=converged,
        log_likelihood=tuple(trace),
    )


def _adder(n_voices: int, n_classes: int) -> Any:
    """Sparse (n_voices * n_classes, n_voices) that adds up the columns of each voice."""
    from scipy import sparse

    columns = np.arange(n_voices * n_classes)
    return sparse.csr_array(
        (np.ones(len(columns)), (columns, columns // n_classes)),
        shape=(len(columns), n_voices),
    )


def _as_shares(said: Any, n_voices: int, n_classes: int) -> Any:
    """Sums of votes (n_items, n_voices * n_classes) divided by each voice's total of the item."""
    said = said.copy()
    said.sort_indices()
    totals = (said @ _adder(n_voices, n_classes)).tocsr()
    totals.sort_indices()
    # Both are stored by item and then voice, so that a binary search finds each total.
    item = np.repeat(np.arange(said.shape[0], dtype=np.int64), np.diff(said.indptr))
    known = np.repeat(np.arange(said.shape[0], dtype=np.int64), np.diff(totals.indptr))
    wanted = item * n_voices + said.indices // n_classes
    said.data = said.data / totals.data[np.searchsorted(known * n_voices + totals.indices, wanted)]
    return said

"""Steps that the ways of combining labels have in common: votes as a matrix, shares, the choice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.table import LabelTable

# Two probabilities this close are one: sums in another order differ in the last digits.
TIE_WIDTH = 1e-9
# Posteriors are rounded to this many decimals between rounds. A tie is an unstable point of EM:
# without the rounding the last digits, which depend on the order of items and raters, grow into a
# winner. The rounding moves the log-likelihood by no more than about 1e-12 an item.
POSTERIOR_DECIMALS = 12


def vote_shares(table: LabelTable) -> NDArray[np.float64]:
    """Shares of the votes, (n_items, n_classes); zero rows where there are no labels."""
    counts = table.counts()
    totals = counts.sum(axis=1, keepdims=True)
    return np.asarray(counts / np.maximum(totals, 1))


def has_votes(shares: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which items have labels at all, (n_items,)."""
    return np.asarray(shares.any(axis=1), dtype=np.bool_)


def vote_matrix(table: LabelTable) -> Any:
    """Sparse matrix (n_items, n_raters * n_classes) of how often a rater gave an item a class.

    Column r * n_classes + c belongs to rater r and class c. The columns of each row are in
    order and repeats are summed, so that the order of the table's rows changes not even a last
    digit.
    """
    from scipy import sparse  # here, so that a majority vote does not wait for scipy

    columns = table.raters.astype(np.int64) * table.n_classes + table.codes
    return sparse.coo_array(
        (np.ones(table.n_labels), (table.items, columns)),
        shape=(table.n_items, table.n_raters * table.n_classes),
    ).tocsr()


def expected_confusion(
    votes: Any, posterior: NDArray[np.float64], n_raters: int
) -> NDArray[np.float64]:
    """Expected counts [r, k, c]: rater r said c where k is true, under the posterior."""
    n_classes = posterior.shape[1]
    said = np.asarray(votes.T @ posterior).reshape(n_raters, n_classes, n_classes)
    return said.transpose(0, 2, 1)


def item_scores(
    votes: Any, log_class: NDArray[np.float64], log_confusion: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log joint probability of each item's labels and each class, (n_items, n_classes)."""
    n_raters, n_classes, _ = log_confusion.shape
    by_label = log_confusion.transpose(0, 2, 1).reshape(n_raters * n_classes, n_classes)
    scores = np.asarray(votes @ np.ascontiguousarray(by_label))
    scores += log_class
    return scores


def normalise_scores(
    scores: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Posterior (n_items, n_classes) and log evidence (n_items,) of log joint probabilities.

    Works in place: `scores` becomes the posterior. Maxima are taken column by column, since there
    are few classes and many items; along rows numpy is several times slower.
    """
    top = scores[:, 0].copy()
    for column in scores.T[1:]:
        np.maximum(top, column, out=top)
    scores -= top[:, None]
    np.exp(scores, out=scores)
    totals = scores @ np.ones(scores.shape[1])
    scores /= totals[:, None]
    np.round(scores, POSTERIOR_DECIMALS, out=scores)
    return scores, top + np.log(totals)


def choose(
    posterior: NDArray[np.float64], labelled: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The most probable class of each item (-1: no labels, or tied), and which items are tied."""
    # Class by class, since there are few classes and many items.
    top = np.zeros(len(posterior))
    for column in posterior.T:
        np.maximum(top, column, out=top)
    top -= TIE_WIDTH
    leaders = np.zeros(len(posterior), dtype=np.int32)
    choice = np.full(len(posterior), -1, dtype=np.int64)
    for code, column in enumerate(posterior.T):
        leads = column >= top
        leaders += leads
        choice[leads] = code
    tied = labelled & (leaders > 1)
    choice[tied | ~labelled] = -1
    return choice, tied


def first_places(posterior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each item's first place, divided among the classes that share it; rows of zeros stay zero."""
    top = posterior.max(axis=1, keepdims=True, initial=0.0)
    first = (posterior >= top - TIE_WIDTH) & (top > 0)
    return np.asarray(first / np.maximum(first.sum(axis=1, keepdims=True), 1))


def abilities(table: LabelTable, posterior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean posterior probability of the classes a rater named, (n_raters,); NaN without labels."""
    named = posterior[table.items, table.codes]
    sums = np.bincount(table.raters, weights=named, minlength=table.n_raters)
    totals = np.bincount(table.raters, minlength=table.n_raters)
    result = np.full(table.n_raters, np.nan)
    np.divide(sums, totals, out=result, where=totals > 0)
    return result

"""Which labels are likely wrong: a score for each, from peers, judges, model, crowd; its quality.

A label is suspected as far as those who did not give it do not support it. The rule that joins the
sources has equal weights, fixed beforehand; docs/statistics/trust.md says why and what it finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.estimate import ClassEstimate
from consensus.table import LabelTable

# Scores that differ by less are one: a mean of shares must not break ties by its last digit.
_DECIMALS = 9
# Confusions below this are read as this: one rater alone rules no class out for good.
_FLOOR = 1e-6
# A model that learnt from the other items speaks of a label where fewer others have labelled its
# item: three people know more than it does (docs/statistics/trust.md).
MODEL_BELOW = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelErrors:
    """How suspicious each label of a table is.

    score    (n_labels,) from 0, all say it is right, to 1, none does; NaN where no source knows
    rank     (n_labels,) from 1, the most suspicious; equal scores share the mean of their ranks.
             NaN as there
    support  of each source, (n_labels,): how far it supports the label, 0 to 1; NaN where it does
             not know. The names are "peers", "judges", "model" and "crowd", those that were given
    """

    score: NDArray[np.float64]
    rank: NDArray[np.float64]
    support: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class RankingQuality:
    """How well a ranking finds errors; no value depends on the order of equal scores.

    n, n_errors         labels ranked, and how many are wrong
    average_precision   mean precision at each error; equal scores are taken in at once, as in
                        scikit-learn. None without errors
    expected_precision  the same, where equal scores are looked at one by one in random order: what
                        to expect of reading down the list
    at                  how many labels are looked at, at most n
    precision_at        expected share of errors among the first `at`; None without labels
    recall_at           expected share of the errors that are among them; None without errors
    """

    n: int
    n_errors: int
    average_precision: float | None
    expected_precision: float | None
    at: int
    precision_at: float | None
    recall_at: float | None


def label_errors(
    table: LabelTable,
    *,
    judges: Sequence[ArrayLike] = (),
    crowd: ArrayLike | None = None,
    peers: ArrayLike | None = None,
    model: ArrayLike | None = None,
) -> LabelErrors:
    """Score every label of the table; 1 less the mean of what the sources say for it.

    peers   the share of the item's other people who named the class too (`peer_share`), or what is
            passed: (n_labels,), for instance `peer_posterior`
    judges  one array (n_items, n_classes) for each judge: its probability that the class is a right
            label of the item, NaN where it was not asked. The mean of the judges is one source, so
            that near-copies do not outvote people
    crowd   (n_items, n_classes): share of a crowd's votes, NaN where there are none
    model   (n_items, n_classes): probability by a classifier that has learnt from labels of other
            items only (out of fold), NaN where it does not know the class. It speaks of a label
            where fewer than MODEL_BELOW other people have labelled the item

    Each kind of source weighs the same; where one does not know, the others decide. Multiple choice
    is meant too: a person may have several rows at an item, and rows of a judge need not sum to 1.

    Raises ValueError for wrong shapes, or values outside 0..1.
    """
    places = (table.items, table.codes)
    support: dict[str, NDArray[np.float64]] = {}
    if peers is None:
        support["peers"] = peer_share(table)
    else:
        support["peers"] = _checked("peers", peers, (table.n_labels,))
    shape = (table.n_items, table.n_classes)
    if len(judges):
        said = np.stack([_checked("judges", judge, shape)[places] for judge in judges])
        # Sorted (NaN come last), so that the order of judges changes no last digit.
        support["judges"] = _mean(np.sort(said, axis=0))
    if model is not None:
        told = _checked("model", model, shape)[places]
        support["model"] = np.where(_n_others(table) < MODEL_BELOW, told, np.nan)
    if crowd is not None:
        support["crowd"] = _checked("crowd", crowd, shape)[places]
    joined = _mean(np.stack(list(support.values())))
    score = np.round(1 - joined, _DECIMALS) + 0.0  # no minus zero
    return LabelErrors(score=score, rank=_ranks(score), support=support)


def peer_share(table: LabelTable) -> NDArray[np.float64]:
    """For each label, the share of the item's other people who named its class, (n_labels,).

    NaN where nobody else labelled the item. A person who named several classes counts once for
    each; abstentions have no rows and do not count. Judges of the table are no peers.
    """
    named, present, own = _people(table)
    others = present[table.items] - own
    share = np.full(table.n_labels, np.nan)
    np.divide(named[table.items, table.codes] - own, others, out=share, where=others > 0)
    return share


def confidently_otherwise(table: LabelTable, model: ArrayLike) -> NDArray[np.bool_]:
    """For each label, whether the model confidently names another class, (n_labels,).

    Confidently: with at least the mean probability that it gives a class at the items labelled with
    it (C. Northcutt, L. Jiang and I. Chuang, "Confident learning", *JAIR* 70 (2021)). So a class
    that the model finds hard is not suspected as a whole, and a plain bound would do that. False
    where the model does not know. `model` as in `label_errors`.
    """
    told = _checked("model", model, (table.n_items, table.n_classes))
    own = told[table.items, table.codes]
    usual = np.full(table.n_classes, np.inf)
    for code in range(table.n_classes):
        given = own[table.codes == code]
        if given.size and not np.isnan(given).all():
            usual[code] = np.nanmean(given)
    sure = np.where(np.nan_to_num(told) >= usual - _FLOOR, np.nan_to_num(told), -1.0)
    best = sure.argmax(axis=1)
    some = sure.max(axis=1) >= 0
    return np.asarray(some[table.items] & (best[table.items] != table.codes) & ~np.isnan(own))


def label_share(table: LabelTable) -> NDArray[np.float64]:
    """For each item and class, the share of the item's people who named it, (n_items, n_classes).

    NaN where nobody labelled the item. With multiple choice a row may sum to more than 1.
    """
    named, present, _ = _people(table)
    share = np.full(named.shape, np.nan)
    np.divide(named, present[:, None], out=share, where=present[:, None] > 0)
    return share


def peer_posterior(table: LabelTable, estimate: ClassEstimate) -> NDArray[np.float64]:
    """For each label, the probability of its class given the labels of the others, (n_labels,).

    `estimate` brings the raters' confusions (`ibcc`, `dawid_skene`); the class shares are those of
    its posterior. The rater's own labels at the item are left out, though the confusions have seen
    them. NaN where nobody else labelled the item. For single choice only.

    Raises ValueError for an estimate without confusions or of other sizes.
    """
    n_classes = table.n_classes
    if estimate.confusion is None:
        raise ValueError(f"{estimate.method} knows no confusions of raters")
    if estimate.confusion.shape != (table.n_raters, n_classes, n_classes):
        raise ValueError("the estimate is of another table")
    if not table.n_labels:
        return np.zeros(0)
    by_label = np.log(np.maximum(np.nan_to_num(estimate.confusion), _FLOOR))[
        table.raters, :, table.codes
    ]
    pairs, own = np.unique(
        table.items.astype(np.int64) * table.n_raters + table.raters, return_inverse=True
    )
    # Summed in the order of the sorted rows: the order of the table's rows changes no last digit.
    order = np.lexsort((table.codes, own))
    of_pair = _sums(by_label[order], own[order], len(pairs))
    of_item = _sums(of_pair, pairs // table.n_raters, table.n_items)
    shares = np.maximum(estimate.posterior.mean(axis=0), _FLOOR)
    scores = of_item[table.items] - of_pair[own] + np.log(shares)
    scores -= scores.max(axis=1, keepdims=True)
    posterior = np.exp(scores)
    result = posterior[np.arange(table.n_labels), table.codes] / posterior.sum(axis=1)
    raters = np.bincount(pairs // table.n_raters, minlength=table.n_items)
    result[raters[table.items] < 2] = np.nan
    return np.asarray(result)


def ranking_quality(score: ArrayLike, is_error: ArrayLike, *, at: int = 100) -> RankingQuality:
    """How well `score`, the higher the more suspicious, finds the labels that are wrong.

    Both have shape (n,). Labels without a score (NaN) come last, tied.

    Raises ValueError where lengths differ, `is_error` is not True or False, or `at` is below 1.
    """
    scores, wrong = np.array(score, dtype=np.float64), np.asarray(is_error)
    if scores.ndim != 1 or wrong.shape != scores.shape:
        raise ValueError(f"score and is_error need one length, not {scores.shape}, {wrong.shape}")
    if not np.isin(wrong, (0, 1)).all():
        raise ValueError("is_error must hold True and False only")
    if at < 1:
        raise ValueError(f"at must be at least 1, not {at}")
    n, n_errors = len(scores), int(wrong.sum())
    scores[np.isnan(scores)] = -np.inf
    _, which = np.unique(-scores, return_inverse=True)  # blocks of equal scores, highest first
    sizes = np.bincount(which)
    found = np.bincount(which, weights=wrong)
    before, found_before = np.cumsum(sizes) - sizes, np.cumsum(found) - found
    at = min(at, n)
    taken = np.clip(at - before, 0, sizes)
    hits = float((found * taken / np.maximum(sizes, 1)).sum())
    together = expected = None
    if n_errors:
        together = float((found * np.cumsum(found) / np.cumsum(sizes)).sum()) / n_errors
        # At place t of a block of m with k errors there is an error with k / m, and then (t - 1)
        # (k - 1) / (m - 1) of the others are expected before it.
        place = np.arange(n) - np.repeat(before, sizes) + 1
        m, k = np.repeat(sizes, sizes), np.repeat(found, sizes)
        so_far = np.repeat(found_before, sizes) + 1 + (place - 1) * (k - 1) / np.maximum(m - 1, 1)
        expected = float((k / m * so_far / (np.arange(n) + 1)).sum()) / n_errors
    return RankingQuality(
        n=n,
        n_errors=n_errors,
        average_precision=together,
        expected_precision=expected,
        at=at,
        precision_at=hits / at if at else None,
        recall_at=hits / n_errors if n_errors else None,
    )


# --- Steps --------------------------------------------------------------------------------------


def _people(
    table: LabelTable,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """People who named each class of each item, people of each item, and which rows are theirs."""
    own = np.ones(table.n_labels, dtype=np.int64)
    if table.judges is not None:
        own = (~table.judges[table.raters]).astype(np.int64)
    human = own == 1
    items = table.items[human].astype(np.int64)
    pairs = items * max(table.n_raters, 1) + table.raters[human]
    triples = np.unique(pairs * table.n_classes + table.codes[human])
    cells = triples // table.n_classes // max(table.n_raters, 1) * table.n_classes
    named = np.bincount(
        cells + triples % table.n_classes, minlength=table.n_items * table.n_classes
    ).reshape(table.n_items, table.n_classes)
    present = np.bincount(np.unique(pairs) // max(table.n_raters, 1), minlength=table.n_items)
    return named, present, own


def _n_others(table: LabelTable) -> NDArray[np.int64]:
    """For each label, how many other people labelled its item, (n_labels,)."""
    _, present, own = _people(table)
    return np.asarray(present[table.items] - own)


def _checked(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, not {array.shape}")
    if not ((array >= 0) & (array <= 1) | np.isnan(array)).all():
        raise ValueError(f"{name} must lie in 0..1, or be NaN where nothing is known")
    return array


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    times = known.sum(axis=0)
    result = np.full(values.shape[1:], np.nan)
    np.divide(np.where(known, values, 0.0).sum(axis=0), times, out=result, where=times > 0)
    return result


def _ranks(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1 for the highest; equal scores share their mean rank; NaN has none."""
    known = ~np.isnan(score)
    _, which = np.unique(-score[known], return_inverse=True)
    sizes = np.bincount(which)
    ranks = np.full(len(score), np.nan)
    ranks[known] = (np.cumsum(sizes) - (sizes - 1) / 2)[which]
    return ranks


def _sums(rows: NDArray[np.float64], places: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Sums of the rows by place, (n, columns)."""
    return np.stack([np.bincount(places, weights=column, minlength=n) for column in rows.T], axis=1)

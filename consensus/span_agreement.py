"""F1 of marked spans: one rater against another, or against known spans.

Sources: N. Chinchor and B. Sundheim, "MUC-5 evaluation metrics", MUC-5 (1993); G. Hripcsak and
A. S. Rothschild, Journal of the American Medical Informatics Association 12 (2005), 296-298 (why F1
and not kappa). The formulas are in docs/statistics/agreement.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.agreement import Agreement
from consensus.chance import jackknife_variance
from consensus.intervals import check_confidence, imagined_interval

Match = Literal["exact", "overlap", "positions"]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Marks:
    """What one rater marked: span k of item `items[k]` has positions `starts[k]` to `ends[k]` - 1.

    Positions are characters or tokens, as the caller counts them; `codes` are classes from 0.
    The same span of the same class marked twice is one span. An item without a span is one in which
    the rater saw nothing: leave out, of both raters, the items that one of them did not look at.

    Raises ValueError where the columns differ in length, hold no whole numbers or negative ones, or
    a span is empty.
    """

    items: Numbers
    starts: Numbers
    ends: Numbers
    codes: Numbers

    def __post_init__(self) -> None:
        columns = []
        for name in ("items", "starts", "ends", "codes"):
            column = np.asarray(getattr(self, name))
            if column.ndim != 1 or (column.size and not np.issubdtype(column.dtype, np.integer)):
                raise ValueError(f"{name} must be a sequence of whole numbers")
            if column.size and column.min() < 0:
                raise ValueError(f"{name} must not be negative")
            columns.append(column.astype(np.int64))
        if len({len(column) for column in columns}) > 1:
            raise ValueError("items, starts, ends and codes must have one length")
        if (columns[1] >= columns[2]).any():
            raise ValueError("a span must end after it starts")
        rows = np.unique(np.stack(columns, axis=1), axis=0)
        for name, column in zip(("items", "starts", "ends", "codes"), rows.T, strict=True):
            object.__setattr__(self, name, np.ascontiguousarray(column))

    @classmethod
    def from_rows(cls, rows: ArrayLike) -> Self:
        """Marks from rows of (item, start, end, code)."""
        table = np.asarray(rows)
        return cls(*(table.reshape(-1, 4).T if table.size else np.zeros((4, 0), dtype=np.int64)))

    def of_class(self, code: int) -> Marks:
        mine = self.codes == code
        return Marks(self.items[mine], self.starts[mine], self.ends[mine], self.codes[mine])


class _Spans(Protocol):
    """Spans of many raters, as consensus.spans.Spans has them: answers, and spans in them."""

    @property
    def items(self) -> NDArray[np.int32]: ...
    @property
    def raters(self) -> NDArray[np.int32]: ...
    @property
    def answers(self) -> NDArray[np.int32]: ...
    @property
    def starts(self) -> NDArray[np.int32]: ...
    @property
    def ends(self) -> NDArray[np.int32]: ...
    @property
    def tags(self) -> NDArray[np.int32]: ...


def shared_marks(spans: _Spans, a: int, b: int) -> tuple[Marks, Marks]:
    """What raters `a` and `b` marked in the items that both answered."""
    both = np.intersect1d(spans.items[spans.raters == a], spans.items[spans.raters == b])
    items, raters = spans.items[spans.answers], spans.raters[spans.answers]
    shared = np.isin(items, both)
    of_a, of_b = (
        Marks(items[mine], spans.starts[mine], spans.ends[mine], spans.tags[mine])
        for mine in (shared & (raters == rater) for rater in (a, b))
    )
    return of_a, of_b


def span_f1(a: Marks, b: Marks, *, match: Match = "exact") -> float | None:
    """2 x matched / (marked by a + marked by b), over all items; None where neither marked any.

    `match` says what counts. "exact": spans with the same start, end and class. "overlap": spans of
    one class that share a position, each matched with one other at most, as many as can be.
    "positions": positions, not spans, that both marked with the class; a position that lies in two
    spans of a class counts once.

    Raises ValueError for an unknown `match`.
    """
    matched, marked = _by_item(a, b, match)
    return 2 * int(matched.sum()) / int(marked.sum()) if marked.size else None


def span_f1_interval(
    a: Marks, b: Marks, *, match: Match = "exact", confidence: float = 0.95
) -> Agreement:
    """F1 of spans with its interval over items.

    The interval is Wilson's at the effective sample size of a ratio of sums over items. `n_items`
    counts the items in which either marked anything, `n` what both marked in all (spans, or
    positions). One item has a value and no interval.

    Raises ValueError as `span_f1`, and for a `confidence` outside 0..1.
    """
    check_confidence(confidence)
    matched, marked = _by_item(a, b, match)
    n_items = len(marked)
    value = span_f1(a, b, match=match)
    low = high = None
    if value is not None and n_items > 1:
        # One imagined item more of the mean size, on which both agree: else nothing would be known
        # of an agreement that no item has shown yet.
        size = marked.mean()
        matched, marked = np.append(matched, size / 2), np.append(marked, size)
        imagined = float(2 * matched.sum() / marked.sum())
        influence = (2 * matched - imagined * marked) / marked.sum()
        low, high = imagined_interval(
            value,
            imagined,
            jackknife_variance(influence, np.ones(n_items + 1)),
            n_items=n_items,
            n_imagined=1,
            confidence=confidence,
        )
    return Agreement(
        measure="span_f1",
        value=value,
        low=low,
        high=high,
        n_items=n_items,
        n=int(_by_item(a, b, match)[1].sum()),
        level=match,
        confidence=confidence,
        reason=None if n_items else "no_case",
    )


def _by_item(a: Marks, b: Marks, match: Match) -> tuple[Numbers, Numbers]:
    """For each item with a span: how much is matched, and how much marked by a and b together."""
    if match not in get_args(Match):
        raise ValueError(f"match must be one of {', '.join(get_args(Match))}, not {match!r}")
    if match == "positions":
        of_a, of_b = _lengths(a), _lengths(b)
        of_either = _lengths(a, b)
        items, places = np.unique(
            np.concatenate([of_a[0], of_b[0], of_either[0]]), return_inverse=True
        )
        n = len(items)
        lengths = [
            _sums(part, amounts[1], n)
            for part, amounts in zip(
                np.split(places, np.cumsum([len(of_a[0]), len(of_b[0])])),
                (of_a, of_b, of_either),
                strict=True,
            )
        ]
        marked = lengths[0] + lengths[1]
        return marked - lengths[2], marked
    found = _same(a, b) if match == "exact" else _overlapping(a, b)
    items, places = np.unique(np.concatenate([a.items, b.items]), return_inverse=True)
    ones = np.ones(len(found), dtype=np.int64)
    return (
        _sums(np.searchsorted(items, found), ones, len(items)),
        np.bincount(places, minlength=len(items)).astype(np.int64),
    )


def _sums(places: Numbers, amounts: Numbers, n: int) -> Numbers:
    return np.rint(np.bincount(places, weights=amounts, minlength=n)).astype(np.int64)


def _same(a: Marks, b: Marks) -> Numbers:
    """The items of the spans that both marked alike."""
    rows = np.concatenate([np.stack([s.items, s.starts, s.ends, s.codes], axis=1) for s in (a, b)])
    found, times = np.unique(rows, axis=0, return_counts=True)
    return np.asarray(found[times == 2, 0])


def _overlapping(a: Marks, b: Marks) -> Numbers:
    """The items of as many pairs of overlapping spans of one class as can be made, none twice."""
    from scipy import sparse  # here, so that the rest does not wait for scipy
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if not len(a.items) or not len(b.items):
        return np.zeros(0, dtype=np.int64)
    n_classes = int(max(a.codes.max(), b.codes.max())) + 1
    of_a, of_b = (spans.items * n_classes + spans.codes for spans in (a, b))
    # b's spans sorted by item and class: each span of a meets those of its own item and class.
    order = np.argsort(of_b, kind="stable")
    first = np.searchsorted(of_b[order], of_a, side="left")
    times = np.searchsorted(of_b[order], of_a, side="right") - first
    ours = np.repeat(np.arange(len(of_a)), times)
    step = np.arange(len(ours)) - np.repeat(np.cumsum(times) - times, times)
    theirs = order[np.repeat(first, times) + step]
    meet = (a.starts[ours] < b.ends[theirs]) & (b.starts[theirs] < a.ends[ours])
    graph = sparse.csr_array(
        (np.ones(int(meet.sum())), (ours[meet], theirs[meet])), shape=(len(of_a), len(of_b))
    )
    # How many pairs can be made does not depend on the order of the spans; which, may.
    partner = maximum_bipartite_matching(graph, perm_type="column")
    return np.asarray(a.items[partner >= 0])


def _lengths(*marks: Marks) -> tuple[Numbers, Numbers]:
    """Positions under any span, for each item and class with one: the items, and how many."""
    items, starts, ends, codes = (
        np.concatenate([getattr(spans, name) for spans in marks])
        for name in ("items", "starts", "ends", "codes")
    )
    if not len(items):
        return items, ends
    order = np.lexsort((starts, codes, items))
    items, starts, ends, codes = items[order], starts[order], ends[order], codes[order]
    new = np.concatenate([[True], (np.diff(items) != 0) | (np.diff(codes) != 0)])
    # Each group is moved beyond the one before it, so that one running maximum serves them all.
    shift = (np.cumsum(new) - 1) * (int(ends.max()) + 1)
    reached = np.maximum.accumulate(ends + shift)
    covered = np.concatenate([[0], reached[:-1]])
    fresh = np.maximum(ends + shift - np.maximum(starts + shift, covered), 0)
    return items[new], np.add.reduceat(fresh, np.flatnonzero(new))

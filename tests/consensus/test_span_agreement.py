"""F1 of marked spans: against counting by hand, edges, and that it covers."""

from __future__ import annotations

from itertools import combinations, permutations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.span_agreement import Marks, shared_marks, span_f1, span_f1_interval
from tests.consensus.tables import repeatable

few = settings(repeatable, max_examples=20)
MATCHES = ["exact", "overlap", "positions"]
every_match = pytest.mark.parametrize("match", MATCHES)
spans = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(1, 4), st.integers(0, 1)).map(
        lambda s: (s[0], s[1], s[1] + s[2], s[3])
    ),
    max_size=5,
)


def most_pairs(a, b):
    """As many pairs of overlapping spans as can be, by trying all."""
    meets = {(i, j) for i, s in enumerate(a) for j, t in enumerate(b) if meet(s, t)}
    for k in range(min(len(a), len(b)), 0, -1):
        for ours in combinations(range(len(a)), k):
            if any(
                all(pair in meets for pair in zip(ours, theirs, strict=True))
                for theirs in permutations(range(len(b)), k)
            ):
                return k
    return 0


def meet(s, t):
    return s[0] == t[0] and s[3] == t[3] and s[1] < t[2] and t[1] < s[2]


def positions(rows):
    return {(item, at, code) for item, start, end, code in rows for at in range(start, end)}


@few
@given(a=spans, b=spans)
def test_f1_equals_counting_by_hand(a, b):
    found = {
        match: span_f1(Marks.from_rows(a), Marks.from_rows(b), match=match) for match in MATCHES
    }
    a, b = set(a), set(b)
    if not a | b:
        assert set(found.values()) == {None}
        return
    here, there = positions(a), positions(b)
    assert found["exact"] == pytest.approx(2 * len(a & b) / (len(a) + len(b)))
    assert found["overlap"] == pytest.approx(2 * most_pairs([*a], [*b]) / (len(a) + len(b)))
    assert found["positions"] == pytest.approx(2 * len(here & there) / (len(here) + len(there)))


@every_match
@few
@given(a=spans, b=spans, seed=st.integers(0, 1000))
def test_order_and_sides_change_nothing(match, a, b, seed):
    rng = np.random.default_rng(seed)
    items = rng.permutation(3)
    marks = [Marks.from_rows(rows) for rows in (a, b)]
    found = span_f1_interval(*marks, match=match)
    moved = [
        Marks.from_rows([(items[s[0]], *s[1:]) for s in rng.permutation(rows)] if rows else [])
        for rows in (b, a)
    ]
    other = span_f1_interval(*moved, match=match)
    assert (other.value, other.n, other.n_items) == (found.value, found.n, found.n_items)
    assert other.low == (None if found.low is None else pytest.approx(found.low))
    if found.low is not None:
        assert found.low <= found.value + 1e-12
        assert found.value - 1e-12 <= found.high


@every_match
def test_nothing_marked_is_undefined_and_one_item_has_no_interval(match):
    nothing, something = Marks.from_rows([]), Marks.from_rows([(0, 1, 3, 0)])
    assert span_f1_interval(nothing, nothing, match=match).reason == "no_case"
    assert span_f1(nothing, something, match=match) == 0
    found = span_f1_interval(something, something, match=match)
    assert (found.value, found.low, found.high) == (1, None, None)


def test_a_class_alone():
    a = Marks.from_rows([(0, 0, 2, 0), (0, 4, 6, 1), (1, 0, 2, 1)])
    b = Marks.from_rows([(0, 0, 2, 0), (0, 4, 6, 0), (1, 0, 2, 1)])
    assert span_f1(a, b) == pytest.approx(2 / 3)
    assert span_f1(a.of_class(1), b.of_class(1)) == pytest.approx(2 / 3)
    assert span_f1(a.of_class(0), b.of_class(0)) == pytest.approx(2 / 3)


@every_match
def test_interval_covers(match):
    rng = np.random.default_rng(5)

    def both(n):
        """Up to three spans an item, further apart than they are long; b misses or moves some."""
        items, places = np.divmod(np.arange(3 * n), 3)
        kept = rng.random(3 * n) < 0.6
        rows = np.stack([items, 10 * places, 10 * places + 5, places % 2], axis=1)
        moved = rows + np.array([0, 1, 1, 0]) * (rng.random(3 * n) < 0.2)[:, None]
        return Marks.from_rows(rows[kept]), Marks.from_rows(
            moved[kept ^ (rng.random(3 * n) < 0.15)]
        )

    truth = span_f1(*both(20_000), match=match)
    found = [span_f1_interval(*both(30), match=match) for _ in range(60)]
    assert np.mean([f.low <= truth <= f.high for f in found]) >= 0.87
    assert np.median([f.high - f.low for f in found]) < 0.4


def test_only_items_that_both_answered_count():
    found = SimpleNamespace(
        items=np.array([0, 0, 1, 1, 2]),
        raters=np.array([0, 1, 0, 1, 0]),
        answers=np.array([0, 1, 2, 4]),
        starts=np.array([0, 0, 5, 7]),
        ends=np.array([2, 2, 6, 9]),
        tags=np.array([1, 1, 0, 0]),
    )
    a, b = shared_marks(found, 0, 1)
    # Item 1: the other rater saw it and marked nothing. Item 2: the other rater did not see it.
    assert (a.items.tolist(), b.items.tolist()) == ([0, 1], [0])
    assert span_f1(a, b) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "rows", [[(0, 2, 2, 0)], [(0, -1, 2, 0)], [(0.5, 1, 2, 0)], [(0, 1, 2, -1)]]
)
def test_bad_spans_are_refused(rows):
    with pytest.raises(ValueError, match="must"):
        Marks.from_rows(rows)


def test_unknown_matches_and_odd_columns_are_refused():
    marks = Marks.from_rows([(0, 1, 3, 0)])
    with pytest.raises(ValueError, match="match must be"):
        span_f1(marks, marks, match="near")
    with pytest.raises(ValueError, match="one length"):
        Marks(np.array([0]), np.array([0, 1]), np.array([1, 2]), np.array([0, 0]))

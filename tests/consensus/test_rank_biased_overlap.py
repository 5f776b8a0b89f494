"""Rank-biased overlap: published values, ties, edges."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.rank_biased_overlap import rank_biased_overlap, rank_biased_overlap_interval
from tests.consensus.tables import repeatable

few = settings(repeatable, max_examples=30)


@pytest.mark.parametrize(
    ("other", "persistence", "expected"),
    # Against a to z: values of Webber's own program, from the test data of the Rust package rbo.
    [
        ("karfvodcjmwgzlypebunq", 0.9, 0.468431),
        ("zhatsimjpnkvcfxwqgoeryubd", 0.9, 0.364444),
        ("f", 0.9, 0.053090),
        ("zclx", 0.9, 0.233312),
        ("auzemcwhrtjvbfqxyk", 0.4, 0.772647),
        ("aptkn", 0.2, 0.892587),
        ("pt", 0.1, 0),
    ],
)
def test_published_values(other, persistence, expected):
    found = rank_biased_overlap(string.ascii_lowercase, other, persistence=persistence)
    assert found == pytest.approx(expected, abs=1.1e-6)


def test_published_value_with_ties():
    # Corsi and Urbano (2024), variant w: the example of their program.
    x = ["red", {"blue", "green"}, "yellow", "pink"]
    y = [{"blue", "red"}, "white", {"yellow", "black", "purple"}, "green"]
    assert rank_biased_overlap(x, y, persistence=0.95) == pytest.approx(0.7068257, abs=5.1e-8)


rankings = st.lists(
    st.lists(st.integers(0, 7), min_size=1, max_size=3, unique=True), min_size=1, max_size=5
).map(
    lambda groups: [
        sorted({option for option in group if option not in {o for g in groups[:k] for o in g}})
        for k, group in enumerate(groups)
    ]
)


@few
@given(a=rankings, b=rankings, persistence=st.floats(0.1, 0.95), names=st.permutations(range(8)))
def test_bounded_symmetric_and_blind_to_names(a, b, persistence, names):
    found = rank_biased_overlap(a, b, persistence=persistence)
    assert -1e-12 <= found <= 1 + 1e-12
    assert rank_biased_overlap(b, a, persistence=persistence) == pytest.approx(found)
    renamed = [[[names[o] for o in reversed(group)] for group in ranking] for ranking in (a, b)]
    assert rank_biased_overlap(*renamed, persistence=persistence) == pytest.approx(found)
    assert rank_biased_overlap(a, a, persistence=persistence) == pytest.approx(1)


def test_the_top_counts_most():
    above = rank_biased_overlap("abcdef", "bacdef")
    below = rank_biased_overlap("abcdef", "abcdfe")
    assert above < below < 1


def test_an_empty_ranking_has_no_overlap():
    assert rank_biased_overlap("", "abc") is None
    found = rank_biased_overlap_interval([[[], ["a"]], [["a"]]])
    assert (found.value, found.reason, found.n_undefined) == (None, "no_pairs", 1)


def test_mean_over_items_and_over_pairs_of_an_item():
    one, other = rank_biased_overlap("ab", "ba"), rank_biased_overlap("abc", "abd")
    found = rank_biased_overlap_interval([["ab", "ba"], ["abc", "abd", "abc"], ["x"]])
    assert found.value == pytest.approx((one + (2 * other + 1) / 3) / 2)
    assert (found.n_items, found.n, found.n_undefined) == (2, 4, 0)
    assert found.low < found.value < found.high
    assert rank_biased_overlap_interval([["abc", "abd", "abc"], ["ba", "ab"]]) == found


def test_one_item_has_a_value_and_no_interval():
    found = rank_biased_overlap_interval([["ab", "ba"]])
    assert found.value is not None
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize(
    ("ranking", "options"),
    [(["a", "a"], {}), ([["a", "a"]], {}), (["a", {"b", "a"}], {}), ("ab", {"persistence": 1})],
)
def test_bad_input_is_refused(ranking, options):
    with pytest.raises(ValueError, match=r"stands twice|must lie"):
        rank_biased_overlap(ranking, "ab", **options)

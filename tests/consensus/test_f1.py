"""F1 of classes and of spans."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from consensus.f1 import f1_scores
from consensus.table import LabelTable
from consensus.two_raters import labels_and_gold, shared_labels
from tests.consensus.tables import repeatable

few = settings(repeatable, max_examples=15)
pairs_of_codes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@few
@given(pairs=pairs_of_codes)
def test_scores_equal_an_independent_implementation(pairs):
    a, b = np.array(pairs).T
    found = f1_scores(a, b, 4)
    for scores, oracle in (
        (found.f1, f1_score),
        (found.precision, precision_score),
        (found.recall, recall_score),
    ):
        # There b, the known classes, comes first, and what is undefined is a NaN.
        expected = oracle(b, a, labels=range(4), average=None, zero_division=np.nan)
        for score, value in zip(scores, expected, strict=True):
            assert score.value == (None if np.isnan(value) else pytest.approx(value))
            assert (score.low is None) == (score.value is None)
    assert found.micro.value == pytest.approx(f1_score(b, a, average="micro"))
    used = sorted({*a, *b})
    assert found.macro.value == pytest.approx(f1_score(b, a, labels=used, average="macro"))
    assert found.macro.n_undefined == 4 - len(used)


@few
@given(pairs=pairs_of_codes, names=st.permutations(range(4)))
def test_order_changes_nothing_and_names_are_kept(pairs, names):
    a, b = np.array(pairs).T
    names = np.array(names)
    found, swapped = f1_scores(a, b, 4), f1_scores(b[::-1], a[::-1], 4)
    renamed = f1_scores(names[a], names[b], 4)
    assert swapped.f1 == found.f1
    assert [s.value for s in swapped.precision] == [s.value for s in found.recall]
    for code, score in enumerate(found.f1):
        assert renamed.f1[names[code]] == score
    for one in (swapped.macro, renamed.macro):
        assert one.value == pytest.approx(found.macro.value)
        assert one.low == (None if found.macro.low is None else pytest.approx(found.macro.low))


def test_f1_counts_the_items_to_which_either_gave_the_class():
    found = f1_scores([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 1], 4)
    assert [score.n for score in found.f1] == [3, 4, 1, 0]
    assert [score.value for score in found.f1] == pytest.approx([0.8, 2 / 3, 0, None])
    assert found.f1[3].reason == "no_case"
    assert found.recall[2].reason == "no_case"
    # Wilson's interval of 2 of 3 is .2077 to .9385.
    expected = (2 * 0.2077 / 1.2077, 2 * 0.9385 / 1.9385)
    assert (found.f1[0].low, found.f1[0].high) == pytest.approx(expected, abs=1e-4)


def test_scores_of_no_items_are_undefined():
    found = f1_scores([], [], 2)
    assert {s.reason for s in (*found.f1, found.macro, found.micro)} == {"no_pairs"}
    assert found.macro.value is None


def test_interval_of_macro_covers():
    rng = np.random.default_rng(7)
    shares = [0.7, 0.2, 0.1]

    def scores(n):
        truth = rng.choice(3, n, p=shares)
        return f1_scores(np.where(rng.random(n) < 0.8, truth, rng.choice(3, n)), truth, 3).macro

    truth = scores(200_000).value
    found = [scores(60) for _ in range(60)]
    assert np.mean([f.low <= truth <= f.high for f in found]) >= 0.87
    assert np.median([f.high - f.low for f in found]) < 0.35


def test_three_items_of_a_rare_class_do_not_make_macro_certain():
    known = np.repeat([0, 1, 2], [20, 17, 3])
    said = np.where(np.arange(40) == 0, 1, known)
    found = f1_scores(known, said, 3).macro
    assert found.value > 0.98
    assert found.low < 0.75  # from what was seen alone: 0.90


TABLE = LabelTable.from_codes(
    [0, 1, 2, 2, 0, 3],
    [0, 0, 0, 1, 1, 1],
    [1, 0, 2, 2, 0, 1],
    n_classes=3,
    gold=[1, -1, 0, 2],
)


def test_two_raters_of_a_table_side_by_side():
    items, a, b = shared_labels(TABLE, 0, 1)
    assert (items.tolist(), a.tolist(), b.tolist()) == ([0, 2], [1, 2], [0, 2])
    items, a, gold = labels_and_gold(TABLE, 0)
    assert (items.tolist(), a.tolist(), gold.tolist()) == ([0, 2], [1, 2], [1, 0])


def test_repeats_and_strangers_are_refused():
    repeated = LabelTable.from_codes([0, 0], [0, 0], [1, 1], n_classes=2, n_raters=2)
    with pytest.raises(ValueError, match="more than once"):
        shared_labels(repeated, 0, 1)
    with pytest.raises(ValueError, match="rater must lie"):
        shared_labels(TABLE, 0, 2)
    with pytest.raises(ValueError, match="no gold"):
        labels_and_gold(repeated, 1)

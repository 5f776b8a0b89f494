"""Why raters differ: pairs against plain loops, each cause alone, and what cannot be told apart."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.ambiguity import AmbiguityModel
from consensus.canonical import item_order
from consensus.disagreement import disagreement
from consensus.rater_pairs import pair_differences
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables

briefly = settings(repeatable, max_examples=6)
PARTS = ("total", "within", "rater_error", "ambiguity", "between")


def simulated(seed, *, slips=0.0, ambiguous=0.0, apart=0.0, n_items=200, each=6, n_classes=3):
    """Ten raters of two groups. `ambiguous` items are even between two classes; `apart` items mean
    one class to the first group and another to the second; `slips` say any class."""
    rng = np.random.default_rng(seed)
    one = rng.integers(0, n_classes, n_items)
    other = (one + rng.integers(1, n_classes, n_items)) % n_classes
    items = np.repeat(np.arange(n_items), each)
    raters = np.concatenate([rng.choice(10, each, replace=False) for _ in range(n_items)])
    second = (rng.random(n_items) < apart)[items] & (raters % 2 == 1)
    second |= (rng.random(n_items) < ambiguous)[items] & (rng.random(len(items)) < 0.5)
    codes = np.where(second, other[items], one[items])
    slipped = rng.random(len(items)) < slips
    codes = np.where(slipped, rng.integers(0, n_classes, len(items)), codes)
    table = LabelTable.from_codes(items, raters, codes, n_classes=n_classes)
    return table, np.arange(10) % 2


def shares_of(table, item):
    """Of each rater of the item: shares of the classes in the own labels."""
    mine = table.items == item
    return {
        int(rater): np.bincount(
            table.codes[mine & (table.raters == rater)], minlength=table.n_classes
        )
        for rater in np.unique(table.raters[mine])
    }


@briefly
@given(table=tables())
def test_pairs_are_those_of_plain_loops(table):
    groups = np.arange(table.n_raters) % 2
    found = pair_differences(table, groups, 2)
    labelling = [np.unique(table.raters[groups[table.raters] == g]) for g in range(2)]
    for item in range(table.n_items):
        counts = shares_of(table, item)
        said = {rater: c / c.sum() for rater, c in counts.items()}
        for group in range(2):
            mine = [rater for rater in said if groups[rater] == group]
            pairs = [1 - said[a] @ said[b] for a, b in combinations(mine, 2)]
            expected = np.mean(pairs) if pairs else np.nan
            if len(labelling[group]) == 1:
                expected = 0.0 if mine else np.nan
            np.testing.assert_allclose(found.within[group, item], expected, atol=1e-12)
            again = [
                1 - (counts[r] * (counts[r] - 1)).sum() / (counts[r].sum() * (counts[r].sum() - 1))
                for r in mine
                if counts[r].sum() > 1
            ]
            expected = np.mean(again) if again else np.nan
            np.testing.assert_allclose(found.repeats[group, item], expected, atol=1e-12)
        pairs = [1 - said[a] @ said[b] for a, b in product(said, said) if groups[a] < groups[b]]
        expected = np.mean(pairs) if pairs else np.nan
        np.testing.assert_allclose(found.across[0, 1, item], expected, atol=1e-12)


@briefly
@given(table=tables(min_labels=6), seed=st.integers(0, 1000))
def test_order_and_names_change_nothing(table, seed):
    groups = np.arange(table.n_raters) % 2
    new = shuffles(table, seed)
    new.pop("classes")
    turned = 1 - groups[np.argsort(new["raters"])]  # the groups change numbers too
    one = disagreement(table, groups=groups, n_bootstrap=5, seed=1)
    other = disagreement(renamed(table, **new), groups=turned, n_bootstrap=5, seed=1)
    for name in PARTS:
        for end in ("value", "low", "high"):
            mine, theirs = getattr(getattr(one, name), end), getattr(getattr(other, name), end)
            assert mine == (pytest.approx(theirs, abs=1e-9) if theirs is not None else None)


def test_names_do_not_matter_to_the_model_and_its_intervals_either():
    table, groups = simulated(1, slips=0.2, ambiguous=0.2, n_items=60, each=10)
    new = shuffles(table, 7)
    new.pop("classes")
    moved = renamed(table, **new)
    order, other = item_order(table, groups), item_order(moved, groups[np.argsort(new["raters"])])
    # Items whose labels are the same throughout may change places, and nobody would notice.
    said, said_there = np.zeros((2, 60, 10), dtype=int)
    said[table.items, table.raters] = table.codes
    said_there[moved.items, moved.raters] = moved.codes
    assert (said[order] == said_there[other][:, new["raters"]]).all()
    assert len(np.unique(said, axis=0)) > 30
    one = disagreement(table, n_bootstrap=3, seed=1)
    two = disagreement(moved, n_bootstrap=3, seed=1)
    for end in ("value", "low", "high"):
        assert getattr(one.ambiguity, end) == pytest.approx(getattr(two.ambiguity, end), abs=1e-7)
    np.testing.assert_allclose(one.slip, two.slip[new["raters"]], atol=1e-7)
    np.testing.assert_allclose(one.ambiguous[0], two.ambiguous[0][new["items"]], atol=1e-7)
    turned = disagreement(renamed(table, classes=np.array([2, 0, 1])), n_bootstrap=0, seed=1)
    assert turned.ambiguity.value == pytest.approx(one.ambiguity.value, abs=1e-7)


@briefly
@given(table=tables(min_labels=4))
def test_the_parts_sum_to_the_whole(table):
    groups = np.arange(table.n_raters) % 2
    found = disagreement(table, groups=groups, n_bootstrap=0, seed=1)
    if found.between.value is not None:
        assert found.total.value == pytest.approx(found.within.value + found.between.value)
        pairs = found.weights[:, None] * found.weights * found.across
        np.fill_diagonal(pairs, found.weights**2 * found.group_within)
        assert found.total.value == pytest.approx(
            pairs[found.weights > 0].sum(where=~np.isnan(pairs[found.weights > 0]))
        )
    if found.rater_error.value is not None:
        assert found.within.value == pytest.approx(found.rater_error.value + found.ambiguity.value)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_pure_slips_are_rater_error(n_classes):
    table, groups = simulated(2, slips=0.3, n_classes=n_classes)
    found = disagreement(table, groups=groups, n_bootstrap=0, seed=1)
    careful = 0.7 + 0.3 / n_classes
    expected = 1 - careful**2 - (1 - careful) ** 2 / (n_classes - 1)
    assert found.total.value == pytest.approx(expected, abs=0.04)
    alone = disagreement(table, n_bootstrap=0, seed=1)
    assert alone.rater_error.value > 0.85 * alone.total.value
    assert abs(found.between.value) < 0.02
    np.testing.assert_allclose(alone.slip, 0.3, atol=0.15)


def test_what_slips_explain_as_well_is_put_down_to_slips():
    # Four labels an item: ambiguity could explain much of it, if it cost nothing.
    table, _ = simulated(3, slips=0.3, each=4, n_items=120, n_classes=2)
    found = disagreement(table, n_bootstrap=0, seed=1)
    assert found.rater_error.value > 0.9 * found.total.value


@pytest.mark.parametrize("n_classes", [2, 4])
def test_pure_ambiguity_is_ambiguity(n_classes):
    table, groups = simulated(3, ambiguous=0.4, n_classes=n_classes)
    alone = disagreement(table, n_bootstrap=0, seed=1)
    assert alone.total.value == pytest.approx(0.2, abs=0.03)
    assert alone.ambiguity.value > 0.85 * alone.total.value
    assert abs(disagreement(table, groups=groups, n_bootstrap=0, seed=1).between.value) < 0.02
    assert np.mean(alone.ambiguous[0] > 0.5) == pytest.approx(0.4, abs=0.06)


def test_a_pure_difference_of_groups_is_between():
    table, groups = simulated(4, apart=0.3)
    found = disagreement(table, groups=groups, n_bootstrap=0, seed=1)
    assert found.within.value == found.rater_error.value == found.ambiguity.value == 0
    assert found.between.value == found.total.value == pytest.approx(0.15, abs=0.03)
    # Without knowing of the groups the same labels look ambiguous.
    unaware = disagreement(table, n_bootstrap=0, seed=1)
    assert unaware.between.value is None
    assert unaware.ambiguity.value > 0.8 * unaware.total.value


def test_three_causes_at_once_and_their_intervals():
    table, groups = simulated(5, slips=0.15, ambiguous=0.25, apart=0.25, each=10)
    found = disagreement(table, groups=groups, n_bootstrap=15, seed=1)
    values = [getattr(found, name).value for name in ("rater_error", "ambiguity", "between")]
    assert sum(values) == pytest.approx(found.total.value)
    assert min(values) > 0.05
    for name in PARTS:
        part = getattr(found, name)
        assert part.low < part.value < part.high
    # Items apart and not ambiguous: the groups' shares differ by one there, less the slips.
    assert found.between.low < 0.25 * 0.75 * 0.85**2 / 2 < found.between.high + 0.02


def test_repeats_measure_slips_without_a_model():
    # Rater r has a view of its own on every item, and slips on one answer in five.
    rng = np.random.default_rng(6)
    views = rng.integers(0, 2, (200, 4))
    items, raters = (np.repeat(column, 2) for column in np.divmod(np.arange(800), 4))
    slipped = rng.random(1600) < 0.2
    codes = np.where(slipped, 1 - views[items, raters], views[items, raters])
    table = LabelTable.from_codes(items, raters, codes, n_classes=2)
    found = disagreement(table, source="repeats", n_bootstrap=20, seed=1)
    assert found.rater_error.value == pytest.approx(2 * 0.2 * 0.8, abs=0.03)
    assert found.total.value == pytest.approx(0.5, abs=0.03)
    assert found.ambiguity.low < 0.18 < found.ambiguity.high
    assert np.isnan(found.slip).all()
    once = table.rows(np.arange(1600) % 2 == 0)
    assert disagreement(once, source="repeats", n_bootstrap=0, seed=1).rater_error.value is None


def test_with_few_raters_an_item_slips_and_ambiguity_are_not_told_apart():
    table, _ = simulated(7, slips=0.3, each=3)
    found = disagreement(table, n_bootstrap=5, seed=1)
    assert found.within.low < found.within.value == found.total.value
    assert (found.rater_error.value, found.ambiguity.value) == (None, None)
    assert found.rater_error.low is None
    assert np.isnan(found.slip).all()


def test_one_judge_is_a_group_of_its_own():
    table, _ = simulated(8, slips=0.1, each=10)
    only = disagreement(table, groups=np.arange(10) == 9, n_bootstrap=0, seed=1)
    assert only.group_within[1] == 0
    people = only.group_within[0]
    assert only.across[0, 1] == pytest.approx(people, abs=0.04)
    # A judge that is one more rater differs from people as they do: half of it is its own.
    share = only.weights
    expected = 2 * share[0] * share[1] * (only.across[0, 1] - people / 2)
    assert only.between.value == pytest.approx(expected)


def test_weights_say_which_groups_meet():
    table, groups = simulated(9, apart=0.4, n_items=60)
    even = disagreement(table, groups=groups, weights=[1, 1], n_bootstrap=0, seed=1)
    first = disagreement(table, groups=groups, weights=[1, 0], n_bootstrap=0, seed=1)
    assert even.between.value == pytest.approx(even.across[0, 1] / 2)
    assert first.total.value == first.between.value == 0


def test_nothing_to_compare():
    empty = LabelTable.from_codes([], [], [], n_classes=2, n_items=2, n_raters=2)
    alone = LabelTable.from_codes([0, 1], [0, 1], [0, 1], n_classes=2)
    for table in (empty, alone):
        found = disagreement(table, groups=[0, 1], n_bootstrap=3, seed=1)
        assert found.total.value is None
        assert found.total.low is None
    within = disagreement(alone, n_bootstrap=3, seed=1)
    assert (within.total.value, within.ambiguity.value) == (None, None)


@pytest.mark.parametrize("weights", [1.0, 2.0])
@briefly
@given(table=tables())
def test_the_likelihood_of_the_mixture_never_falls(weights, table):
    model = AmbiguityModel(table)
    fit = model.fit(max_iterations=15, tolerance=0)
    assert (np.diff(fit.log_likelihood) >= -1e-9).all()
    assert fit.shares.sum() == pytest.approx(1)
    again = model.refit(fit, np.full(table.n_items, weights), max_iterations=10)
    assert (np.diff(again.log_likelihood) >= -1e-9).all()
    assert (np.isnan(again.slip) == np.isnan(fit.slip)).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "guess"},
        {"confidence": 1.0},
        {"n_bootstrap": -1},
        {"groups": [0]},
        {"groups": [0, -1]},
        {"groups": [0.0, 1.0]},
        {"groups": [0, 1], "weights": [1.0]},
        {"groups": [0, 1], "weights": [0.0, 0.0]},
        {"groups": [0, 1], "weights": [-1.0, 2.0]},
    ],
)
def test_bad_parameters_are_refused(wrong):
    table = LabelTable.from_codes([0, 0], [0, 1], [0, 1], n_classes=2)
    with pytest.raises(ValueError, match=r"must (be|lie|not)"):
        disagreement(table, **{"seed": 1, **wrong})

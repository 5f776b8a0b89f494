"""Fleiss' kappa, Gwet's AC1 and AC2, and plain agreement: published values and edges."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.fleiss import fleiss_kappa, fleiss_kappa_interval
from consensus.gwet import gwet_ac, gwet_ac_interval
from consensus.plain_agreement import (
    observed_agreement,
    observed_agreement_interval,
    percent_agreement,
    percent_agreement_interval,
)
from consensus.table import LabelTable
from tests.consensus.agreement_cases import (
    ABSTRACTORS,
    FOUR_RATERS,
    PSYCHIATRISTS,
    from_cells,
    from_counts,
    from_grid,
    side_by_side,
)
from tests.consensus.tables import renamed, repeatable, shuffles, tables

few = settings(repeatable, max_examples=15)
BOTH = [fleiss_kappa_interval, gwet_ac_interval]


def test_fleiss_own_example():
    # Fleiss (1971): .430. Unrounded, and with quadratic weights: other implementations.
    table = from_counts(PSYCHIATRISTS)
    assert fleiss_kappa(table) == pytest.approx(0.4302445, abs=5e-8)
    assert fleiss_kappa(table, weights="quadratic") == pytest.approx(0.28407225, abs=5e-9)


@pytest.mark.parametrize(
    ("function", "weights", "expected"),
    # K. L. Gwet, Handbook (2014), and the documentation of his irrCAC: labels are missing.
    [
        (gwet_ac, "none", 0.77544),
        (gwet_ac, "quadratic", 0.91400),
        (fleiss_kappa, "none", 0.76117),
        (fleiss_kappa, "quadratic", 0.86494),
    ],
)
def test_published_values_with_labels_missing(function, weights, expected):
    table = from_grid(FOUR_RATERS, n_classes=5, first=1)
    assert function(table, weights=weights) == pytest.approx(expected, abs=5.1e-6)


@pytest.mark.parametrize(
    ("weights", "ac", "kappa"),
    [("none", 0.4448007, 0.4139265), ("quadratic", 0.4837438, 0.2511909)],
)
def test_published_values_of_six_raters(weights, ac, kappa):
    table = from_counts(PSYCHIATRISTS[:15])
    assert gwet_ac(table, weights=weights) == pytest.approx(ac, abs=5.1e-8)
    assert fleiss_kappa(table, weights=weights) == pytest.approx(kappa, abs=5.1e-8)


@pytest.mark.parametrize(("weights", "expected"), [("none", 0.8493305), ("quadratic", 0.9402369)])
def test_published_values_of_two_raters(weights, expected):
    table = side_by_side(*from_cells(ABSTRACTORS), 3)
    assert gwet_ac(table, weights=weights) == pytest.approx(expected, abs=5.1e-8)


def test_ac1_stays_high_where_one_class_has_nearly_all_labels():
    # 95 of 100 items agree, all but one on one class: the case kappa is blamed for.
    table = side_by_side(*from_cells({(0, 0): 94, (1, 1): 1, (0, 1): 3, (1, 0): 2}), 2)
    assert gwet_ac(table) > 0.94
    assert fleiss_kappa(table) < 0.4


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        ([[0, 1, None], [None, None, 1]], "no_pairs"),
        ([[1, 1], [1, 1]], "one_class"),
        ([[0, 1, 1]], "no_pairs"),
    ],
)
def test_undefined_is_not_zero_or_one(function, grid, reason):
    found = function(from_grid(grid, n_classes=2))
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, reason)


@pytest.mark.parametrize("function", BOTH)
def test_one_item_has_a_value_and_no_interval(function):
    found = function(from_grid([[0], [1]], n_classes=2))
    assert found.value == pytest.approx(-1)
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize("function", [*BOTH, observed_agreement_interval])
@few
@given(table=tables(min_labels=4), seed=st.integers(0, 1000))
def test_order_changes_nothing_and_names_no_value(function, table, seed):
    new = shuffles(table, seed)
    classes = new.pop("classes")
    found = function(table)
    assert function(renamed(table, **new)) == found
    other = function(renamed(table, classes=classes))
    for name in ("value", "low", "high"):
        expected = getattr(found, name)
        assert getattr(other, name) == (None if expected is None else pytest.approx(expected))


def test_percent_agreement():
    assert percent_agreement([0, 1, 2, 1], [0, 1, 1, 1]) == 0.75
    assert percent_agreement([], []) is None
    with pytest.raises(ValueError, match="same items"):
        percent_agreement([0, 1], [0])


def test_percent_agreement_of_two_has_wilsons_interval():
    found = percent_agreement_interval([0, 1, 2, 1], [0, 1, 1, 1])
    assert (found.value, found.n_items) == (0.75, 4)
    assert (found.low, found.high) == pytest.approx((0.3006, 0.9544), abs=5e-5)
    assert percent_agreement_interval([], []).reason == "no_pairs"


@few
@given(table=tables())
def test_observed_agreement_counts_pairs(table):
    pairs = [
        table.codes[a] == table.codes[b]
        for a, b in itertools.combinations(range(table.n_labels), 2)
        if table.items[a] == table.items[b]
    ]
    found = observed_agreement_interval(table)
    assert found.value == (pytest.approx(np.mean(pairs)) if pairs else None)
    assert observed_agreement(table) == found.value
    assert found.n == len(pairs)


def test_pairs_of_one_item_are_not_so_many_items():
    # Ten raters who all agree or all split on an item: 45 pairs, one piece of news.
    rng = np.random.default_rng(1)
    split = rng.random(40) < 0.3
    codes = np.where(split[:, None], np.arange(10) % 2, 0)
    table = LabelTable.from_codes(
        np.repeat(np.arange(40), 10), np.tile(np.arange(10), 40), codes.ravel(), n_classes=2
    )
    found = observed_agreement_interval(table)
    assert found.n == 40 * 45
    assert found.high - found.low > 0.1  # as if 1,800 pairs were independent: 0.03

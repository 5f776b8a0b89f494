"""Krippendorff's alpha: against an independent implementation, textbook values, its edges."""

from __future__ import annotations

import time
import tracemalloc

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.krippendorff import krippendorff_alpha, krippendorff_interval
from consensus.table import LabelTable
from tests.consensus.agreement_cases import TEXTBOOK, from_grid, noisy_table
from tests.consensus.tables import renamed, repeatable, shuffles, tables

LEVELS = ["nominal", "ordinal", "interval", "ratio"]
every_level = pytest.mark.parametrize("level", LEVELS)
few = settings(repeatable, max_examples=15)


def oracle(table, level, values=None):
    """Alpha by the `krippendorff` package from the rater-by-item grid."""
    values = np.arange(table.n_classes, dtype=float) if values is None else np.array(values)
    grid = np.full((table.n_raters, table.n_items), np.nan)
    grid[table.raters, table.items] = values[table.codes]
    return krippendorff.alpha(
        reliability_data=grid, level_of_measurement=level, value_domain=np.sort(values)
    )


@pytest.mark.parametrize(
    ("level", "expected"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_textbook_value(level, expected):
    table = from_grid(TEXTBOOK, n_classes=5, first=1)
    values = [1, 2, 3, 4, 5] if level in ("interval", "ratio") else None
    assert krippendorff_alpha(table, level=level, values=values) == pytest.approx(
        expected, abs=5e-4
    )


@every_level
@few
@given(table=tables(repeats=False))
def test_alpha_equals_an_independent_implementation(level, table):
    counts = table.counts()
    pairable = counts[counts.sum(axis=1) > 1].sum(axis=0)
    alpha = krippendorff_alpha(table, level=level)
    if (pairable > 0).sum() < 2:
        assert alpha is None
    else:
        assert alpha == pytest.approx(oracle(table, level), abs=1e-9)


@pytest.mark.parametrize("level", ["interval", "ratio"])
def test_classes_stand_for_the_numbers_given(level):
    table, values = noisy_table(30), [0.5, 2, 10]
    alpha = krippendorff_alpha(table, level=level, values=values)
    assert alpha == pytest.approx(oracle(table, level, values))
    assert alpha != pytest.approx(krippendorff_alpha(table, level=level), abs=1e-3)


@every_level
def test_alpha_of_many_classes(level):
    # More classes than fit into one number as digits of a row.
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 90, (3, 40))
    codes[1, ::2] = codes[0, ::2]
    table = from_grid(codes.tolist(), n_classes=90)
    assert krippendorff_alpha(table, level=level) == pytest.approx(oracle(table, level))


@every_level
@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        ([[0, 1, None], [None, None, 1]], "no_pairs"),
        ([[1, 1, 0], [1, 1, None]], "one_class"),  # as far as labels have a partner
        ([[None, None, 0], [None, None, None]], "no_pairs"),
    ],
)
def test_alpha_is_undefined_not_zero_or_one(level, grid, reason):
    table = from_grid(grid, n_classes=2)
    assert krippendorff_alpha(table, level=level) is None
    agreement = krippendorff_interval(table, level=level)
    assert (agreement.value, agreement.low, agreement.high) == (None, None, None)
    assert agreement.reason == reason


def test_alpha_of_nothing_is_undefined():
    table = LabelTable.from_codes([], [], [], n_classes=3)
    assert krippendorff_interval(table).reason == "no_pairs"


@every_level
@few
@given(table=tables(min_labels=4), seed=st.integers(0, 1000))
def test_order_of_rows_items_and_raters_changes_nothing(level, table, seed):
    new = shuffles(table, seed)
    new.pop("classes")
    first = krippendorff_interval(table, level=level)
    assert krippendorff_interval(renamed(table, **new), level=level) == first


@few
@given(table=tables(min_labels=4), seed=st.integers(0, 1000))
def test_names_of_classes_do_not_matter_to_nominal_alpha(table, seed):
    one = krippendorff_interval(table)
    other = krippendorff_interval(renamed(table, classes=shuffles(table, seed)["classes"]))
    for name in ("value", "low", "high"):
        expected = getattr(one, name)
        assert getattr(other, name) == (None if expected is None else pytest.approx(expected))


@few
@given(table=tables(min_labels=4))
def test_counts_are_those_of_items_with_two_labels(table):
    agreement = krippendorff_interval(table)
    sizes = table.counts().sum(axis=1)
    assert agreement.n_items == (sizes > 1).sum()
    assert agreement.n == sizes[sizes > 1].sum()


@every_level
def test_interval_is_like_that_of_drawing_items_where_there_are_many(level):
    table = noisy_table(400)
    counts = table.counts()
    rng = np.random.default_rng(0)
    draws = [
        krippendorff.alpha(
            value_counts=counts[rng.integers(0, 400, 400)],
            level_of_measurement=level,
            value_domain=[0, 1, 2],
        )
        for _ in range(200)
    ]
    agreement = krippendorff_interval(table, level=level)
    width = np.quantile(draws, 0.975) - np.quantile(draws, 0.025)
    assert agreement.high - agreement.low == pytest.approx(width, rel=0.25)
    assert (agreement.low + agreement.high) / 2 == pytest.approx(np.mean(draws), abs=width / 8)


def test_one_item_has_a_value_but_no_interval():
    agreement = krippendorff_interval(from_grid([[0], [1], [1]], n_classes=2))
    assert agreement.value == pytest.approx(0)
    assert (agreement.low, agreement.high) == (None, None)


def test_all_agree_and_nobody_knows_how_long():
    agreement = krippendorff_interval(from_grid([[0, 0, 1, 1, 0]] * 2, n_classes=2))
    assert (agreement.value, agreement.high) == (1, 1)
    assert agreement.low < 0.5


def test_many_items_take_a_moment_and_no_table_of_counts():
    rng = np.random.default_rng(1)
    n = 60_000
    table = LabelTable.from_codes(
        np.repeat(np.arange(n), 5), np.tile(np.arange(5), n), rng.integers(0, 5, 5 * n), n_classes=5
    )
    start = time.process_time()
    krippendorff_interval(table)
    assert time.process_time() - start < 0.5  # measured: 0.01
    tracemalloc.start()
    krippendorff_interval(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6  # measured: 8 MB; grows by 25 bytes an item and nothing a label


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": "binary"},
        {"confidence": 1.0},
        {"confidence": 95},
        {"values": [1, 2, 3]},
        {"level": "interval", "values": [1, 2]},
        {"level": "interval", "values": [1, 2, np.nan]},
        {"level": "ratio", "values": [-1, 2, 3]},
    ],
)
def test_bad_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|uses no numbers"):
        krippendorff_interval(noisy_table(5), **wrong)

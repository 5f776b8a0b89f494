"""Agreement: against an independent implementation, textbook values, and where it is undefined."""

from __future__ import annotations

import itertools
import time

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from consensus.agreement import (
    Agreement,
    agreement_key,
    agreement_sentence,
    cohen_kappa,
    krippendorff_alpha,
    krippendorff_interval,
    observed_agreement,
    pairwise_agreement,
    percent_agreement,
    proportion_interval,
)
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables

LEVELS = ["nominal", "ordinal", "interval"]
every_level = pytest.mark.parametrize("level", LEVELS)

# Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), section C: four observers,
# twelve units, classes 1 to 5, nothing where an observer did not code a unit.
TEXTBOOK = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def from_grid(grid, n_classes, first=0):
    rows = [
        (item, rater, value - first)
        for rater, line in enumerate(grid)
        for item, value in enumerate(line)
        if value is not None
    ]
    items, raters, codes = zip(*rows, strict=True)
    return LabelTable.from_codes(
        items, raters, codes, n_classes=n_classes, n_items=len(grid[0]), n_raters=len(grid)
    )


def oracle(table, level):
    """Alpha by the `krippendorff` package from the rater-by-item grid."""
    grid = np.full((table.n_raters, table.n_items), np.nan)
    grid[table.raters, table.items] = table.codes
    return krippendorff.alpha(
        reliability_data=grid,
        level_of_measurement=level,
        value_domain=np.arange(table.n_classes, dtype=float),
    )


@pytest.mark.parametrize(
    ("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_textbook_value(level, expected):
    table = from_grid(TEXTBOOK, n_classes=5, first=1)
    assert krippendorff_alpha(table, level=level) == pytest.approx(expected, abs=5e-4)


@every_level
@repeatable
@given(table=tables(repeats=False))
def test_alpha_equals_an_independent_implementation(level, table):
    counts = table.counts()
    pairable = counts[counts.sum(axis=1) > 1].sum(axis=0)
    alpha = krippendorff_alpha(table, level=level)
    if (pairable > 0).sum() < 2:
        assert alpha is None
    else:
        assert alpha == pytest.approx(oracle(table, level), abs=1e-9)


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
    "grid",
    [
        [[0, 1, None], [None, None, 1]],  # no item has two labels
        [[1, 1, 0], [1, 1, None]],  # all labels that have a partner name one class
        [[None, None, 0], [None, None, None]],
    ],
)
def test_alpha_is_undefined_not_zero_or_one(level, grid):
    table = from_grid(grid, n_classes=2)
    assert krippendorff_alpha(table, level=level) is None
    agreement = krippendorff_interval(table, level=level, seed=1)
    assert (agreement.value, agreement.low, agreement.high) == (None, None, None)


@every_level
@repeatable
@given(table=tables(min_labels=4), seed=st.integers(0, 1000))
def test_order_of_rows_items_and_raters_changes_nothing(level, table, seed):
    new = shuffles(table, seed)
    new.pop("classes")
    first = krippendorff_interval(table, level=level, n_bootstrap=20, seed=1)
    assert (
        krippendorff_interval(renamed(table, **new), level=level, n_bootstrap=20, seed=1) == first
    )


@repeatable
@given(table=tables(min_labels=4), seed=st.integers(0, 1000))
def test_names_of_classes_do_not_matter_to_nominal_alpha(table, seed):
    other = krippendorff_alpha(renamed(table, classes=shuffles(table, seed)["classes"]))
    assert other == (pytest.approx(krippendorff_alpha(table)) if other is not None else None)


@every_level
@repeatable
@given(table=tables(min_labels=4))
def test_alpha_and_interval_are_bounded(level, table):
    agreement = krippendorff_interval(table, level=level, n_bootstrap=50, seed=2)
    if agreement.value is not None:
        assert agreement.value <= 1
    if agreement.low is not None:
        assert agreement.low <= agreement.high <= 1
    counts = table.counts().sum(axis=1)
    assert agreement.n_items == (counts > 1).sum()
    assert agreement.n_pairable == counts[counts > 1].sum()


def noisy_table(n_items, n_raters=4, n_classes=3, seed=8):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, n_items)
    items, raters = np.divmod(np.arange(n_items * n_raters), n_raters)
    noise = rng.random(len(items)) < 0.4
    codes = np.where(noise, rng.integers(0, n_classes, len(items)), truth[items])
    return LabelTable.from_codes(items, raters, codes, n_classes=n_classes)


@every_level
def test_interval_equals_drawing_items_one_by_one(level):
    table = noisy_table(60)
    counts = table.counts()
    rng = np.random.default_rng(0)
    draws = [
        krippendorff.alpha(
            value_counts=counts[rng.integers(0, 60, 60)],
            level_of_measurement=level,
            value_domain=[0, 1, 2],
        )
        for _ in range(1000)
    ]
    agreement = krippendorff_interval(table, level=level, seed=4, n_bootstrap=4000)
    assert agreement.low == pytest.approx(np.quantile(draws, 0.025), abs=0.02)
    assert agreement.high == pytest.approx(np.quantile(draws, 0.975), abs=0.02)
    assert agreement.low < agreement.value < agreement.high


def test_interval_depends_on_the_seed_alone():
    table = noisy_table(50)
    assert krippendorff_interval(table, seed=1) == krippendorff_interval(table, seed=1)
    assert krippendorff_interval(table, seed=1) != krippendorff_interval(table, seed=2)


def test_interval_widens_with_confidence_and_narrows_with_items():
    def width(n_items, confidence):
        agreement = krippendorff_interval(noisy_table(n_items), seed=1, confidence=confidence)
        return agreement.high - agreement.low

    assert width(100, 0.8) < width(100, 0.95) < width(100, 0.99)
    assert width(1600, 0.95) < width(100, 0.95) / 3


def test_chunks_of_draws_do_not_change_the_interval(monkeypatch):
    table = noisy_table(50)
    whole = krippendorff_interval(table, seed=1, n_bootstrap=101)
    monkeypatch.setattr("consensus.agreement._CHUNK", 100)
    assert krippendorff_interval(table, seed=1, n_bootstrap=101) == whole


def test_draws_of_one_class_are_counted_and_left_out():
    table = from_grid([[0, 0, 0, 1], [0, 0, 0, 1]], n_classes=2)
    agreement = krippendorff_interval(table, seed=1, n_bootstrap=1000)
    # A draw misses the only item of class 1 with probability (3/4)^4, or takes nothing else.
    assert agreement.n_undefined == pytest.approx(1000 * (0.75**4 + 0.25**4), abs=60)
    assert (agreement.value, agreement.low, agreement.high) == (1, 1, 1)


def test_one_item_has_a_value_but_no_interval():
    agreement = krippendorff_interval(from_grid([[0], [1], [1]], n_classes=2), seed=1)
    assert agreement.value == pytest.approx(0)
    assert (agreement.low, agreement.high) == (None, None)


def test_a_thousand_draws_of_many_different_items_take_seconds_not_minutes():
    rng = np.random.default_rng(1)
    items, raters = np.divmod(np.arange(5_000 * 12), 12)
    codes = rng.integers(0, 8, len(items))
    table = LabelTable.from_codes(items, raters, codes, n_classes=8)
    start = time.process_time()
    krippendorff_interval(table, level="nominal", seed=1)
    assert time.process_time() - start < 4  # measured: 0.4


@pytest.mark.parametrize(
    "wrong", [{"level": "ratio"}, {"confidence": 1.0}, {"confidence": 95}, {"n_bootstrap": 0}]
)
def test_bad_parameters_of_the_interval_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must (be|lie)"):
        krippendorff_interval(noisy_table(5), **{"seed": 1, **wrong})


def test_percent_agreement():
    assert percent_agreement([0, 1, 2, 1], [0, 1, 1, 1]) == 0.75
    assert percent_agreement([], []) is None
    with pytest.raises(ValueError, match="same items"):
        percent_agreement([0, 1], [0])


@repeatable
@given(table=tables())
def test_observed_agreement_counts_pairs(table):
    pairs = [
        table.codes[a] == table.codes[b]
        for a, b in itertools.combinations(range(table.n_labels), 2)
        if table.items[a] == table.items[b]
    ]
    assert observed_agreement(table) == (pytest.approx(np.mean(pairs)) if pairs else None)


def test_kappa_textbook_value():
    # Fleiss, Levin and Paik, "Statistical methods for rates and proportions", table 18.1.
    cells = {(0, 0): 75, (0, 1): 1, (0, 2): 4, (1, 0): 5, (1, 1): 4, (1, 2): 1, (2, 2): 10}
    a, b = np.repeat(np.array(list(cells)), list(cells.values()), axis=0).T
    assert cohen_kappa(a, b, 3) == pytest.approx(0.68, abs=0.005)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0, 1, 2], [0, 1, 2], 1),
        ([0, 1], [1, 0], -1),
        ([0, 0, 1, 1], [0, 1, 0, 1], 0),
        ([1, 1], [1, 1], None),  # certain agreement: nothing to measure
        ([], [], None),
        ([1, 1, 1], [1, 1, 0], 0),
    ],
)
def test_kappa_at_its_edges(a, b, expected):
    kappa = cohen_kappa(a, b, 3)
    assert kappa == (None if expected is None else pytest.approx(expected))


@repeatable
@given(
    pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30),
    names=st.permutations(range(4)),
)
def test_kappa_knows_neither_order_nor_names(pairs, names):
    a, b = np.array(pairs).T
    kappa = cohen_kappa(a, b, 4)
    assume(kappa is not None)
    names = np.array(names)
    assert cohen_kappa(b, a, 4) == pytest.approx(kappa)
    assert cohen_kappa(names[a[::-1]], names[b[::-1]], 4) == pytest.approx(kappa)
    assert -1 <= kappa <= 1


@pytest.mark.parametrize(
    ("a", "b"), [([0, 4], [0, 1]), ([0, -1], [0, 1]), ([0, 1], [0]), ([0.0, np.nan], [0.0, 1.0])]
)
def test_kappa_refuses_bad_codes(a, b):
    with pytest.raises(ValueError, match="codes"):
        cohen_kappa(a, b, 3)


@repeatable
@given(table=tables(repeats=False))
def test_pairwise_agreement_equals_each_pair_alone(table):
    share, both = pairwise_agreement(table)
    answers = [
        dict(zip(table.items[mine].tolist(), table.codes[mine].tolist(), strict=True))
        for mine in (table.raters == rater for rater in range(table.n_raters))
    ]
    for a, b in itertools.permutations(range(table.n_raters), 2):
        common = sorted(answers[a].keys() & answers[b].keys())
        assert both[a, b] == len(common)
        expected = percent_agreement(
            [answers[a][i] for i in common], [answers[b][i] for i in common]
        )
        if expected is None:
            assert np.isnan(share[a, b])
        else:
            assert share[a, b] == pytest.approx(expected)
    assert not np.diagonal(both).any()
    assert np.isnan(np.diagonal(share)).all()


def test_pairwise_agreement_compares_repeats_on_the_diagonal():
    table = LabelTable.from_codes(
        [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1], [1, 1, 0, 1, 0, 0], n_classes=2, n_raters=3
    )
    share, both = pairwise_agreement(table)
    assert both.tolist() == [[3, 3, 0], [3, 1, 0], [0, 0, 0]]
    assert share[0, 0] == pytest.approx(1 / 3)
    assert share[1, 1] == 1
    assert share[0, 1] == share[1, 0] == pytest.approx(2 / 3)
    assert np.isnan(share[2]).all()


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_published_values(k, n, low, high):
    assert proportion_interval(k, n) == pytest.approx((low, high), abs=5e-5)


@repeatable
@given(n=st.integers(0, 10_000), data=st.data())
def test_wilson_holds_the_share_and_mirrors(n, data):
    k = data.draw(st.integers(0, n))
    low, high = proportion_interval(k, n)
    assert 0 <= low < high <= 1
    if n:
        assert low <= k / n <= high
    other_low, other_high = proportion_interval(n - k, n)
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high), abs=1e-12)


def test_wilson_of_nothing_is_everything():
    assert proportion_interval(0, 0) == (0, 1)


@pytest.mark.parametrize(
    ("k", "n", "confidence"), [(3, 2, 0.9), (-1, 2, 0.9), (1, 2, 1), (1, 2, 0)]
)
def test_wilson_refuses_what_is_no_proportion(k, n, confidence):
    with pytest.raises(ValueError, match="must lie"):
        proportion_interval(k, n, confidence)


def agreement(value, low=None, n_pairable=100):
    return Agreement(value, low, value, 50, n_pairable, 0, "nominal")


@pytest.mark.parametrize(
    ("given_agreement", "key", "words"),
    [
        (agreement(0.9, 0.85), "reliable", "can be relied on."),
        (agreement(0.82, 0.75), "reliable", "reaches into a lower band"),
        (agreement(0.7, 0.67), "tentative", "tentative conclusions"),
        (agreement(0.3, 0.2), "low", "low"),
        (agreement(0.1, -0.1), "low", "reaches into a lower band"),
        (agreement(-0.1, -0.3), "chance", "no more than chance"),
        (agreement(0.9), "reliable", "too few for an interval"),
        (agreement(None, n_pairable=0), "no_pairs", "no item has labels of two raters"),
        (agreement(None), "one_class", "all labels name one class"),
    ],
)
def test_the_sentence_says_what_the_value_means(given_agreement, key, words):
    assert agreement_key(given_agreement) == key
    assert words in agreement_sentence(given_agreement)

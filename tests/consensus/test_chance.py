"""Agreement beyond chance: influence against derivatives, published errors, and that it covers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.chance import agreement_weights, coefficient, jackknife_variance
from consensus.f1 import macro_parts
from consensus.fleiss import fleiss_kappa_interval, fleiss_measurement
from consensus.gwet import gwet_ac_interval, gwet_measurement
from consensus.kappa import cohen_kappa_interval, kappa_measurement
from consensus.krippendorff import alpha_measurement, krippendorff_interval
from consensus.patterns import count_patterns
from consensus.plain_agreement import differing_parts, observed_agreement_interval
from tests.consensus.agreement_cases import (
    ABSTRACTORS,
    PSYCHIATRISTS,
    from_cells,
    from_counts,
    side_by_side,
)
from tests.consensus.tables import repeatable, tables

few = settings(repeatable, max_examples=8)

OF_COUNTS = {
    "nominal": alpha_measurement(4, "nominal"),
    "ordinal": alpha_measurement(4, "ordinal"),
    "interval": alpha_measurement(4, "interval", [1, 2, 4, 8]),
    "ratio": alpha_measurement(4, "ratio"),
    "fleiss": fleiss_measurement(4),
    "fleiss, linear": fleiss_measurement(4, "linear"),
    "AC1": gwet_measurement(4),
    "AC2": gwet_measurement(4, "quadratic"),
    "percent": differing_parts,
}
OF_PAIRS = {
    "kappa": kappa_measurement(4),
    "kappa, quadratic": kappa_measurement(4, "quadratic"),
    "macro F1": macro_parts,
}
rows_of_counts = st.lists(
    st.lists(st.integers(0, 4), min_size=4, max_size=4).filter(lambda row: sum(row) > 1),
    min_size=2,
    max_size=8,
)
rows_of_pairs = st.lists(
    st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=2, max_size=8
)


def check_influence(measure, rows):
    patterns = np.array(rows, dtype=float)
    times = np.arange(1.0, len(rows) + 1)
    parts = measure(patterns, times)
    if parts.expected == 0:
        return
    for k, influence in enumerate(parts.influence):
        step = 1e-5 * np.eye(len(rows))[k]
        more, less = measure(patterns, times + step), measure(patterns, times - step)
        slope = (more.observed / more.expected - less.observed / less.expected) / 2e-5
        assert influence == pytest.approx(slope, abs=1e-6, rel=1e-6)


@pytest.mark.parametrize("name", OF_COUNTS)
@few
@given(rows=rows_of_counts)
def test_influence_is_how_much_an_item_more_changes(name, rows):
    check_influence(OF_COUNTS[name], rows)


@pytest.mark.parametrize("name", OF_PAIRS)
@few
@given(rows=rows_of_pairs)
def test_influence_is_how_much_a_pair_more_changes(name, rows):
    check_influence(OF_PAIRS[name], rows)


def standard_error(measure, patterns, times):
    patterns, times = np.asarray(patterns, dtype=float), np.asarray(times, dtype=float)
    return jackknife_variance(measure(patterns, times).influence, times) ** 0.5


@pytest.mark.parametrize(
    ("measure", "expected"),
    # The documentation of irrCAC, distrib.6raters.
    [
        (gwet_measurement(5), 0.08418757),
        (fleiss_measurement(5), 0.08119291),
        (gwet_measurement(5, "quadratic"), 0.1058227),
        (fleiss_measurement(5, "quadratic"), 0.1457381),
    ],
)
def test_published_standard_errors_of_many_raters(measure, expected):
    found = count_patterns(from_counts(PSYCHIATRISTS[:15]))
    assert standard_error(measure, *found) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("measure", "expected"),
    # The documentation of irrCAC, cont3x3abstractors; for two raters it divides the variance by n,
    # not by n - 1 as here.
    [
        (kappa_measurement(3), 0.05891072),
        (kappa_measurement(3, "quadratic"), 0.03535151),
    ],
)
def test_published_standard_errors_of_two_raters(measure, expected):
    found = standard_error(measure, list(ABSTRACTORS), list(ABSTRACTORS.values()))
    assert found == pytest.approx(expected * (100 / 99) ** 0.5, rel=1e-5)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (gwet_measurement(3), 0.04321747 * (100 / 99) ** 0.5),
        (gwet_measurement(3, "quadratic"), 0.01792019 * (100 / 99) ** 0.5),
        (alpha_measurement(3, "nominal"), 0.05905473),
        (alpha_measurement(3, "interval"), 0.03539506),
    ],
)
def test_published_standard_errors_of_two_raters_as_a_table(measure, expected):
    found = count_patterns(side_by_side(*from_cells(ABSTRACTORS), 3))
    assert standard_error(measure, *found) == pytest.approx(expected, rel=2e-5)


INTERVALS = {
    "alpha": krippendorff_interval,
    "ordinal alpha": lambda table: krippendorff_interval(table, level="ordinal"),
    "fleiss": fleiss_kappa_interval,
    "AC1": gwet_ac_interval,
    "percent": observed_agreement_interval,
    "kappa": lambda table: cohen_kappa_interval(*table.codes.reshape(2, -1), table.n_classes),
}


def two_raters(rng, n_items, shares, right):
    """Both draw the item's class with probability `right`, else one by the shares."""
    classes = np.arange(len(shares))
    truth = rng.choice(classes, n_items, p=shares)
    given = np.where(
        rng.random((2, n_items)) < right, truth, rng.choice(classes, (2, n_items), p=shares)
    )
    return side_by_side(*given, len(shares))


@pytest.mark.parametrize("name", INTERVALS)
@pytest.mark.parametrize("right", [0.3, 0.95])
def test_intervals_cover_where_items_are_few_and_classes_uneven(name, right):
    # 0.3: the rare class may be agreed on nowhere. 0.95: nobody may disagree. In both, the plain
    # jackknife and the percentile bootstrap cover 80 % or less; bench.coverage_agreement has more.
    interval = INTERVALS[name]
    rng = np.random.default_rng(3)
    shares = np.array([0.8, 0.2])
    truth = interval(two_raters(rng, 200_000, shares, right)).value
    found = [interval(two_raters(rng, 30, shares, right)) for _ in range(60)]
    covered = [f.low <= truth <= f.high for f in found if f.value is not None]
    assert np.mean(covered) >= 0.87  # 60 draws of a coverage of 0.95: less has probability 0.005
    # And not by being wide: that much wider than Wald's interval of a share at its widest.
    assert np.median([f.high - f.low for f in found if f.value is not None]) < 2.5 / 30**0.5 * 2


def test_one_near_miss_does_not_rule_out_a_great_difference():
    # Thirty ratings, all alike but one that is a step off: a thirty-first may be four steps off.
    a = np.arange(30) % 5
    near = krippendorff_interval(side_by_side(a, a + (np.arange(30) == 1), 5), level="interval")
    assert near.value > 0.99
    assert near.low < 0.6  # from what was seen alone: 0.95


@pytest.mark.parametrize("name", INTERVALS)
@few
@given(table=tables(min_labels=4))
def test_intervals_hold_the_value(name, table):
    if name == "kappa":
        table = side_by_side(table.codes, table.codes[::-1], table.n_classes)
    found = INTERVALS[name](table)
    assert (found.value is None) == (found.reason is not None)
    assert (found.low is None) == (found.value is None or found.n_items < 2)
    if found.low is not None:
        assert found.low <= found.value + 1e-12
        assert found.value - 1e-12 <= found.high <= 1 + 1e-12


def test_intervals_widen_with_confidence_and_narrow_with_items():
    def width(n_items, confidence):
        table = two_raters(np.random.default_rng(1), n_items, [0.5, 0.5], 0.7)
        found = krippendorff_interval(table, confidence=confidence)
        return found.high - found.low

    assert width(100, 0.8) < width(100, 0.95) < width(100, 0.99)
    assert width(1600, 0.95) < width(100, 0.95) / 3


def test_named_weights():
    assert agreement_weights("none", 3).tolist() == np.eye(3).tolist()
    assert agreement_weights("linear", 3)[0].tolist() == [1, 0.5, 0]
    assert agreement_weights("quadratic", 3)[0].tolist() == [1, 0.75, 0]
    assert agreement_weights("linear", 1).tolist() == [[1]]


def test_own_weights_are_as_good_as_named_ones():
    found = np.array([[2, 1, 0], [0, 1, 2], [3, 0, 0]], dtype=float), np.array([1.0, 2.0, 3.0])
    own = coefficient(gwet_measurement(3, agreement_weights("linear", 3))(*found))
    assert own == coefficient(gwet_measurement(3, "linear")(*found))


@pytest.mark.parametrize(
    "wrong", ["ordinal", np.eye(2), np.ones((3, 3)) * 2, [[1, 0.5, 0], [0, 1, 0], [0, 0, 1]]]
)
def test_wrong_weights_are_refused(wrong):
    with pytest.raises(ValueError, match="weights must"):
        agreement_weights(wrong, 3)

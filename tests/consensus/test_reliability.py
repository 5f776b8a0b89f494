"""Reliability: bins, calibration error, Brier score, and their intervals where little is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from consensus.intervals import exact_interval
from consensus.reliability import (
    brier,
    calibration_error,
    reliability_sentence,
    reliability_table,
    top_confidence,
)
from tests.consensus.tables import repeatable

few = settings(repeatable, max_examples=12)
answers = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.8, 0.9, 1.0]), st.booleans()),
    min_size=1,
    max_size=30,
)


def columns(rows):
    stated, right = zip(*rows, strict=True)
    return np.array(stated), np.array(right)


def test_bins_hold_equal_numbers_and_equal_confidences_share_one():
    stated = np.arange(100) / 100
    table = reliability_table(stated, stated > 0.5, n_bins=4)
    assert table.n.tolist() == [25, 25, 25, 25]
    assert table.low.tolist() == [0.0, 0.25, 0.5, 0.75]
    assert table.high.tolist() == [0.24, 0.49, 0.74, 0.99]
    assert table.confidence.tolist() == pytest.approx([0.12, 0.37, 0.62, 0.87])
    assert table.n_right.tolist() == [0, 0, 24, 25]
    tied = reliability_table([0.9] * 60 + [0.95] * 40, np.arange(100) < 50, n_bins=10)
    assert tied.n.tolist() == [60, 40]
    assert tied.accuracy.tolist() == [50 / 60, 0.0]
    # A block of ties goes where its middle lies, not where it begins.
    assert reliability_table([0.1] * 30 + [0.2] * 70, [True] * 100, n_bins=2).n.tolist() == [30, 70]
    assert len(reliability_table(stated[:39], stated[:39] > 0.2).n) == 1
    assert len(reliability_table(stated, stated > 0.2).n) == 5


@few
@given(rows=answers, n_bins=st.integers(1, 12), seed=st.integers(0, 99))
def test_bins_lose_nothing_and_no_order_matters(rows, n_bins, seed):
    stated, right = columns(rows)
    table = reliability_table(stated, right, n_bins=n_bins)
    assert table.n.sum() == len(rows)
    assert table.n_right.sum() == right.sum()
    assert (table.high[:-1] < table.low[1:]).all()
    assert (table.interval[:, 0] <= table.accuracy).all()
    assert (table.accuracy <= table.interval[:, 1]).all()
    order = np.random.default_rng(seed).permutation(len(rows))
    other = reliability_table(stated[order], right[order], n_bins=n_bins)
    assert other.confidence.tolist() == table.confidence.tolist()
    assert calibration_error(stated[order], right[order]) == calibration_error(stated, right)
    assert brier(stated[order], right[order]) == brier(stated, right)


@few
@given(rows=answers)
def test_errors_are_bounded_and_inside_their_intervals(rows):
    stated, right = columns(rows)
    error = calibration_error(stated, right)
    assert 0 <= error.low <= error.debiased <= error.plain <= error.high <= 1
    score = brier(stated, right)
    assert 0 <= score.low <= score.score <= score.high <= 1
    parts = score.miscalibration - score.discrimination + score.uncertainty
    assert parts == pytest.approx(score.score)
    assert min(score.miscalibration, score.discrimination) >= 0
    assert score.score == pytest.approx(np.mean((stated - right) ** 2))


def test_calibration_error_of_known_bins():
    stated = np.repeat([0.6, 0.9], 50)
    right = np.concatenate([np.arange(50) < 40, np.arange(50) < 35])  # .8 and .7
    error = calibration_error(stated, right, n_bins=2)
    assert error.plain == pytest.approx(0.2)
    assert error.n_bins == 2
    assert error.debiased == pytest.approx(0.2, abs=0.01)
    assert 0.05 < error.low < 0.2 < error.high < 0.35


def test_perfect_confidence_is_debiased_and_the_interval_reaches_0():
    rng = np.random.default_rng(1)
    plain, debiased, covered = [], [], 0
    for _ in range(100):
        stated = rng.uniform(0.5, 1, 200)
        error = calibration_error(stated, rng.random(200) < stated)
        plain.append(error.plain)
        debiased.append(error.debiased)
        covered += error.low == 0
    assert np.mean(plain) > 0.05
    assert np.mean(debiased) < 0.6 * np.mean(plain)
    assert covered >= 90


def test_one_bin_gives_the_exact_interval():
    # All labels with one confidence: the error is the distance of a share to it.
    error = calibration_error(np.full(40, 0.9), np.arange(40) < 24)
    low, high = exact_interval(24, 40)
    assert error.high == pytest.approx(0.9 - low)
    assert error.low == pytest.approx(0.9 - high, abs=0.005)
    certain = calibration_error(np.ones(5), np.ones(5, dtype=bool))
    assert (certain.plain, certain.low) == (0, 0)
    assert certain.high == pytest.approx(1 - exact_interval(5, 5)[0])


def test_brier_of_one_confidence_has_agresti_and_coulls_interval():
    # 20 of 20 right at .9: naively no spread at all. The score is .01 p + .81 (1 - p).
    score = brier(np.full(20, 0.9), np.ones(20, dtype=bool))
    z2 = 1.959964**2
    share = (20 + z2 / 2) / (20 + z2)
    half = np.sqrt(z2 * share * (1 - share) / (20 + z2))
    assert score.high == pytest.approx(0.81 - 0.8 * (share - half), abs=1e-6)
    assert score.low == pytest.approx(0.0, abs=0.01)
    assert (score.discrimination, score.uncertainty) == (0, 0)
    assert score.miscalibration == pytest.approx(0.01)


def test_brier_parts_of_a_clear_case():
    # Confidence tells right from wrong perfectly but is not sure enough.
    score = brier([0.7, 0.7, 0.3, 0.3], [True, True, False, False])
    assert score.score == pytest.approx(0.09)
    assert score.miscalibration == pytest.approx(0.09)
    assert score.discrimination == pytest.approx(0.25)
    assert score.uncertainty == pytest.approx(0.25)


def test_nothing_is_known_without_labels():
    table = reliability_table([], [])
    assert [len(table.n), len(table.low), table.interval.shape] == [0, 0, (0, 2)]
    error = calibration_error([], [])
    assert (error.plain, error.debiased, error.low, error.high) == (None, None, None, None)
    assert brier([], []).score is None
    assert reliability_sentence(error, 0, 0).startswith("Nothing is known")


@few
@given(n=st.integers(1, 60), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_exact_interval_equals_scipy(n, share, confidence):
    k = round(share * n)
    expected = binomtest(k, n).proportion_ci(confidence, method="exact")
    assert exact_interval(k, n, confidence) == pytest.approx((expected.low, expected.high))
    assert exact_interval(0, 0) == (0.0, 1.0)


def test_exact_bins_are_wider():
    stated, right = np.linspace(0.5, 1, 30), np.arange(30) > 6
    exact = reliability_table(stated, right, n_bins=3, interval="exact").interval
    wilson = reliability_table(stated, right, n_bins=3).interval
    assert (np.diff(exact) > np.diff(wilson) - 1e-12).all()


def test_top_confidence_leaves_ties_out():
    stated = [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2]]
    top, right, counts = top_confidence(stated, [0, 1, 0])
    assert top.tolist() == [0.5, 0.6, 0.4]
    assert right.tolist()[:2] == [True, False]
    assert counts.tolist() == [True, True, False]


def test_sentences():
    stated = np.full(200, 0.95)
    error = calibration_error(stated, np.arange(200) < 120)
    text = reliability_sentence(error, 0.95, 0.6)
    assert "Mean confidence is 95 %, and 60 % are right" in text
    assert "too sure" in text
    chance = calibration_error(stated[:10], np.arange(10) < 9)
    assert "may be chance" in reliability_sentence(chance, 0.95, 0.9)
    shy = calibration_error(np.full(200, 0.4), np.arange(200) < 180)
    assert "not sure enough" in reliability_sentence(shy, 0.4, 0.9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reliability_table([0.5], [True], n_bins=0), "n_bins"),
        (lambda: reliability_table([0.5], [True], interval="wald"), "interval must be"),
        (lambda: reliability_table([1.5], [True]), r"0\.\.1"),
        (lambda: calibration_error([0.5], [True], level=1.0), "level"),
        (lambda: brier([0.5], [True], level=0.0), "level"),
        (lambda: exact_interval(3, 2), "k must lie"),
        (lambda: exact_interval(1, 2, 1.0), "confidence must lie"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

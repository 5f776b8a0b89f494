"""Calibration maps: what they learn, what they leave alone, few labels, odd labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.calibration import (
    METHODS,
    best_calibration,
    calibrate,
    calibrate_distributions,
    log_losses,
    out_of_fold,
)
from tests.consensus.tables import repeatable

FITTED = METHODS[1:]
every_method = pytest.mark.parametrize("method", METHODS)
fitted = pytest.mark.parametrize("method", FITTED)
few = settings(repeatable, max_examples=5)
answers = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.8, 0.9, 1.0]), st.booleans()),
    min_size=1,
    max_size=12,
)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def overconfident(n, seed=0, slope=0.4, intercept=-0.5):
    """Stated log odds are bent by slope and intercept before they come true."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(2, 1.5, n)
    stated = sigmoid(odds)
    return stated, rng.random(n) < sigmoid(slope * odds + intercept)


def distributions(n, seed=0, temperature=2.5, n_classes=3):
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (n, n_classes))
    stated = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    true = np.exp(scores / temperature)
    true /= true.sum(axis=1, keepdims=True)
    labels = (rng.random(n)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    return stated, labels, true


def test_many_labels_give_back_the_bend():
    found = calibrate(*overconfident(20_000), method="platt")
    assert found.slope[0] == pytest.approx(0.4, abs=0.03)
    assert found.intercept[0] == pytest.approx(-0.5, abs=0.06)
    plain = calibrate(*overconfident(20_000, intercept=0.0), method="temperature")
    assert plain.temperature == pytest.approx(1 / 0.4, abs=0.2)
    curve = calibrate(*overconfident(20_000), method="isotonic")
    at = np.array([0.6, 0.8, 0.9, 0.97])
    expected = sigmoid(0.4 * np.log(at / (1 - at)) - 0.5)
    assert curve.apply(at) == pytest.approx(expected, abs=0.05)


@fitted
def test_many_labels_give_back_distributions(method):
    stated, labels, true = distributions(6000)
    found = calibrate_distributions(stated, labels, method=method)
    assert np.abs(found.apply(stated) - true).mean() < 0.03
    assert np.abs(stated - true).mean() > 0.1
    assert found.apply(stated).sum(axis=1) == pytest.approx(np.ones(len(stated)))


def test_temperature_and_platt_minimise_the_log_loss_of_labels_and_prior():
    stated, right = overconfident(40, seed=3)
    found = calibrate(stated, right, method="platt", prior_labels=10)

    def loss(slope, intercept):
        said = sigmoid(slope * np.log(stated / (1 - stated)) + intercept)
        of_labels = np.where(right, np.log(said), np.log(1 - said)).sum()
        of_prior = (stated * np.log(said) + (1 - stated) * np.log(1 - said)).sum() / 4
        return -(of_labels + of_prior)

    slope, intercept = found.slope[0], found.intercept[0]
    best = loss(slope, intercept)
    for step in (-0.01, 0.01):
        assert loss(slope + step, intercept) > best
        assert loss(slope, intercept + step) > best


@every_method
def test_without_labels_everything_stays(method):
    stated = np.array([0.0, 0.3, 1.0])
    assert calibrate([], [], method=method).apply(stated).tolist() == stated.tolist()
    rows = np.array([[0.2, 0.8], [1.0, 0.0]])
    one = calibrate_distributions([[1.0]] * 3, [0, 0, 0], method=method)
    assert one.apply([[1.0]]).tolist() == [[1.0]]
    none = calibrate_distributions(np.empty((0, 2)), [], method=method)
    assert none.apply(rows).tolist() == rows.tolist()


@fitted
def test_fewer_labels_and_more_prior_stay_nearer(method):
    def moved(n, prior):
        stated = np.full(n, 0.9)
        found = calibrate(stated, np.zeros(n, dtype=bool), method=method, prior_labels=prior)
        return 0.9 - found.apply([0.9])[0]

    assert 0 < moved(2, 50) < moved(2, 5) < moved(20, 5)
    assert moved(1, 1e7) == pytest.approx(0, abs=1e-3)


def test_constant_confidence_moves_to_a_mean_with_the_prior():
    # 8 of 20 right, and 10 more labels that are right with .9: 17 of 30.
    right = np.arange(20) < 8
    for method in ("platt", "isotonic"):
        found = calibrate(np.full(20, 0.9), right, method=method, prior_labels=10)
        assert found.apply([0.9])[0] == pytest.approx(17 / 30, abs=1e-3)


@fitted
@pytest.mark.parametrize("right", [True, False])
def test_one_class_alone_does_not_make_sure(method, right):
    stated = np.array([0.6, 0.7, 0.8, 0.9, 1.0])
    found = calibrate(stated, np.full(5, right), method=method).apply(stated)
    assert ((found > 0) & (found < 1)).all()
    assert (found[:4] > stated[:4]).all() if right else (found < stated).all()


@fitted
def test_the_order_of_confidence_is_never_turned_round(method):
    stated = np.linspace(0.05, 0.95, 40)
    found = calibrate(stated, stated < 0.5, method=method, prior_labels=1).apply(stated)
    assert (np.diff(found) >= -1e-12).all()


@fitted
@few
@given(rows=answers, seed=st.integers(0, 99))
def test_order_of_rows_changes_nothing(method, rows, seed):
    stated, right = (np.array(column) for column in zip(*rows, strict=True))
    order = np.random.default_rng(seed).permutation(len(rows))
    first = calibrate(stated, right, method=method).apply(stated)
    again = calibrate(stated[order], right[order], method=method).apply(stated)
    assert again.tolist() == first.tolist()
    held = out_of_fold(stated, right, method=method, seed=1)
    held_again = out_of_fold(stated[order], right[order], method=method, seed=1)
    assert sorted(held_again) == sorted(held)


@fitted
def test_renaming_classes_renames_the_result(method):
    stated, labels, _ = distributions(40, seed=5)
    new = np.array([2, 0, 1])
    moved = np.empty_like(stated)
    moved[:, new] = stated
    first = calibrate_distributions(stated, labels, method=method).apply(stated)
    other = calibrate_distributions(moved, new[labels], method=method).apply(moved)
    assert other[:, new] == pytest.approx(first, abs=1e-5)


def test_a_confidence_of_right_and_wrong_is_symmetric():
    stated, right = overconfident(50, seed=2)
    for method in FITTED:
        first = calibrate(stated, right, method=method).apply(stated)
        other = calibrate(1 - stated, ~right, method=method).apply(1 - stated)
        assert other == pytest.approx(1 - first, abs=1e-5), method


def test_out_of_fold_leaves_each_row_out():
    # With each row in its own fold, the map for a row comes from the others alone.
    stated, right = overconfident(12, seed=1)
    held = out_of_fold(stated, right, method="platt", n_folds=12, seed=4)
    for k in range(12):
        others = np.arange(12) != k
        alone = calibrate(stated[others], right[others], method="platt").apply(stated[[k]])
        assert held[k] == pytest.approx(alone[0], abs=1e-9)
    assert out_of_fold([0.8], [True], method="platt", seed=1).tolist() == [0.8]
    rows, labels, _ = distributions(9)
    assert out_of_fold(rows, labels, method="temperature", n_folds=3, seed=1).shape == (9, 3)


def test_folds_hold_like_shares_of_right_and_wrong():
    # With two right labels in four folds, each is judged by a map that has seen the other one.
    stated, right = np.full(8, 0.5), np.arange(8) < 2
    held = out_of_fold(stated, right, method="platt", n_folds=4, prior_labels=0.1, seed=1)
    assert (held > 0.1).all()


def test_the_best_method_is_the_simplest_that_will_do():
    assert best_calibration(*overconfident(600, slope=1.0, intercept=0.0), seed=1) == "identity"
    assert best_calibration(*overconfident(600, intercept=-1.5), seed=1) in ("platt", "isotonic")
    assert best_calibration([], [], seed=1) == "identity"


def test_log_losses():
    assert log_losses([0.8, 0.3], [True, False]) == pytest.approx(-np.log([0.8, 0.7]))
    assert log_losses([[0.2, 0.8]], [0]) == pytest.approx(-np.log([0.2]))
    assert log_losses([0.0], [True]) == pytest.approx(-np.log(1e-4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: calibrate([1.2], [True]), r"0\.\.1"),
        (lambda: calibrate([np.nan], [True]), r"0\.\.1"),
        (lambda: calibrate([[0.5]], [[True]]), "one-dimensional"),
        (lambda: calibrate([0.5], [True, False]), "correct must have shape"),
        (lambda: calibrate([0.5], [0.5]), "True and False"),
        (lambda: calibrate([0.5], [True], method="beta"), "method must be one of"),
        (lambda: calibrate([0.5], [True], prior_labels=-1), "prior_labels"),
        (lambda: calibrate([0.5], [True]).apply([2.0]), r"0\.\.1"),
        (lambda: calibrate_distributions([0.5], [0]), "shape"),
        (lambda: calibrate_distributions([[0.5, 0.6]], [0]), "sum to 1"),
        (lambda: calibrate_distributions([[0.5, 0.5]], [2]), r"labels must lie in 0\.\.1"),
        (lambda: calibrate_distributions([[0.5, 0.5]], [0.0]), "whole numbers"),
        (lambda: calibrate_distributions([[0.5, 0.5]], [0, 1]), "length 1"),
        (
            lambda: calibrate_distributions([[0.5, 0.5]], [0]).apply([[0.2, 0.3, 0.5]]),
            "2 classes were fitted",
        ),
        (lambda: out_of_fold([0.5], [True], method="platt", n_folds=1, seed=1), "n_folds"),
        (lambda: best_calibration([0.5], [True], methods=[], seed=1), "a method"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

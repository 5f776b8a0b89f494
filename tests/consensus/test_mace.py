"""MACE: who knows, who answers from habit, and its random starts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from consensus.mace import mace
from consensus.table import LabelTable


def crowd(n_items=300, seed=2):
    """Three who know 80 % of the answers, one who always says 0, one who says anything."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n_items)
    codes = np.where(
        rng.random((n_items, 5)) < 0.8, truth[:, None], rng.integers(0, 3, (n_items, 5))
    )
    codes[:, 3] = 0
    codes[:, 4] = rng.integers(0, 3, n_items)
    items, raters = np.divmod(np.arange(n_items * 5), 5)
    return truth, LabelTable.from_codes(items, raters, codes.ravel(), n_classes=3, n_raters=6)


@pytest.mark.parametrize("variant", ["vb", "em"])
def test_finds_who_knows_and_what_the_others_do(variant):
    truth, table = crowd()
    estimate = mace(table, seed=1, variant=variant, restarts=2)
    assert (estimate.choice == truth).mean() > 0.9
    np.testing.assert_allclose(estimate.competence[:5], [0.8, 0.8, 0.8, 0, 0], atol=0.1)
    low, high = estimate.competence_interval.T
    assert ((low[:3] < 0.8) & (high[:3] > 0.8)).all()
    assert (low[:3] > high[3:5].max()).all()
    assert estimate.habit[3, 0] > 0.9
    np.testing.assert_allclose(estimate.habit[4], 1 / 3, atol=0.1)
    # A rater who does not know is still right by chance.
    np.testing.assert_allclose(estimate.ability[3:5], [(truth == 0).mean(), 1 / 3], atol=0.1)
    np.testing.assert_allclose(
        estimate.confusion[4], np.broadcast_to(estimate.habit[4], (3, 3)), atol=0.1
    )
    assert np.isnan([estimate.competence[5], estimate.ability[5], *estimate.habit[5]]).all()


def test_intervals_of_competence_hold_with_few_labels():
    """Three labels an item, fifteen a rater, who knows or guesses evenly."""
    rng = np.random.default_rng(4)
    held = []
    for _ in range(4):
        knows = rng.uniform(0.2, 0.9, 40)
        truth = rng.integers(0, 2, 200)
        raters = rng.random((200, 40)).argsort(axis=1)[:, :3]
        known = rng.random(raters.shape) < knows[raters]
        codes = np.where(known, truth[:, None], rng.integers(0, 2, raters.shape))
        items = np.repeat(np.arange(200), 3)
        table = LabelTable.from_codes(items, raters.ravel(), codes.ravel(), n_classes=2)
        low, high = mace(table, seed=1, restarts=1).competence_interval.T
        held.append((low <= knows) & (knows <= high))
    assert np.mean(held) >= 0.93


def log_posterior(table, competence, habit, smoothing):
    """Log probability of the labels and of the smoothing, label by label."""
    total = smoothing * float(np.log([*competence, *(1 - competence), *habit.ravel()]).sum())
    for item in range(table.n_items):
        joint = [1 / table.n_classes] * table.n_classes
        for i, r, c in zip(table.items, table.raters, table.codes, strict=True):
            if i == item:
                for k in range(table.n_classes):
                    joint[k] *= (1 - competence[r]) * habit[r, c] + competence[r] * (k == c)
        total += math.log(sum(joint))
    return total


def test_em_climbs_to_a_summit_of_the_likelihood():
    rng = np.random.default_rng(0)
    table = LabelTable.from_codes(
        np.repeat(np.arange(10), 3), np.tile([0, 1, 2], 10), rng.integers(0, 3, 30), n_classes=3
    )
    smoothing = 0.2
    estimate = mace(
        table, seed=1, variant="em", smoothing=smoothing, tolerance=0, max_iterations=3000
    )
    competence, habit = estimate.competence, estimate.habit
    summit = log_posterior(table, competence, habit, smoothing)
    assert estimate.log_likelihood[-1] == pytest.approx(summit, abs=1e-6)
    for _ in range(20):
        near = np.clip(competence + rng.normal(0, 0.01, 3), 1e-9, 1 - 1e-9)
        uneven = habit * np.exp(rng.normal(0, 0.02, habit.shape))
        uneven /= uneven.sum(axis=1, keepdims=True)
        assert log_posterior(table, near, uneven, smoothing) < summit


def test_the_bound_lies_below_the_evidence():
    # One label: by symmetry its probability is 1 / n_classes, whatever the symmetric priors.
    for n_classes in (2, 5):
        table = LabelTable.from_codes([0], [0], [1], n_classes=n_classes)
        assert mace(table, seed=0).log_likelihood[-1] < -math.log(n_classes)


def two_camps(n_items=10, seed=5):
    """Two raters say one thing and two the other: which camp is right depends on the start."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n_items)
    said = np.stack([truth, truth, 1 - truth, 1 - truth, rng.integers(0, 2, n_items)], axis=1)
    codes = np.where(rng.random(said.shape) < 0.8, said, rng.integers(0, 2, said.shape))
    items, raters = np.divmod(np.arange(said.size), 5)
    return LabelTable.from_codes(items, raters, codes.ravel(), n_classes=2)


def test_starts_differ_and_the_best_is_kept():
    def last(seed, restarts):
        estimate = mace(
            two_camps(), seed=seed, restarts=restarts, variant="em", spread=3.0, max_iterations=40
        )
        assert len(estimate.log_likelihood) == estimate.iterations <= 40
        return estimate.log_likelihood[-1]

    single = [last(seed, 1) for seed in range(4)]
    best = [last(seed, 5) for seed in range(4)]
    assert min(single) < max(single) - 1  # some starts end on the lower summit,
    assert min(best) > max(single) - 0.01  # some of any five do not: they are five different ones


def test_a_seed_repeats_its_result():
    _, table = crowd(60)
    first, again, other = (mace(table, seed=seed, max_iterations=2) for seed in (1, 1, 2))
    assert (first.posterior == again.posterior).all()
    assert (first.posterior != other.posterior).any()


def test_the_estimate_is_that_of_the_best_start_and_not_of_the_last():
    table = two_camps()
    for seed in range(6):  # in some of them the last start ends lower than the best
        estimate = mace(table, seed=seed, restarts=2, variant="em", spread=3.0, max_iterations=40)
        value = log_posterior(table, estimate.competence, estimate.habit, 0.005)
        assert estimate.log_likelihood[-1] == pytest.approx(value, abs=0.05)
        scores = np.zeros((10, 2))
        np.add.at(scores, table.items, np.log(estimate.confusion)[table.raters, :, table.codes])
        posterior = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(estimate.posterior, posterior, atol=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"variant": "mcmc"},
        {"restarts": 0},
        {"know_prior": 0},
        {"habit_prior": -1},
        {"smoothing": 0},
        {"spread": -0.1},
    ],
)
def test_bad_parameters_are_refused(wrong):
    table = LabelTable.from_codes([0], [0], [0], n_classes=2)
    with pytest.raises(ValueError, match="must"):
        mace(table, seed=1, **wrong)

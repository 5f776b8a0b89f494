"""GLAD: skill, difficulty, and the summit it climbs to."""

from __future__ import annotations

import math

import numpy as np
import pytest

from consensus.glad import glad
from consensus.table import LabelTable


def log_posterior(table, skill, ease):
    """Log probability of labels, skills and eases, label by label, without constants."""
    total = -0.5 * float(((skill - 1) ** 2).sum() + ((ease - 1) ** 2).sum())
    for item in range(table.n_items):
        joint = [1 / table.n_classes] * table.n_classes
        for i, r, c in zip(table.items, table.raters, table.codes, strict=True):
            if i == item:
                right = 1 / (1 + math.exp(-skill[r] * math.exp(ease[item])))
                for k in range(table.n_classes):
                    joint[k] *= right if k == c else (1 - right) / (table.n_classes - 1)
        total += math.log(sum(joint))
    return total


@pytest.mark.parametrize("n_classes", [2, 4])
def test_climbs_to_a_summit_of_the_posterior(n_classes):
    rng = np.random.default_rng(1)
    table = LabelTable.from_codes(
        np.repeat(np.arange(8), 4),
        np.tile([0, 1, 2, 3], 8),
        rng.integers(0, n_classes, 32),
        n_classes=n_classes,
    )
    estimate = glad(table, tolerance=1e-14, max_iterations=5000)
    skill, ease = estimate.skill, -np.log(estimate.difficulty)
    summit = log_posterior(table, skill, ease)
    assert estimate.converged
    assert estimate.log_likelihood[-1] == pytest.approx(summit, abs=1e-9)
    assert estimate.log_likelihood[0] == pytest.approx(log_posterior(table, np.ones(4), np.ones(8)))
    for size in (0.1, 0.01):
        for _ in range(10):
            near = skill + rng.normal(0, size, 4), ease + rng.normal(0, size, 8)
            assert log_posterior(table, *near) < summit


def crowd(n_items=200, seed=6):
    rng = np.random.default_rng(seed)
    skill = np.array([3.0, 2.0, 1.0, 1.5, 0.0, 2.5])
    ease = np.where(np.arange(n_items) < n_items // 2, 1.0, -1.0)
    truth = rng.integers(0, 3, n_items)
    right = rng.random((n_items, 6)) < 1 / (1 + np.exp(-skill * np.exp(ease)[:, None]))
    wrong = (truth[:, None] + rng.integers(1, 3, right.shape)) % 3
    items, raters = np.divmod(np.arange(right.size), 6)
    codes = np.where(right, truth[:, None], wrong).ravel()
    return truth, skill, LabelTable.from_codes(items, raters, codes, n_classes=3, n_raters=7)


def test_finds_who_is_skilled_and_what_is_difficult():
    truth, skill, table = crowd()
    estimate = glad(table)
    assert (estimate.choice == truth).mean() > 0.8
    assert np.corrcoef(estimate.skill[:6], skill)[0, 1] > 0.9
    easy, hard = np.median(estimate.difficulty[:100]), np.median(estimate.difficulty[100:])
    assert hard > 1.5 * easy
    assert np.isnan([estimate.skill[6], estimate.ability[6]]).all()


def test_long_steps_end_where_short_ones_do(monkeypatch):
    _, _, table = crowd(40)
    fast = glad(table, tolerance=1e-12, max_iterations=3000)
    monkeypatch.setattr("consensus.glad.STRETCH", 1.0)
    slow = glad(table, tolerance=1e-12, max_iterations=3000)
    assert fast.iterations < slow.iterations / 2
    assert fast.log_likelihood[-1] == pytest.approx(slow.log_likelihood[-1], abs=1e-6)
    np.testing.assert_allclose(fast.posterior, slow.posterior, atol=1e-4)


def test_an_item_of_one_class_is_certain():
    estimate = glad(LabelTable.from_codes([0, 0], [0, 1], [0, 0], n_classes=1))
    assert estimate.posterior.tolist() == [[1]]


@pytest.mark.parametrize(
    "wrong", [{"skill_sd": 0}, {"ease_sd": -1}, {"skill_mean": math.nan}, {"ease_mean": math.inf}]
)
def test_bad_priors_are_refused(wrong):
    table = LabelTable.from_codes([0], [0], [0], n_classes=2)
    with pytest.raises(ValueError, match="must be"):
        glad(table, **wrong)

"""Label distributions: Dirichlet moments against draws, the prior from the data, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from consensus.soft_labels import item_entropy, soft_labels
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables

briefly = settings(repeatable, max_examples=8)


def mixtures(alpha, n_items, labels_each, seed):
    """True shares of each item, drawn from a Dirichlet, and a table of labels."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(alpha, n_items)
    counts = np.array([rng.multinomial(labels_each, row) for row in shares])
    items, classes = np.nonzero(counts)
    times = counts[items, classes]
    items, codes = np.repeat(items, times), np.repeat(classes, times)
    raters = np.tile(np.arange(labels_each), n_items)
    return shares, LabelTable.from_codes(items, raters, codes, n_classes=len(alpha))


@briefly
@given(table=tables(), concentration=st.sampled_from([0.3, 2.0, 20.0]))
def test_shares_and_intervals_are_those_of_the_beta_distribution(table, concentration):
    soft = soft_labels(table, concentration=concentration)
    counts = table.counts()
    mean = (counts.sum(axis=0) + 0.5) / (table.n_labels + 0.5 * table.n_classes)
    alpha = counts + concentration * mean
    for item in range(table.n_items):
        if not counts[item].any():
            assert np.isnan(soft.shares[item]).all()
            assert np.isnan(soft.entropy[item])
            continue
        total = alpha[item].sum()
        np.testing.assert_allclose(soft.shares[item], alpha[item] / total)
        ends = beta.interval(0.95, alpha[item], total - alpha[item])
        np.testing.assert_allclose([soft.low[item], soft.high[item]], ends, atol=1e-9)


@pytest.mark.parametrize("counts", [[3, 0, 0], [2, 2, 1], [9, 1, 0], [20, 15, 14]])
def test_entropy_and_its_interval_are_those_of_draws(counts):
    codes = np.repeat(np.arange(3), counts)
    table = LabelTable.from_codes(np.zeros(len(codes), int), range(len(codes)), codes, n_classes=3)
    soft = soft_labels(table, concentration=1.5)
    draws = np.random.default_rng(1).dirichlet(table.counts()[0] + soft.prior, 20_000)
    entropy = -(draws * np.log(np.maximum(draws, 1e-300))).sum(axis=1)
    assert soft.entropy[0] == pytest.approx(entropy.mean(), abs=0.01)
    ends = np.quantile(entropy, [0.025, 0.975])
    np.testing.assert_allclose([soft.entropy_low[0], soft.entropy_high[0]], ends, atol=0.06)


@briefly
@given(table=tables(), seed=st.integers(0, 1000))
def test_order_and_names_change_nothing_but_the_names(table, seed):
    new = shuffles(table, seed)
    one, other = soft_labels(table), soft_labels(renamed(table, **new))
    assert one.concentration == pytest.approx(other.concentration, rel=1e-5)
    for name in ("shares", "low", "high"):
        mine, theirs = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(mine, theirs[new["items"]][:, new["classes"]], atol=1e-5)
    np.testing.assert_allclose(one.entropy, other.entropy[new["items"]], atol=1e-5)
    np.testing.assert_allclose(
        item_entropy(table), item_entropy(renamed(table, **new))[new["items"]], atol=1e-12
    )


@pytest.mark.parametrize("alpha", [[0.2, 0.1, 0.1], [2.0, 1.0, 1.0], [30.0, 15.0, 15.0]])
def test_the_concentration_is_found_and_intervals_cover(alpha):
    inside, high_by, found = [], [], []
    for seed in range(6):
        shares, table = mixtures(alpha, 200, 6, seed=seed)
        soft = soft_labels(table)
        assert soft.estimated
        found.append(soft.concentration)
        # Of shares that can be told from 0 and 1: no interval holds both ends of the scale.
        inner = (shares > 1e-4) & (shares < 1 - 1e-4)
        inside.append(((soft.low <= shares) & (shares <= soft.high))[inner].mean())
        entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)
        high_by.append((soft.entropy - entropy).mean())
    assert np.mean(inside) > 0.92
    assert np.mean(high_by) == pytest.approx(0, abs=0.03)
    assert sum(alpha) / 2 < np.median(found) < sum(alpha) * 1.5
    low, high = soft.concentration_interval
    assert low < soft.concentration < high


def test_unanimous_items_make_a_single_label_nearly_certain():
    codes = np.repeat(np.arange(50) % 2, 4)
    alike = LabelTable.from_codes(
        np.repeat(np.arange(50), 4), np.arange(200) % 4, codes, n_classes=2
    )
    soft = soft_labels(alike)
    assert soft.concentration < 0.3
    assert soft.shares[np.arange(50), np.arange(50) % 2].min() > 0.96
    assert (soft.entropy < 0.1).all()


def test_one_label_an_item_estimates_nothing():
    soft = soft_labels(LabelTable.from_codes([0, 1], [0, 0], [0, 1], n_classes=2))
    assert not soft.estimated
    assert soft.concentration_interval is None
    assert soft.prior.tolist() == [0.5, 0.5]
    assert soft.shares.tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_one_class_and_no_labels():
    one = soft_labels(LabelTable.from_codes([0, 0], [0, 1], [0, 0], n_classes=1, n_items=2))
    assert one.shares[0].tolist() == one.low[0].tolist() == [1.0]
    assert one.entropy[0] == one.entropy_high[0] == 0
    assert np.isnan(one.shares[1]).all()
    none = soft_labels(LabelTable.from_codes([], [], [], n_classes=2, n_items=1, n_raters=1))
    assert np.isnan(none.shares).all()


def test_miller_madow_adds_what_few_votes_miss():
    table = LabelTable.from_codes([0, 0, 0, 1], [0, 1, 2, 0], [0, 0, 1, 2], n_classes=3, n_items=3)
    plain = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    np.testing.assert_allclose(item_entropy(table), [plain, 0, np.nan])
    np.testing.assert_allclose(item_entropy(table, miller_madow=True), [plain + 1 / 6, 0, np.nan])
    _, many = mixtures([3.0, 3.0, 3.0], 500, 5, seed=3)
    shares, _ = mixtures([3.0, 3.0, 3.0], 500, 5, seed=3)
    truth = -(shares * np.log(shares)).sum(axis=1).mean()
    corrected = item_entropy(many, miller_madow=True).mean()
    assert abs(corrected - truth) < 0.7 * abs(item_entropy(many).mean() - truth)


@pytest.mark.parametrize(
    "wrong", [{"concentration": 0}, {"concentration": -1}, {"confidence": 1}, {"confidence": 95}]
)
def test_bad_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        soft_labels(LabelTable.from_codes([0], [0], [0], n_classes=2), **wrong)

"""One-coin: against the formula in plain loops, and its place beside Dawid-Skene."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from consensus.one_coin import one_coin
from consensus.table import LabelTable
from tests.consensus.tables import repeatable, tables


def in_plain_loops(table, rounds, right, wrong, class_prior):
    """The formulas of docs/statistics/aggregation.md, label by label."""
    rows = list(zip(table.items.tolist(), table.raters.tolist(), table.codes.tolist(), strict=True))
    classes = range(table.n_classes)
    posterior = {}
    for item, _, code in rows:
        posterior.setdefault(item, [0.0] * table.n_classes)[code] += 1
    posterior = {item: [v / sum(row) for v in row] for item, row in posterior.items()}
    trace = []
    for _ in range(rounds):
        share = [class_prior + sum(row[k] for row in posterior.values()) for k in classes]
        share = [s / sum(share) for s in share]
        chance = []
        for r in range(table.n_raters):
            own = [posterior[i][c] for i, rater, c in rows if rater == r]
            total = len(own) + right + wrong
            chance.append((sum(own) + right) / total if total else math.nan)
        log_likelihood = sum(class_prior * math.log(s) for s in share if class_prior)
        log_likelihood += sum(
            right * math.log(p) + wrong * math.log(1 - p) for p in chance if right or wrong
        )
        for item in posterior:
            joint = list(share)
            for i, r, c in rows:
                if i == item:
                    for k in classes:
                        error = (1 - chance[r]) / (table.n_classes - 1)
                        joint[k] *= chance[r] if k == c else error
            log_likelihood += math.log(sum(joint))
            posterior[item] = [value / sum(joint) for value in joint]
        trace.append(log_likelihood)
    return posterior, trace, chance


@pytest.mark.parametrize("priors", [(0, 0, 0), (3, 1, 1)])
@settings(repeatable, max_examples=15)
@given(table=tables(min_labels=1))
def test_matches_the_formula_in_plain_loops(priors, table):
    right, wrong, class_prior = priors
    estimate = one_coin(
        table,
        max_iterations=4,
        tolerance=0,
        prior_right=right,
        prior_wrong=wrong,
        class_prior=class_prior,
    )
    posterior, trace, chance = in_plain_loops(table, estimate.iterations, *priors)
    assert estimate.log_likelihood == pytest.approx(trace, abs=1e-8)
    for item, row in posterior.items():
        assert estimate.posterior[item].tolist() == pytest.approx(row, abs=1e-9)
    for confusion, p in zip(estimate.confusion, chance, strict=True):
        assert np.diag(confusion).tolist() == pytest.approx([p] * table.n_classes, nan_ok=True)


def test_one_class_leaves_nothing_to_err_on():
    estimate = one_coin(LabelTable.from_codes([0, 1], [0, 1], [0, 0], n_classes=1))
    assert estimate.confusion.tolist() == [[[1]], [[1]]]
    assert estimate.ability.tolist() == [1, 1]


def test_finds_how_often_each_rater_is_right():
    rng = np.random.default_rng(4)
    n, chances = 600, np.array([0.95, 0.8, 0.65, 0.5, 0.9])
    truth = rng.integers(0, 4, n)
    right = rng.random((n, 5)) < chances
    codes = np.where(right, truth[:, None], (truth[:, None] + rng.integers(1, 4, (n, 5))) % 4)
    items, raters = np.divmod(np.arange(n * 5), 5)
    estimate = one_coin(LabelTable.from_codes(items, raters, codes.ravel(), n_classes=4))
    np.testing.assert_allclose(estimate.ability, right.mean(axis=0), atol=0.02)
    assert estimate.converged


@pytest.mark.parametrize("wrong", [{"prior_right": -1}, {"prior_wrong": -1}, {"class_prior": -1}])
def test_bad_priors_are_refused(wrong):
    table = LabelTable.from_codes([0], [0], [0], n_classes=2)
    with pytest.raises(ValueError, match="priors must not be negative"):
        one_coin(table, **wrong)

"""What gold does to a belief: the fit itself, and the combiner around it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from bench.judge_worlds import world
from consensus.combiner import combine_with_gold
from consensus.families import detect_families
from consensus.kernel_logistic import fit_kernel_logistic, log_softmax, softmax
from consensus.panel import judge_panel
from consensus.pooled import pooled_votes
from tests.consensus.tables import renamed, shuffles


def problem(n=12, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 2))
    squares = ((points[:, None] - points) ** 2).sum(axis=2)
    kernel = 2 * np.exp(-squares) + 0.5 + 1e-6 * np.eye(n)
    return kernel, rng.integers(0, n_classes, n), rng.normal(size=(n, n_classes))


def test_the_fit_is_the_mode():
    kernel, classes, offset = problem()
    fit = fit_kernel_logistic(kernel, classes, offset, tolerance=1e-12)
    assert fit.converged

    def loss(values):
        coefficients = values.reshape(offset.shape)
        added = kernel @ coefficients
        fits = log_softmax(offset + added)[np.arange(len(classes)), classes].sum()
        return (coefficients * added).sum() / 2 - fits

    best = minimize(loss, np.zeros(offset.size), method="BFGS").fun
    assert -fit.objective[-1] == pytest.approx(best, abs=1e-5)
    # At the mode the coefficients are what the labels say less what is expected of them.
    said = np.eye(3)[classes] - softmax(offset + kernel @ fit.coefficients)
    assert fit.coefficients == pytest.approx(said, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_objective_never_falls(seed):
    kernel, classes, offset = problem(seed=seed)
    fit = fit_kernel_logistic(50 * kernel, classes, 5 * offset, tolerance=0)
    assert (np.diff(fit.objective) >= 0).all()


def test_left_out_is_nearly_what_fitting_without_gives():
    kernel, classes, offset = problem(n=25)
    fit = fit_kernel_logistic(kernel, classes, offset)
    for item in range(0, 25, 5):
        rest = np.arange(25) != item
        without = fit_kernel_logistic(kernel[np.ix_(rest, rest)], classes[rest], offset[rest])
        logits = offset[item] + kernel[item, rest] @ without.coefficients
        assert softmax(fit.left_out[item]) == pytest.approx(softmax(logits), abs=0.03)


def panel_of(table):
    return judge_panel(table, detect_families(table))


def some_gold(truth, n, seed=0):
    gold = np.full(len(truth), -1)
    some = np.random.default_rng(seed).permutation(len(truth))[:n]
    gold[some] = truth[some]
    return gold


def test_without_gold_nothing_changes():
    made = world(0, alone=(0.7, 0.6), n_items=30)
    panel = panel_of(made.table)
    found = combine_with_gold(panel.posterior, panel.votes, some_gold(made.truth, 0))
    assert (found.posterior == panel.posterior).all()
    assert (found.weight, found.temperature, len(found.learnt_from)) == (1, 1, 0)


def test_gold_corrects_judges_who_are_wrong_together():
    # All judges take class 0 for 1 and 1 for 2, and so on: agreement cannot show it, gold can.
    made = world(0, alone=(-0.8,) * 4, n_items=400)
    panel = panel_of(made.table)
    gold = some_gold(made.truth, 100)
    rest = gold < 0
    found = combine_with_gold(panel.posterior, panel.votes, gold)
    before = (panel.posterior.argmax(axis=1) == made.truth)[rest].mean()
    right = (found.posterior.argmax(axis=1) == made.truth)[rest]
    assert before < 0.1
    assert right.mean() > 0.8
    assert found.posterior[rest].max(axis=1).mean() == pytest.approx(right.mean(), abs=0.08)


def test_gold_raises_and_lowers_confidence_to_accuracy():
    made = world(2, families=((5, 0.6),), alone=(0.7, 0.7, 0.65), n_items=500)
    panel = panel_of(made.table)
    for power in (0.3, 30):  # far too modest, far too sure
        belief = softmax(power * np.log(panel.posterior))
        gold = some_gold(made.truth, 120)
        found = combine_with_gold(belief, panel.votes, gold)
        right = (found.posterior.argmax(axis=1) == made.truth)[gold < 0].mean()
        stated = found.posterior[gold < 0].max(axis=1).mean()
        assert abs(belief[gold < 0].max(axis=1).mean() - right) > 0.1
        assert stated == pytest.approx(right, abs=0.06)


def test_little_gold_changes_little():
    made = world(3, families=((4, 0.6),), alone=(0.7, 0.8, 0.6), n_items=300)
    panel = panel_of(made.table)
    moved = [
        np.abs(
            combine_with_gold(panel.posterior, panel.votes, some_gold(made.truth, n)).posterior
            - panel.posterior
        ).mean()
        for n in (1, 10, 100)
    ]
    assert moved[0] < moved[1] < moved[2]
    assert moved[0] < 0.05


def test_an_item_without_belief_stays_without():
    made = world(4, alone=(0.8, 0.7, 0.6), n_items=40)
    table = made.table.rows(made.table.items != 7)
    panel = panel_of(table)
    found = combine_with_gold(panel.posterior, panel.votes, made.truth)
    assert found.posterior[7].tolist() == [0, 0, 0]
    assert 7 not in found.learnt_from
    assert np.delete(found.posterior, 7, axis=0).sum(axis=1) == pytest.approx(1)


def test_works_without_judges_at_all():
    belief = softmax(np.random.default_rng(0).normal(size=(50, 2)))
    table = replace(world(0, n_items=50, n_classes=2, alone=(0.5,)).table)
    votes = pooled_votes(table, np.array([-1]))
    gold = np.where(np.arange(50) < 30, belief.argmax(axis=1), -1)
    found = combine_with_gold(belief, votes, gold)
    assert found.posterior[30:].max(axis=1).mean() > belief[30:].max(axis=1).mean()


def test_order_and_names_do_not_matter():
    made = world(6, families=((3, 0.6),), alone=(0.8, 0.7), n_items=60, missing=0.1)
    table = replace(made.table, gold=some_gold(made.truth, 25))
    new = shuffles(table, 1)
    other = renamed(table, **new)
    here, there = panel_of(table), panel_of(other)
    one = combine_with_gold(here.posterior, here.votes, table.gold)
    two = combine_with_gold(there.posterior, there.votes, other.gold)
    assert two.posterior[new["items"]][:, new["classes"]] == pytest.approx(one.posterior, abs=1e-6)
    assert two.temperature == pytest.approx(one.temperature, abs=1e-4)


def test_shapes_that_do_not_fit_are_refused():
    made = world(0, alone=(0.7, 0.6), n_items=10)
    panel = panel_of(made.table)
    with pytest.raises(ValueError, match="same items"):
        combine_with_gold(panel.posterior, panel.votes, made.truth[:9])

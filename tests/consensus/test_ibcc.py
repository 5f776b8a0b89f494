"""iBCC: its bound, its priors and its sense of how little is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import digamma

from consensus.dawid_skene import dawid_skene
from consensus.ibcc import ibcc
from consensus.table import LabelTable
from tests.consensus.tables import repeatable, tables


def test_one_round_by_hand():
    # One rater, one label: class 0. Shares (1, 0), so Dirichlets (2, 1) and (5, 1), (1, 4).
    estimate = ibcc(LabelTable.from_codes([0], [0], [0], n_classes=2), max_iterations=1)
    odds = np.exp((digamma(2) + digamma(5) - digamma(6)) - (2 * digamma(1) - digamma(5)))
    assert estimate.posterior[0, 0] == pytest.approx(odds / (1 + odds))
    assert estimate.confusion[0].tolist() == [
        pytest.approx([5 / 6, 1 / 6]),
        pytest.approx([1 / 5, 4 / 5]),
    ]


@pytest.mark.parametrize("priors", [(4, 1, 1), (0.5, 0.5, 3)])
@settings(repeatable, max_examples=12)
@given(table=tables())
def test_the_bound_never_falls(priors, table):
    diagonal, off, class_prior = priors
    estimate = ibcc(
        table,
        tolerance=0,
        max_iterations=25,
        prior_diagonal=diagonal,
        prior_off=off,
        class_prior=class_prior,
    )
    assert (np.diff(estimate.log_likelihood) >= -1e-8).all()


@settings(repeatable, max_examples=12)
@given(table=tables())
def test_the_bound_lies_below_the_evidence_of_one_class(table):
    # With a single class every label is certain: the evidence is exactly 1, its log 0.
    one = LabelTable(
        table.items, table.raters, 0 * table.codes, table.n_items, table.n_raters, n_classes=1
    )
    assert ibcc(one).log_likelihood == pytest.approx([0.0] * ibcc(one).iterations, abs=1e-9)
    assert all(bound <= 1e-9 for bound in ibcc(table).log_likelihood)


def test_is_less_sure_than_dawid_skene():
    table = LabelTable.from_codes([0, 1, 1], [0, 0, 1], [0, 1, 1], n_classes=2)
    assert ibcc(table).posterior.max() < dawid_skene(table).posterior.max() == 1


def test_says_when_rounds_ran_out():
    table = LabelTable.from_codes([0, 0, 1], [0, 1, 0], [0, 1, 1], n_classes=2)
    assert not ibcc(table, max_iterations=1).converged
    assert ibcc(table).converged


@pytest.mark.parametrize(
    "wrong", [{"prior_off": 0}, {"class_prior": -1}, {"tolerance": -1e-9}, {"max_iterations": 0}]
)
def test_bad_parameters_are_refused(wrong):
    table = LabelTable.from_codes([0], [0], [0], n_classes=2)
    with pytest.raises(ValueError, match="must"):
        ibcc(table, **wrong)

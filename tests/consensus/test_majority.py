"""Votes: the plain one, the weighted one, and what they say of raters."""

from __future__ import annotations

import numpy as np
import pytest

from consensus.majority import majority
from consensus.table import LabelTable
from consensus.votes import choose
from consensus.wawa import wawa
from consensus.weighted_majority import weighted_majority


def test_most_votes_win():
    table = LabelTable.from_codes([0, 0, 0, 1], [0, 1, 2, 0], [2, 2, 0, 1], n_classes=3)
    estimate = majority(table)
    assert estimate.choice.tolist() == [2, 1]
    assert estimate.posterior[0].tolist() == pytest.approx([1 / 3, 0, 2 / 3])
    assert not estimate.tied.any()


@pytest.mark.parametrize("codes", [[0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]])
def test_a_tie_is_reported_and_not_broken(codes):
    table = LabelTable.from_codes([0] * 4, [0, 1, 2, 3], codes, n_classes=3)
    for estimate in (majority(table), wawa(table), weighted_majority(table, weights=[0.3] * 4)):
        assert estimate.choice.tolist() == [-1]
        assert estimate.tied.tolist() == [True]
        assert estimate.posterior[0].tolist() == [0.5, 0.5, 0]


def test_the_first_place_may_be_shared_in_place_of_the_votes():
    table = LabelTable.from_codes(
        [0, 0, 0, 1, 1, 1, 3], [0, 1, 2, 0, 1, 2, 0], [0, 0, 1, 0, 1, 2, 2], n_classes=3
    )
    estimate = majority(table, ties="share")
    assert estimate.posterior[[0, 2, 3]].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert estimate.posterior[1].tolist() == pytest.approx([1 / 3] * 3)
    assert estimate.choice.tolist() == majority(table).choice.tolist() == [0, -1, -1, 2]
    with pytest.raises(ValueError, match="ties must be one of report, share"):
        majority(table, ties="first")


def test_probabilities_that_differ_in_the_last_digits_are_tied():
    choice, tied = choose(
        np.array([[0.5 + 1e-12, 0.5 - 1e-12], [0.51, 0.49]]), np.array([True] * 2)
    )
    assert tied.tolist() == [True, False]
    assert choice.tolist() == [-1, 0]


def agreement_in_plain_loops(table):
    """For each rater the mean over labels of the credit from the other labels of the item."""
    rows = list(zip(table.items.tolist(), table.raters.tolist(), table.codes.tolist(), strict=True))
    credits = [[] for _ in range(table.n_raters)]
    for k, (item, rater, code) in enumerate(rows):
        others = [c for m, (i, _, c) in enumerate(rows) if i == item and m != k]
        if table.gold is not None and table.gold[item] >= 0:
            credits[rater].append(float(code == table.gold[item]))
        elif others:
            most = max(others.count(c) for c in others)
            first = {c for c in others if others.count(c) == most}
            credits[rater].append((code in first) / len(first))
    return [np.mean(c) if c else np.nan for c in credits]


@pytest.mark.parametrize("with_gold", [False, True])
def test_ability_is_agreement_with_the_majority_of_the_others(with_gold):
    rng = np.random.default_rng(3)
    for _ in range(20):
        items, raters = rng.integers(0, 12, 40), rng.integers(0, 6, 40)
        gold = rng.integers(-1, 3, 12) if with_gold else None
        table = LabelTable.from_codes(
            items, raters, rng.integers(0, 3, 40), n_classes=3, n_items=12, n_raters=7, gold=gold
        )
        estimate = majority(table)
        np.testing.assert_allclose(estimate.ability, agreement_in_plain_loops(table))
        assert np.isnan(estimate.ability[6])
        assert np.isnan(estimate.ability_interval[6]).all()


def test_weights_decide():
    table = LabelTable.from_codes([0, 0, 0, 1], [0, 1, 2, 2], [0, 0, 1, 1], n_classes=2, n_items=3)
    estimate = weighted_majority(table, weights=[0.2, 0.3, 1.0])
    assert estimate.posterior[0].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert estimate.choice.tolist() == [1, 1, -1]
    silent = weighted_majority(table, weights=[1, 1, 0])
    assert silent.choice.tolist() == [0, -1, -1]
    assert silent.posterior.tolist() == [[1, 0], [0, 0], [0, 0]]
    assert not silent.tied.any()


@pytest.mark.parametrize("weights", [[1, 1], [1, -1, 1], [1, np.nan, 1], [[1, 1, 1]]])
def test_bad_weights_are_refused(weights):
    table = LabelTable.from_codes([0, 0, 0], [0, 1, 2], [0, 0, 1], n_classes=2)
    with pytest.raises(ValueError, match="weights must"):
        weighted_majority(table, weights=weights)


def test_wawa_weighs_raters_by_their_agreement_with_the_majority():
    # Rater 2 leaves the majority on items 0 and 1, and is half of a tie on item 2.
    table = LabelTable.from_codes(
        [0, 0, 0, 1, 1, 1, 2, 2], [0, 1, 2, 0, 1, 2, 0, 2], [0, 0, 1, 1, 1, 0, 0, 1], n_classes=2
    )
    estimate = wawa(table)
    assert estimate.ability.tolist() == pytest.approx([2.5 / 3, 1, 0.5 / 3])
    assert estimate.choice.tolist() == [0, 1, 0]
    assert estimate.posterior[2].tolist() == pytest.approx([2.5 / 3, 0.5 / 3])


def test_wawa_learns_from_gold():
    # Without gold rater 2 is the outsider; item 0 shows that raters 0 and 1 are.
    table = LabelTable.from_codes(
        [0, 0, 0, 1, 1], [0, 1, 2, 1, 2], [0, 0, 1, 0, 1], n_classes=2, gold=[1, -1]
    )
    estimate = wawa(table)
    assert estimate.ability.tolist() == [0, 0.25, 0.75]
    assert estimate.choice.tolist() == [1, 1]

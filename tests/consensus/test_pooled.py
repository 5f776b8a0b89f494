"""One vote a family: how votes are shared, and what follows from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.ibcc import ibcc
from consensus.majority import majority
from consensus.pooled import pooled_ibcc, pooled_majority, pooled_votes
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables

few = settings(repeatable, max_examples=8)

# Item 0: raters 0 and 1 (one voice) say 0 and 1, rater 2 says 1 twice. Item 1: rater 0 says 1.
TABLE = LabelTable.from_codes([0, 0, 0, 0, 1], [0, 1, 2, 2, 0], [0, 1, 1, 1, 1], n_classes=2)
VOICES = np.array([0, 0, 1])


def test_members_share_one_vote():
    votes = pooled_votes(TABLE, VOICES)
    assert votes.by_voice(slice(None)).tolist() == [
        [[0.5, 0.5], [0.0, 1.0]],
        [[0.0, 1.0], [0.0, 0.0]],  # rater 1 said nothing and has no part; the second voice neither
    ]
    assert votes.spoke.toarray().tolist() == [[1, 1], [1, 0]]


def test_a_rater_who_repeats_itself_is_one_member():
    table = LabelTable.from_codes([0] * 4, [0, 0, 0, 1], [0, 0, 0, 1], n_classes=2)
    assert pooled_votes(table, np.array([0, 0])).shares.toarray().tolist() == [[0.5, 0.5]]


def test_majority_counts_voices_not_raters():
    copies = LabelTable.from_codes([0] * 5, range(5), [0, 0, 0, 1, 1], n_classes=2)
    voices = np.array([0, 0, 0, 1, 2])
    assert majority(copies).choice.tolist() == [0]
    assert pooled_majority(copies, voices).choice.tolist() == [1]
    assert pooled_majority(copies, voices).posterior[0].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_raters_left_out_have_no_vote():
    assert pooled_votes(TABLE, np.array([-1, 0, -1])).shares.toarray().tolist() == [[0, 1], [0, 0]]
    left_out = pooled_ibcc(TABLE, np.array([-1, 0, -1]))
    assert left_out.choice.tolist() == [1, -1]
    assert np.isnan(left_out.confusion[[0, 2]]).all()


@few
@given(table=tables(repeats=False))
def test_with_a_voice_for_each_rater_it_is_ibcc(table):
    ours, theirs = pooled_ibcc(table, np.arange(table.n_raters)), ibcc(table)
    assert ours.posterior == pytest.approx(theirs.posterior, abs=1e-9)
    assert ours.confusion == pytest.approx(theirs.confusion, abs=1e-9)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-9)


@few
@given(table=tables(), seed=st.integers(0, 99))
def test_the_bound_never_falls(table, seed):
    voices = np.random.default_rng(seed).integers(0, 3, table.n_raters)
    estimate = pooled_ibcc(table, voices, tolerance=0, max_iterations=25)
    assert (np.diff(estimate.log_likelihood) >= -1e-8).all()


@few
@given(table=tables(), seed=st.integers(0, 99))
def test_order_and_names_do_not_matter(table, seed):
    voices = np.random.default_rng(seed).integers(0, 3, table.n_raters)
    new = shuffles(table, seed)
    here = pooled_ibcc(table, voices)
    there = pooled_ibcc(renamed(table, **new), voices[np.argsort(new["raters"])])
    assert there.posterior[new["items"]][:, new["classes"]] == pytest.approx(here.posterior)
    assert (there.tied[new["items"]] == here.tied).all()


@pytest.mark.parametrize("voices", [[0, 1], [0, 1, -2]])
def test_bad_voices_are_refused(voices):
    with pytest.raises(ValueError, match="voices"):
        pooled_votes(TABLE, np.array(voices))


@pytest.mark.parametrize("wrong", [{"prior_off": 0}, {"tolerance": -1}, {"max_iterations": 0}])
def test_bad_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        pooled_ibcc(TABLE, VOICES, **wrong)

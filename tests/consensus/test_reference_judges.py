"""Correlated judges on published labels: the goals of consensus.hybrid, with few draws of gold.

`python -m bench.correlated_judges` does the same with 50 draws and on more sets. Collected only
where REFERENCE_DATA is set (conftest.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.published import accuracy, clipped, dataset
from consensus.dawid_skene import dawid_skene
from consensus.families import detect_families
from consensus.hybrid import aggregate_judges
from consensus.ibcc import ibcc
from consensus.kappa import cohen_kappa
from consensus.majority import majority
from consensus.overconfidence import against_gold, against_support

pytestmark = pytest.mark.reference


def stated(estimate, kept):
    return estimate.posterior[kept].max(axis=1).mean()


def test_33_judges_without_gold():
    data = dataset("llmjudge", "llm", clipped)
    ours = aggregate_judges(data.table)
    assert (ours.choice >= 0).all()
    assert cohen_kappa(ours.choice, data.gold, 4) >= 0.28  # the best single judge has .2863
    assert stated(ours, slice(None)) <= ours.support.claim + 1e-9
    assert stated(ours, slice(None)) < accuracy(ours.posterior, data.gold)
    assert 2 < ours.support.effective < 6


def test_plain_dawid_skene_on_33_judges_is_warned_of():
    data = dataset("llmjudge", "llm", clipped)
    estimate = dawid_skene(data.table)
    support = aggregate_judges(data.table).support
    assert against_support(estimate, support).warns
    found = against_gold(estimate, data.gold)
    assert found.warns
    assert found.sure == pytest.approx(0.91, abs=0.005)
    assert found.sure_right == pytest.approx(0.405, abs=0.005)


def test_33_judges_with_400_gold_items():
    """One draw, to the figures it has; that the mean of 50 reaches .298 is shown by the bench."""
    data = dataset("llmjudge", "llm", clipped)
    gold = np.full(len(data.gold), -1)
    some = np.random.default_rng(1).permutation(len(gold))[:400]
    gold[some] = data.gold[some]
    rest = gold < 0
    ours = aggregate_judges(replace(data.table, gold=gold))
    # Over draws kappa varies by .012.
    kappa = cohen_kappa(ours.choice[rest], data.gold[rest], 4)
    assert kappa == pytest.approx(0.309, abs=0.003)
    gap = stated(ours, rest) - accuracy(ours.posterior[rest], data.gold[rest])
    assert gap == pytest.approx(-0.016, abs=0.005)


def test_families_of_33_judges_keep_to_their_teams():
    data = dataset("llmjudge", "llm", clipped)
    found = detect_families(data.table)
    families = [
        {data.raters[r] for r in np.flatnonzero(found.numbers == number)}
        for number in range(len(found.excess))
    ]
    nist = {name for name in data.raters if name.startswith("NISTRetrieval")}
    assert nist in families
    # Of two teams, but with a kappa of .88 between them.
    assert {"h2oloo-zeroshot1", "willia-umbrela1"} in families
    mixed = [family for family in families if len({n.split("-")[0] for n in family}) > 1]
    assert len(mixed) == 1


@pytest.mark.parametrize("name", ["bluebird", "snow_rte", "dog", "senti_1k", "product"])
def test_crowds_are_read_as_by_ibcc_and_no_worker_is_taken_for_a_copy(name):
    data = dataset(name, "human")
    ours = aggregate_judges(data.table)
    assert (ours.posterior == ibcc(data.table).posterior).all()
    assert detect_families(data.table).excess == ()


@pytest.mark.parametrize(
    "name", ["alttest_cebab_aspects", "alttest_cebab_stars", "alttest_wax", "alttest_framing"]
)
def test_six_models_against_the_majority_of_people(name):
    table = dataset(name).table
    judges = table.of_raters(table.judges)
    people = majority(table.of_raters(~table.judges)).choice
    ours = aggregate_judges(judges)
    right = accuracy(ours.posterior, people)
    assert right >= accuracy(majority(judges).posterior, people) + 0.005
    assert stated(ours, people >= 0) < right
    assert ours.families.excess == ()  # six models of five makers

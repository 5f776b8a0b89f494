"""Accuracy of each way of combining labels, against gold, as others published or recomputed it.

Collected only where REFERENCE_DATA is set (conftest.py); a folder without the files fails.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.published import accuracy, dataset
from consensus.methods import aggregate

pytestmark = pytest.mark.reference

SETS = ("bluebird", "snow_rte", "dog", "senti_1k", "product")
# Accuracy on each set with ties shared, and how near is near: starts, priors and stopping of
# Dawid-Skene, MACE and GLAD differ between programs.
PUBLISHED = {
    "majority": ({}, (0.7593, 0.8969, 0.8222, 0.9335, 0.8966), 5.1e-5),
    "dawid_skene": ({}, (0.8981, 0.9275, 0.8426, 0.960, 0.9396), 5e-3),
    "ibcc": ({}, (0.888889, 0.9275, 0.838910, 0.96, 0.938304), 5.1e-7),
    "mace": ({"variant": "vb"}, (0.8611, 0.9263, 0.8302, 0.957, 0.828), 5e-3),
    "mace, em": ({"variant": "em"}, (0.8889, 0.9288, 0.8327, 0.959, 0.829), 5e-3),
    "glad": ({}, (0.7222, 0.925, 0.8340, 0.948, 0.9283), 5e-3),
}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("data", SETS)
def test_accuracy_against_gold(name, data):
    parameters, published, near = PUBLISHED[name]
    found = dataset(data, "human")
    estimate = aggregate(found.table, name.partition(",")[0], seed=1, **parameters)
    expected = published[SETS.index(data)]
    assert accuracy(estimate.posterior, found.gold) == pytest.approx(expected, abs=near)
    if not name.startswith("mace"):  # which stops after 50 rounds, as its authors' program does
        assert estimate.converged


def test_mace_hardly_depends_on_the_seed():
    found = dataset("product", "human")  # where 50 rounds are far from enough
    for seed in range(2, 6):
        estimate = aggregate(found.table, "mace", seed=seed)
        assert accuracy(estimate.posterior, found.gold) == pytest.approx(0.828, abs=5e-3)


def test_the_patients_of_dawid_and_skene():
    data = dataset("anesthesia", "human")
    estimate = aggregate(data.table, "dawid_skene")
    assert estimate.converged
    assert estimate.iterations < 40
    shares = estimate.posterior.mean(axis=0)
    assert shares.tolist() == pytest.approx([0.400, 0.422, 0.112, 0.067], abs=1e-3)
    by_name = dict(zip(data.items, estimate.posterior.tolist(), strict=True))
    assert by_name.pop("35")[1:3] == pytest.approx([0.948, 0.052], abs=1e-3)
    assert by_name.pop("38")[1:3] == pytest.approx([0.021, 0.979], abs=1e-3)
    assert len(by_name) == 43
    assert min(max(row) for row in by_name.values()) > 0.99


def test_gold_of_some_helps_on_the_rest():
    found = dataset("bluebird", "human")
    known = np.arange(len(found.gold)) % 4 == 0
    taught = replace(found.table, gold=np.where(known, found.gold, -1))
    before = accuracy(aggregate(found.table, "glad").posterior[~known], found.gold[~known])
    after = accuracy(aggregate(taught, "glad").posterior[~known], found.gold[~known])
    assert after > before

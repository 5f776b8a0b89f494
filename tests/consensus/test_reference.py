"""Figures that others published or recomputed, on the data sets in the folder REFERENCE_DATA.

Collected only where that variable is set (conftest.py); a folder without the files fails.
"""

from __future__ import annotations

import numpy as np
import pytest

from bench.published import clipped, dataset
from consensus.agreement import cohen_kappa, krippendorff_alpha, krippendorff_interval
from consensus.dawid_skene import dawid_skene
from consensus.table import LabelTable

pytestmark = pytest.mark.reference


@pytest.mark.parametrize(
    ("name", "alpha"),
    [
        ("alttest_cebab_aspects", 0.742),
        ("alttest_wax", 0.265),
        ("alttest_framing", 0.567),
        ("alttest_cebab_stars", 0.357),
        ("bluebird", 0.126),
        ("snow_rte", 0.241),
        ("dog", 0.519),
        ("senti_1k", 0.149),
        ("product", 0.157),
    ],
)
def test_nominal_alpha_over_people(name, alpha):
    agreement = krippendorff_interval(dataset(name, "human").table, seed=1)
    assert agreement.value == pytest.approx(alpha, abs=5.1e-4)
    assert agreement.low < agreement.value < agreement.high


def test_ordinal_alpha_over_people():
    stars = dataset("alttest_cebab_stars", "human").table
    assert krippendorff_alpha(stars, level="ordinal") == pytest.approx(0.679, abs=5.1e-4)


@pytest.mark.parametrize(
    ("judge", "kappa", "alpha"),
    [
        ("willia-umbrela1", 0.2863, 0.4918),
        ("h2oloo-zeroshot1", 0.2817, 0.4812),
        ("h2oloo-fewself", 0.2774, 0.4958),
        ("RMITIR-llama70B", 0.2654, 0.4873),
        ("Olz-gpt4o", 0.2625, 0.5020),
        ("NISTRetrieval-instruct0", 0.1877, 0.3819),
        ("TREMA-rubric0", 0.0779, 0.1036),
        ("TREMA-nuggets", 0.0604, 0.1691),
    ],
)
def test_single_judges_against_gold(judge, kappa, alpha):
    data = dataset("llmjudge", "llm", clipped)
    mine = data.table.raters == data.raters.index(judge)
    items, codes = data.table.items[mine], data.table.codes[mine]
    gold = data.gold[items]
    assert cohen_kappa(codes, gold, 4) == pytest.approx(kappa, abs=5.1e-5)
    both = LabelTable.from_codes(
        np.concatenate([items, items]),
        np.repeat([0, 1], len(items)),
        np.concatenate([codes, gold]),
        n_classes=4,
    )
    assert krippendorff_alpha(both, level="ordinal") == pytest.approx(alpha, abs=5.1e-5)


def test_many_judges_are_not_many_annotators():
    # Near-copies of one prompt count as independent evidence: very sure, and mostly wrong.
    data = dataset("llmjudge", "llm", clipped)
    estimate = dawid_skene(data.table)
    sure = estimate.posterior.max(axis=1) > 0.99
    right = estimate.choice == data.gold
    assert right.mean() == pytest.approx(0.395, abs=5e-3)
    assert cohen_kappa(estimate.choice, data.gold, 4) == pytest.approx(0.18, abs=5e-3)
    assert sure.mean() == pytest.approx(0.91, abs=5e-3)
    assert right[sure].mean() == pytest.approx(0.405, abs=5e-3)

"""Ratings, sets of labels and disagreement on the data sets in the folder REFERENCE_DATA."""

from __future__ import annotations

import numpy as np
import pytest

from bench.published import accuracy, clipped, dataset, rows
from consensus.dawid_skene import dawid_skene
from consensus.disagreement import disagreement
from consensus.ibcc import ibcc
from consensus.kappa import cohen_kappa
from consensus.majority import majority
from consensus.median import median_rating
from consensus.multi_label import multi_label
from consensus.ordinal import ordinal
from consensus.plain_agreement import observed_agreement
from consensus.selections import Selections

pytestmark = pytest.mark.reference


def test_many_judges_do_not_mislead_the_order_as_they_mislead_dawid_skene():
    data = dataset("llmjudge", "llm", clipped)
    by_order, by_names = ordinal(data.table), dawid_skene(data.table)
    assert by_order.converged
    assert (np.diff(by_order.log_likelihood) >= -1e-7).all()
    assert cohen_kappa(by_order.choice, data.gold, 4) == pytest.approx(0.236, abs=0.01)
    assert accuracy(by_order.posterior, data.gold) > accuracy(by_names.posterior, data.gold) + 0.08
    away = [np.abs(e.choice - data.gold).mean() for e in (by_order, median_rating(data.table))]
    assert away[0] < 0.62
    assert away[0] < away[1] + 0.01


def test_two_classes_are_a_scale_too():
    data = dataset("snow_rte", "human")
    assert accuracy(ordinal(data.table).posterior, data.gold) == pytest.approx(0.9325, abs=0.005)


def test_ratings_of_people_foretell_those_kept_back():
    table = dataset("alttest_cebab_stars", "human").table
    fold = np.random.default_rng(1).integers(0, 5, table.n_labels)
    away = {}
    for method in (majority, ibcc, ordinal):
        found = []
        for out in range(5):
            kept = table.rows(fold != out)
            back = (fold == out) & (kept.counts().sum(axis=1) > 0)[table.items]
            estimate = method(kept)
            choice = np.where(estimate.choice >= 0, estimate.choice, estimate.posterior.argmax(1))
            found.append(np.abs(choice[table.items[back]] - table.codes[back]))
        away[method.__name__] = np.concatenate(found).mean()
    assert away["ordinal"] == pytest.approx(0.605, abs=0.01)
    assert away["ordinal"] < away["ibcc"] < away["majority"] - 0.05


def test_people_who_gave_several_labels():
    said = {}
    for row in rows("varierr_nli.labels.csv"):
        said.setdefault((row["item_id"], row["annotator_id"]), set()).add(row["label"])
    # "idk" is an abstention: an answer that holds nothing else is none.
    answers = {key: labels - {"idk"} for key, labels in said.items() if labels - {"idk"}}
    items, raters = (sorted({key[k] for key in answers}) for k in range(2))
    options = ["entailment", "neutral", "contradiction"]
    selections = Selections(
        np.array([items.index(item) for item, _ in answers]),
        np.array([raters.index(rater) for _, rater in answers]),
        np.array([[option in labels for option in options] for labels in answers.values()]),
        len(items),
        len(raters),
    )
    assert selections.chosen.sum() == 1933
    assert len(items) == 500
    f1 = {}
    for sets in ("threshold", "f1"):
        by_rater = []
        for rater in range(4):
            mine = selections.raters == rater
            others = Selections(
                selections.items[~mine], selections.raters[~mine], selections.chosen[~mine], 500, 4
            )
            estimate = multi_label(others, method=majority, sets=sets)
            theirs = estimate.chosen[selections.items[mine]]
            own = selections.chosen[mine]
            there = estimate.labelled[selections.items[mine]]
            both = 2 * (theirs & own).sum(axis=1) / (theirs.sum(axis=1) + own.sum(axis=1))
            by_rater.append(both[there].mean())
        f1[sets] = np.mean(by_rater)
    # Sets chosen for their expected F1 do have the better F1 against a person kept back.
    assert f1["f1"] == pytest.approx(0.662, abs=0.01)
    assert f1["f1"] > f1["threshold"] + 0.03


@pytest.mark.parametrize(
    ("name", "total", "error", "between"),
    [
        ("alttest_cebab_stars", 0.411, 0.068, 0.025),
        ("alttest_cebab_aspects", 0.141, 0.053, 0.023),
        ("snow_rte", 0.371, 0.253, None),
        ("dog", 0.359, 0.032, None),
    ],
)
def test_disagreement_of_published_sets(name, total, error, between):
    table = dataset(name).table
    groups = table.judges if table.judges.any() else None
    found = disagreement(table, groups=groups, n_bootstrap=0, seed=1)
    assert found.total.value == pytest.approx(total, abs=2e-3)
    assert found.rater_error.value == pytest.approx(error, abs=0.01)
    if between is None:
        assert found.between.value is None
        if name == "snow_rte":  # ten labels on every item: the mean over items is that over pairs
            assert found.total.value == pytest.approx(1 - observed_agreement(table))
    else:
        assert found.between.value == pytest.approx(between, abs=2e-3)

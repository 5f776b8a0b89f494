"""What the methods of docs/statistics/trust.md say of published data, in the folder REFERENCE_DATA.

REFERENCE_DATA=path/to/data python -m bench.trust_published
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.published import clipped, dataset, rows
from bench.trust_simulation import gain_on
from consensus.alt_test import Score, alt_test, labels_of
from consensus.alt_test_power import alt_test_sentence, epsilon_meaning, people_model
from consensus.calibration import METHODS, best_calibration, out_of_fold
from consensus.ibcc import ibcc
from consensus.label_errors import label_errors, label_share, peer_posterior, ranking_quality
from consensus.majority_gain import measured_gain
from consensus.majority_optimality import majority_optimality, majority_sentence
from consensus.rater_weights import counts_from_estimate, counts_from_gold
from consensus.reliability import brier, calibration_error, reliability_sentence
from consensus.table import LabelTable

ALT_TESTS: tuple[tuple[str, float, Score], ...] = (
    ("alttest_wax", 0.1, "accuracy"),
    ("alttest_framing", 0.15, "accuracy"),
    ("alttest_cebab_aspects", 0.1, "accuracy"),
    ("alttest_cebab_stars", 0.1, "neg_rmse"),
)
CROWDS = ("bluebird", "snow_rte", "dog", "senti_1k", "product")


def show_alt_tests() -> None:
    for name, epsilon, score in ALT_TESTS:
        data = dataset(name)
        print(f"\n{name}, epsilon {epsilon}")
        meaning = None
        for judge in np.flatnonzero(data.table.judges):
            labels = labels_of(data.table, int(judge))
            if meaning is None:  # all judges labelled the same items
                meaning = epsilon_meaning(data.table, labels, epsilon=epsilon, score=score, seed=1)
            result = alt_test(data.table, labels, epsilon=epsilon, score=score, seed=1)
            print(f"  {data.raters[judge]}: {result.winning_rate:.2f} {result.advantage:.2f}.",
                  alt_test_sentence(result))  # fmt: skip
        if meaning is None:
            continue
        chances = zip(meaning.gaps, meaning.probability, strict=True)
        print(f"  people agree {meaning.agreement:.3f}, accuracy {meaning.accuracy:.3f}, forgiven",
              f"{meaning.forgiven:.3f}; chance by gap:",
              ", ".join(f"{gap:g} {chance:.2f}" for gap, chance in chances))  # fmt: skip
        if score == "accuracy":
            print(
                f"  forgiven by the labels themselves: {epsilon / slope_of_labels(data.table):.3f}"
            )


def slope_of_labels(table: LabelTable) -> float:
    """Mean difference for each point of accuracy, from people's own labels.

    A label is replaced by another class with some chance: how often is the replacement further from
    the others? Only the accuracy that this costs comes from the model.
    """
    people = table.of_raters(~table.judges) if table.judges is not None else table
    counts = people.counts()
    shared = counts.sum(axis=1)[people.items] > 1
    used = np.flatnonzero(counts.sum(axis=0))
    others = counts[people.items]
    others[np.arange(len(others)), people.codes] -= 1
    own = others[np.arange(len(others)), people.codes]
    worse = np.sign(own[:, None] - others[:, used]).sum(axis=1) / (len(used) - 1)
    model = people_model(people)
    assert model is not None
    return float(worse[shared].mean() / (model.accuracy - (1 - model.accuracy) / (len(used) - 1)))


def show_majorities() -> None:
    print("\nMajority: accuracies by gold, by iBCC without gold; measured by leaving items out")
    for name in (*CROWDS, "llmjudge"):
        data = dataset(name, "llm", clipped) if name == "llmjudge" else dataset(name, "human")
        table = replace(data.table, gold=data.gold)
        measured = measured_gain(table, seed=1)
        print(f"{name}: {majority_sentence(by(table, 'gold'), measured)}")
        for source in ("gold", "ibcc"):
            result = by(table, source)
            low, high = result.gain_interval or (np.nan, np.nan)
            print(f"  {source}: {result.n_changed} overruled, safe {result.safe:.2f},",
                  f"expected gain {result.gain:.4f} ({low:.4f} to {high:.4f}),",
                  f"in fact {gain_on(table, result.weights):.4f}")  # fmt: skip
        low, high = measured.interval or (np.nan, np.nan)
        print(f"  measured: {measured.gain:.4f} ({low:.4f} to {high:.4f})")


def by(table: LabelTable, source: str):  # type: ignore[no-untyped-def]
    found = (
        counts_from_gold(table) if source == "gold" else counts_from_estimate(table, ibcc(table))
    )
    return majority_optimality(table, *found, n_draws=50, seed=1)


def show_label_errors() -> None:
    print("\nLabels that differ from gold: average precision by peers' share, by peers' posterior")
    for name in CROWDS:
        data = dataset(name, "human")
        wrong = data.table.codes != data.gold[data.table.items]
        known = data.gold[data.table.items] >= 0
        share = label_errors(data.table).score
        posterior = label_errors(
            data.table, peers=peer_posterior(data.table, ibcc(data.table))
        ).score
        found = [
            ranking_quality(score[known], wrong[known]).average_precision
            for score in (share, posterior)
        ]
        print(f"{name}: {found[0]:.3f} {found[1]:.3f}")


def show_varierr() -> None:
    print("\nvarierr_nli, 878 pairs of item and class, 129 errors: average precision (equal scores")
    print("at once; one by one), errors among the first 100, share of the errors among them")
    labels = [row for row in rows("varierr_nli.labels.csv") if row["label"] != "idk"]
    items, raters, classes = (
        {name: at for at, name in enumerate(sorted({row[key] for row in labels}))}
        for key in ("item_id", "annotator_id", "label")
    )
    table = LabelTable.from_codes(
        [items[row["item_id"]] for row in labels],
        [raters[row["annotator_id"]] for row in labels],
        [classes[row["label"]] for row in labels],
        n_classes=len(classes),
    )
    gold = [
        (*row["item_id"].split("|"), row["gold"] == "1") for row in rows("varierr_nli.gold.csv")
    ]
    pairs = (
        np.array([items[item] for item, _, _ in gold]),
        np.array([classes[label] for _, label, _ in gold]),
    )
    wrong = np.array([error for _, _, error in gold])
    judges: dict[str, np.ndarray] = {}
    for row in rows("varierr_nli.llm_scores.csv"):
        said = judges.setdefault(row["model"], np.full((len(items), len(classes)), np.nan))
        said[items[row["item_id"]], classes[row["label"]]] = float(row["validity_probability"])
    crowd = np.empty((len(items), len(classes)))
    for row in rows("varierr_nli.items.csv"):
        for name, code in classes.items():
            crowd[items[row["item_id"]], code] = int(row[f"chaos_{name[0]}"]) / 100
    _, first = np.unique(table.items * len(classes) + table.codes, return_index=True)
    of_pair = np.full((len(items), len(classes)), -1)
    of_pair[table.items[first], table.codes[first]] = first
    gpt4, gpt35 = judges["gpt-4-1106-preview"], judges["gpt-3.5-turbo"]
    scores = {
        "GPT-4": 1 - gpt4[pairs],
        "GPT-3.5": 1 - gpt35[pairs],
        "ChaosNLI": 1 - crowd[pairs],
        "label count": -table.counts()[pairs],
        "label share": 1 - label_share(table)[pairs],
        "peers": label_errors(table).score[of_pair[pairs]],
        "peers, GPT-4": label_errors(table, judges=[gpt4]).score[of_pair[pairs]],
        "peers, GPT-3.5": label_errors(table, judges=[gpt35]).score[of_pair[pairs]],
        "peers, both": label_errors(table, judges=[gpt4, gpt35]).score[of_pair[pairs]],
        "peers, crowd": label_errors(table, crowd=crowd).score[of_pair[pairs]],
        "peers, GPT-4, crowd": label_errors(table, judges=[gpt4], crowd=crowd).score[
            of_pair[pairs]
        ],
    }
    for name, score in scores.items():
        found = ranking_quality(score, wrong)
        values = (
            found.average_precision,
            found.expected_precision,
            found.precision_at,
            found.recall_at,
        )
        print(name.ljust(20), *(f"{100 * (value or 0):.1f}" for value in values))

    print("\nThe models' validity probabilities as confidence that the label is right")
    for name, said in judges.items():
        stated, right = said[pairs], ~wrong
        error = calibration_error(stated, right)
        print(f"{name}: {reliability_sentence(error, stated.mean(), right.mean())}")
        for method in METHODS:
            held = out_of_fold(stated, right, method=method, seed=1)
            score, off = brier(held, right), calibration_error(held, right)
            print(f"  {method}, out of fold: Brier {score.score:.3f} ({score.low:.3f} to",
                  f"{score.high:.3f}), error {off.debiased:.3f} ({off.low:.3f} to {off.high:.3f})",
                  )  # fmt: skip
        print(f"  chosen: {best_calibration(stated, right, seed=1)}")


if __name__ == "__main__":
    show_alt_tests()
    show_majorities()
    show_label_errors()
    show_varierr()

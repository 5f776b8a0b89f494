"""Published figures on trust: the Alternative Annotator Test, finding label errors."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from bench.published import dataset, rows
from consensus.alt_test import alt_test, labels_of
from consensus.alt_test_power import alt_test_power
from consensus.ibcc import ibcc
from consensus.label_errors import (
    RankingQuality,
    label_errors,
    label_share,
    peer_posterior,
    peer_share,
    ranking_quality,
)
from consensus.table import LabelTable

pytestmark = pytest.mark.reference

JUDGES = ("gpt-4o", "gemini_pro", "gemini_flash", "gpt-4o-mini", "llama-31", "mistral-v03")


@pytest.mark.parametrize(
    ("name", "epsilon", "score", "winning_rates", "advantages"),
    [
        (
            "alttest_wax",
            0.1,
            "accuracy",
            (0.50, 0.50, 0.38, 0.00, 0.00, 0.00),
            (0.73, 0.74, 0.69, 0.59, 0.57, 0.50),
        ),
        (
            "alttest_framing",
            0.15,
            "accuracy",
            (1.0, 1.0, 1.0, 1.0, 0.50, 0.25),
            (0.92, 0.91, 0.83, 0.87, 0.80, 0.80),
        ),
        (
            "alttest_cebab_aspects",
            0.1,
            "accuracy",
            (0.90, 0.90, 0.70, 0.50, 0.60, 0.10),
            (0.93, 0.94, 0.91, 0.90, 0.89, 0.81),
        ),
        (
            "alttest_cebab_stars",
            0.1,
            "neg_rmse",
            (0.90, 0.80, 0.60, 0.90, 0.60, 0.50),
            (0.90, 0.87, 0.82, 0.89, 0.85, 0.83),
        ),
    ],
)
def test_the_published_table(name, epsilon, score, winning_rates, advantages):
    data = dataset(name)
    for judge, winning_rate, advantage in zip(JUDGES, winning_rates, advantages, strict=True):
        labels = labels_of(data.table, data.raters.index(judge))
        result = alt_test(
            data.table, labels, epsilon=epsilon, score=score, epsilons=[], n_bootstrap=100, seed=1
        )
        # To the printed digits.
        assert result.winning_rate == pytest.approx(winning_rate, abs=5.1e-3), judge
        assert result.advantage == pytest.approx(advantage, abs=5.1e-3), judge
        assert result.advantage_interval[0] < result.advantage < result.advantage_interval[1]


def test_the_test_is_lenient_and_weak_at_once():
    # The number of people is not printed; three give both figures within the noise of 1,000 draws.
    plan = {"n_people": 3, "accuracy": 0.85, "n_simulations": 10_000, "seed": 1}
    lenient = alt_test_power([200], epsilon=0.2, gap=0.15, **plan)
    assert lenient.probability[0] == pytest.approx(0.73, abs=0.02)
    weak = alt_test_power([50], epsilon=0.1, **plan)
    assert weak.probability[0] == pytest.approx(0.35, abs=0.025)


class VariErr(NamedTuple):
    """878 pairs of an item and a class that somebody gave it; 129 of them are errors."""

    table: LabelTable  # a row for each label of a person; "idk" is an abstention
    pairs: tuple[np.ndarray, np.ndarray]  # item and class of each pair
    first: np.ndarray  # a row of the table for each pair: all rows of a pair score the same
    is_error: np.ndarray
    judges: dict[str, np.ndarray]  # by model, (n_items, n_classes): probability that it is valid
    crowd: np.ndarray  # (n_items, n_classes): shares of 100 votes
    validity: np.ndarray  # of each pair: votes of peers that a reason given for it is valid


@cache
def varierr() -> VariErr:
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
    gold = {
        tuple(row["item_id"].split("|")): row["gold"] == "1" for row in rows("varierr_nli.gold.csv")
    }
    pairs = np.array([(items[item], classes[label]) for item, label in gold]).T
    row_of = {
        (item, code): row
        for row, (item, code) in enumerate(
            zip(table.items.tolist(), table.codes.tolist(), strict=True)
        )
    }
    judges: dict[str, np.ndarray] = {}
    for row in rows("varierr_nli.llm_scores.csv"):
        said = judges.setdefault(row["model"], np.full((len(items), len(classes)), np.nan))
        said[items[row["item_id"]], classes[row["label"]]] = float(row["validity_probability"])
    crowd = np.empty((len(items), len(classes)))
    for row in rows("varierr_nli.items.csv"):
        for name, code in classes.items():
            crowd[items[row["item_id"]], code] = int(row[f"chaos_{name[0]}"]) / 100
    votes = np.zeros((len(items), len(classes)))
    for row in rows("varierr_nli.explanations.csv"):
        for vote in row["validity_votes"].split():
            voter, valid = vote.split(":")
            if voter != row["annotator_id"]:
                votes[items[row["item_id"]], classes[row["label"]]] += int(valid)
    return VariErr(
        table=table,
        pairs=(pairs[0], pairs[1]),
        first=np.array([row_of[pair] for pair in zip(*pairs.tolist(), strict=True)]),
        is_error=np.array(list(gold.values())),
        judges=judges,
        crowd=crowd,
        validity=votes[pairs[0], pairs[1]],
    )


def percent(quality: RankingQuality) -> tuple[float, float, float]:
    return (
        100 * quality.average_precision,
        100 * quality.precision_at,
        100 * quality.recall_at,
    )


def test_single_sources_of_label_errors():
    data = varierr()
    assert (len(data.is_error), data.is_error.sum()) == (878, 129)

    def found(support, kept=slice(None)):
        return percent(ranking_quality(1 - support[kept], data.is_error[kept]))

    share = found(label_share(data.table)[data.pairs])
    assert share[0] == pytest.approx(43.0, abs=0.051)
    count = found(data.table.counts()[data.pairs])
    assert count[0] == pytest.approx(40.8, abs=0.051)
    # The published scores of the models are means with all their rounding errors, which break
    # ties (-.8 beside -.7999999999999999): the printed precision is .1 and .2 higher than of the
    # four decimals in the data, and 46.0 errors among the first 100 are 46.5 in expectation.
    # bench.reference has those rounding errors, and meets the printed figures.
    gpt4 = found(data.judges["gpt-4-1106-preview"][data.pairs])
    assert gpt4 == pytest.approx((31.8, 46.0, 35.7), abs=0.6)
    assert gpt4[0] == pytest.approx(31.8, abs=0.1)
    gpt35 = found(data.judges["gpt-3.5-turbo"][data.pairs])
    assert gpt35 == pytest.approx((17.6, 21.0, 16.3), abs=0.2)
    # The published predictions from crowd and peers lack one error, a later label: 128 errors
    # there. Of the peers' votes a few were changed later, too.
    kept = np.arange(len(data.is_error)) != missing_pair(data)
    crowd = found(data.crowd[data.pairs], kept)
    assert crowd == pytest.approx((32.5, 35.0, 27.3), abs=0.051)
    peers = found(data.validity, kept)
    assert peers[0] == pytest.approx(46.5, abs=0.1)


def missing_pair(data: VariErr) -> int:
    names = sorted({row["item_id"] for row in rows("varierr_nli.labels.csv")})
    item = names.index("28306c")
    found = np.flatnonzero((data.pairs[0] == item) & data.is_error)
    assert len(found) == 1
    return int(found[0])


def test_sources_of_label_errors_together():
    data = varierr()
    share = label_share(data.table)[data.table.items, data.table.codes]
    gpt4 = [data.judges["gpt-4-1106-preview"]]

    def found(**sources):
        score = label_errors(data.table, **sources).score[data.first]
        return percent(ranking_quality(score, data.is_error))

    # The label itself counted among its item's labels, as recomputed by others.
    with_share = found(judges=gpt4, peers=share)
    assert with_share[0] == pytest.approx(43.1, abs=0.051)
    assert with_share[1] == pytest.approx(54, abs=0.5)
    assert found(judges=gpt4, peers=share, crowd=data.crowd)[0] == pytest.approx(46.9, abs=0.051)
    # The rule as it stands: the others' labels only.
    assert found(judges=gpt4)[0] >= 43.1
    assert found(judges=gpt4, crowd=data.crowd)[0] >= 46.9


@pytest.mark.parametrize(
    ("name", "by_share", "by_posterior"),
    [
        ("bluebird", 0.75, 0.88),
        ("snow_rte", 0.85, 0.93),
        ("dog", 0.71, 0.76),
        ("senti_1k", 0.94, 0.97),
        ("product", 0.61, 0.83),
    ],
)
def test_where_raters_have_many_labels_their_posterior_finds_more(name, by_share, by_posterior):
    data = dataset(name, "human")
    wrong = data.table.codes != data.gold[data.table.items]
    known = data.gold[data.table.items] >= 0
    share = ranking_quality(1 - peer_share(data.table)[known], wrong[known])
    posterior = peer_posterior(data.table, ibcc(data.table))
    scores = label_errors(data.table, peers=posterior).score
    found = ranking_quality(scores[known], wrong[known])
    assert share.average_precision >= by_share
    assert found.average_precision >= by_posterior

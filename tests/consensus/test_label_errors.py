"""Labels likely wrong: what each source says, how they are joined, how a ranking is judged."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from consensus.ibcc import ibcc
from consensus.label_errors import (
    confidently_otherwise,
    label_errors,
    label_share,
    peer_posterior,
    peer_share,
    ranking_quality,
)
from consensus.table import LabelTable
from tests.consensus.tables import renamed, repeatable, shuffles, tables

few = settings(repeatable, max_examples=8)


@few
@given(table=tables())
def test_peer_share_counts_the_other_people(table):
    said: dict[int, dict[int, set[int]]] = {}
    for item, rater, code in zip(table.items, table.raters, table.codes, strict=True):
        said.setdefault(int(item), {}).setdefault(int(rater), set()).add(int(code))
    shares, of_items = peer_share(table), label_share(table)
    for row in range(table.n_labels):
        item, rater, code = (int(c[row]) for c in (table.items, table.raters, table.codes))
        others = [classes for other, classes in said[item].items() if other != rater]
        if others:
            assert shares[row] == pytest.approx(np.mean([code in named for named in others]))
        else:
            assert np.isnan(shares[row])
        everybody = [code in named for named in said[item].values()]
        assert of_items[item, code] == pytest.approx(np.mean(everybody))
    assert np.isnan(of_items[[i for i in range(table.n_items) if i not in said]]).all()


def test_judges_of_the_table_are_no_peers():
    table = LabelTable.from_codes(
        [0, 0, 0, 0], [0, 1, 2, 3], [0, 1, 1, 1], n_classes=2, judges=[False, False, True, True]
    )
    assert peer_share(table).tolist() == [0.0, 0.0, 0.5, 0.5]
    assert label_share(table).tolist() == [[0.5, 0.5]]


def test_several_classes_of_one_person():
    # Rater 0 names both classes: neither supports nor contradicts itself.
    table = LabelTable.from_codes([0, 0, 0], [0, 0, 1], [0, 1, 1], n_classes=2)
    assert peer_share(table).tolist() == [0.0, 1.0, 1.0]
    assert label_share(table).tolist() == [[0.5, 1.0]]


@few
@given(table=tables(repeats=False, min_labels=6))
def test_peer_posterior_equals_bayes_with_the_others_labels(table):
    estimate = ibcc(table)
    result = peer_posterior(table, estimate)
    prior = estimate.posterior.mean(axis=0)
    for row in range(table.n_labels):
        item, rater = table.items[row], table.raters[row]
        others = (table.items == item) & (table.raters != rater)
        if not others.any():
            assert np.isnan(result[row])
            continue
        chance = prior.copy()
        for other, code in zip(table.raters[others], table.codes[others], strict=True):
            chance *= estimate.confusion[other, :, code]
        assert result[row] == pytest.approx(chance[table.codes[row]] / chance.sum())


def test_all_rows_of_a_rater_at_an_item_are_left_out():
    twice = LabelTable.from_codes([0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 1, 1], n_classes=2)
    result = peer_posterior(twice, ibcc(twice))
    assert np.isnan(result[:2]).all()  # the only rater's two labels do not speak for each other
    assert not np.isnan(result[2:]).any()


@few
@given(table=tables(min_labels=4), seed=st.integers(0, 99))
def test_order_and_names_change_nothing(table, seed):
    new = shuffles(table, seed)
    rng = np.random.default_rng(seed)
    judges = [rng.random((table.n_items, table.n_classes)) for _ in range(3)]
    crowd = rng.dirichlet(np.ones(table.n_classes), table.n_items)

    def moved(array):
        result = np.empty_like(array)
        result[np.ix_(new["items"], new["classes"])] = array
        return result

    first = label_errors(table, judges=judges, crowd=crowd)
    other = label_errors(
        renamed(table, **new), judges=[moved(j) for j in judges[::-1]], crowd=moved(crowd)
    )
    assert other.score.tolist() == first.score[new["rows"]].tolist()
    assert other.support["judges"].tolist() == first.support["judges"][new["rows"]].tolist()
    assert other.rank.tolist() == first.rank[new["rows"]].tolist()


def test_sources_weigh_the_same_and_judges_are_one():
    table = LabelTable.from_codes([0, 0, 1], [0, 1, 0], [0, 1, 1], n_classes=2)
    judges = [[[0.9, 0.2], [np.nan, np.nan]], [[0.5, 0.6], [np.nan, np.nan]]]
    crowd = [[0.1, 0.9], [0.25, 0.75]]
    result = label_errors(table, judges=judges, crowd=crowd)
    assert result.support["peers"].tolist()[:2] == [0.0, 0.0]
    assert result.support["judges"].tolist()[:2] == pytest.approx([0.7, 0.4])
    expected = [1 - (0.0 + 0.7 + 0.1) / 3, 1 - (0.0 + 0.4 + 0.9) / 3, 1 - 0.75]
    assert result.score.tolist() == pytest.approx(expected)
    assert result.rank.tolist() == [1, 2, 3]
    given_peers = label_errors(table, peers=[0.2, 0.4, np.nan])
    assert given_peers.score.tolist()[:2] == pytest.approx([0.8, 0.6])
    assert np.isnan(given_peers.score[2])
    assert np.isnan(given_peers.rank[2])


def test_unanimous_labels_are_not_suspected_and_equal_scores_share_a_rank():
    table = LabelTable.from_codes([0, 0, 0, 1, 1], [0, 1, 2, 0, 1], [0, 0, 0, 0, 1], n_classes=2)
    result = label_errors(table)
    assert result.score.tolist() == [0, 0, 0, 1, 1]
    assert result.rank.tolist() == [4, 4, 4, 1.5, 1.5]


def test_a_rounding_error_breaks_no_tie():
    # .1 + .2 + .3 in another order is another number; the mean of a label's sources is the same.
    table = LabelTable.from_codes([0, 1], [0, 0], [0, 0], n_classes=1)
    result = label_errors(table, peers=[0.1, 0.3], judges=[[[0.2], [0.2]]], crowd=[[0.3], [0.1]])
    assert result.rank.tolist() == [1.5, 1.5]


@few
@given(
    rows=st.lists(
        st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.booleans()), min_size=1, max_size=6
    ),
    at=st.integers(1, 8),
)
def test_quality_equals_scikit_learn_and_the_mean_over_all_orders(rows, at):
    score, wrong = (np.array(column) for column in zip(*rows, strict=True))
    quality = ranking_quality(score, wrong, at=at)
    orders = np.array(list(itertools.permutations(range(len(rows)))))
    ranked = wrong[np.take_along_axis(orders, np.argsort(-score[orders], kind="stable"), axis=1)]
    hits = ranked[:, :at].sum(axis=1).mean()
    assert quality.precision_at == pytest.approx(hits / min(at, len(rows)))
    if not wrong.any():
        assert (quality.average_precision, quality.expected_precision) == (None, None)
        assert quality.recall_at is None
        return
    seen = np.cumsum(ranked, axis=1) / np.arange(1, len(rows) + 1)
    assert quality.expected_precision == pytest.approx((seen * ranked).sum() / ranked.sum())
    assert quality.recall_at == pytest.approx(hits / wrong.sum())
    assert quality.average_precision == pytest.approx(average_precision_score(wrong, score))


def test_labels_without_a_score_come_last():
    quality = ranking_quality([np.nan, 0.0, 1.0], [True, False, True], at=2)
    assert quality.precision_at == 0.5
    assert quality.average_precision == pytest.approx((1 + 2 / 3) / 2)
    nothing = ranking_quality([], [], at=3)
    assert (nothing.at, nothing.precision_at, nothing.n) == (0, None, 0)


def test_an_empty_table_has_no_scores():
    table = LabelTable.from_codes([], [], [], n_classes=2)
    assert label_errors(table).score.shape == (0,)
    assert peer_posterior(table, ibcc(table)).shape == (0,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: label_errors(t, judges=[[[0.5, 0.5]]]), "judges must have shape"),
        (lambda t: label_errors(t, crowd=[[0.5, 1.5], [0, 0]]), r"crowd must lie in 0\.\.1"),
        (lambda t: label_errors(t, peers=[0.5]), "peers must have shape"),
        (lambda t: peer_posterior(t, replace(ibcc(t), confusion=None)), "knows no confusions"),
        (
            lambda t: peer_posterior(t, ibcc(LabelTable.from_codes([0], [0], [0], n_classes=2))),
            "another table",
        ),
        (lambda t: ranking_quality([0.5], [True, False]), "one length"),
        (lambda t: ranking_quality([0.5], [0.5]), "True and False"),
        (lambda t: ranking_quality([0.5], [True], at=0), "at must be"),
    ],
)
def test_bad_input_is_refused(call, message):
    table = LabelTable.from_codes([0, 1], [0, 1], [0, 1], n_classes=2)
    with pytest.raises(ValueError, match=message):
        call(table)


def test_a_model_speaks_where_fewer_than_three_others_do():
    table = LabelTable.from_codes(
        [0, 1, 1, 1, 2, 2, 2, 2], [0, 0, 1, 2, 0, 1, 2, 3], [0, 0, 0, 1, 0, 0, 0, 1], n_classes=2
    )
    model = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]])
    found = label_errors(table, model=model)
    assert found.support["model"].tolist()[:4] == [0.1, 0.8, 0.8, 0.2]
    assert np.isnan(found.support["model"][4:]).all()
    # Alone it decides; beside peers it weighs the same.
    assert found.score.tolist()[:4] == pytest.approx([0.9, 1 - 0.65, 1 - 0.65, 1 - 0.1])
    assert found.score.tolist()[4:] == label_errors(table).score.tolist()[4:]


def test_confidently_otherwise_compares_with_what_is_usual_for_the_class():
    # Class 1 is hard: the model gives its own labels .5 on average, so .45 for it is no suspicion
    # of it, and .55 for it where 0 is labelled is one.
    table = LabelTable.from_codes([0, 1, 2, 3, 4], [0] * 5, [0, 0, 1, 1, 0], n_classes=2)
    model = [[0.9, 0.1], [0.7, 0.3], [0.45, 0.55], [0.55, 0.45], [0.45, 0.55]]
    found = confidently_otherwise(table, model)
    assert found.tolist() == [False, False, False, False, True]
    unknown = np.full((5, 2), np.nan)
    assert not confidently_otherwise(table, unknown).any()
    with pytest.raises(ValueError, match="model must have shape"):
        confidently_otherwise(table, [[0.5, 0.5]])

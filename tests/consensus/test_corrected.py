"""Corrected estimates: against textbook formulas, and what may not change them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from consensus.corrected import (
    NO_FIGURE,
    corrected_difference,
    corrected_mean,
    corrected_share,
    corrected_shares,
)
from consensus.corrected_regression import corrected_regression
from consensus.intervals import proportion_interval
from consensus.people_targets import people_majority, people_shares
from consensus.table import LabelTable
from tests.consensus.tables import repeatable


def project(seed, n=400, labels=60, right=0.85, share=0.3):
    """What judge and people say of n items; people's NaN where nobody was asked."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < share).astype(float)
    judge = np.where(rng.random(n) < right, truth, 1 - truth)
    people = np.full(n, np.nan)
    asked = rng.choice(n, labels, replace=False)
    people[asked] = truth[asked]
    return judge, people, truth


def numbers(result):
    figures = (result.people, result.judge, result.corrected)
    found = [value for figure in figures for value in dataclasses.astuple(figure)]
    return np.array([*found, result.tuning, result.n_effective], dtype=float)


seeds = st.integers(0, 10**6)


@repeatable
@given(seed=seeds, weighted=st.booleans())
def test_order_of_items_changes_nothing(seed, weighted):
    judge, people, _ = project(seed)
    chance = np.random.default_rng(seed).uniform(0.1, 0.9, len(judge)) if weighted else None
    order = np.random.default_rng(seed + 1).permutation(len(judge))
    again = corrected_share(
        judge[order], people[order], probability=None if chance is None else chance[order]
    )
    assert (numbers(again) == numbers(corrected_share(judge, people, probability=chance))).all()


@repeatable
@given(seed=seeds)
def test_the_share_of_the_other_class_is_the_rest(seed):
    judge, people, _ = project(seed)
    one, other = corrected_share(judge, people), corrected_share(1 - judge, 1 - people)
    for mine, theirs in (
        (one.people, other.people),
        (one.judge, other.judge),
        (one.corrected, other.corrected),
    ):
        assert theirs.value == pytest.approx(1 - mine.value)
        assert (theirs.low, theirs.high) == pytest.approx((1 - mine.high, 1 - mine.low))


@repeatable
@given(seed=seeds, scale=st.sampled_from([0.01, 3.0]), shift=st.sampled_from([-7.0, 2.0]))
def test_a_mean_on_another_scale_is_that_mean_on_another_scale(seed, scale, shift):
    judge, people, _ = project(seed)
    judge, people = judge + np.linspace(0, 1, len(judge)), people * 2
    for bounds in (None, (-1.0, 4.0)):
        moved = None if bounds is None else (scale * bounds[0] + shift, scale * bounds[1] + shift)
        here = corrected_mean(judge, people, bounds=bounds)
        there = corrected_mean(scale * judge + shift, scale * people + shift, bounds=moved)
        for name in ("people", "judge", "corrected"):
            mine, theirs = getattr(here, name), getattr(there, name)
            ends = np.array([mine.value, mine.low, mine.high])
            assert [theirs.value, theirs.low, theirs.high] == pytest.approx(scale * ends + shift)
        assert there.n_effective == pytest.approx(here.n_effective)


@repeatable
@given(seed=seeds, labels=st.integers(30, 200))
def test_people_alone_are_wilson_and_the_judge_alone_too(seed, labels):
    judge, people, _ = project(seed, labels=labels)
    result = corrected_share(judge, people, target="population")
    k = int(np.nansum(people))
    if 3 < k < labels - 3:
        ends = (result.people.low, result.people.high)
        assert ends == pytest.approx(proportion_interval(k, labels))
    # Of a sample of labels the share is known worse than of the same number of all items.
    among = corrected_share(judge, people)
    assert among.people.high - among.people.low < result.people.high - result.people.low
    ends = (result.judge.low, result.judge.high)
    assert ends == pytest.approx(proportion_interval(int(judge.sum()), len(judge)), abs=2e-3)


@pytest.mark.parametrize("turned", [False, True])
def test_the_end_near_nothing_is_the_exact_one_for_few_cases(turned):
    """One case of 100: the mean of a Poisson variable that is above 0 with probability .025."""
    people = np.full(5000, np.nan)
    people[:100] = 0.0
    people[7] = 1.0
    result = corrected_share(np.zeros(5000), 1 - people if turned else people, target="population")
    end = 1 - result.people.high if turned else result.people.low
    assert end == pytest.approx(-np.log(0.975) / 100)
    assert end < proportion_interval(1, 100)[0]


@repeatable
@given(seed=seeds)
def test_it_is_ppi_with_the_tuning_it_reports(seed):
    """Labelled apart from unlabelled, as Angelopoulos and others write it."""
    judge, people, _ = project(seed)
    result = corrected_mean(judge, people)
    asked = ~np.isnan(people)
    tuning = result.tuning * (~asked).mean()
    expected = people[asked].mean() - tuning * (judge[asked].mean() - judge[~asked].mean())
    assert result.corrected.value == pytest.approx(expected)
    slope = np.polyfit(judge[asked], people[asked], 1)[0]
    assert result.tuning == pytest.approx(slope)


def test_the_estimate_by_hand_with_unequal_probabilities():
    judge = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    people = np.array([2.0, 2.0, np.nan, 5.0, 7.0, np.nan])
    chance = np.array([0.5, 0.25, 0.5, 0.5, 0.25, 0.5])
    weights = np.array([2.0, 4.0, 2.0, 4.0])
    y, f = np.array([2.0, 2.0, 5.0, 7.0]), np.array([1.0, 2.0, 4.0, 5.0])
    parts = weights**2 - weights
    centred = [v - np.average(v, weights=parts) for v in (y, f)]
    slope = (parts * centred[0] * centred[1]).sum() / (parts * centred[1] ** 2).sum()
    result = corrected_mean(judge, people, probability=chance)
    assert result.people.value == pytest.approx(np.average(y, weights=weights))
    assert result.tuning == pytest.approx(slope)
    assert result.corrected.value == pytest.approx(
        np.average(y, weights=weights) + slope * (3.5 - np.average(f, weights=weights))
    )


def test_a_good_judge_saves_labels_and_a_bad_one_none():
    saved = {}
    for right in (0.99, 0.9, 0.5):
        found = [
            corrected_share(*project(s, n=3000, labels=200, right=right)[:2]) for s in range(8)
        ]
        saved[right] = np.mean([r.saved for r in found])
        wide = [r.people.high - r.people.low for r in found]
        narrow = [r.corrected.high - r.corrected.low for r in found]
        assert np.mean(narrow) < 1.06 * np.mean(wide)
    assert saved[0.99] > 600
    assert 100 < saved[0.9] < 400
    assert saved[0.5] < 15


def test_a_judge_without_information_leaves_people_as_they_are():
    _, people, _ = project(1)
    result = corrected_mean(np.ones(len(people)), people)
    assert result.tuning == 0
    assert result.corrected.value == result.people.value


def test_a_census_needs_no_interval():
    judge, _, truth = project(3)
    result = corrected_share(judge, truth)
    assert result.corrected.value == pytest.approx(truth.mean())
    assert (result.corrected.low, result.corrected.high) == pytest.approx((truth.mean(),) * 2)
    sampled = corrected_share(judge, truth, target="population")
    assert sampled.corrected.high - sampled.corrected.low > 0.05


@pytest.mark.parametrize("labels", [4, 10, 50])
def test_a_judge_that_was_always_right_so_far_is_not_believed_blindly(labels):
    """No disagreement among `labels` does not mean that there is none."""
    judge = np.repeat([0.0, 1.0], 500)
    people = np.full(1000, np.nan)
    people[np.linspace(0, 999, labels).astype(int)] = judge[np.linspace(0, 999, labels).astype(int)]
    result = corrected_share(judge, people)
    assert result.corrected.value == pytest.approx(0.5)
    assert result.corrected.high - result.corrected.low > 1 / labels
    nobody = corrected_share(np.zeros(1000), np.where(np.isnan(people), np.nan, 0.0))
    assert nobody.corrected.low == 0
    assert nobody.corrected.high > 1 / labels


@pytest.mark.parametrize("labels", [0, 1, 2])
def test_too_few_labels_of_people_are_none(labels):
    judge, people, _ = project(5, labels=labels)
    result = corrected_mean(judge, people)
    assert result.corrected == NO_FIGURE
    assert (result.people.value is None) == (labels == 0)
    assert (result.people.low is None) == (labels < 2 or np.nanstd(people) == 0)
    assert (result.tuning, result.n_effective, result.saved) == (None, None, 0)
    assert result.judge.value == judge.mean()


def test_equal_labels_have_an_interval_within_bounds_only():
    people = np.full(100, np.nan)
    people[:10] = 4.0
    free = corrected_mean(np.linspace(1, 5, 100), people)
    assert free.people.value == 4
    assert free.people.low is None
    bounded = corrected_mean(np.linspace(1, 5, 100), people, bounds=(1, 5))
    assert 1 <= bounded.people.low < 4 < bounded.people.high <= 5


def test_shares_of_classes_follow_their_names():
    rng = np.random.default_rng(2)
    judge = rng.integers(0, 3, 200)
    people = np.full((200, 3), np.nan)
    people[:50] = np.eye(3)[np.where(rng.random(50) < 0.8, judge[:50], 0)]
    found = corrected_shares(judge, people)
    assert sum(r.people.value for r in found) == pytest.approx(1)
    assert sum(r.corrected.value for r in found) == pytest.approx(1, abs=0.05)
    names = np.array([2, 0, 1])
    renamed = corrected_shares(names[judge], people[:, np.argsort(names)])
    for code, result in enumerate(found):
        assert (numbers(renamed[names[code]]) == numbers(result)).all()
    soft = corrected_shares(np.eye(3)[judge], people)
    assert (numbers(soft[0]) == numbers(found[0])).all()


@repeatable
@given(seed=seeds)
def test_a_difference_turned_round_is_its_negative(seed):
    judge, people, _ = project(seed, labels=80)
    groups = np.arange(len(judge)) % 3
    one = corrected_difference(judge, people, groups, bounds=(0, 1))
    other = corrected_difference(judge, people, np.array([1, 0, 2])[groups], bounds=(0, 1))
    for mine, theirs in ((one.people, other.people), (one.corrected, other.corrected)):
        assert theirs.value == pytest.approx(-mine.value)
        assert (theirs.low, theirs.high) == pytest.approx((-mine.high, -mine.low))
    parts = [
        corrected_share(judge[groups == g], people[groups == g]).corrected.value for g in (1, 0)
    ]
    assert one.corrected.value == pytest.approx(parts[0] - parts[1])


def regression(seed, kind, n=300, labels=80):
    rng = np.random.default_rng(seed)
    features = np.column_stack([rng.normal(size=n), rng.random(n) < 0.4])
    score = 0.3 + features @ [0.8, -0.7]
    if kind == "linear":
        truth = score + rng.normal(size=n)
        judge = truth + 0.4 * features[:, 0] + 0.3 * rng.normal(size=n)
    else:
        truth = (rng.random(n) < 1 / (1 + np.exp(-score))).astype(float)
        judge = np.where(rng.random(n) < 0.9, truth, 1 - truth)
    people = np.full(n, np.nan)
    asked = rng.choice(n, labels, replace=False)
    people[asked] = truth[asked]
    return features, judge, people, truth


@pytest.mark.parametrize("kind", ["linear", "logistic"])
def test_regression_coefficients_are_those_of_the_usual_fits(kind):
    features, judge, people, truth = regression(4, kind)

    def usual(rows, labels):
        if kind == "linear":
            return np.linalg.lstsq(np.c_[np.ones(len(rows)), rows], labels, rcond=None)[0]
        fit = LogisticRegression(C=np.inf, tol=1e-10).fit(rows, labels)
        return np.concatenate([fit.intercept_, fit.coef_[0]])

    asked = ~np.isnan(people)
    found = corrected_regression(features, judge, people, kind=kind)
    assert [r.people.value for r in found] == pytest.approx(
        usual(features[asked], people[asked]), abs=1e-5
    )
    assert [r.judge.value for r in found] == pytest.approx(usual(features, judge), abs=1e-5)
    truth_found = usual(features, truth)
    for result, value in zip(found, truth_found, strict=True):
        assert result.corrected.low < value < result.corrected.high
        assert result.n_effective > result.n_labels
    # People who say what the judge says: all of the judge is used, and its fit is found.
    same = corrected_regression(features, judge, np.where(asked, judge, np.nan), kind=kind)
    assert [r.corrected.value for r in same] == pytest.approx(usual(features, judge), abs=1e-5)
    assert [r.tuning for r in same] == pytest.approx([1, 1, 1])


@repeatable
@given(seed=seeds, kind=st.sampled_from(["linear", "logistic"]), weighted=st.booleans())
def test_regression_does_not_depend_on_the_order_of_items(seed, kind, weighted):
    """Not even in a last digit."""
    features, judge, people, _ = regression(seed, kind, n=120, labels=50)
    rng = np.random.default_rng(seed + 1)
    chance = rng.uniform(0.1, 0.9, len(judge)) if weighted else None
    order = rng.permutation(len(judge))
    here = corrected_regression(features, judge, people, kind=kind, probability=chance)
    there = corrected_regression(
        features[order],
        judge[order],
        people[order],
        kind=kind,
        probability=None if chance is None else chance[order],
    )
    for mine, theirs in zip(here, there, strict=True):
        assert np.array_equal(numbers(theirs), numbers(mine), equal_nan=True)


def test_a_fit_that_does_not_exist_is_none():
    features, judge, people, _ = regression(7, "logistic")
    asked = ~np.isnan(people)
    apart = np.where(asked, (features[:, 0] > 0).astype(float), np.nan)
    found = corrected_regression(features, judge, apart, kind="logistic")
    assert all(r.people == r.corrected == NO_FIGURE for r in found)
    assert found[1].judge.value is not None
    twice = corrected_regression(np.c_[features, features[:, 0]], judge, people)
    assert all(r.people == r.judge == r.corrected == NO_FIGURE for r in twice)
    few = corrected_regression(features, judge, np.where(np.cumsum(asked) < 5, people, np.nan))
    assert all(r.corrected == NO_FIGURE for r in few)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"judge": [1.0, np.nan, 0.0, 1.0]}, "every item"),
        ({"judge": [1.0, 0.0]}, "as long"),
        ({"people": [1.0, np.inf, 0.0, 1.0]}, "finite"),
        ({"bounds": (1, 1)}, "bounds"),
        ({"bounds": (0, 0.5)}, "within the bounds"),
        ({"target": "all"}, "target"),
        ({"confidence": 1.0}, "confidence"),
        ({"probability": [0.5, 0.5, 0.5]}, "probability from 0 to 1"),
        ({"probability": [0.5, 0.5, 0.5, 0.0]}, "probability 0"),
    ],
)
def test_wrong_input_is_refused(bad, says):
    known = {"judge": [1.0, 0.0, 0.0, 1.0], "people": [1.0, np.nan, 0.0, 1.0]} | bad
    with pytest.raises(ValueError, match=says):
        corrected_mean(known.pop("judge"), known.pop("people"), **known)


def test_wrong_input_of_shares_groups_and_features_is_refused():
    judge, people = [1.0, 0.0, 1.0], [1.0, np.nan, 0.0]
    with pytest.raises(ValueError, match="a column a class"):
        corrected_shares(judge, people)
    with pytest.raises(ValueError, match="shape of people"):
        corrected_shares([[0.1, 0.9]], np.ones((3, 2)))
    with pytest.raises(ValueError, match="groups"):
        corrected_difference(judge, people, [1, 0])
    with pytest.raises(ValueError, match="features need a row"):
        corrected_regression([[1.0]], judge, people)
    with pytest.raises(ValueError, match="finite"):
        corrected_regression([[1.0], [np.nan], [0.0]], judge, people)
    with pytest.raises(ValueError, match="kind"):
        corrected_regression([[1.0], [2.0], [0.0]], judge, people, kind="probit")
    with pytest.raises(ValueError, match=r"0\.\.1"):
        corrected_regression([[1.0], [2.0], [0.0]], [3.0, 0, 1], people, kind="logistic")


def test_people_of_an_item_are_a_share_or_a_majority():
    table = LabelTable.from_codes(
        [0, 0, 0, 1, 1, 2],
        [0, 1, 2, 0, 1, 3],
        [0, 0, 1, 0, 1, 2],
        n_classes=3,
        n_raters=4,
        n_items=3,
        judges=[False, False, False, True],
    )
    none = [np.nan] * 3
    shares = [[2 / 3, 1 / 3, 0], [0.5, 0.5, 0], none]
    assert np.allclose(people_shares(table), shares, equal_nan=True)
    majority = [[1, 0, 0], [0.5, 0.5, 0], none]
    assert np.allclose(people_majority(table), majority, equal_nan=True)

"""Hand-over: the guarantee by enumeration, and what may not change the result."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.blind_labels import BlindLabels
from consensus.error_bounds import unread_p_value
from consensus.hand_over import (
    fixed_threshold,
    hand_over,
    hand_over_by_class,
    hand_over_sentence,
)
from consensus.hand_over_search import ladder, start_of_tests
from consensus.intervals import exact_upper_bound
from consensus.people_targets import judge_losses
from consensus.table import LabelTable
from tests.consensus.tables import repeatable


@st.composite
def projects(draw: st.DrawFn, levels: int = 12):
    """Confidences and errors of some labelled items, confidences of some unread ones."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n, left = draw(st.integers(5, 60)), draw(st.integers(1, 80))
    steep = draw(st.sampled_from([0.0, 1.0, 3.0]))
    everything = rng.integers(1, levels + 1, n + left) / levels
    loss = (rng.random(n) < 0.4 * (1 - everything[:n]) ** steep).astype(float)
    return everything[:n], loss, everything[n:]


def violations(size, drawn, alpha, delta, choose):
    """Largest probability, over every pattern of errors, that too many are handed over."""
    confidence = np.arange(size, 0, -1) / size
    patterns = np.array(list(itertools.product([0.0, 1.0], repeat=size)))
    broken = np.zeros(len(patterns))
    draws = list(itertools.combinations(range(size), drawn))
    for draw in draws:
        inside = np.isin(np.arange(size), draw)
        losses, place = np.unique(patterns[:, inside], axis=0, return_inverse=True)
        chosen = np.array(
            [choose(confidence[inside], loss, confidence[~inside]) for loss in losses]
        )
        errors = (patterns[:, ~inside] * chosen[place]).sum(axis=1)
        broken += errors > alpha * chosen[place].sum(axis=1) + 1e-9
    return float(broken.max() / len(draws))


def test_the_guarantee_holds_for_every_pattern_of_errors():
    def search(confidence, loss, unread):
        return hand_over(confidence, loss, unread, alpha=0.5, delta=0.5).chosen

    assert 0.4 < violations(7, 5, 0.5, 0.5, search) <= 0.5


def test_the_best_of_all_thresholds_would_break_it():
    """What the search corrects for; and the enumeration above can tell."""

    def best(confidence, loss, unread):
        above = unread[:, None] <= confidence
        left = np.arange(1, len(unread) + 1)
        passes = unread_p_value(above @ loss, above.sum(axis=1), left, 0.5) <= 0.5
        return unread >= min(unread[passes], default=2.0)

    assert violations(7, 5, 0.5, 0.5, best) > 0.5


def candidates_and_start(confidence, loss, unread, alpha=0.2, delta=0.2):
    labels = BlindLabels.checked(
        confidence,
        loss,
        unread,
        alpha=alpha,
        delta=delta,
        probability=None,
        unread_probability=None,
        soft=False,
        about="these",
    )
    rungs = ladder(labels.confidence, labels.loss, labels.unread, whole_errors=alpha)
    start = start_of_tests(rungs, labels.critical_errors(rungs), alpha)
    return rungs.threshold.tolist(), start


@repeatable
@given(project=projects(), change=st.integers(0, 10**6))
def test_where_tests_start_depends_on_labels_below_only(project, change):
    confidence, loss, unread = project
    thresholds, start = candidates_and_start(confidence, loss, unread)
    if start is not None:
        others = np.random.default_rng(change).integers(0, 2, len(loss))
        changed = np.where(confidence >= thresholds[start], others, loss)
        assert candidates_and_start(confidence, changed, unread) == (thresholds, start)


@repeatable
@given(project=projects(levels=40))
def test_tests_go_down_from_the_start_until_the_first_that_fails(project):
    confidence, loss, unread = project
    thresholds, start = candidates_and_start(confidence, loss, unread)
    expected = None
    for threshold in [] if start is None else thresholds[start:]:
        if not fixed_threshold(
            confidence, loss, unread, threshold=threshold, alpha=0.2, delta=0.2
        ).n_chosen:
            break
        expected = threshold
    assert hand_over(confidence, loss, unread, alpha=0.2, delta=0.2).threshold == expected


def test_a_bad_half_does_not_keep_the_good_one_back():
    confidence = np.linspace(1, 0, 100)
    loss = np.where(confidence < 0.5, np.arange(100) % 2, 0).astype(float)
    unread = np.linspace(1, 0, 1000)
    result = hand_over(confidence, loss, unread, alpha=0.1, delta=0.1)
    assert 0.45 < result.n_chosen / 1000 < 0.6
    everything = fixed_threshold(confidence, loss, unread, threshold=0, alpha=0.1, delta=0.1)
    assert everything.n_chosen == 0


def test_a_good_judge_whose_confidence_says_nothing_is_handed_everything():
    confidence = np.linspace(1, 0, 150)
    loss = (np.arange(150) % 50 == 25).astype(float)
    result = hand_over(confidence, loss, np.linspace(1, 0, 1000), alpha=0.1, delta=0.1)
    assert result.n_chosen == 1000


def test_sums_of_losses_do_not_depend_on_the_order_of_rows():
    losses = np.array([0.1, 0.2, 0.3, 0.7, 0.6])
    tallies = [
        ladder(np.ones(5), losses[list(order)], np.ones(3), whole_errors=None).loss[0]
        for order in itertools.permutations(range(5))
    ]
    assert len(set(tallies)) == 1


@repeatable
@given(project=projects(), seed=st.integers(0, 99))
def test_order_and_scale_change_nothing(project, seed):
    confidence, loss, unread = project
    result = hand_over(confidence, loss, unread, alpha=0.2, delta=0.2)
    rng = np.random.default_rng(seed)
    rows, others = rng.permutation(len(loss)), rng.permutation(len(unread))
    again = hand_over(
        np.exp(3 * confidence[rows]), loss[rows], np.exp(3 * unread[others]), alpha=0.2, delta=0.2
    )
    assert again.chosen.tolist() == result.chosen[others].tolist()
    assert (again.reason, again.more_labels, again.n_errors, again.upper_bound) == (
        result.reason,
        result.more_labels,
        result.n_errors,
        result.upper_bound,
    )


@repeatable
@given(project=projects(), about=st.sampled_from(["these", "future"]), soft=st.booleans())
def test_what_is_handed_over_is_what_the_bound_says(project, about, soft):
    confidence, loss, unread = project
    result = hand_over(confidence, loss, unread, alpha=0.25, delta=0.2, about=about, soft=soft)
    assert result.n_chosen == result.chosen.sum()
    assert (result.threshold is None) == (result.reason != "handed_over") == (not result.n_chosen)
    if result.threshold is None:
        assert result.upper_bound is None
        return
    assert result.chosen.tolist() == (unread >= result.threshold).tolist()
    above = confidence >= result.threshold
    assert result.n_labelled == above.sum()
    assert result.n_errors == loss[above].sum()
    assert result.upper_bound <= 0.25 + 1e-9
    fixed = fixed_threshold(
        confidence,
        loss,
        unread,
        threshold=result.threshold,
        alpha=0.25,
        delta=0.2,
        about=about,
        soft=soft,
    )
    assert fixed.chosen.tolist() == result.chosen.tolist()


def test_a_fixed_threshold_of_future_items_is_clopper_and_pearson():
    confidence = np.repeat([0.9, 0.2], [60, 40])
    loss = np.zeros(100)
    loss[[0, 70, 80]] = 1
    result = fixed_threshold(
        confidence, loss, [0.95, 0.3], threshold=0.9, alpha=0.1, delta=0.1, about="future"
    )
    assert result.chosen.tolist() == [True, False]
    assert result.upper_bound == pytest.approx(exact_upper_bound(1, 60, 0.1))
    assert (result.n_labelled, result.n_errors) == (60, 1)


def test_the_same_rate_is_harder_to_promise_for_a_few_items_than_for_the_judge():
    """Among five unread items one error is already more than a tenth."""
    confidence, loss = np.ones(40), np.repeat([1.0, 0.0], [1, 39])
    few = np.ones(5)
    assert hand_over(confidence, loss, few, alpha=0.1, delta=0.1, about="future").n_chosen == 5
    assert hand_over(confidence, loss, few, alpha=0.1, delta=0.1).n_chosen == 0


def test_weights_count_for_what_they_are_worth():
    """Items that were hardly ever drawn may hide errors of which the others' labels say little."""
    confidence, loss, unread = np.ones(80), np.zeros(80), np.ones(400)
    known = {"alpha": 0.1, "delta": 0.1}
    equal = hand_over(
        confidence,
        loss,
        unread,
        probability=np.full(80, 0.2),
        unread_probability=np.full(400, 0.2),
        **known,
    )
    assert equal.n_chosen == 400
    hidden = np.full(400, 0.2)
    hidden[:200] = 0.01
    result = hand_over(
        confidence, loss, unread, probability=np.full(80, 0.2), unread_probability=hidden, **known
    )
    assert result.n_chosen == 0
    mild = np.full(400, 0.2)
    mild[:200] = 0.15
    assert (
        hand_over(
            confidence, loss, unread, probability=np.full(80, 0.2), unread_probability=mild, **known
        ).n_chosen
        == 400
    )


@pytest.mark.parametrize(
    ("errors", "labels", "reason"),
    [
        (0, 10, "too_few_labels"),
        (4, 60, "not_sure_yet"),
        (30, 60, "too_many_errors"),
        (0, 40, "handed_over"),
        (0, 0, "no_labels"),
    ],
)
def test_it_says_why_and_how_many_more(errors, labels, reason):
    loss = np.zeros(labels)
    loss[:errors] = 1
    result = hand_over(np.ones(labels), loss, np.ones(1000), alpha=0.1, delta=0.1)
    assert result.reason == reason
    assert (result.more_labels is not None) == (reason in {"too_few_labels", "not_sure_yet"})
    assert hand_over_sentence(result).startswith(
        "1000 of 1000 unread items" if reason == "handed_over" else "Nothing can be handed over"
    )
    if result.more_labels:
        assert f"About {result.more_labels} more" in hand_over_sentence(result)
        # With that many more at the same rate it can be.
        total = labels + result.more_labels + 3
        grown = np.zeros(total)
        grown[: round(errors * total / max(labels, 1))] = 1
        assert (
            hand_over(np.ones(total), grown, np.ones(1000), alpha=0.1, delta=0.1).n_chosen == 1000
        )


def test_nothing_unread_is_nothing_to_hand_over():
    assert hand_over([0.9], [0], [], alpha=0.1, delta=0.1).reason == "nothing_unread"
    assert hand_over([], [], [], alpha=0.1, delta=0.1).reason == "nothing_unread"


def test_each_class_has_its_own_guarantee():
    """The judge is nearly always right with class 0 and half of the time with class 1."""
    codes = np.repeat([0, 1], [200, 60])
    loss = np.concatenate([np.zeros(200), np.tile([0.0, 1.0], 30)])
    confidence = np.ones(260)
    unread_codes = np.repeat([0, 1, 0], [500, 100, 400])
    by_class = hand_over_by_class(
        codes, confidence, loss, unread_codes, np.ones(1000), n_classes=3, alpha=0.15, delta=0.1
    )
    assert [r.reason for r in by_class] == ["handed_over", "too_many_errors", "nothing_unread"]
    assert by_class[0].chosen.tolist() == (unread_codes == 0).tolist()
    assert by_class[0].delta == 0.05
    swapped = hand_over_by_class(
        1 - codes,
        confidence,
        loss,
        1 - unread_codes,
        np.ones(1000),
        n_classes=3,
        alpha=0.15,
        delta=0.1,
    )
    assert [r.reason for r in swapped] == ["too_many_errors", "handed_over", "nothing_unread"]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"loss": [0, 1]}, "one confidence and one loss"),
        ({"loss": [0, 2, 0]}, "0..1"),
        ({"loss": [0, 0.5, 0]}, "soft=True"),
        ({"confidence": [0.1, np.nan, 0.3]}, "NaN"),
        ({"alpha": 1.0}, "alpha"),
        ({"delta": 0.0}, "delta"),
        ({"about": "past"}, "about"),
        ({"probability": [0.1, 0.2, 0.3]}, "neither"),
        ({"probability": [0.1, 0.2, 0], "unread_probability": [0.2]}, "without 0"),
        ({"probability": [0.1, 0.2], "unread_probability": [0.2]}, "one probability"),
    ],
)
def test_wrong_input_is_refused(bad, says):
    given_ = {
        "confidence": [0.1, 0.2, 0.3],
        "loss": [0, 1, 0],
        "unread": [0.5],
        "alpha": 0.1,
        "delta": 0.1,
    } | bad
    with pytest.raises(ValueError, match=says):
        hand_over(given_.pop("confidence"), given_.pop("loss"), given_.pop("unread"), **given_)


def test_losses_are_against_what_most_people_said():
    table = LabelTable.from_codes(
        [0, 0, 0, 1, 1, 3, 3, 3],
        [0, 1, 2, 0, 1, 0, 1, 3],
        [0, 0, 1, 0, 1, 2, 2, 0],
        n_classes=3,
        n_items=4,
        n_raters=4,
        judges=[False, False, False, True],
    )
    hard = judge_losses([0, 0, 1, 0], table)
    assert np.array_equal(hard, [0, np.nan, np.nan, 1], equal_nan=True)  # 1 is tied, 2 has nobody
    soft = judge_losses([1, 1, 0, -1], table, soft=True)
    assert np.allclose(soft, [2 / 3, 1 / 2, np.nan, np.nan], equal_nan=True)
    with pytest.raises(ValueError, match="codes must lie"):
        judge_losses([0, 0, 0, 3], table)
    with pytest.raises(ValueError, match="one code"):
        judge_losses([0, 0], table)

"""Spans: place by place against plain loops, back into spans, and answers without any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.ibcc import ibcc
from consensus.majority import majority
from consensus.span_votes import combine_spans
from consensus.spans import Spans
from tests.consensus.tables import repeatable

briefly = settings(repeatable, max_examples=8)


def of_answers(answers, lengths, *, n_tags=2, n_raters=3):
    """Spans from [(item, rater, [(start, end, tag), ...]), ...]."""
    marks = [(at, *span) for at, (_, _, spans) in enumerate(answers) for span in spans]
    columns = np.array(marks, dtype=int).reshape(-1, 4).T
    items = np.array([answer[0] for answer in answers], dtype=int)
    raters = np.array([answer[1] for answer in answers], dtype=int)
    return Spans(items, raters, *columns, np.array(lengths), n_raters, n_tags)


def rows(estimate):
    columns = (estimate.items, estimate.starts, estimate.ends, estimate.tags)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@st.composite
def answers(draw, *, one_tag_a_place=True):
    """Answers of up to three raters on up to three items of up to eight places, and the lengths."""
    lengths = draw(st.lists(st.integers(0, 8), min_size=1, max_size=3))
    result = []
    for item, length in enumerate(lengths):
        for rater in draw(st.sets(st.integers(0, 2))):
            spans = []
            for _ in range(draw(st.integers(0, 3)) if length else 0):
                start = draw(st.integers(0, length - 1))
                end = draw(st.integers(start + 1, length))
                free = all(end <= s or e <= start for s, e, _ in spans)
                if free or not one_tag_a_place:
                    spans.append((start, end, draw(st.integers(0, 1))))
            result.append((item, rater, spans))
    return result, lengths


@briefly
@given(drawn=answers(one_tag_a_place=False))
def test_shares_are_those_of_plain_loops(drawn):
    given_answers, lengths = drawn
    estimate = combine_spans(of_answers(given_answers, lengths), method=majority, overlapping=True)
    for item, length in enumerate(lengths):
        mine = [spans for i, _, spans in given_answers if i == item]
        assert estimate.labelled[item] == bool(mine)
        for place in range(length):
            found = estimate.posterior[estimate.offsets[item] + place]
            for tag in range(2):
                votes = [any(s <= place < e and t == tag for s, e, t in spans) for spans in mine]
                assert found[tag] == pytest.approx(np.mean(votes)) if mine else np.isnan(found[tag])


@briefly
@given(drawn=answers())
def test_posterior_of_a_place_is_that_of_the_method(drawn):
    # One table over all places, built by hand, must say the same as the segments do.
    given_answers, lengths = drawn
    spans = of_answers(given_answers, lengths)
    for method in (majority, ibcc):
        estimate = combine_spans(spans, method=method)
        seen = []

        def watched(table, method=method, seen=seen):
            seen.append(table)
            return method(table)

        combine_spans(spans, method=watched)
        by_hand = {}
        for item, rater, marks in given_answers:
            for place in range(lengths[item]):
                code = next((1 + t for s, e, t in marks if s <= place < e), 0)
                by_hand[int(estimate.offsets[item]) + place, rater] = code
        (table,) = seen
        as_given = zip(table.items.tolist(), table.raters.tolist(), table.codes, strict=True)
        assert {(i, r): int(c) for i, r, c in as_given} == by_hand
        assert table.n_labels == len(by_hand)
        expected = method(table).posterior[:, 1:]
        known = ~np.isnan(estimate.posterior).any(axis=1)
        np.testing.assert_allclose(estimate.posterior[known], expected[known], atol=1e-12)


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("adjacent", [False, True])
@pytest.mark.parametrize("unit", ["place", "segment"])
@briefly
@given(drawn=answers())
def test_one_rater_gets_back_the_own_spans(overlapping, adjacent, unit, drawn):
    mine = [answer for answer in drawn[0] if answer[1] == 0]
    estimate = combine_spans(
        of_answers(mine, drawn[1]),
        method=majority,
        overlapping=overlapping,
        adjacent=adjacent,
        unit=unit,
    )
    expected = []
    for item, _, spans in mine:
        for start, end, tag in sorted(spans):
            before = expected[-1] if expected else None
            touches = before is not None and (before[0], before[2], before[3]) == (item, start, tag)
            if touches and not adjacent:  # without first places two become one
                expected[-1] = (item, before[1], end, tag)
            else:
                expected.append((item, start, end, tag))
    assert rows(estimate) == sorted(expected)
    assert estimate.scores.tolist() == pytest.approx([1.0] * len(expected))
    assert not estimate.tied.any()
    if expected:
        assert estimate.ability[0] == pytest.approx(1)
    else:
        assert np.isnan(estimate.ability[0])


@briefly
@given(drawn=answers(), seed=st.integers(0, 1000))
def test_order_and_names_change_nothing(drawn, seed):
    given_answers, lengths = drawn
    rng = np.random.default_rng(seed)
    items, raters = rng.permutation(len(lengths)), rng.permutation(3)
    tags = rng.permutation(2)
    renamed = [
        (
            int(items[item]),
            int(raters[rater]),
            [(s, e, int(tags[t])) for s, e, t in rng.permutation(np.array(spans).reshape(-1, 3))],
        )
        for item, rater, spans in given_answers
    ]
    renamed = [renamed[k] for k in rng.permutation(len(renamed))]
    new_lengths = np.array(lengths)[np.argsort(items)]
    one = combine_spans(of_answers(given_answers, lengths))
    other = combine_spans(of_answers(renamed, new_lengths))
    moved = sorted((int(items[i]), s, e, int(tags[t])) for i, s, e, t in rows(one))
    assert moved == rows(other)
    np.testing.assert_allclose(one.ability, other.ability[raters], atol=1e-9)
    assert one.labelled.tolist() == other.labelled[items].tolist()


def test_an_empty_answer_counts_against_a_span():
    marked, empty = (0, 0, [(2, 5, 0)]), [(0, 1, []), (0, 2, [])]
    assert rows(combine_spans(of_answers([marked], [6]), method=majority)) == [(0, 2, 5, 0)]
    with_empty = combine_spans(of_answers([marked, *empty], [6]), method=majority)
    assert rows(with_empty) == []
    assert with_empty.labelled.tolist() == [True]
    one_to_one = combine_spans(of_answers([marked, empty[0]], [6]), method=majority)
    assert rows(one_to_one) == []
    assert one_to_one.tied.tolist() == [False, False, True, True, True, False]


def test_adjacent_spans_are_kept_apart_by_their_first_places():
    said = [(0, rater, [(0, 3, 0), (3, 6, 0)]) for rater in range(2)]
    one_span = (0, 2, [(0, 6, 0)])
    spans = of_answers([*said, one_span], [8])
    assert rows(combine_spans(spans, method=majority)) == [(0, 0, 6, 0)]
    apart = combine_spans(spans, method=majority, adjacent=True)
    assert rows(apart) == [(0, 0, 3, 0), (0, 3, 6, 0)]
    # Raters who disagree on where a span begins agree nonetheless that it is there.
    ragged = of_answers([(0, 0, [(1, 6, 0)]), (0, 1, [(2, 6, 0)]), (0, 2, [(1, 6, 0)])], [8])
    assert rows(combine_spans(ragged, method=majority, adjacent=True)) == [(0, 1, 6, 0)]


def test_two_tags_at_one_place_need_to_be_allowed():
    spans = of_answers([(0, 0, [(0, 4, 0), (2, 6, 1)])], [6])
    with pytest.raises(ValueError, match="overlapping"):
        combine_spans(spans)
    both = combine_spans(spans, method=majority, overlapping=True)
    assert rows(both) == [(0, 0, 4, 0), (0, 2, 6, 1)]


def noisy(seed, n_items=40, length=30):
    """One span an item; three raters miss an end by a place or so, one marks at random."""
    rng = np.random.default_rng(seed)
    truth, result = [], []
    for item in range(n_items):
        start = int(rng.integers(2, 15))
        end = start + int(rng.integers(4, 12))
        truth.append((item, start, end, item % 2))
        for rater in range(4):
            wrong = rater == 3
            s = int(rng.integers(0, 20)) if wrong else start + int(rng.choice([-1, 0, 0, 1]))
            e = s + 5 if wrong else end + int(rng.choice([-1, 0, 0, 1]))
            result.append((item, rater, [(s, e, item % 2)]))
    return truth, of_answers(result, [length] * n_items, n_raters=4)


@pytest.mark.parametrize(("unit", "miss"), [("place", 0.4), ("segment", 0.47)])
def test_ends_are_found_and_a_careless_rater_is_known(unit, miss):
    truth, spans = noisy(seed=1)
    estimate = combine_spans(spans, unit=unit)
    found = np.array(rows(estimate))
    assert len(found) == len(truth)
    assert np.abs(found - np.array(truth))[:, 1:3].mean() < miss  # of one rater: .5
    assert estimate.ability[3] < 0.5 < 0.8 < estimate.ability[:3].min()
    assert estimate.converged


def test_nothing_at_all():
    estimate = combine_spans(of_answers([], [], n_raters=1))
    assert rows(estimate) == []
    unanswered = combine_spans(of_answers([], [3]))
    assert np.isnan(unanswered.posterior).all()
    assert unanswered.labelled.tolist() == [False]
    assert rows(unanswered) == []


@pytest.mark.parametrize(
    ("answered", "lengths", "message"),
    [
        ([(0, 0, [(2, 2, 0)])], [5], "after it starts"),
        ([(0, 0, [(2, 6, 0)]), (1, 0, [])], [5, 9], "within its item"),
        ([(0, 0, [(0, 1, 2)])], [5], "tags must lie"),
        ([(0, 3, [])], [5], "raters must lie"),
        ([(1, 0, [])], [5], "items must lie"),
        ([(0, 0, []), (0, 0, [])], [5], "only once"),
    ],
)
def test_bad_spans_are_refused(answered, lengths, message):
    with pytest.raises(ValueError, match=message):
        of_answers(answered, lengths)


def test_another_unit_is_refused():
    with pytest.raises(ValueError, match="unit"):
        combine_spans(of_answers([], [3]), unit="word")

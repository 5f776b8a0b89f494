"""Choose all that apply: options one by one, sets by expected F1, and the empty set."""

from __future__ import annotations

from functools import partial
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.best_sets import best_f1_sets, expected_f1
from consensus.dawid_skene import dawid_skene
from consensus.ibcc import ibcc
from consensus.majority import majority
from consensus.multi_label import multi_label
from consensus.selections import Selections
from tests.consensus.tables import repeatable

briefly = settings(repeatable, max_examples=8)
probabilities = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.6, 0.9, 1.0])


@st.composite
def selections(draw):
    n_items, n_raters, n_options = (draw(st.integers(1, most)) for most in (5, 4, 3))
    answer = st.tuples(
        st.integers(0, n_items - 1),
        st.integers(0, n_raters - 1),
        st.lists(st.booleans(), min_size=n_options, max_size=n_options),
    )
    rows = draw(st.lists(answer, max_size=15))
    chosen = np.array([row[2] for row in rows], dtype=bool).reshape(len(rows), n_options)
    return Selections(
        np.array([row[0] for row in rows], dtype=int),
        np.array([row[1] for row in rows], dtype=int),
        chosen,
        n_items,
        n_raters,
    )


def f1(one, other):
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 1.0


@briefly
@given(p=st.lists(probabilities, min_size=1, max_size=4))
def test_expected_f1_is_that_of_all_sets_there_are(p):
    options = range(len(p))
    subsets = [set(s) for s in chain(*(combinations(options, k) for k in range(len(p) + 1)))]
    weights = [np.prod([p[o] if o in s else 1 - p[o] for o in options]) for s in subsets]

    def value(candidate):
        return sum(w * f1(candidate, s) for w, s in zip(weights, subsets, strict=True))

    by_size = [set(sorted(options, key=lambda o: -p[o])[:k]) for k in range(len(p) + 1)]
    found = expected_f1(np.array([p]))[0]
    assert found.tolist() == pytest.approx([value(s) for s in by_size])
    chosen, tied, best = best_f1_sets(np.array([p]))
    assert not (chosen & tied).any()
    mine = set(np.flatnonzero(chosen[0]).tolist())
    assert best[0] == pytest.approx(value(mine))
    assert value(mine | set(np.flatnonzero(tied[0]).tolist())) == pytest.approx(best[0])
    if len(set(p)) == len(p):  # equals are taken together, which may cost a little
        assert best[0] == pytest.approx(max(map(value, subsets)))
    for one, other in combinations(options, 2):
        if p[one] == p[other]:
            assert chosen[0, one] == chosen[0, other]


def test_f1_wants_more_than_the_probable_ones():
    # Two options just below one half: an empty answer would be right a third of the time only.
    chosen, _, best = best_f1_sets(np.array([[0.45, 0.4, 0.05], [0.05, 0.02, 0.01]]))
    assert chosen.tolist() == [[True, True, False], [False, False, False]]
    assert best[1] == pytest.approx(0.95 * 0.98 * 0.99)


@pytest.mark.parametrize("method", [majority, ibcc])
@briefly
@given(given_answers=selections())
def test_each_option_is_a_table_of_its_own(method, given_answers):
    estimate = multi_label(given_answers, method=method)
    answered = np.isin(np.arange(given_answers.n_items), given_answers.items)
    assert estimate.labelled.tolist() == answered.tolist()
    for option in range(given_answers.n_options):
        alone = method(given_answers.option_table(option))
        np.testing.assert_array_equal(
            estimate.posterior[answered, option], alone.posterior[answered, 1]
        )
        assert (estimate.chosen[:, option] == (alone.choice == 1)).all()
        assert (estimate.tied[:, option] == alone.tied).all()
    assert np.isnan(estimate.posterior[~answered]).all()
    assert np.isnan(estimate.expected_f1[~answered]).all()
    assert not estimate.chosen[~answered].any()
    if estimate.log_likelihood is not None:
        assert (np.diff(estimate.log_likelihood) >= -1e-9).all()
        assert len(estimate.log_likelihood) == estimate.iterations


@pytest.mark.parametrize("sets", ["threshold", "f1"])
@briefly
@given(rows=selections(), seed=st.integers(0, 1000))
def test_order_and_names_change_nothing(sets, rows, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows.n_answers)
    items, raters = rng.permutation(rows.n_items), rng.permutation(rows.n_raters)
    options = rng.permutation(rows.n_options)
    other = multi_label(
        Selections(
            items[rows.items][order],
            raters[rows.raters][order],
            rows.chosen[order][:, np.argsort(options)],
            rows.n_items,
            rows.n_raters,
        ),
        sets=sets,
    )
    one = multi_label(rows, sets=sets)
    np.testing.assert_allclose(one.posterior, other.posterior[items][:, options], atol=1e-9)
    assert (one.chosen == other.chosen[items][:, options]).all()
    assert (one.tied == other.tied[items][:, options]).all()
    np.testing.assert_allclose(one.ability, other.ability[raters], atol=1e-9)


def test_the_empty_set_is_an_answer_and_no_answer_is_none():
    answers = Selections([0, 0, 0], [0, 1, 2], np.zeros((3, 2), dtype=bool), 2, 3)
    for sets in ("threshold", "f1"):
        estimate = multi_label(answers, method=majority, sets=sets)
        assert estimate.labelled.tolist() == [True, False]
        assert estimate.posterior[0].tolist() == [0, 0]
        assert not estimate.chosen.any()
        assert estimate.expected_f1[0] == 1


def test_a_tie_of_two_raters_is_reported():
    estimate = multi_label(
        Selections([0, 0], [0, 1], np.array([[True, True], [True, False]]), 1, 2), method=majority
    )
    assert estimate.chosen.tolist() == [[True, False]]
    assert estimate.tied.tolist() == [[False, True]]


def test_raters_are_known_by_option():
    # Rater 3 never chooses option 0, and is as good as the others at option 1.
    rng = np.random.default_rng(1)
    truth = rng.random((300, 2)) < 0.4
    chosen = np.repeat(truth, 4, axis=0) ^ (rng.random((1200, 2)) < 0.1)
    items, raters = np.divmod(np.arange(1200), 4)
    chosen[raters == 3, 0] = False
    estimate = multi_label(Selections(items, raters, chosen, 300, 4))
    assert estimate.sensitivity[3, 0] < 0.1 < 0.8 < estimate.sensitivity[3, 1]
    assert estimate.specificity[3, 0] > 0.95
    assert estimate.option_ability[3, 0] < estimate.option_ability[:3, 0].min() - 0.1
    np.testing.assert_allclose(estimate.ability, estimate.option_ability.mean(axis=1))
    assert (estimate.chosen == truth).mean() > (
        multi_label(Selections(items, raters, chosen, 300, 4), method=majority).chosen == truth
    ).mean()


def test_methods_without_a_trace_have_none():
    answers = Selections([0], [0], np.array([[True]]), 1, 1)
    assert multi_label(answers, method=majority).log_likelihood is None
    assert multi_label(answers, method=majority).sensitivity is None
    assert multi_label(answers, method=partial(dawid_skene, class_prior=1)).iterations > 0


@pytest.mark.parametrize("wrong", [{"threshold": 0}, {"threshold": 1.5}, {"sets": "best"}])
def test_bad_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        multi_label(Selections([0], [0], np.array([[True]]), 1, 1), **wrong)


@pytest.mark.parametrize(
    ("columns", "known", "message"),
    [
        (([0], [0], [[1]]), {}, "True or False"),
        (([0], [0], [True]), {}, "True or False"),
        (([0], [0], np.zeros((1, 0), dtype=bool)), {}, "True or False"),
        (([0], [0, 0], [[True]]), {}, "one length"),
        (([5], [0], [[True]]), {}, "items must lie"),
        (([0], [0], [[True]]), {"gold": [[1, 1]]}, "gold must be"),
        (([0], [0], [[True]]), {"gold": [[2]]}, "gold must lie"),
        (([0], [0], [[True]]), {"judges": [True, False]}, "judges must"),
    ],
)
def test_bad_selections_are_refused(columns, known, message):
    with pytest.raises(ValueError, match=message):
        Selections(*columns, 1, 1, **known)

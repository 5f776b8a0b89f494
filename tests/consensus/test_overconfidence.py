"""What agreement supports, and when stated confidence is too much."""

from __future__ import annotations

import numpy as np
import pytest

from bench.judge_worlds import world
from consensus.dawid_skene import dawid_skene
from consensus.families import detect_families
from consensus.majority import majority
from consensus.meanings import percent
from consensus.overconfidence import against_gold, against_support
from consensus.support import agreement_support
from consensus.table import LabelTable


def supported(table):
    return agreement_support(table, detect_families(table))


def test_agreement_of_two_judges_by_hand():
    # 100 items, of which the two agree on 80: Wilson's lower end at one-sided 95 %.
    table = LabelTable.from_codes(
        np.tile(np.arange(100), 2),
        np.repeat([0, 1], 100),
        [0, 1] * 50 + [0, 1] * 40 + [1, 0] * 10,
        n_classes=2,
    )
    found = supported(table)
    assert found.agreement == pytest.approx(0.8)
    assert found.low == found.claim == pytest.approx(0.727, abs=0.008)
    assert (found.n_raters, found.n_voices) == (2, 2)
    # Each is to the truth as to the other: r = .6 less caution; they share r / (1 + r) of the rest.
    r = 0.6 * 100 / 104
    assert found.effective == pytest.approx(2 / (1 + r / (1 + r)))
    assert "agree on 80 %" in found.sentence


@pytest.mark.parametrize(("n_classes", "claim"), [(2, 4 / 5), (4, 4 / 7)])
def test_a_lone_judge_is_credited_with_the_prior(n_classes, claim):
    found = supported(LabelTable.from_codes([0, 1, 2], [0, 0, 0], [0, 1, 1], n_classes=n_classes))
    assert (found.agreement, found.low, found.effective) == (None, None, None)
    assert found.claim == pytest.approx(claim)
    assert "nothing bears them out" in found.sentence


def test_judges_who_never_meet_support_nothing():
    found = supported(LabelTable.from_codes([0, 1], [0, 1], [0, 0], n_classes=2))
    assert found.agreement is None
    assert found.claim == pytest.approx(4 / 5)


def test_copies_of_one_judge_support_no_more_than_one():
    few = world(0, alone=(0.7,) * 4)
    many = world(0, families=((12, 0.7),), alone=(0.7,) * 3)
    assert supported(many.table).effective < 4
    assert supported(many.table).agreement == pytest.approx(
        supported(few.table).agreement, abs=0.03
    )


def test_judges_at_odds_support_hardly_a_guess():
    table = LabelTable.from_codes(
        np.tile(np.arange(40), 2), np.repeat([0, 1], 40), [0, 1] * 20 + [1, 0] * 20, n_classes=2
    )
    assert supported(table).agreement == 0
    assert 0.5 < supported(table).claim < 0.501


def test_unlike_voices_support_less_than_like_ones():
    # Many items: what is left of the interval is that other judges might agree more or less.
    unlike = supported(world(0, alone=(0.95, 0.9, 0.6, 0.45), n_items=4000).table)
    alike = supported(world(0, alone=(0.75,) * 4, n_items=4000).table)
    assert unlike.agreement - unlike.low > 0.1 > 0.03 > alike.agreement - alike.low


def test_few_items_support_less():
    def unanimous(n_items):
        return LabelTable.from_codes(
            np.repeat(np.arange(n_items), 3),
            np.tile(np.arange(3), n_items),
            np.repeat(np.arange(n_items) % 2, 3),
            n_classes=2,
        )

    assert supported(unanimous(4)).claim < 0.7 < 0.97 < supported(unanimous(400)).claim < 1


def test_no_labels():
    found = supported(LabelTable.from_codes([], [], [], n_classes=2, n_items=2, n_raters=1))
    assert found.sentence == "No judge has labelled anything."
    none = against_support(majority(LabelTable.from_codes([], [], [], n_classes=2)), found)
    assert none.stated is None
    assert not none.warns
    assert "nothing" in none.sentence


def test_dependent_judges_make_dawid_skene_too_sure_and_this_says_so():
    made = world(1, families=((10, 0.5), (8, 0.55)), alone=(0.6, 0.6))
    estimate = dawid_skene(made.table)
    found = against_gold(estimate, made.truth)
    assert found.warns
    assert found.gap > 0.3
    assert found.low < found.limit < found.high < found.stated
    assert found.sentence.startswith(
        "Too sure: the mean stated confidence is 100.0 %, but 50.4 % of"
    )
    assert f"{percent(found.sure_right)} are right" in found.sentence
    without = against_support(estimate, supported(made.table))
    assert without.warns
    assert without.sentence.startswith("Too sure")
    assert "agreement supports at most" in without.sentence


def test_honest_confidence_raises_no_warning():
    made = world(1, alone=(0.8,) * 5, n_classes=2)
    found = against_gold(dawid_skene(made.table), made.truth)
    assert not found.warns
    assert abs(found.gap) < 0.03
    assert found.sentence.startswith("No sign of overconfidence")


def test_against_gold_by_hand():
    table = LabelTable.from_codes(
        [0, 0, 1, 1, 2, 2, 3, 3], [0, 1] * 4, [0, 0, 1, 1, 0, 1, 1, 1], n_classes=2
    )
    # Shares of votes: sure of items 0, 1 and 3; item 2 is tied and states nothing.
    found = against_gold(majority(table), [0, 0, 0, -1])
    assert (found.n_items, found.stated, found.limit, found.gap) == (2, 1.0, 0.5, 0.5)
    assert (found.sure, found.sure_right) == (1.0, 0.5)
    assert found.low == pytest.approx(0.0945, abs=1e-4)  # Wilson, 1 of 2
    assert found.warns


def test_no_gold_is_no_verdict():
    table = LabelTable.from_codes([0], [0], [0], n_classes=2)
    found = against_gold(majority(table), [-1])
    assert (found.n_items, found.stated, found.gap, found.warns) == (0, None, None, False)


@pytest.mark.parametrize("gold", [[0, 1], [2], [-2]])
def test_bad_gold_is_refused(gold):
    with pytest.raises(ValueError, match="gold"):
        against_gold(majority(LabelTable.from_codes([0], [0], [0], n_classes=2)), gold)

"""How a panel votes: whom it asks, when it stops, and what stopping promises."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from judges.prompting.panel import (
    Ballot,
    PanelSpec,
    Vote,
    asked_next,
    ending,
    replay,
    settled,
    shown_order,
    verdict,
)

A, B, C = 0, 1, 2
PANELS = (
    (1000, 1000),
    (1000, 1000, 1000),
    (1000, 1000, 1000, 1000),
    (1000,) * 5,
    (2000, 1000, 1000),
    (1386, 847, 0, 2197),
    (3000, 1000, 1000, 1000),
    (1000, 2000, 3000, 1500, 1),
)


def every_vote(n: int) -> Iterator[tuple[Vote, ...]]:
    return product((A, B, C, None), repeat=n)


def test_three_judges_alike_are_two_when_the_first_two_agree() -> None:
    ballot = Ballot((1000, 1000, 1000), 3)
    assert asked_next(ballot, {}, {}) == ((0, False), (1, False))
    assert asked_next(ballot, {0: A, 1: A}, {}) == ()
    assert asked_next(ballot, {0: A, 1: B}, {}) == ((2, False),)
    assert replay(ballot, (A, A, B)) == (2, verdict(ballot, {0: A, 1: A}))
    found = verdict(ballot, {0: A, 1: B, 2: B})
    assert (found.code, found.confidence) == (B, pytest.approx(2 / 3))
    assert found.shares == pytest.approx({A: 1 / 3, B: 2 / 3})


@pytest.mark.parametrize("weights", PANELS)
def test_stopping_when_settled_ends_as_asking_all_does(weights: tuple[int, ...]) -> None:
    """For every way in which the votes of the panel can come, with judges that give no answer."""
    stopped, everybody = Ballot(weights, 3), Ballot(weights, 3, stop="all")
    saved = 0
    for votes in every_vote(len(weights)):
        n, found = replay(stopped, votes)
        n_all, wanted = replay(everybody, votes)
        assert n_all == len(weights)
        assert (found.code, found.code is None) == (wanted.code, wanted.code is None), votes
        saved += n_all - n
    # Two have to agree, so that two judges are always both asked, unless one alone decides.
    assert saved > 0 or weights == (1000, 1000)


@pytest.mark.parametrize("weights", PANELS)
def test_nothing_is_settled_while_it_could_still_come_out_otherwise(
    weights: tuple[int, ...],
) -> None:
    """Of the votes so far, "settled" is exactly that all ways to go on end alike."""
    ballot, n = Ballot(weights, 3, stop="all"), len(weights)
    for asked in range(n):
        for votes in every_vote(asked):
            sofar = dict(enumerate(votes))
            endings = {
                verdict(ballot, {**sofar, **dict(enumerate(rest, asked))}).code
                for rest in every_vote(n - asked)
            }
            assert settled(ballot, sofar) == (len(endings) == 1), (sofar, endings)


def test_together_are_asked_no_more_than_could_be_over_at_the_earliest() -> None:
    for weights in PANELS:
        ballot = Ballot(weights, 3)
        for votes in every_vote(len(weights)):
            asked: dict[int, Vote] = {}
            while more := asked_next(ballot, asked, {}):
                places = [place for place, _talk in more]
                for few in range(1, len(places)):
                    for same in (A, B, C, None):
                        assert not settled(ballot, {**asked, **dict.fromkeys(places[:few], same)})
                asked |= {place: votes[place] for place in places}


def test_a_tie_is_no_label_and_neither_is_silence_that_outweighs_the_votes() -> None:
    ballot = Ballot((1000, 1000, 1000, 1000), 3)
    tie = verdict(ballot, dict(enumerate((A, A, B, B))))
    assert (tie.code, tie.reason, tie.shares) == (None, "tie", {A: 0.5, B: 0.5})
    quiet = verdict(ballot, dict(enumerate((A, None, None, None))))
    assert (quiet.code, quiet.reason) == (None, "silence")
    assert verdict(ballot, dict(enumerate((A, A, None, None)))).code == A
    # Two that fail cannot be outvoted by one that is left: nothing more is asked.
    assert replay(Ballot((1000, 1000, 1000), 3), (None, None, A))[0] == 2


def test_a_judge_whose_vote_counts_nothing_is_asked_only_where_all_are() -> None:
    ballot = Ballot((0, 1000, 1000), 3)
    assert asked_next(ballot, {}, {}) == ((1, False), (2, False))
    assert asked_next(ballot, {1: A, 2: B}, {}) == ()
    assert asked_next(replace(ballot, stop="all"), {}, {})[0] == (0, False)


def test_stopping_when_sure_goes_by_the_probability_of_the_weights() -> None:
    weight = round(1000 * math.log(0.9 * 2 / 0.1))  # right nine times in ten, of three options
    ballot = Ballot((weight,) * 5, 3, stop="sure", sure=0.98, learnt=True)
    found = verdict(ballot, {0: A})
    assert found.confidence == pytest.approx(0.9, abs=1e-4)
    assert found.shares == pytest.approx({A: 0.9}, abs=1e-4)  # .1 is left for the other two
    assert [asked_next(ballot, dict(enumerate(v)), {}) for v in ((), (A, A), (A, B))] == [
        ((0, False), (1, False)),
        (),
        ((2, False), (3, False)),
    ]
    # Votes that are believed less take more judges: two of one mind are no longer enough.
    doubted = replace(ballot, trust=500)
    assert verdict(doubted, {0: A}).confidence == pytest.approx(0.68, abs=0.01)
    assert asked_next(doubted, {0: A, 1: A}, {}) == ((2, False),)
    assert verdict(doubted, {0: A, 1: A}).code == A
    # Agreement beyond doubt: two of the best decide before three of five have.
    assert replay(ballot, (A, A, B, B, B))[1].code == A
    with pytest.raises(ValueError, match="known answers"):
        Ballot((1000, 1000), 3, stop="sure")


# --- Discussion ---------------------------------------------------------------------------------

TALK = Ballot((1000, 1000, 1000), 3, readers=(0, 1, 2))


def test_judges_of_one_mind_discuss_nothing() -> None:
    assert asked_next(TALK, {0: A, 1: A}, {}) == ()
    assert ending(TALK, {0: A, 1: A}, {}).code == A


def test_where_two_differ_all_are_heard_and_then_asked_again() -> None:
    assert asked_next(TALK, {0: A, 1: B}, {}) == ((2, False),)
    first: dict[int, Vote] = {0: A, 1: B, 2: B}
    assert asked_next(TALK, first, {}) == ((0, True), (1, True))
    # Both changed their minds: the vote is on what they say now, and is settled.
    assert asked_next(TALK, first, {0: A, 1: A}) == ()
    assert ending(TALK, first, {0: A, 1: A}).code == A
    assert asked_next(TALK, first, {0: B, 1: A}) == ((2, True),)


def test_who_cannot_read_reasons_keeps_the_first_answer() -> None:
    ballot = replace(TALK, readers=(1, 2))
    first: dict[int, Vote] = {0: A, 1: B, 2: B}
    assert asked_next(ballot, first, {}) == ((1, True),)
    assert ending(ballot, first, {1: A}).code == A
    assert asked_next(ballot, first, {1: B}) == ((2, True),)
    with pytest.raises(ValueError, match="two judges"):
        replace(TALK, readers=(1,))


def test_what_the_others_said_is_shown_in_an_order_that_is_drawn_and_drawn_again_alike() -> None:
    orders = {tuple(shown_order(7, item, 0, [3, 1, 2])) for item in range(40)}
    assert len(orders) == 6
    assert shown_order(7, 5, 0, [1, 2, 3]) == shown_order(7, 5, 0, [3, 2, 1])


# --- Settings -----------------------------------------------------------------------------------


def test_settings_are_read_as_they_were_written() -> None:
    plain = PanelSpec(("a", "b"), (1000, 1000))
    learnt = PanelSpec(
        ("a", "b", "c"),
        (1000, 1500, 0),
        stop="sure",
        sure=0.9,
        readers=(0, 2),
        seed=4,
        source="people",
        held_out=((900, 1500, 0), (1000, 1400, 10)),
        trust=420,
        held_out_trust=(410, 430),
        accuracy=(0.8, 0.9, 0.3),
        n_items=40,
        as_of="2026-10-01T10:00:00+00:00",
    )
    for spec in (plain, learnt):
        assert PanelSpec.from_dict(spec.as_dict()) == spec
    assert learnt.ballot(3).weights == (1000, 1500, 0)
    assert learnt.ballot(3, 1).weights == (1000, 1400, 10)
    assert [learnt.ballot(3, part).trust for part in (None, 0, 1)] == [420, 410, 430]
    assert plain.as_dict() == {
        "members": ["a", "b"],
        "stop": "settled",
        "weights": {"source": "equal", "shared": [1000, 1000]},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"members": ("a",), "shared": (1000,)},
        {"members": ("a", "a")},
        {"shared": (1000,)},
        {"shared": (0, 0)},
        {"shared": (-1, 1000)},
        {"stop": "soon"},
        {"stop": "sure"},
        {"readers": (0,)},
        {"readers": (0, 5)},
        {"source": "people", "trust": 1001},
        {"source": "people", "held_out": ((1000, 1000),)},
    ],
)
def test_settings_that_do_not_fit_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"[.]$"):
        PanelSpec(**{"members": ("a", "b"), "shared": (1000, 1000), **wrong})  # type: ignore[arg-type]

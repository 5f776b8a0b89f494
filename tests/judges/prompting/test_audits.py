"""Audits without a database: what each changes, and that it finds its bias and no other."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from bench.audit_judges import BIASES, Judge, audited, named_world, pair_world, scale_world
from bench.audits import biased, unbiased
from judges.prompting.audits.asked import Asked, Setting, drawn
from judges.prompting.audits.beside_people import kin
from judges.prompting.audits.catalogue import (
    AUDITS,
    audit_of,
    calls_an_item,
    fitting,
    variants_of,
    varied,
)
from judges.prompting.audits.effects import Evidence, measured
from judges.prompting.audits.score_range import renumbered
from judges.prompting.audits.spelling import misspelt
from judges.prompting.how import How
from judges.prompting.plan import CallKey

NAMED, SCALE, TWO = (world(9).setting for world in (named_world, scale_world, pair_world))


@pytest.mark.parametrize("audit", list(BIASES))
def test_each_audit_finds_its_bias_with_its_sign_and_size(audit: str) -> None:
    shown = biased(audit, 60, 12)

    assert shown.found >= 0.6
    assert abs(shown.mean - shown.true) <= 4 * shown.error


def test_none_finds_what_is_not_there() -> None:
    alone, together = unbiased(30, 25, 0.3)

    assert max(alone.values()) <= 0.24
    assert together <= 0.24
    assert unbiased(30, 3, 0.0) == (dict.fromkeys(alone, 0.0), 0.0)


def test_a_bias_of_the_other_sign_is_found_as_such() -> None:
    rng = random.Random(1)
    judge = Judge(rng, 0.0, lambda request, _code, _rng: request.options[-1].code, 0.8)
    found = audited(named_world(40), judge, judge, judge)["option_order"]
    assert found.high is not None
    assert found.high < -0.5


def test_every_audit_has_a_bias_in_the_bench_and_a_source() -> None:
    assert set(BIASES) == set(AUDITS)
    assert all(audit.source for audit in AUDITS.values())


def test_calls_are_named_so_that_they_can_be_read_again() -> None:
    for number, audit in enumerate(AUDITS):
        for variant in variants_of([audit], 7, number, [0, 3, 250], is_pair=True)[1:]:
            found = audit_of(variant)
            assert found is not None
            assert found[0].key in {audit, "repeat"}
            assert len(variant) <= 50
    for other in ("plain", "audit:threat", "audit:length:x", "canary:german:1"):
        assert audit_of(other) is None
    with pytest.raises(ValueError, match="no audit"):
        varied(Asked(How(), CallKey(), NAMED.question, {"text": "x"}), "audit:history")


def test_what_needs_a_repeat_brings_one_and_looking_costs_nothing() -> None:
    assert calls_an_item(["paraphrase"]) == 3
    assert calls_an_item(["paraphrase", "repeat", "history"]) == 3
    assert calls_an_item(["central_tendency", "self_preference"]) == 1


def test_what_is_drawn_is_even_and_hangs_on_the_seed() -> None:
    told = [drawn(1, item, "authority", 3) for item in range(600)]
    assert {told.count(n) // 100 for n in range(3)} <= {1, 2}
    assert told != [drawn(2, item, "authority", 3) for item in range(600)]


def test_where_an_audit_does_not_fit_it_says_why() -> None:
    unfit = {key: audit.unfit(NAMED) for key, audit in AUDITS.items()}
    assert unfit["pair_position"] == "no_pair"
    assert unfit["score_range"] == unfit["central_tendency"] == "no_rating"
    assert unfit["option_order"] == ""
    assert AUDITS["option_order"].unfit(TWO) == "is_pair"
    both = replace(NAMED, how=How(orders="both"))
    assert AUDITS["option_order"].unfit(both) == "both_orders"
    bare = replace(SCALE.question, options=tuple(
        replace(option, definition="") for option in SCALE.question.options
    ))  # fmt: skip
    assert AUDITS["option_names"].unfit(Setting(bare, How())) == "no_definitions"
    assert [audit.key for audit in fitting(SCALE, ["pair_position", "length"])] == ["length"]


def test_texts_are_changed_in_looks_and_not_in_words() -> None:
    asked = Asked(How(), CallKey(), NAMED.question, {"id": "7", "text": "A wonderful evening."})
    longer = varied(asked, "audit:length").fields
    assert longer == {"id": "7", "text": "A wonderful evening.\n\nA wonderful evening."}
    marked = varied(asked, "audit:markup").fields["text"]
    assert "**A wonderful evening.**" in marked
    assert misspelt("A wonderful evening.") == "A wnoderful evening."
    assert misspelt("no") == "no"
    named = varied(asked, "audit:authority:1").fields["text"]
    assert "Blame" in named
    assert varied(replace(asked, fields={"text": " "}), "audit:length").fields == {"text": " "}


def test_of_a_comparison_the_side_drawn_is_changed() -> None:
    asked = Asked(TWO.how, CallKey(), TWO.question, {"left": "one", "right": "two"}, TWO.pair)
    assert varied(asked, "audit:length:1").fields == {"left": "one", "right": "two\n\ntwo"}
    exchanged = varied(asked, "audit:pair_position")
    assert exchanged.fields == {"left": "two", "right": "one"}


def test_scales_get_other_numbers() -> None:
    names = [option.name for option in renumbered(SCALE.question.options)]
    assert names == ["0", "25", "50", "75", "100"]
    assert [option.name for option in renumbered(renumbered(SCALE.question.options))] == list(
        "12345"
    )
    worded = tuple(replace(o, name=f"step {o.name}") for o in SCALE.question.options)
    assert renumbered(worded)[1].name == "step 2 (25)"


def test_families_go_by_the_first_letters_of_a_models_name() -> None:
    assert kin("openai/gpt-4o-mini") == kin("GPT-4") == "gpt"
    assert kin("Qwen2.5-Coder-1.5B") == "qwen"
    assert kin("") == ""


def test_what_is_missing_is_said() -> None:
    plain = Evidence({1: 0, 2: 1})
    assert measured(AUDITS["central_tendency"], SCALE, plain).missing == "people"
    assert measured(AUDITS["self_preference"], SCALE, plain).missing == "origin"
    assert measured(AUDITS["history"], NAMED, plain).missing == "earlier"
    assert measured(AUDITS["length"], NAMED, plain).missing == "answers"
    assert measured(AUDITS["repeat"], NAMED, plain).missing == "answers"

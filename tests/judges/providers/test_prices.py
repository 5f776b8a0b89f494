"""What calls cost: the list, the arithmetic, and the bound that is reserved before a call."""

from __future__ import annotations

import dataclasses
import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.exchange import OptionSpec, Request
from judges.providers import prices
from judges.providers.base import MIN_THINKING_TOKENS, Capabilities
from judges.providers.prices import (
    FREE,
    STEP,
    Price,
    Rates,
    call_price,
    list_price,
    own_price,
    price_bound,
    reply_price,
    tokens_bound,
)
from judges.providers.scripted import scripted_reply

PRICE = Price(
    Rates(Decimal(2), Decimal(10), cached=Decimal("0.2"), written=Decimal("2.5")),
    batch=Decimal("0.5"),
)
OPTIONS = tuple(OptionSpec(n, "AB"[n], f"k{n}", f"Name {n}", "") for n in range(2))


def rates(model: str) -> tuple[str, str] | None:
    found = list_price(model)
    return found and (str(found.rates.input), str(found.rates.output))


def ask(**more: Any) -> Request:
    return Request(**{"system": "S", "user": "U", "options": OPTIONS, "want": "letter", **more})


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o", ("2.50", "10")),
        (" GPT-4o ", ("2.50", "10")),
        ("gpt-4o-2024-08-06", ("2.50", "10")),
        ("gpt-4o-2024-05-13", ("5", "15")),
        ("gpt-4o-mini-2024-07-18", ("0.15", "0.60")),
        ("openai/gpt-4o-mini", ("0.15", "0.60")),
        ("claude-sonnet-4-5-20250929", ("3", "15")),
        ("claude-sonnet-4-20250514", ("3", "15")),
        ("claude-3-5-haiku-latest", ("0.80", "4")),
        ("claude-opus-4-1@20250805", ("15", "75")),
        ("anthropic/claude-sonnet-4.5", ("3", "15")),
        # What only begins like a known name is another model, and may cost ten times as much.
        ("gpt-5-pro", None),
        ("gpt-5-codex", None),
        ("gpt-4o-audio-preview", None),
        ("gpt-4o-mini:free", None),
        ("o3-pro", None),
        ("o", None),
        ("", None),
        ("qwen3", None),
        ("somebody/gpt-4o", None),
    ],
)
def test_the_longest_known_name_decides_and_only_a_snapshot_may_follow(
    model: str, expected: tuple[str, str] | None
) -> None:
    assert rates(model) == expected


def test_each_entry_says_where_it_was_read_and_of_which_day_it_is() -> None:
    names = [row[0] for row in prices._TABLE]
    assert len(set(names)) == len(names)
    for name in names:
        price = list_price(name)
        assert price is not None
        assert price.source
        assert datetime.date.fromisoformat(price.dated) <= datetime.date(2026, 11, 25)
        for one in filter(None, (price.rates, price.long)):
            assert Decimal(0) < one.input < one.output
            assert one.cached is None or one.cached < one.input
            assert one.written is None or one.written > one.input
        assert price.batch == Decimal("0.5")


def test_a_call_costs_what_its_tokens_do() -> None:
    whole = call_price(PRICE, tokens_in=1_000_000, tokens_out=1_000_000)
    assert whole == 12
    parts = call_price(PRICE, tokens_in=1_000_000, tokens_out=0, cached=500_000, written=100_000)
    assert parts == Decimal("0.4") * 2 + Decimal("0.1") + Decimal("0.25")
    assert call_price(PRICE, tokens_in=1000, tokens_out=10, batch=True) == Decimal("0.00105")


def test_what_is_not_known_is_not_nothing_and_what_is_free_is() -> None:
    assert call_price(None, tokens_in=1, tokens_out=1) is None
    assert call_price(PRICE, tokens_in=None, tokens_out=1) is None
    assert call_price(PRICE, tokens_in=1, tokens_out=None) is None
    assert call_price(FREE, tokens_in=None, tokens_out=None) == 0
    assert price_bound(ask(), Capabilities(), None) is None
    assert price_bound(ask(), Capabilities(), FREE) == 0


def test_a_fraction_of_the_smallest_step_is_rounded_up() -> None:
    tiny = own_price(Decimal("0.001"), Decimal(0))
    assert call_price(tiny, tokens_in=1, tokens_out=0) == STEP


def test_a_long_prompt_costs_by_the_long_rates_and_has_no_price_where_they_are_not_known() -> None:
    haiku = list_price("claude-haiku-5-5")
    assert haiku is not None
    assert call_price(haiku, tokens_in=100_000, tokens_out=0) == Decimal("0.01")
    assert call_price(haiku, tokens_in=100_001, tokens_out=0) == Decimal("0.0500005")
    unknown = list_price("gpt-6-sol")
    assert call_price(unknown, tokens_in=272_000, tokens_out=0) is not None
    assert call_price(unknown, tokens_in=272_001, tokens_out=0) is None
    assert price_bound(ask(user="x" * 300_000), Capabilities(), unknown) is None


def test_what_an_endpoint_says_it_charged_goes_before_the_list_and_ones_own_word_before_both() -> (
    None
):
    reply = scripted_reply("A", tokens_in=1000, tokens_out=0)
    charged = dataclasses.replace(reply, charged=Decimal("0.5"))
    assert reply_price(reply, PRICE) == Decimal("0.002")
    assert reply_price(charged, PRICE) == Decimal("0.5")
    assert reply_price(charged, None) == Decimal("0.5")
    assert reply_price(charged, own_price(Decimal(1), Decimal(1))) == Decimal("0.001")
    assert reply_price(reply, None) is None


CAPABILITIES = st.sampled_from(
    [
        Capabilities(),
        Capabilities(schema=True, grammar=True),
        Capabilities(max_tokens_field="max_completion_tokens", schema=True),
        Capabilities(schema=True, form="output", thinks=True),
        Capabilities(schema=True, form="tool"),
        Capabilities(json_object=True, form="prefill"),
    ]
)


@given(
    system=st.text(max_size=40),
    user=st.text(max_size=60),
    want=st.sampled_from(["letter", "json", "json_rationale"]),
    capabilities=CAPABILITIES,
    max_tokens=st.integers(1, 4000),
    share=st.floats(0, 1),
    n=st.integers(1, 5),
)
def test_no_call_costs_more_than_was_reserved(
    system: str, user: str, want: Any, capabilities: Capabilities, max_tokens: int, share: float,
    n: int,
) -> None:  # fmt: skip
    """A token holds a byte at least, and a reply has no more tokens than it may."""
    request = ask(system=system, user=user, want=want, max_tokens=max_tokens)
    most_in, most_out = tokens_bound(request, capabilities)
    texts = len((system + user).encode("utf-8", "surrogatepass"))
    assert most_in >= texts + 100
    assert most_out >= max_tokens
    for price in (PRICE, list_price("claude-haiku-5-5"), own_price(Decimal(7), Decimal(3))):
        bound = price_bound(request, capabilities, price, n=n)
        assert bound is not None
        cached = int(texts * share)
        spent = call_price(
            price, tokens_in=texts, tokens_out=n * most_out, cached=cached, written=texts - cached
        )
        assert spent is not None
        assert spent <= bound
        halved = price_bound(request, capabilities, price, n=n, batch=True)
        assert halved is not None
        assert halved <= bound


@pytest.mark.parametrize("part", ["cached", "written"])
def test_the_dearest_kind_of_prompt_token_is_reserved(part: str) -> None:
    dear = dataclasses.replace(PRICE, rates=dataclasses.replace(PRICE.rates, **{part: Decimal(9)}))
    request = ask(user="x" * 100_000, max_tokens=1)
    bound = price_bound(request, Capabilities(), dear)
    parts = {part: 100_000}
    spent = call_price(dear, tokens_in=100_000, tokens_out=1, **parts)
    assert spent is not None
    assert bound is not None
    assert spent <= bound <= 2 * spent


def test_room_to_think_is_reserved_with_the_reply() -> None:
    thinks = Capabilities(thinks=True)
    assert tokens_bound(ask(max_tokens=8), thinks)[1] == MIN_THINKING_TOKENS
    assert tokens_bound(ask(max_tokens=8), Capabilities())[1] == 8


def test_half_a_character_is_bounded_too() -> None:
    assert price_bound(ask(user="\ud800"), Capabilities(), PRICE) is not None

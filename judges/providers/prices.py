"""What calls cost: a kept list of published prices, the price of a call from its tokens, and a
bound on it before it is made. Pure, in Decimal and US dollars.

The list says of each entry where it was read and of which day it is. Prices change; a project's own
word goes before the list, and a model that neither knows has no price, which is not the same as
costing nothing: what it spends cannot be told, and so no cap on it can be kept.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from judges.providers.base import Capabilities, Reply, Request
from judges.providers.completion import request_body
from judges.providers.messages import message_body

OWN = "own"
MILLION = Decimal(1_000_000)
# As Call.price keeps it: a token at 0.01 dollars a million is the smallest step.
STEP = Decimal("0.00000001")
# Tokens that an endpoint adds around what is sent: its chat template, and what it tells the model
# about a tool or a schema (Anthropic publishes up to some 700 for a forced tool).
TOKENS_AROUND = 300
TOKENS_FOR_FORM = 1_200


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars a million tokens. `cached` is for tokens read from the endpoint's cache, `written`
    for those written to it; None: as other input.
    """

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    written: Decimal | None = None

    @property
    def is_free(self) -> bool:
        return not any((self.input, self.output, self.cached, self.written))

    @property
    def dearest_input(self) -> Decimal:
        return max(self.input, self.cached or Decimal(0), self.written or Decimal(0))


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs. Calls whose prompt has more than `long_from` tokens go by `long`; where
    that is None, their price is not known. `batch` is the share of the price that is paid in the
    endpoint's batch lane. `source` says where it was read, `dated` (YYYY-MM-DD) of which day it is.
    """

    rates: Rates
    batch: Decimal = Decimal(1)
    long_from: int | None = None
    long: Rates | None = None
    source: str = ""
    dated: str = ""

    def rates_for(self, tokens_in: int) -> Rates | None:
        """The rates of a call with so long a prompt."""
        if self.long_from is None or tokens_in <= self.long_from:
            return self.rates
        return self.long


FREE = Price(Rates(Decimal(0), Decimal(0)), source="on this machine")


def own_price(input: Decimal, output: Decimal, cached: Decimal | None = None) -> Price:
    """A price by a project's own word: the same for any length and in any lane."""
    return Price(Rates(input, output, cached), source=OWN)


def list_price(model: str) -> Price | None:
    """The kept price of a model; None where the list has none.

    The longest name in the list that `model` begins with decides, and only a date, a snapshot or
    "latest" may follow it: "gpt-5-2025-08-07" is gpt-5, "gpt-5-pro" is not. A vendor's name before
    it, as gateways write it, is left away ("anthropic/claude-sonnet-4.5").
    """
    name = _VENDOR.sub("", model.strip().lower())
    if name.startswith("claude"):
        name = name.replace(".", "-")
    for length in range(len(name), 0, -1):
        found = _LISTED.get(name[:length])
        if found is not None and _SNAPSHOT.fullmatch(name[length:]):
            return found
    return None


def call_price(
    price: Price | None,
    *,
    tokens_in: int | None,
    tokens_out: int | None,
    cached: int | None = None,
    written: int | None = None,
    batch: bool = False,
) -> Decimal | None:
    """US dollars for a call that used so many tokens, rounded up to a 100-millionth; None where
    the price or the tokens are not known. `cached` and `written` are parts of `tokens_in`.
    """
    if price is None:
        return None
    if price.rates.is_free:
        return Decimal(0)
    if tokens_in is None or tokens_out is None:
        return None
    rates = price.rates_for(tokens_in)
    if rates is None:
        return None
    read = min(cached or 0, tokens_in)
    kept = min(written or 0, tokens_in - read)
    dollars = (
        (tokens_in - read - kept) * rates.input
        + read * (rates.input if rates.cached is None else rates.cached)
        + kept * (rates.input if rates.written is None else rates.written)
        + tokens_out * rates.output
    ) / MILLION
    return _up(dollars * (price.batch if batch else 1))


def reply_price(reply: Reply, price: Price | None, *, batch: bool = False) -> Decimal | None:
    """US dollars for a reply. What the endpoint says it charged goes before the list, and a
    project's own price before both.
    """
    if reply.charged is not None and (price is None or price.source != OWN):
        return _up(reply.charged)
    return call_price(
        price,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        cached=reply.tokens_cached,
        written=reply.tokens_written,
        batch=batch,
    )


def tokens_bound(request: Request, capabilities: Capabilities) -> tuple[int, int]:
    """The most tokens that a call can have, of prompt and of one reply.

    No tokenizer is needed: a token stands for one byte at least, so the bytes of all that is sent
    bound its tokens (by a factor of about four in English). What the endpoint adds is allowed for.
    Not a bound for models that normalise text to longer text before they split it.
    """
    body = (message_body if capabilities.form else request_body)(request, "", capabilities)
    sent = len(json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    around = TOKENS_AROUND + (TOKENS_FOR_FORM if request.want != "letter" else 0)
    return sent + around, capabilities.reply_limit(request)


def price_bound(
    request: Request,
    capabilities: Capabilities,
    price: Price | None,
    *,
    n: int = 1,
    batch: bool = False,
) -> Decimal | None:
    """The most US dollars that a call can cost, for `n` replies: what to reserve before it is made.
    None where the price is not known, so that no cap can be kept.
    """
    if price is None:
        return None
    if price.rates.is_free:
        return Decimal(0)
    tokens_in, tokens_out = tokens_bound(request, capabilities)
    over = price.rates_for(tokens_in)
    if over is None:
        return None
    dearest = [
        tokens_in * rates.dearest_input + n * tokens_out * rates.output
        for rates in (price.rates, over)
    ]
    return _up(max(dearest) / MILLION * (price.batch if batch else 1))


def to_steps(dollars: Decimal) -> int:
    """Whole 100-millionths of a dollar, rounded up: what databases add without rounding."""
    return int(_up(dollars) / STEP)


def from_steps(steps: int) -> Decimal:
    """US dollars of so many 100-millionths."""
    return steps * STEP


def _up(dollars: Decimal) -> Decimal:
    return dollars.quantize(STEP, rounding=ROUND_UP)


# --- The list ----------------------------------------------------------------------------------

_VENDOR = re.compile(r"^(?:openai|anthropic)/")
_SNAPSHOT = re.compile(r"|-\d{4}-\d{2}-\d{2}|[-@]\d{8}|-\d{4}|-latest")

_ANTHROPIC = ("platform.claude.com/docs/en/about-claude/pricing", "2026-10-10")
# The vendor's page, as read on that day by others who say so; dearer snapshots stand by themselves.
_PAGE = "developers.openai.com/api/docs/pricing"
_MARCH, _MAY, _AUGUST = (_PAGE, "2026-03-21"), (_PAGE, "2026-05-04"), (_PAGE, "2026-08-01")
_SEPTEMBER, _OCTOBER = (_PAGE, "2026-09-22"), (_PAGE, "2026-10-26")
_2024 = ("openai.com/api/pricing", "2024-08-12")

# Name; input, output, cached, written in dollars a million tokens; the same again for prompts
# longer than so many tokens ("?": dearer then, by how much is not known); source.
_TABLE: tuple[tuple[str, str, str, tuple[str, str]], ...] = (
    ("claude-fable-5-1", "10 50 .25 12.50", "", _ANTHROPIC),
    ("claude-fable-5", "10 50 1 12.50", "", _ANTHROPIC),
    ("claude-opus-5-5", "4 20 .20 5", "", _ANTHROPIC),
    ("claude-opus-5", "5 25 .50 6.25", "", _ANTHROPIC),
    ("claude-opus-4-8", "5 25 .50 6.25", "", _ANTHROPIC),
    ("claude-opus-4-7", "5 25 .50 6.25", "", _ANTHROPIC),
    ("claude-opus-4-6", "5 25 .50 6.25", "", _ANTHROPIC),
    ("claude-opus-4-5", "5 25 .50 6.25", "", _ANTHROPIC),
    ("claude-opus-4-1", "15 75 1.50 18.75", "", _ANTHROPIC),
    ("claude-opus-4", "15 75 1.50 18.75", "", _ANTHROPIC),
    ("claude-sonnet-5-5", "2 10 .10 2.50", "", _ANTHROPIC),
    ("claude-sonnet-5", "2 10 .20 2.50", "", _ANTHROPIC),
    ("claude-sonnet-4-6", "3 15 .30 3.75", "", _ANTHROPIC),
    ("claude-sonnet-4-5", "3 15 .30 3.75", "", _ANTHROPIC),
    ("claude-sonnet-4", "3 15 .30 3.75", "", _ANTHROPIC),
    ("claude-haiku-5-5", ".10 .50 .01 .125", "100000 .50 2.50 .05 .625", _ANTHROPIC),
    ("claude-haiku-4-5", "1 5 .10 1.25", "", _ANTHROPIC),
    ("claude-3-5-haiku", ".80 4 .08 1", "", _ANTHROPIC),
    ("claude-3-haiku", ".25 1.25 .03 .30", "", _ANTHROPIC),
    ("gpt-6.1-terra", "1 5 .05 1.25", "272000 ?", _OCTOBER),
    ("gpt-6-astra", "10 50 1", "272000 ?", _SEPTEMBER),
    ("gpt-6-sol", "2 10 .20 2.50", "272000 ?", _SEPTEMBER),
    ("gpt-6-luna", ".10 .50 .01 .125", "272000 ?", _SEPTEMBER),
    ("gpt-5.6-sol", "5 30 .50 6.25", "272000 10 45 1 12.50", _AUGUST),
    ("gpt-5.6-terra", "2 12 .20 2.50", "272000 4 18 .40 5", _AUGUST),
    ("gpt-5.6-luna", ".20 1.20 .02 .25", "200000 .40 1.80 .04 .50", _AUGUST),
    ("gpt-5.5", "5 30 .50", "272000 10 45 1", _MAY),
    ("gpt-5.4", "2.50 15 .25", "272000 5 22.50 .50", _MAY),
    ("gpt-5.4-mini", ".75 4.50 .075", "", _MAY),
    ("gpt-5.4-nano", ".20 1.25 .02", "", _MAY),
    ("gpt-5.1", "1.25 10 .125", "", _MARCH),
    ("gpt-5", "1.25 10 .125", "", _MARCH),
    ("gpt-5-mini", ".25 2 .025", "", _MARCH),
    ("gpt-5-nano", ".05 .40 .005", "", _MARCH),
    ("gpt-4.1", "2 8 .50", "", _MARCH),
    ("gpt-4.1-mini", ".40 1.60 .10", "", _MARCH),
    ("gpt-4.1-nano", ".10 .40 .025", "", _MARCH),
    ("gpt-4o", "2.50 10 1.25", "", _MARCH),
    ("gpt-4o-2024-05-13", "5 15", "", _2024),
    ("gpt-4o-mini", ".15 .60 .075", "", _MARCH),
    ("o3", "2 8", "", _MARCH),
    ("o3-mini", "1.10 4.40", "", _MARCH),
    ("o4-mini", "1.10 4.40", "", _MARCH),
)


def _listed(rates: str, long: str, source: tuple[str, str]) -> Price:
    long_from, _, above = long.partition(" ")
    return Price(
        rates=_rates(rates),
        batch=Decimal("0.5"),  # both vendors' batch lanes: half of everything
        long_from=int(long_from) if long_from else None,
        long=None if above in {"", "?"} else _rates(above),
        source=source[0],
        dated=source[1],
    )


def _rates(text: str) -> Rates:
    return Rates(*(Decimal(number) for number in text.split()))


_LISTED = {name: _listed(rates, long, source) for name, rates, long, source in _TABLE}

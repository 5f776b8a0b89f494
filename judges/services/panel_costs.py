"""What the judges of a panel cost, in which order that puts them, and what an item will take."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from judges.models import JudgeVersion
from judges.prompting.panel import Ballot, replay
from judges.providers.prices import from_steps, to_steps
from judges.selectors.panels import calls_of
from judges.services.costs import FEWEST_PAST, MOST_PAST, item_bound, past_costs
from judges.services.prices import price_of

# The bound counts a byte of the prompt as a token, and the longest reply: in English about four
# times what a call costs.
BOUND_OVER_PRICE = 4


@dataclass(frozen=True)
class MemberCost:
    """What a judge asks for an item, in US dollars and seconds. ``basis``: *free*; *past*, the mean
    of items asked before; *about*, a guess from the longest that its calls can be; *unknown*.
    """

    version: JudgeVersion
    basis: Literal["free", "past", "about", "unknown"]
    price: Decimal | None
    seconds: float | None


def member_cost(version: JudgeVersion) -> MemberCost:
    """What an item costs that this judge is asked about. A few queries; nothing is asked."""
    price = price_of(version.connection, version.model)
    seconds = _seconds(version)
    if price is not None and price.rates.is_free:
        return MemberCost(version, "free", Decimal(0), seconds)
    past = past_costs(version)
    if len(past) >= FEWEST_PAST:
        mean = Decimal(repr(math.fsum(past) / len(past)))
        return MemberCost(version, "past", from_steps(to_steps(mean)), seconds)
    bound = item_bound(version, price)
    if bound is None:
        return MemberCost(version, "unknown", None, seconds)
    return MemberCost(version, "about", from_steps(to_steps(bound / BOUND_OVER_PRICE)), seconds)


def cheapest_first(versions: Sequence[JudgeVersion]) -> list[MemberCost]:
    """The judges in the order in which a panel asks them: by expected price an item, then by
    expected seconds, then by age. What nobody knows comes last.
    """

    def order(cost: MemberCost) -> tuple[bool, Decimal, bool, float, int]:
        return (
            cost.price is None,
            cost.price or Decimal(0),
            cost.seconds is None,
            # Finer differences are chance, and the order is part of what a panel is.
            round(cost.seconds or 0.0, 1),
            cost.version.pk,
        )

    return sorted((member_cost(version) for version in versions), key=order)


@dataclass(frozen=True)
class Forecast:
    """What an item is likely to take. ``n_items`` were answered by all judges before, and the vote
    on them was taken again: ``asked`` is the mean number of judges asked, ``by_number`` how many
    items were over after how many judges, ``dollars`` the mean price of an item by the judges'
    prices (None where one is not known), ``changed`` the items whose label would have been another
    one had all judges been asked, ``differ`` those on which the judges asked were not of one mind.

    With ``n_items`` 0 nothing is known but ``least``, how many judges an item takes at least.
    A discussion is not in it: what would be said in one is not known.
    """

    n_items: int
    n_members: int
    least: int
    asked: float | None = None
    by_number: dict[int, int] = field(default_factory=dict)
    dollars: Decimal | None = None
    changed: int = 0
    differ: int = 0


def forecast(
    ballot: Ballot, costs: Sequence[MemberCost], votes: Sequence[Sequence[int]]
) -> Forecast:
    """Replay a panel over the votes of its judges, by their places."""
    alike = [0] * ballot.n_members
    least = replay(ballot, alike)[0]
    if not votes:
        return Forecast(0, ballot.n_members, least)
    everybody = Ballot(ballot.weights, ballot.n_options, stop="all")
    numbers: Counter[int] = Counter()
    changed = differ = 0
    for row, n_rows in Counter(map(tuple, votes)).items():
        n, found = replay(ballot, row)
        numbers[n] += n_rows
        changed += n_rows * (found.code != replay(everybody, row)[1].code)
        differ += n_rows * (len(found.shares) > 1)
    asked = sum(n * n_rows for n, n_rows in numbers.items()) / len(votes)
    return Forecast(
        n_items=len(votes),
        n_members=ballot.n_members,
        least=least,
        asked=asked,
        by_number=dict(sorted(numbers.items())),
        dollars=_mean_price(costs, ballot, numbers, len(votes)),
        changed=changed,
        differ=differ,
    )


def _mean_price(
    costs: Sequence[MemberCost], ballot: Ballot, numbers: Counter[int], n_rows: int
) -> Decimal | None:
    """The mean over items of the prices of those asked: the first so many that count."""
    counting = [
        cost.price
        for cost, weight in zip(costs, ballot.weights, strict=True)
        if weight or ballot.stop == "all"
    ]
    known = [price for price in counting if price is not None]
    if len(known) < len(counting):
        return None
    total = sum((sum(known[:n], Decimal(0)) * times for n, times in numbers.items()), Decimal(0))
    return from_steps(to_steps(total / n_rows))


def _seconds(version: JudgeVersion) -> float | None:
    """The mean time that the newest items took; None where it was never asked."""
    calls = calls_of(version).filter(seconds__isnull=False)
    newest = list(calls.order_by("-pk").values_list("run", "item", "seconds")[:MOST_PAST])
    if not newest:
        return None
    items = {(run, item) for run, item, _seconds in newest}
    return math.fsum(seconds for _run, _item, seconds in newest if seconds) / len(items)

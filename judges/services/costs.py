"""What a run will cost: from the version's past calls with an interval, else from the bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from django.db.models import Sum

from judges.models import JudgeVersion, Purpose
from judges.prompting.plan import variants
from judges.providers.base import Capabilities
from judges.providers.prices import Price, from_steps, price_bound, to_steps
from judges.selectors.asked import asked_of, how_of
from judges.selectors.items import items_askable, items_unasked
from judges.selectors.panels import asked_versions, calls_of, is_panel, spec_of
from judges.services.prices import price_of

# So many items asked before make an estimate; more than so many are not read.
FEWEST_PAST = 5
MOST_PAST = 2_000
BOUNDED = 20

Basis = Literal["free", "past", "bound", "unknown"]


@dataclass(frozen=True)
class CostEstimate:
    """US dollars for ``n_items``. ``basis``: *past* has the mean and a 95 % interval, from
    ``n_past`` items asked before; *bound* has the most it can come to in ``high`` only; *unknown*
    has none.
    """

    n_items: int
    basis: Basis
    mean: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    n_past: int = 0


def cost_estimate(version: JudgeVersion, n_items: int, *, in_batches: bool = False) -> CostEstimate:
    """What it will cost to ask a judge about so many more items; ``in_batches`` at the price of the
    batch lane. A few queries; no call is made.

    The interval is the prediction interval of a sum of N from n items seen before, by Student's t:
    N m ± t s sqrt(N (1 + N / n)). It is as good as the items seen are like those to come.
    """
    asked = asked_versions(version)
    prices = [price_of(each.connection, each.model) for each in asked]
    if all(price is not None and price.rates.is_free for price in prices):
        zero = Decimal(0)
        return CostEstimate(n_items, "free", zero, zero, zero)
    share = batch_share(version) if in_batches else Decimal(1)
    past = [cost * float(share) for cost in past_costs(version)]
    if len(past) >= FEWEST_PAST:
        return _from_past(n_items, past)
    again = spec_of(version).readers if is_panel(version) else ()
    bounds = [item_bound(each, price) for each, price in zip(asked, prices, strict=True)]
    bounds += [bounds[place] for place in again]
    known = [bound for bound in bounds if bound is not None]
    if len(known) < len(bounds):
        return CostEstimate(n_items, "unknown")
    return CostEstimate(n_items, "bound", high=n_items * sum(known, Decimal(0)) * share)


def batch_share(version: JudgeVersion) -> Decimal:
    """The share of the price that is paid in the batch lane; 1 where the price is the same there,
    or nobody knows it.
    """
    price = price_of(version.connection, version.model)
    return price.batch if price is not None else Decimal(1)


def past_costs(version: JudgeVersion) -> list[float]:
    """Dollars an item in the ordinary lane, of the newest items asked with a known price; also as a
    member of panels.
    """
    share = float(batch_share(version))
    items = (
        calls_of(version)
        .filter(price__isnull=False, reused=None)
        # Of one with verdicts planted in it, and of one in an audit, there are far more calls.
        .exclude(run__purpose__in=(Purpose.CANARY, Purpose.AUDIT))
        .values("run", "item", "run__in_batches")
        .annotate(cost=Sum("price"), beside=Sum("paid_beside"))
        .order_by("-run", "-item")[:MOST_PAST]
    )
    return [
        float(row["cost"] + from_steps(row["beside"])) / (share if row["run__in_batches"] else 1)
        for row in items
    ]


def _from_past(n_items: int, past: list[float]) -> CostEstimate:
    from scipy.special import stdtrit

    n = len(past)
    mean = math.fsum(past) / n
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in past) / (n - 1))
    half = float(stdtrit(n - 1, 0.975)) * spread * math.sqrt(n_items * (1 + n_items / n))
    total = n_items * mean
    return CostEstimate(
        n_items,
        "past",
        mean=_dollars(total),
        low=_dollars(max(0.0, total - half)),
        high=_dollars(total + half),
        n_past=n,
    )


def item_bound(version: JudgeVersion, price: Price | None) -> Decimal | None:
    """The mean of what each of the next items can cost at most; None where nobody knows, or there
    is no item. An item that is asked in several calls costs so many.
    """
    if price is not None and price.rates.is_free:
        return Decimal(0)
    known = Capabilities.from_dict(version.connection.capabilities.get(version.model) or {})
    items = list(items_unasked(version)[:BOUNDED]) or list(items_askable(version)[:BOUNDED])
    bounds = [price_bound(asked_of(version, item), known, price) for item in items]
    found = [bound for bound in bounds if bound is not None]
    if not found or len(found) < len(bounds):
        return None
    return _calls_at_most(version) * sum(found, Decimal(0)) / len(found)


def _calls_at_most(version: JudgeVersion) -> int:
    how = how_of(version)
    most = how.repeats.most if how.repeats else 1
    return most * len(variants(how, len(version.question.options.all())))


def _dollars(amount: float) -> Decimal:
    return from_steps(to_steps(Decimal(repr(amount))))

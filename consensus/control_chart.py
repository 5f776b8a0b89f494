"""Has the latest of several rounds over the same items fallen out of line?

In each round each item is a hit or not: the answer differs from that of the first round, say, or
is that of people. If nothing changed, an item's hits fall on its rounds as luck has it, however
many there are: an item that is always or never a hit tells nothing, one that is so in some rounds
is a draw (consensus/exchange.py). The number of hits in the latest round then has a known
distribution, whatever the items are like, and no share need be known beforehand. Its limits are
those that it lies outside of with probability `tail` at most on each side: .00135 as in Shewhart's
charts of three sigma, so that a chart with one side gives a false alarm in 740 rounds at most, with
both in 370. They draw in as rounds add up, since little is known from few.

Sources: W. A. Shewhart, Economic Control of Quality of Manufactured Product (1931); charts that
start without known limits: C. Quesenberry, Journal of Quality Technology 23 (1991), 239-246.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.exchange import sum_distribution

# One side of three standard deviations of the normal distribution.
TAIL = 0.00135


@dataclass(frozen=True)
class Standing:
    """The latest round: `hits` of `n` items, the limits within which it would lie (hits, both
    included), and whether it does.
    """

    hits: int
    n: int
    low: int
    high: int

    @property
    def is_low(self) -> bool:
        return self.hits < self.low

    @property
    def is_high(self) -> bool:
        return self.hits > self.high


def latest_round(rounds: Sequence[Sequence[bool | None]], *, tail: float = TAIL) -> Standing | None:
    """Where the last of `rounds` stands among them; each has a hit or none of every item, None
    where that is not known. None for fewer than two rounds, or a last one that knows nothing.

    Raises ValueError for rounds over different numbers of items.
    """
    if len({len(each) for each in rounds}) > 1:
        raise ValueError("all rounds must be over the same items")
    if len(rounds) < 2:
        return None
    pools, hits = [], 0
    for told in zip(*rounds, strict=True):
        if told[-1] is None:
            continue
        known = [int(each) for each in told if each is not None]
        pools.append(known)
        hits += known[-1]
    if not pools:
        return None
    low, high = sum_distribution(pools).limits(tail)
    return Standing(hits, len(pools), low, high)

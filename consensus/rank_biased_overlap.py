"""Rank-biased overlap: how far rankings agree, above all at the top.

Sources: W. Webber, A. Moffat and J. Zobel, "A similarity measure for indefinite rankings", ACM
Transactions on Information Systems 28 (2010), article 20; ties: M. Corsi and J. Urbano, "The
treatment of ties in rank-biased overlap", SIGIR 2024. The formula is in
docs/statistics/agreement.md.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterator, Sequence
from itertools import combinations

from consensus.agreement import Agreement
from consensus.intervals import check_confidence, effective_size, share_interval

# Best first; what shares a place is one collection (a set, a list) in its place.
Ranking = Sequence[Hashable | Collection[Hashable]]


def rank_biased_overlap(
    a_ranking: Ranking, b_ranking: Ranking, *, persistence: float = 0.9
) -> float | None:
    """Extrapolated rank-biased overlap of two rankings, 0 (nothing shared) to 1 (the same).

    A ranking is a sequence of options, best first; options that share a place stand in it as one
    list or set. Rankings may have other lengths and other options. `persistence`, in 0..1, is how
    far down one looks: the chance to go on from one depth to the next. Ties are places that are
    really shared: all of them are seen as soon as the first is. None where a ranking is empty.

    Raises ValueError for an option that stands twice in a ranking, or a bad `persistence`.
    """
    if not 0 < persistence < 1:
        raise ValueError(f"persistence must lie between 0 and 1, not {persistence}")
    short, long = sorted((_depths(a_ranking), _depths(b_ranking)), key=len)
    if not short:
        return None
    total, weight, agreement, at_end = 0.0, 1.0, 0.0, 0.0
    for depth, (seen_short, seen_long, both) in enumerate(_overlaps(short, long), start=1):
        if depth <= len(short):
            agreement = at_end = 2 * both / (seen_short + seen_long)
        else:
            # What the short ranking does not show goes on agreeing as all of it does.
            unseen = at_end * (depth - len(short))
            agreement = 2 * (both + unseen) / (depth + seen_long)
        total += weight * agreement
        weight *= persistence
    return (1 - persistence) * total + weight * agreement


def rank_biased_overlap_interval(
    rankings: Sequence[Sequence[Ranking]], *, persistence: float = 0.9, confidence: float = 0.95
) -> Agreement:
    """Mean overlap over items of the mean over all pairs of an item's rankings, with its interval.

    `rankings` has a sequence of rankings for each item, one a rater. Items without a pair of
    rankings that are not empty are left out; `n_undefined` counts those of them that have two
    raters, `n` the pairs. The interval is Wilson's at the effective sample size of the mean. One
    item has a value and no interval.

    Raises ValueError as `rank_biased_overlap`, and for a `confidence` outside 0..1.
    """
    check_confidence(confidence)
    means, n_pairs, n_undefined = [], 0, 0
    for of_item in rankings:
        overlaps = [
            overlap
            for a, b in combinations(of_item, 2)
            if (overlap := rank_biased_overlap(a, b, persistence=persistence)) is not None
        ]
        n_pairs += len(overlaps)
        n_undefined += len(of_item) > 1 and not overlaps
        if overlaps:
            means.append(math.fsum(overlaps) / len(overlaps))
    n = len(means)
    low = high = None
    # Sums without rounding errors, so that the order of items and raters cannot be seen in them.
    value = math.fsum(means) / n if n else None
    if value is not None and n > 1:
        variance = math.fsum((mean - value) ** 2 for mean in means) / (n - 1) / n
        size = effective_size(value, variance, n)
        low, high = share_interval(value, size, n, confidence)
    return Agreement(
        measure="rank_biased_overlap",
        value=value,
        low=low,
        high=high,
        n_items=n,
        n=n_pairs,
        n_undefined=n_undefined,
        level=f"persistence {persistence:g}",
        confidence=confidence,
        reason=None if n else "no_pairs",
    )


def _depths(ranking: Ranking) -> list[list[Hashable]]:
    """For each depth of a ranking the options that come into sight there; [] inside a tie."""
    depths: list[list[Hashable]] = []
    for place in ranking:
        if isinstance(place, (set, frozenset, list, tuple)):
            options = list(dict.fromkeys(place))
            if len(options) < len(place):
                raise ValueError(f"an option stands twice in a ranking: {place!r}")
        else:
            options = [place]
        if options:
            depths += [options, *([] for _ in options[1:])]
    seen = [option for options in depths for option in options]
    if len(set(seen)) < len(seen):
        raise ValueError(f"an option stands twice in a ranking: {ranking!r}")
    return depths


def _overlaps(
    short: list[list[Hashable]], long: list[list[Hashable]]
) -> Iterator[tuple[int, int, int]]:
    """For each depth: options in sight in the short ranking, in the long one, and in both."""
    seen_short: set[Hashable] = set()
    seen_long: set[Hashable] = set()
    both = 0
    for depth, of_long in enumerate(long):
        of_short = short[depth] if depth < len(short) else []
        seen_long.update(of_long)
        both += sum(option in seen_short for option in of_long)
        seen_short.update(of_short)
        both += sum(option in seen_long for option in of_short)
        yield len(seen_short), len(seen_long), both

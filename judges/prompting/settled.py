"""When repeated answers have settled: an anytime-valid certificate that the leader is the mode.

Of two options, count only the answers that name one of them: a for the one, b for the other. If
the other is given at least as often in the long run, the share of the one is at most 1/2, and

    e(a, b) = 1/2 [b = 0] 2^n + 1/2 * 2 * integral over t in 1/2..1 of 2^n t^a (1 - t)^b,  n = a + b

is a non-negative supermartingale that starts at 1 (a bet on t, mixed over a point mass at 1 and the
uniform distribution on 1/2..1; Ville's inequality). In whole numbers the integral's term is
sum(C(n + 1, k), k <= a) / ((n + 1) C(n, a)). "The rival is the mode" is refuted at level delta once
the mean of e over all options against that rival reaches 1 / delta: the mean is again such a
supermartingale, so a wrong certificate, however often one looks, has probability at most delta.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import comb


def settled(counts: Sequence[int], delta: float) -> bool:
    """Whether the option given most often is the one that would be, asked for ever.

    `counts` are how often each option was given, those that never were included. Answers must be
    independent draws from one distribution. `delta` is the probability of a wrong certificate over
    all looks; 0 certifies nothing. One option alone is settled at its first answer.
    """
    if delta <= 0 or not any(counts):
        return False
    if len(counts) == 1:
        return True
    leader = max(range(len(counts)), key=lambda place: counts[place])
    # The strongest rival is the one given most often of the others; for it the mean is least.
    second = max((n, place) for place, n in enumerate(counts) if place != leader)[1]
    against = [evidence(n, counts[second]) for place, n in enumerate(counts) if place != second]
    return sum(sorted(against)) / len(against) >= 1 / delta


def calls_to_settle(counts: Sequence[int], delta: float, most: int) -> int:
    """The fewest further answers after which it could be settled, at most `most`; 0 if it is.

    Nothing is settled sooner than by answers that all name the leader, so as many can be asked at
    once without asking one in vain.
    """
    if settled(counts, delta):
        return 0
    so_far = list(counts)
    leader = max(range(len(so_far)), key=lambda place: so_far[place])
    for further in range(1, most):
        so_far[leader] += 1
        if settled(so_far, delta):
            return further
    return most


@lru_cache(maxsize=10_000)
def evidence(ahead: int, behind: int) -> float:
    """e(a, b) of the module's text: the e-value against "the other is given at least as often"."""
    n = ahead + behind
    mixed = sum(comb(n + 1, k) for k in range(ahead + 1)) / ((n + 1) * comb(n, ahead))
    return (mixed + (2.0**n if behind == 0 else 0.0)) / 2

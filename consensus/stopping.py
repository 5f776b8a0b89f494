"""When the repeated answers of a judge have settled: stop asking, at a stated risk.

A judge asked again may answer otherwise. Its answer is then the option it gives most often, the
mode of its answers. The certificate here says after each call whether the leading option is that
mode; however often one looks, and whenever one stops, it is wrong with probability at most delta.

Of two options, count the answers that name one of them: a for the one, b for the other. If the
other is given at least as often in the long run, the share of the one is at most 1/2, and

    e(a, b) = 1/2 [b = 0] 2^n + 1/2 * 2 * integral over t in 1/2..1 of 2^n t^a (1 - t)^b,  n = a + b

is a non-negative supermartingale that starts at 1 (a bet on t, mixed over a point mass at 1, since
a judge is mostly of one mind, and the uniform distribution on 1/2..1; Ville's inequality). "The
rival is the mode" is refuted at level delta once the mean of e over all options against that rival
reaches 1 / delta: the mean is again such a supermartingale. Sources: docs/statistics/hand-over.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Two probabilities this close are one.
_SAME = 1e-12
# A last digit of the logarithms must not decide.
_SLACK = 1e-12
# States up to which `expected_calls` goes through all of them.
_MOST_STATES = 300_000


@dataclass(frozen=True, eq=False)
class MajorityCertificate:
    """What the answers so far show, of each item: arrays of shape (n_items,).

    leader     the option given most often; -1 where none was given or the first place is tied
    certified  whether the leader is the mode, with error at most delta
    evidence   e-value against the strongest rival of the leader: how many times as much a gambler
               would have who bet on the leader against it; certified from 1 / delta. 0 where
               there is no leader
    """

    leader: NDArray[np.int64]
    certified: NDArray[np.bool_]
    evidence: NDArray[np.float64]


def majority_certificate(counts: ArrayLike, *, delta: float) -> MajorityCertificate:
    """Whether the option that was given most often is the one that would be, asked for ever.

    counts  (n_items, n_options) how often each option was given so far. Options that were never
            given belong in it too: they count as possible answers
    delta   probability of a wrong certificate of an item, over all looks at it

    Call it after each answer with the new counts and stop once certified: nothing need be carried
    over. Answers of an item must be independent draws from one distribution: same prompt, model and
    temperature. It is the judge's own mode that is certified, not the truth. Where several options
    share the first place of that distribution, each of them is a mode. Of one option alone the
    evidence is infinite once it was given.

    Raises ValueError for counts that are negative or not whole, no option, or delta outside 0..1.
    """
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie between 0 and 1, not {delta}")
    given = np.asarray(counts)
    if given.ndim != 2 or not given.shape[1]:
        raise ValueError(f"counts need a row an item and a column an option, not {given.shape}")
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise ValueError("counts must be whole numbers")
    if given.size and given.min() < 0:
        raise ValueError("counts must not be negative")
    # Sorted, so that names of options cannot matter, not even in a last digit.
    patterns, place = np.unique(-np.sort(-given, axis=1), axis=0, return_inverse=True)
    evidence = _against_second(patterns)[place]
    leader = np.where(evidence > 0, given.argmax(axis=1), -1)
    return MajorityCertificate(
        leader=leader, certified=evidence >= (1 - _SLACK) / delta, evidence=evidence
    )


def calls_to_settle(counts: Sequence[int], *, delta: float, most: int) -> int:
    """The fewest further answers after which the leader could be certified; 0 where it is.

    counts  how often each option of one item was given so far, those that never were included
    delta   as of `majority_certificate`; 0 certifies nothing
    most    the answer where no fewer could do

    Nothing is settled sooner than by answers that all name the leader, so as many can be asked at
    once without asking one in vain. Raises ValueError as `majority_certificate`.
    """
    if delta == 0:
        return most
    return min(most, _further(tuple(sorted(counts, reverse=True)), delta, most))


@dataclass(frozen=True)
class CallPlan:
    """What stopping by certificate costs and brings, of an item whose answers have given shares.

    calls      expected number of calls
    right      probability that the mode is certified
    wrong      probability that another option is certified, at most delta
    undecided  probability that after the last call nothing is
    """

    calls: float
    right: float
    wrong: float
    undecided: float


def expected_calls(shares: ArrayLike, *, delta: float, max_calls: int) -> CallPlan:
    """Exact cost of asking until `majority_certificate` stops, or `max_calls` times.

    shares  (n_options,) how often the judge gives each option; they sum to 1

    Goes through all counts that can come about. Raises ValueError for shares that are negative or
    do not sum to 1, max_calls below 1, and where there are too many counts (some 300,000: two
    options and 700 calls, three and 100, five and 25).
    """
    share = np.asarray(shares, dtype=np.float64)
    if share.ndim != 1 or not share.size or (share < 0).any() or abs(share.sum() - 1) > 1e-9:
        raise ValueError("shares must be one for each option and sum to 1")
    if max_calls < 1:
        raise ValueError(f"max_calls must be at least 1, not {max_calls}")
    if math.comb(max_calls + len(share), len(share)) > _MOST_STATES:
        raise ValueError(f"too many counts of {len(share)} options in {max_calls} calls")
    modes = share >= share.max() - _SAME
    counts = np.zeros((1, len(share)), dtype=np.int64)
    chance: NDArray[np.float64] = np.ones(1)
    calls = right = wrong = 0.0
    for _ in range(max_calls):
        calls += float(chance.sum())
        ways = (counts[:, None, :] + np.eye(len(share), dtype=np.int64)).reshape(-1, len(share))
        counts, place = np.unique(ways, axis=0, return_inverse=True)
        chance = np.bincount(place, weights=(chance[:, None] * share).ravel()).astype(np.float64)
        found = majority_certificate(counts, delta=delta)
        good = found.certified & modes[found.leader]
        right += float(chance[good].sum())
        wrong += float(chance[found.certified & ~good].sum())
        going = ~found.certified & (chance > 0)
        counts, chance = counts[going], chance[going]
        if not len(counts):
            break
    return CallPlan(calls, right, wrong, float(chance.sum()))


@lru_cache(maxsize=10_000)
def _further(ranked: tuple[int, ...], delta: float, most: int) -> int:
    """How many more for the first are enough, `most` where that many are not."""
    rows = np.tile(np.array(ranked, dtype=np.int64), (max(most, 1), 1))
    rows[:, :1] += np.arange(len(rows))[:, None]
    certified = majority_certificate(rows, delta=delta).certified
    return int(certified.argmax()) if certified.any() else most


def _against_second(ranked: NDArray[np.int64]) -> NDArray[np.float64]:
    """E-value of "the second is a mode", for counts (n, n_options) from the largest down.

    The mean over the other options of the evidence that each is given more often than it. The
    second is the strongest rival of the first: for any other each of those e-values is larger. 0
    where the first place is tied or nothing was given.
    """
    from scipy.special import logsumexp

    n_options = ranked.shape[1]
    if n_options == 1:
        return np.where(ranked[:, 0] > 0, np.inf, 0.0)
    ahead, second = (
        np.delete(ranked, 1, axis=1).astype(np.float64),
        ranked[:, 1:2].astype(np.float64),
    )
    logs = _log_better(ahead, second)
    evidence = np.exp(np.minimum(logsumexp(logs, axis=1) - math.log(n_options - 1), 700.0))
    return np.where(ranked[:, 0] > ranked[:, 1], evidence, 0.0)


def _log_better(ahead: NDArray[np.float64], behind: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of e(a, b) of the module's text."""
    from scipy.special import betainc, betaln

    a, b = ahead + 1, behind + 1
    doubled = (ahead + behind) * math.log(2)
    with np.errstate(divide="ignore"):
        above = np.log(betainc(b, a, 0.5))  # the part of Beta(a, b) above 1/2
    always = np.where(behind == 0, doubled - math.log(2), -np.inf)
    return np.asarray(np.logaddexp(always, doubled + betaln(a, b) + above))

"""How many days work will take at the pace of the last days, and between which bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from consensus.intervals import check_confidence, student_quantile

# Further ahead than this nothing is said.
_MOST_DAYS = 100_000


@dataclass(frozen=True)
class DaysToGo:
    """``days`` at the mean pace; ``low`` and ``high`` None where so few or uneven days bear none.

    ``low`` without ``high``: the work may as well never end at this pace.
    """

    days: int
    low: int | None = None
    high: int | None = None


def days_to_go(a_day: Sequence[int], left: int, *, confidence: float = 0.8) -> DaysToGo | None:
    """Days until ``left`` more are done, where ``a_day`` were done on each of the last days.

    Days count as draws from one distribution, whose variance is at least that of a Poisson count:
    in T days m T are done, give or take Student's quantile times s sqrt(T + T^2 / D), which is the
    prediction interval of a sum (G. Hahn and W. Meeker, Statistical Intervals, 1991, 4.8). The
    bounds are the first days on which the upper and the lower end reach ``left``. Needs two days
    for an interval; None where nothing was done.

    Raises ValueError for a ``confidence`` outside 0..1 or a negative ``left``.
    """
    check_confidence(confidence)
    if left < 0:
        raise ValueError(f"left must not be negative, not {left}")
    n_days = len(a_day)
    if not n_days or not sum(a_day):
        return None
    mean = fmean(a_day)
    days = math.ceil(left / mean)
    if n_days < 2:
        return DaysToGo(days)
    spread = math.sqrt(max(variance(a_day), mean))
    reach = student_quantile(confidence, n_days - 1) * spread
    low = _first_day(mean, reach, n_days, left)
    high = _first_day(mean, -reach, n_days, left)
    return DaysToGo(days, None if low is None else min(low, days), high)


def _first_day(mean: float, reach: float, n_days: int, left: int) -> int | None:
    """The first T with mean T + reach sqrt(T + T^2 / n_days) >= left, or None."""

    def done(days: int) -> float:
        return mean * days + reach * math.sqrt(days + days**2 / n_days)

    if reach < 0 and mean + reach / math.sqrt(n_days) <= 0:
        return None
    # Of the lower end the first days may go down; from there on it grows, and is sought by halves.
    most = 1
    while done(most) < left:
        most *= 2
        if most > _MOST_DAYS:
            return None
    least = most // 2
    while least + 1 < most:
        middle = (least + most) // 2
        if done(middle) < left:
            least = middle
        else:
            most = middle
    return 0 if not left else most

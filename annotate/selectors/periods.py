"""Stretches of days of one length, for figures over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

# A day, a week, four weeks, a quarter and a year of weeks: each begins on a Monday but the first.
LENGTHS = (1, 7, 28, 91, 364)
MONDAY = date(2001, 1, 1)


@dataclass(frozen=True)
class Period:
    """The days from ``since`` to ``until``, both of them in it."""

    since: date
    until: date

    def __contains__(self, day: date) -> bool:
        return self.since <= day <= self.until


def periods_between(first: date, last: date, *, most: int = 26) -> list[Period]:
    """Periods of one length, the shortest by which at most ``most`` hold all days, in order."""
    for length in LENGTHS:
        periods = _periods(first, last, length)
        if len(periods) <= most:
            return periods
    n_years = -(-len(periods) // most)
    return _periods(first, last, LENGTHS[-1] * n_years)


def _periods(first: date, last: date, length: int) -> list[Period]:
    since = first - timedelta(days=(first - MONDAY).days % length)
    n = (last - since).days // length + 1
    return [
        Period(
            since + timedelta(days=k * length),
            since + timedelta(days=(k + 1) * length - 1),
        )
        for k in range(n)
    ]

"""Numbers with digits after the point, as the reader's language writes them: 2.5, 2,5; .74, 0,74.

Whole numbers: intcomma of django.contrib.humanize.
"""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import pgettext


def decimal(value: float | Decimal, places: int) -> str:
    """Write a number, rounded to so many places, with thousands parted."""
    return number_format(f"{value:.{places}f}", force_grouping=True)


def fraction(value: float) -> str:
    """Write a number between -1 and 1 with two digits: .74, −.08, 1; what would be rounded up to 1
    is >.99.
    """
    if value >= 1:
        return "1"
    if value >= 0.995:
        return ">" + below_one("99")
    if value > -0.005:
        return below_one(f"{abs(value):.2f}"[2:])
    return "−1" if value <= -0.995 else "−" + below_one(f"{-value:.2f}"[2:])


def below_one(digits: str) -> str:
    """Write a fraction by its digits. In English without a nought before the point."""
    # Translators: a number below one, "74" for 0.74. English statistics leave the nought away.
    return pgettext("fraction", ".%(digits)s") % {"digits": digits}

"""What the reader's language writes in its own way: 2.5, 2,5; .74, 0,74; lists; full stops.

Whole numbers: intcomma of django.contrib.humanize.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

# Where a noun keeps its capital within a sentence, so that no word may be made small unseen.
CAPITAL_NOUNS = ("de",)


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


def listed(parts: Iterable[str]) -> str:
    """Write one beside the other, as the language divides them."""
    # Translators: what stands between the parts of a list.
    return pgettext("list", ", ").join(parts)


def clauses(parts: Iterable[str]) -> str:
    """Write one beside the other where a part may be a list itself."""
    # Translators: what stands between parts of a sentence that have commas themselves.
    return pgettext("list", "; ").join(parts)


def ended(sentence: str) -> str:
    """Write a sentence with its full stop."""
    return _("%(sentence)s.") % {"sentence": sentence}


def within(text: object) -> str:
    """Write the name of a choice as it stands within a sentence."""
    spoken = (get_language() or "").partition("-")[0]
    return str(text) if spoken in CAPITAL_NOUNS else str(text).lower()

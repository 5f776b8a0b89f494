"""How amounts of money are written."""

from __future__ import annotations

from decimal import Decimal


def dollars(amount: Decimal) -> str:
    """US dollars with the digits that matter: cents from ten cents on, else two digits that are not
    0. "$1,204.50", "$0.0034", "$0".
    """
    if amount == 0:
        return "$0"
    if abs(amount) >= Decimal("0.1"):
        return f"${amount:,.2f}"
    return f"${amount:.{min(8, 1 - amount.adjusted())}f}"


def dollars_plain(amount: Decimal | None) -> str:
    """As it is entered: all digits, no sign; "" for None."""
    return "" if amount is None else f"{amount.normalize():f}"

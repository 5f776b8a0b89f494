"""How a judge version asks: in one call, in several orders, several times. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Orders: TypeAlias = Literal["given", "both", "rotations"]

MOST_REPEATS = 50


@dataclass(frozen=True, slots=True)
class How:
    """``orders``: as *given*; *both*, as given and reversed; all *rotations*. ``repeats``: how
    often the same is asked.
    """

    ask: str = "direct"
    orders: Orders = "given"
    repeats: int = 1

    @property
    def is_single(self) -> bool:
        """Whether one call an item is all there is."""
        return self.orders == "given" and self.repeats == 1

    @property
    def repeats_itself(self) -> bool:
        """Whether the same words are put more than once, for answers that are independent."""
        return self.repeats > 1

    def as_dict(self) -> dict[str, object]:
        return {"ask": self.ask, "orders": self.orders, "repeats": {"most": self.repeats}}

    @classmethod
    def from_dict(cls, stored: Mapping[str, object]) -> How:
        """Read what ``as_dict`` wrote. Raises ValueError for what does not fit."""
        unknown = sorted(set(stored) - {"ask", "orders", "repeats"})
        if unknown:
            raise ValueError(f"There is no such way to ask: {', '.join(unknown)}.")
        if stored.get("ask", "direct") != "direct":
            raise ValueError("A judge is asked directly.")
        orders = stored.get("orders", "given")
        if orders not in get_args(Orders):
            raise ValueError("Options are shown as given, in both orders, or in all rotations.")
        repeats = stored.get("repeats", {"most": 1})
        most = repeats.get("most") if isinstance(repeats, Mapping) else None
        if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST_REPEATS:
            raise ValueError(f"The same is asked from 1 to {MOST_REPEATS} times.")
        return cls(orders=orders, repeats=most)  # type: ignore[arg-type]

"""Names written from right to left inside a sentence that is not, and the other way round."""

from __future__ import annotations

import unicodedata

FROM_RIGHT = {"R", "AL", "AN"}


def isolated(name: str) -> str:
    """The name within isolating marks where it needs them, so that what follows keeps its place.

    Only for names put into a sentence in Python; in a template, an element with dir="auto" does it.
    """
    if any(unicodedata.bidirectional(letter) in FROM_RIGHT for letter in name):
        return f"\u2068{name}\u2069"
    return name

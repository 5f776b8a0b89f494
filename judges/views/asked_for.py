"""What stands after the ? of an address, or in a hidden field: text by anybody."""

from __future__ import annotations


def number_of(text: str | None) -> int | None:
    """The number that a text is, such as an id; None for anything else."""
    if text and text.isascii() and text.isdecimal() and len(text) < 19:
        return int(text)
    return None

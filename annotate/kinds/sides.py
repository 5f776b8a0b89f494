"""Which of two fields a person sees first: drawn for each person and item, and never anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any


def first_of(seed: int, rater_id: int, item_id: int, settings: Mapping[str, Any]) -> str:
    """ "a" or "b": which field of a pairwise question comes first for this rater and item.

    From a hash, so that it is even over the items of each rater, cannot be guessed from the item,
    and needs no row. Two questions about the same two fields show them in the same order.
    """
    fields = f"{settings['field_a']}\n{settings['field_b']}"
    text = f"sides {seed} {rater_id} {item_id} {fields}"
    return "ab"[hashlib.blake2b(text.encode(), digest_size=1).digest()[0] & 1]

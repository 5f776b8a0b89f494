"""Vectors that are kept of texts: TextVector, by the hash of the text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from judges.models import TextVector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def text_hash(text: str) -> str:
    """SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def vectors_kept(model: str, texts: Iterable[str]) -> dict[str, NDArray[np.float32]]:
    """The vectors there are of these texts, by text. One query; at most some hundred texts."""
    import numpy as np

    by_hash = {text_hash(text): text for text in texts}
    rows = TextVector.objects.filter(model=model, text_hash__in=by_hash)
    return {
        by_hash[digest]: np.frombuffer(bytes(vector), dtype="<f4")
        for digest, vector in rows.values_list("text_hash", "vector")
    }

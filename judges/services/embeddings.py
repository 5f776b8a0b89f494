"""Vectors of texts, kept so that a text is embedded once: TextVector, by the hash of the text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
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


def vectors_keep(model: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
    """Keep vectors by text. Idempotent; safe when two runs embed the same text."""
    TextVector.objects.bulk_create(
        (
            TextVector(
                model=model, text_hash=text_hash(text), vector=vector.astype("<f4").tobytes()
            )
            for text, vector in vectors.items()
        ),
        ignore_conflicts=True,
    )

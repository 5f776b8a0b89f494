"""Vectors of texts, kept so that a text is embedded once: TextVector, by the hash of the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from judges.models import TextVector
from judges.selectors.vectors import text_hash, vectors_kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["text_hash", "vectors_keep", "vectors_kept"]


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

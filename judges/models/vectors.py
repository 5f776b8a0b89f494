"""Sentence embeddings kept, so that a text is embedded once."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class TextVector(models.Model):
    """One embedding: float32, little-endian. Keyed by the text's hash: texts stay in items."""

    model = models.CharField(max_length=50)  # name and version of the embedder
    text_hash = models.CharField(max_length=64)
    vector = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["model", "text_hash"], name="text_vector_once"),
        ]

    def __str__(self) -> str:
        return self.text_hash

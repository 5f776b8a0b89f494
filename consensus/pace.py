"""How even a person's pace is, and how often they answer faster than one can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.intervals import check_confidence

# Words a second that nobody reads with understanding. People read 4 words a second in silence, the
# fast ones 5 (M. Brysbaert, Journal of Memory and Language 109 (2019), 104047); this is twice that.
FASTEST_READING = 10.0
# Fewer answers say nothing of evenness.
MIN_ANSWERS = 30


@dataclass(frozen=True)
class Evenness:
    """How far answers take equally long: `value`, from 0 to 1, is by which part a usual quick
    answer is shorter than the median one (.5: half as long). None with fewer than
    MIN_ANSWERS.
    """

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


def evenness(
    seconds: Sequence[float], *, n_bootstrap: int = 400, confidence: float = 0.95, seed: int
) -> Evenness:
    """The spread of the times that answers took, with its bootstrap interval.

    Half the distance between the 16th and the 84th percentile of the logarithms: one standard
    deviation where they are normal, and not moved by a few long breaks. People's times spread in
    proportion to their length (E.-J. Wagenmakers and S. Brown, Psychological Review 114 (2007),
    830-841), which is why logarithms are compared. Raises ValueError for a `confidence` outside
    0..1.
    """
    check_confidence(confidence)
    logs = np.log(np.maximum(np.asarray(seconds, dtype=np.float64), 0.01))
    n = len(logs)
    if n < MIN_ANSWERS:
        return Evenness(n)
    draws = np.random.default_rng(seed).integers(n, size=(n_bootstrap, n))
    value = _spread(logs[None, :])[0]
    tail = (1 - confidence) / 2
    low, high = np.quantile(_spread(logs[draws]), [tail, 1 - tail])
    return Evenness(n, *(float(-np.expm1(-x)) for x in (value, min(low, value), max(high, value))))


def _spread(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.quantile(logs, [0.16, 0.84], axis=1)
    return np.asarray((high - low) / 2)


def faster_than_reading(seconds: Sequence[float], words: Sequence[int]) -> int:
    """How many answers took less time than anybody needs to read so many words."""
    return sum(s < n / FASTEST_READING for s, n in zip(seconds, words, strict=True))

"""How much a person's answers are like one judge's, beyond what those of other people foretell.

Who copies a judge, or has a model like it answer, agrees with it where nothing else would make them
agree: also where it is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.intervals import check_confidence

# Below this chance-corrected agreement of the other people nothing can be foretold from them.
_LEAST_COMMON = 0.1
# Resamples held in memory together.
_AT_ONCE = 50


@dataclass(frozen=True)
class Likeness:
    """Agreement of a person with a judge, as shares of `n` items.

    agree     how often both name the same class
    foretold  how often they would, from how far each agrees with other people; None where it cannot
              be told: nobody else labelled the items, no item has two others, or the others agree
              hardly more than by chance
    excess    agree - foretold, with its bootstrap interval from `low` to `high`; None as foretold
    """

    n: int
    agree: float | None = None
    foretold: float | None = None
    excess: float | None = None
    low: float | None = None
    high: float | None = None


def likeness(
    own: NDArray[np.int64],
    judge: NDArray[np.int64],
    others: NDArray[np.int64],
    *,
    n_bootstrap: int = 400,
    confidence: float = 0.95,
    seed: int,
) -> Likeness:
    """Compare a person's classes with a judge's on the same items.

    `own` and `judge`, (n_items,), are codes; `others`, (n_items, n_classes), counts the answers of
    other people. Items without any are left out.

    The model is one common factor: raters are alike through what each has in common with the truth,
    and not otherwise. Then the covariance of two raters' answers (summed over classes) is a product
    of one number for each, so that of person and judge is
    cov(person, others) * cov(judge, others) / cov(other, other): C. Spearman's correction for
    attenuation (American Journal of Psychology 15 (1904), 72-101). An expert, or a good judge, is
    no copy by it. Items that are hard for all raise all four alike.

    The interval comes from drawing whole items anew, `n_bootstrap` times. Raises ValueError for a
    `confidence` outside 0..1.
    """
    check_confidence(confidence)
    there = others.sum(axis=1) > 0
    n, n_classes = int(there.sum()), others.shape[1]
    if not n:
        return Likeness(0)
    counts = others[there].astype(np.float64)
    said = np.eye(n_classes)
    sums = _Sums(said[own[there]], said[judge[there]], counts)
    agree, foretold = sums.told(np.ones((1, n)))
    if np.isnan(foretold[0]):
        return Likeness(n, float(agree[0]))
    rng = np.random.default_rng(seed)
    excess = np.concatenate(
        [a - f for a, f in (sums.told(times) for times in _resamples(rng, n, n_bootstrap))]
    )
    excess = excess[~np.isnan(excess)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(excess, [tail, 1 - tail]) if len(excess) else (-1.0, 1.0)
    value = float(agree[0] - foretold[0])
    # A resample never shows a difference that the items do not: full agreement is not certain.
    return Likeness(
        n,
        float(agree[0]),
        float(foretold[0]),
        value,
        min(float(low), value),
        max(float(high), value),
    )


def _resamples(rng: np.random.Generator, n: int, many: int) -> Iterator[NDArray[np.float64]]:
    even = np.full(n, 1 / n)
    for start in range(0, many, _AT_ONCE):
        yield rng.multinomial(n, even, size=min(_AT_ONCE, many - start)).astype(np.float64)


class _Sums:
    """What is summed over the items, for any number of weightings of them at once."""

    def __init__(
        self, own: NDArray[np.float64], judge: NDArray[np.float64], counts: NDArray[np.float64]
    ) -> None:
        number = counts.sum(axis=1)
        shares = counts / number[:, None]
        self.voices = (own, judge, shares)
        self.together = np.stack(
            [(own * judge).sum(axis=1), (own * shares).sum(axis=1), (judge * shares).sum(axis=1)],
            axis=1,
        )
        self.several = number >= 2
        pairs = np.maximum(number * (number - 1), 1)
        self.alike = ((counts * (counts - 1)).sum(axis=1) / pairs)[self.several]
        self.shares = shares[self.several]

    def told(self, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Agreement, and agreement foretold, for each row of `times`, (n_draws, n_items)."""
        total = times.sum(axis=1, keepdims=True)
        own, judge, shares = (times @ voice / total for voice in self.voices)
        agree, own_others, judge_others = (times @ self.together / total).T
        of_several = times[:, self.several]
        number = of_several.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            alike = of_several @ self.alike / number
            middle = of_several @ self.shares / number[:, None]
            chance = (middle**2).sum(axis=1)
            common = alike - chance
            product = (own_others - (own * shares).sum(axis=1)) * (
                judge_others - (judge * shares).sum(axis=1)
            )
            foretold = (own * judge).sum(axis=1) + product / common
            defined = common > _LEAST_COMMON * (1 - chance)
        return agree, np.where(defined, np.clip(foretold, 0, 1), np.nan)

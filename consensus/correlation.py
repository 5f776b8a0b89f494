"""How voices vary together, and what of it one common cause explains.

Two voices' correlation is the sum over classes of the covariances of their shares, over the roots
of their own sums of variances: 1 where both always say the same, 0 where they agree as often as
chance would have it. The formulas are in docs/statistics/correlated-judges.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.pooled import Votes

# Two voices with fewer items in common are not compared.
_MIN_SHARED = 3
# Correlations are drawn towards 0 as by this many further items on which the two are unrelated:
# two voices that agree on all of ten items may yet differ on the eleventh. (Wilson's interval adds
# as many.)
_CAUTION = 4
# With a loading of 1 nothing would be left to be shared beyond it.
_MAX_LOADING = 0.999
_MAX_ROUNDS = 2000


@dataclass(frozen=True, eq=False)
class Correlation:
    """Correlations of voices; all arrays (n_voices, n_voices) but the last.

    value    1 on the diagonal; NaN where two voices share too few items, or one of them says the
             same of every item
    noise    variance of `value` from the sampling of items; NaN as there
    shared   number of items of both
    spread   (n_voices,): root of the sum over classes of the variances of a voice's shares
    """

    value: NDArray[np.float64]
    noise: NDArray[np.float64]
    shared: NDArray[np.float64]
    spread: NDArray[np.float64]


def correlations(votes: Votes) -> Correlation:
    """Correlation of each two voices over the items that both speak of."""
    n_voices, n_classes = votes.n_voices, votes.n_classes
    number = np.maximum(np.asarray(votes.spoke.sum(axis=0)).ravel(), 1)
    means = np.asarray(votes.shares.sum(axis=0)).reshape(n_voices, n_classes) / number[:, None]
    squared = votes.shares.power(2).sum(axis=0)
    variances = np.asarray(squared).reshape(n_voices, n_classes) / number[:, None] - means**2
    spread = np.sqrt(np.maximum(variances.sum(axis=1), 0))
    shared = votes.spoke.T @ votes.spoke
    shared = np.asarray(shared.toarray(), dtype=np.float64)

    centre = means @ means.T
    first, second = np.zeros_like(centre), np.zeros_like(centre)
    by_class = [votes.shares[:, c::n_classes].tocsc() for c in range(n_classes)]
    for c in range(n_classes):
        for k in range(n_classes):
            # The first voice said c, the second k: the product of their shares less the means.
            product = float(c == k) - means[:, [k]] - means[:, c] + centre
            times = (by_class[c].T @ by_class[k]).toarray()
            first += times * product
            second += times * product**2
    n = np.maximum(shared, 1)
    first, second = first / n, second / n
    scale = spread[:, None] * spread
    defined = (shared >= _MIN_SHARED) & (scale > 1e-9)
    value, noise = np.full_like(scale, np.nan), np.full_like(scale, np.nan)
    np.divide(first, scale, out=value, where=defined)
    value = np.clip(np.round(value, 12), -1, 1) * shared / (shared + _CAUTION)
    np.divide(second - first**2, scale**2, out=noise, where=defined)
    # Voices that never differed are not known without error: as for two normal variables then.
    noise = np.maximum(noise, (1 - value**2) ** 2) / n
    np.fill_diagonal(value, 1.0)
    return Correlation(value, noise, shared, spread)


@dataclass(frozen=True, eq=False)
class Loadings:
    """What all voices have in common, by the voices' correlations with it.

    value     (n_voices,), -1 to 1; NaN for a voice that could be compared with none
    variance  (n_voices,) of `value`, given those of the others; inf or NaN where unknown
    """

    value: NDArray[np.float64]
    variance: NDArray[np.float64]


def loadings(found: Correlation, blocks: NDArray[np.integer[Any]]) -> Loadings:
    """One common factor: correlation[a, b] = loading[a] * loading[b] for voices of two blocks.

    `blocks`, (n_voices,), says which voices may have more in common than that; pairs within a block
    are left out. Least squares, weighted by the items shared. The factor points where the sum of
    the loadings is positive.
    """
    usable = ~np.isnan(found.value) & (blocks[:, None] != blocks)
    weight = np.where(usable, found.shared, 0.0)
    value = np.where(usable, found.value, 0.0)
    compared = usable.any(axis=1)
    loading = np.where(compared, 0.5, 0.0)
    weighted = weight * value
    for _ in range(_MAX_ROUNDS):
        above, below = weighted @ loading, weight @ loading**2
        best = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
        # Half the way: two voices alone would else exchange their loadings for ever.
        new = np.clip((loading + best) / 2, -_MAX_LOADING, _MAX_LOADING)
        moved = float(np.abs(new - loading).max(initial=0.0))
        loading = new
        if moved < 1e-10:
            break
    below = weight @ loading**2
    variance = np.full(len(loading), np.inf)
    noise = np.where(usable, found.noise, 0.0)
    np.divide((weight**2 * noise) @ loading**2, below**2, out=variance, where=below > 1e-12)
    if loading.sum() < 0:
        loading = -loading
    return Loadings(np.where(compared, loading, np.nan), np.where(compared, variance, np.nan))

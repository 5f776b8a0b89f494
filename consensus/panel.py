"""The verdict of judges without gold: one vote a family, weighed by agreement with the others.

The formulas are in docs/statistics/correlated-judges.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.correlation import correlations, loadings
from consensus.families import Families
from consensus.pooled import Votes, pooled_votes
from consensus.support import Support, agreement_support
from consensus.table import LabelTable
from consensus.votes import POSTERIOR_DECIMALS, has_votes

# A voice whose loading comes out higher is weighed as with this one: few items give loadings of 1,
# and one voice would have all the weight.
_MAX_LOADING = 0.95
# Evidence is not scaled up beyond this: there agreement is total.
_MAX_SCALE = 100.0


@dataclass(frozen=True, eq=False)
class Panel:
    """What the judges say together.

    posterior  (n_items, n_classes): a row sums to 1, or is all zero where no judge spoke
    votes      the voices' votes
    weights    (n_voices,): how much the vote of each counts; they sum to 1
    support    what their agreement supports; the mean of the posteriors' largest is no more
    """

    posterior: NDArray[np.float64]
    votes: Votes
    weights: NDArray[np.float64]
    support: Support


def judge_panel(table: LabelTable, families: Families) -> Panel:
    """The verdict of all raters of the table, none of them taken to be independent beforehand.

    Each voice of `families` has one vote an item, weighed by its loading on what the voices have in
    common. The weighed sum is turned into probabilities whose mean confidence is what the agreement
    of the voices supports, and not more.
    """
    votes = pooled_votes(table, families.voices)
    weights = voice_weights(votes)
    support = agreement_support(table, families)
    each = np.kron(weights[:, None], np.eye(table.n_classes))
    sums = np.asarray(votes.shares @ each)
    return Panel(_tempered(sums, support.claim), votes, weights, support)


def voice_weights(votes: Votes) -> NDArray[np.float64]:
    """How much each voice should count, (n_voices,), summing to 1.

    The weights of the factor score: loading / (1 - loading^2), over the voice's spread. A voice
    that goes against the others counts nothing, instead of being read backwards. Where no voice
    agrees with the others all count the same.
    """
    found = correlations(votes)
    common = loadings(found, np.arange(votes.n_voices))
    a = np.nan_to_num(common.value)
    variance = np.where(np.isfinite(common.variance), common.variance, 1.0)
    # Drawn towards 0 by its own error (James and Stein's positive part).
    a *= np.maximum(1 - variance / np.maximum(a**2, 1e-12), 0)
    a = np.clip(a, 0, _MAX_LOADING)
    weights = a / (1 - a**2) / np.maximum(found.spread, 1e-9)
    total = weights.sum()
    if total <= 0:
        return np.full(votes.n_voices, 1 / max(votes.n_voices, 1))
    return np.asarray(weights / total)


def _tempered(sums: NDArray[np.float64], claim: float) -> NDArray[np.float64]:
    """Softmax of the sums of votes, scaled so that the mean of the largest is `claim` or less."""
    from scipy.optimize import brentq

    spoken = has_votes(sums)
    rows = sums[spoken] - sums[spoken].max(axis=1, keepdims=True) if spoken.any() else sums[:0]

    def excess(scale: float) -> float:
        return float((1 / np.exp(scale * rows).sum(axis=1)).mean()) - claim

    posterior = np.zeros_like(sums)
    if len(rows):
        scale = (
            _MAX_SCALE if excess(_MAX_SCALE) <= 0 else brentq(excess, 0.0, _MAX_SCALE, xtol=1e-12)
        )
        found = np.exp(scale * rows)
        posterior[spoken] = np.round(found / found.sum(axis=1, keepdims=True), POSTERIOR_DECIMALS)
    return posterior

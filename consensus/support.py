"""What the agreement of judges can support, without gold.

Agreement cannot tell truth from a shared mistake. What it can bear is stated under one premise: the
truth is no nearer to the judges than they are to each other. The formulas are in
docs/statistics/correlated-judges.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from consensus.correlation import correlations
from consensus.families import Families
from consensus.intervals import proportion_interval
from consensus.meanings import percent
from consensus.pooled import Votes, pooled_votes
from consensus.table import LabelTable

# How far a lone rater is believed, as by the prior of iBCC: 4 right to 1 for each wrong class.
_PRIOR_RIGHT = 4.0
# A claim stays above an even guess by this part of the way to certainty: else there is no choice.
_LEAST = 1e-3
_TWO_SIDED = 0.9  # of which the lower end is a one-sided 95 %


@dataclass(frozen=True)
class Support:
    """How much confidence the agreement of voices can support.

    n_raters    raters with labels
    n_voices    what is left of them when near-copies have one voice together
    agreement   mean over pairs of voices of how often they say the same of an item; None where no
                two voices share one
    low         lower end of its one-sided 95 % interval, over items and voices; None as there
    effective   how many independent raters the raters amount to; None as there
    claim       mean confidence that may be stated: `low`, if above an even guess; for a lone voice
                what the prior believes of any rater
    """

    n_raters: int
    n_voices: int
    agreement: float | None
    low: float | None
    effective: float | None
    claim: float

    @property
    def sentence(self) -> str:
        """What the numbers mean, in plain English."""
        judges = "1 judge" if self.n_raters == 1 else f"{self.n_raters} judges"
        if self.agreement is None or self.effective is None:
            if self.n_raters == 0:
                return "No judge has labelled anything."
            return (
                f"{judges}, but no two independent voices on one item: nothing bears them out, and "
                f"they are believed as any rater is beforehand, {percent(self.claim)} on average."
            )
        return (
            f"{judges}, {self.n_voices} voices: they weigh as much as about {self.effective:.1f} "
            f"independent raters. Two voices agree on {percent(self.agreement)} of the items, "
            f"which supports a mean confidence of at most {percent(self.claim)}. Whether what they "
            f"share is true, only gold or people's labels can tell."
        )


def agreement_support(table: LabelTable, families: Families) -> Support:
    """What the labels of all raters of the table, in the voices of `families`, can support."""
    votes = pooled_votes(table, families.voices)
    n_raters = int((families.voices >= 0).sum())
    shared = votes.spoke.T @ votes.spoke
    shared = np.asarray(shared.toarray(), dtype=np.float64)
    pairs = shared > 0
    np.fill_diagonal(pairs, val=False)
    if not pairs.any():
        prior = _PRIOR_RIGHT / (_PRIOR_RIGHT + table.n_classes - 1)
        return Support(n_raters, votes.n_voices, None, None, None, prior)
    same = np.zeros_like(shared)
    for c in range(table.n_classes):
        of_class = votes.shares[:, c :: table.n_classes].tocsc()
        same += (of_class.T @ of_class).toarray()
    agreed = np.where(pairs, same / np.maximum(shared, 1), np.nan)
    agreement = float(np.nanmean(agreed))
    low = _lower_end(votes, agreed, agreement)
    guess = (1 + _LEAST * (table.n_classes - 1)) / table.n_classes
    return Support(
        n_raters=n_raters,
        n_voices=votes.n_voices,
        agreement=agreement,
        low=low,
        effective=_effective(table, families),
        claim=max(low, guess),
    )


def _lower_end(votes: Votes, agreed: NDArray[np.float64], agreement: float) -> float:
    """One-sided 95 % lower end of the mean agreement.

    Items vary, and so do voices: another judge would agree more or less with these. The variance
    over voices is the jackknife's, each voice left out in turn with all its pairs.
    """
    each = np.asarray(votes.spoke.sum(axis=1)).ravel()
    classes = np.tile(np.eye(votes.n_classes), (votes.n_voices, 1))
    sums = np.asarray(votes.shares @ classes)
    own = np.asarray(votes.shares.power(2).sum(axis=1)).ravel()
    several = each > 1
    each = each[several]
    by_item = ((sums[several] ** 2).sum(axis=1) - own[several]) / (each * (each - 1))
    n_items = len(by_item)
    variance = float(by_item.var(ddof=1)) / n_items if n_items > 1 else 0.0
    if votes.n_voices > 2:
        total, pairs = np.nansum(agreed), (~np.isnan(agreed)).sum()
        rest = pairs - 2 * (~np.isnan(agreed)).sum(axis=1)
        without = (total - 2 * np.nansum(agreed, axis=1))[rest > 0] / rest[rest > 0]
        n = len(without)
        variance += (n - 1) / n * float(((without - without.mean()) ** 2).sum())
    delta = agreement - NormalDist().inv_cdf(0.5 + _TWO_SIDED / 2) * variance**0.5
    # Full agreement has no variance, but few items do not make it certain.
    wilson, _ = proportion_interval(round(agreement * n_items), n_items, _TWO_SIDED)
    return float(max(min(delta, wilson), 0.0))


def _effective(table: LabelTable, families: Families) -> float:
    """Kish's number of independent raters, if each is to the truth as to the other voices."""
    raters = np.flatnonzero(families.voices >= 0)
    places = np.full(table.n_raters, -1)
    places[raters] = np.arange(len(raters))
    value = np.nan_to_num(correlations(pooled_votes(table, places)).value)
    voices = families.voices[raters]
    of_voice = (voices[:, None] == np.arange(families.n_voices)).astype(np.float64)
    by_voice = value @ (of_voice / of_voice.sum(axis=0))
    others = families.n_voices - 1
    truth = (by_voice.sum(axis=1) - by_voice[np.arange(len(raters)), voices]) / others
    explained = np.clip(np.outer(truth, truth), 0, 0.999)
    shared = np.clip((value - explained) / (1 - explained), 0, 1)
    np.fill_diagonal(shared, 1.0)
    return float(len(raters) ** 2 / shared.sum())

"""Majority vote in which raters weigh differently."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from consensus.blocks import Blocks
from consensus.estimate import ClassEstimate
from consensus.table import LabelTable
from consensus.votes import choose, has_votes


def weighted_majority(table: LabelTable, *, weights: ArrayLike) -> ClassEstimate:
    """Each item gets the class whose labels weigh most; a label of rater r weighs `weights[r]`.

    `posterior` holds the shares of the weight. Ties are reported, as by `majority`. An item whose
    labels weigh nothing is like one without labels. Nothing is learnt: no abilities, and gold is
    not heeded.

    Raises ValueError unless `weights` is (n_raters,), finite and not negative.
    """
    weight = np.asarray(weights, dtype=np.float64)
    if weight.shape != (table.n_raters,):
        raise ValueError(f"weights must have shape ({table.n_raters},), not {weight.shape}")
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise ValueError("weights must be finite and not negative")
    blocks = Blocks(replace(table, gold=None))
    blocks.vote(weight)
    choice, tied = choose(blocks.posterior, has_votes(blocks.posterior))
    return ClassEstimate(
        method="weighted_majority", posterior=blocks.posterior, choice=choice, tied=tied
    )

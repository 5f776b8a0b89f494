"""Wawa: a majority vote weighted by each rater's agreement with the plain majority."""

from __future__ import annotations

import numpy as np

from consensus.ability import share_right, wilson_intervals
from consensus.blocks import Blocks
from consensus.estimate import ClassEstimate
from consensus.table import LabelTable
from consensus.votes import choose, first_places, has_votes


def wawa(table: LabelTable) -> ClassEstimate:
    """Worker agreement with the aggregate: one majority vote gives the weights of a second one.

    `ability` is that weight: the share of a rater's labels that name the majority's class, the
    rater's own votes among it; a first place shared by m classes counts 1/m. Items with gold keep
    it in both votes. `posterior` holds the shares of the weight; ties are reported. Where all
    raters of an item weigh nothing, its row is zero.
    """
    blocks = Blocks(table)
    votes = blocks.posterior.copy()
    blocks.posterior[...] = first_places(votes)
    counts = blocks.expected().counts
    n = counts.sum(axis=(1, 2)).round()
    right = np.einsum("rcc->r", counts)
    ability = share_right(right, n)
    blocks.vote(np.nan_to_num(ability))
    choice, tied = choose(blocks.posterior, has_votes(blocks.posterior))
    return ClassEstimate(
        method="wawa",
        posterior=blocks.posterior,
        choice=choice,
        tied=tied,
        ability=ability,
        ability_interval=wilson_intervals(right, n),
    )

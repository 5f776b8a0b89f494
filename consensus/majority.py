"""Majority vote."""

from __future__ import annotations

from consensus.estimate import ClassEstimate
from consensus.table import LabelTable
from consensus.votes import choose, has_votes, vote_shares


def majority(table: LabelTable) -> ClassEstimate:
    """Each item gets the class named most often; every label counts the same.

    `posterior` holds the shares of the votes. The tie policy is "report": a tied item has `tied`
    set and `choice` -1. Ties are never broken by the order of raters or rows.
    """
    shares = vote_shares(table)
    choice, tied = choose(shares, has_votes(shares))
    return ClassEstimate(
        method="majority",
        posterior=shares,
        choice=choice,
        tied=tied,
        confusion=None,
        ability=None,
        iterations=0,
        converged=True,
        log_likelihood=None,
    )

"""Families of near-copies among raters, found without gold.

Near-copies agree with each other beyond what their agreement with the rest explains. The rule has
no setting; why its limit is one half is shown in docs/statistics/correlated-judges.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consensus.correlation import Correlation, correlations, loadings
from consensus.pooled import pooled_votes
from consensus.table import LabelTable
from consensus.votes import TIE_WIDTH

# Of what the others do not explain, near-copies share more than half: two of them are then worth
# less than 4/3 raters (Kish), nearer to one than to two.
LIMIT = 0.5
# The lower end of the estimate must still be half of that.
_LOWEST = LIMIT / 2
_DOUBT = 0.05


@dataclass(frozen=True, eq=False)
class Families:
    """Which raters are near-copies of each other.

    numbers   (n_raters,): raters of one family share a number from 0; -1 is a rater on its own
    voices    (n_raters,): raters with one number, from 0, have one vote together: families, and a
              group that may be one (see below); -1 without labels
    n_voices  how many votes there are: what is left to be independent
    excess    for each family, how much of what the others do not explain its members share, 0 to 1:
              1 for exact copies; None where the family was declared and cannot be measured
    doubtful  (n_raters,) bool: a group that cannot be tested, since all others are one family and
              so a single voice, but whose members agree with each other far more than with it. They
              have one vote together, but are not called a family
    testable  whether there are three voices or more. With fewer, copies and good raters look alike
    """

    numbers: NDArray[np.int32]
    voices: NDArray[np.int64]
    n_voices: int
    excess: tuple[float | None, ...]
    doubtful: NDArray[np.bool_]
    testable: bool


class _Node(NamedTuple):
    """A group that might be a family: its members, and which of the groups it was joined from
    each of them belongs to."""

    members: NDArray[np.int64]
    parts: NDArray[np.int64]


class _Excess(NamedTuple):
    """Agreement of a group's parts beyond what the others explain: its mean with standard error,
    and for each part with the rest."""

    mean: float
    error: float
    by_part: NDArray[np.float64]
    error_by_part: NDArray[np.float64]


def detect_families(table: LabelTable) -> Families:
    """The families that the table declares, joined by those that its labels show.

    Uses neither gold nor names, and treats people and judges alike. Time and memory grow with the
    square of the number of raters.
    """
    labelled = np.bincount(table.raters, minlength=table.n_raters) > 0
    alone = np.arange(table.n_raters) + table.n_raters
    blocks = (
        alone if table.families is None else np.where(table.families >= 0, table.families, alone)
    )
    raters = np.flatnonzero(labelled)
    places = np.full(table.n_raters, -1)
    places[raters] = np.arange(len(raters))
    found = correlations(pooled_votes(table, places))
    start = np.unique(blocks[raters], return_inverse=True)[1].astype(np.int64)
    nodes = _candidates(found.value, start)
    # As many are tried as there are candidates: the more, the surer each must be.
    normal = NormalDist().inv_cdf(1 - _DOUBT / max(len(nodes), 1))
    accepted = _accepted(found, start, nodes, normal)
    final = _joined(start, accepted)
    doubtful = _doubtful(found, accepted, nodes)

    family = _in_order(final)
    sizes = np.bincount(family, minlength=1)
    shared = np.flatnonzero(sizes > 1)
    numbers = np.full(table.n_raters, -1, dtype=np.int32)
    for number, which in enumerate(shared):
        numbers[raters[family == which]] = number
    voices = np.full(table.n_raters, -1, dtype=np.int64)
    voices[raters] = _in_order(_joined(final, doubtful))
    in_doubt = np.zeros(table.n_raters, dtype=np.bool_)
    for node in doubtful:
        in_doubt[raters[node.members]] = True
    return Families(
        numbers=numbers,
        voices=voices,
        n_voices=int(voices.max(initial=-1)) + 1,
        excess=tuple(_reported(found, final, np.flatnonzero(family == f)) for f in shared),
        doubtful=in_doubt,
        testable=len(np.unique(start)) > 2,
    )


def _accepted(
    found: Correlation, start: NDArray[np.int64], nodes: list[_Node], normal: float
) -> list[_Node]:
    """The groups that are families, none within another."""
    accepted: list[_Node] = []
    # The most alike first. Two groups that know little of each other explain each other's excess
    # equally well, whichever of them is the family: copies are the more alike. After each success
    # again from the start, since more is known of the others then.
    found_one = True
    while found_one:
        found_one = False
        blocks = _joined(start, accepted)
        for node in nodes:
            if len(np.unique(blocks[node.members])) > 1 and _is_family(
                _excess(found, blocks, node), normal
            ):
                outside = [a for a in accepted if not np.isin(a.members, node.members).any()]
                accepted = [*outside, node]
                found_one = True
                break
    # What was accepted early was held against raters that have since become one family. Where that
    # leaves a single voice to hold it against, nothing more can be said, and it stays.
    kept = []
    for node in accepted:
        others = _joined(start, [a for a in accepted if a is not node])
        again = _excess(found, others, node)
        if again is None or _is_family(again, normal):
            kept.append(node)
    return kept


def _candidates(value: NDArray[np.float64], start: NDArray[np.int64]) -> list[_Node]:
    """Groups whose parts are alike by more than the limit, the most alike first.

    Groups are joined by their mean correlation (average linkage). No excess can be more than the
    correlation, so that groups less alike need not be tried. Groups that are equally alike are
    joined at once, so that the order of raters decides nothing.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    similar = np.where(np.isnan(value), 0.0, value)
    groups = [np.flatnonzero(start == block) for block in np.unique(start)]
    nodes = []
    while len(groups) > 1:
        member = np.zeros((len(groups), len(value)))
        for at, group in enumerate(groups):
            member[at, group] = 1 / len(group)
        mean = member @ similar @ member.T
        np.fill_diagonal(mean, -np.inf)
        top = mean.max()
        if top <= LIMIT:
            break
        _, joins = connected_components(csr_array(mean >= top - TIE_WIDTH), directed=False)
        following = []
        for join in range(joins.max() + 1):
            parts = [groups[at] for at in np.flatnonzero(joins == join)]
            group = np.concatenate(parts)
            if len(parts) > 1:
                part = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
                nodes.append(_Node(group, part))
            following.append(group)
        groups = following
    return nodes


def _is_family(excess: _Excess | None, normal: float) -> bool:
    if excess is None:
        return False
    fits = excess.by_part + NormalDist().inv_cdf(1 - _DOUBT) * excess.error_by_part > LIMIT
    return bool(
        excess.mean > LIMIT and excess.mean - normal * excess.error > _LOWEST and fits.all()
    )


def _excess(found: Correlation, blocks: NDArray[np.int64], node: _Node) -> _Excess | None:
    """How far the parts of a group agree beyond what the raters outside explain; None: unknown.

    Two blocks outside are needed: with one, a factor fits anything.
    """
    inside = np.isin(blocks, np.unique(blocks[node.members]))
    apart = np.where(inside, blocks[node.members].min(), blocks)
    outside = np.flatnonzero(~inside)
    if len(np.unique(blocks[outside])) < 2:
        return None
    loading = loadings(found, apart)
    # The scale of all loadings rests on the pairs outside.
    pairs = np.ix_(outside, outside)
    usable = (apart[outside][:, None] != apart[outside]) & ~np.isnan(found.value[pairs])
    own = loading.value[outside]
    known = float(((own[:, None] * own) ** 2 / found.noise[pairs])[usable].sum()) / 2
    members = node.members
    return _beyond(
        found, node, loading.value[members], loading.variance[members], 1 / max(known, 1e-12)
    )


def _doubtful(found: Correlation, accepted: list[_Node], nodes: list[_Node]) -> list[_Node]:
    """The group of all raters outside the only family, if they may be a family just as well.

    The family is a single voice, and is taken to be as good as they are. Caution asks for no proof:
    the estimate is enough.
    """
    if len(accepted) != 1:
        return []
    outside = accepted[0].members
    for node in nodes:
        if (
            len(node.members) + len(outside) == len(found.value)
            and not np.isin(node.members, outside).any()
        ):
            with_it = np.nan_to_num(found.value[np.ix_(node.members, outside)]).mean(axis=1)
            nothing = np.zeros(len(node.members))
            excess = _beyond(found, node, np.sqrt(np.maximum(with_it, 0)), nothing, 0.0)
            if excess is not None and excess.mean > LIMIT:
                return [node]
    return []


def _beyond(
    found: Correlation,
    node: _Node,
    loading: NDArray[np.float64],
    variance: NDArray[np.float64],
    scale: float,
) -> _Excess | None:
    """Agreement of the parts beyond what loadings of these variances explain.

    `scale` is the relative variance that all products of two loadings have in common.
    """
    explained = loading[:, None] * loading
    pairs = np.ix_(node.members, node.members)
    excess = (found.value[pairs] - explained) / (1 - explained)
    noise = found.noise[pairs] + scale * explained**2
    noise += loading[:, None] ** 2 * variance + loading**2 * variance[:, None]
    noise /= (1 - explained) ** 2
    usable = (node.parts[:, None] != node.parts) & ~np.isnan(excess) & np.isfinite(noise)
    part = (node.parts[:, None] == np.unique(node.parts)).astype(np.float64)
    count = part.T @ usable.sum(axis=1)
    if not count.all():
        return None
    excess, noise = np.where(usable, excess, 0.0), np.where(usable, noise, 0.0)
    # Pairs share raters, so averaging over them is not taken to lessen the error.
    return _Excess(
        mean=float(excess.sum() / usable.sum()),
        error=float(np.sqrt(noise.sum() / usable.sum())),
        by_part=(part.T @ excess.sum(axis=1)) / count,
        error_by_part=np.sqrt((part.T @ noise.sum(axis=1)) / count),
    )


def _reported(
    found: Correlation, blocks: NDArray[np.int64], members: NDArray[np.int64]
) -> float | None:
    node = _Node(members, np.arange(len(members)))
    excess = _excess(found, blocks, node)
    return None if excess is None else min(max(excess.mean, 0.0), 1.0)


def _joined(start: NDArray[np.int64], nodes: list[_Node]) -> NDArray[np.int64]:
    blocks = start.copy()
    for node in nodes:
        blocks[node.members] = blocks[node.members].min()
    return blocks


def _in_order(blocks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Blocks numbered from 0 in the order of their first members."""
    _, first, inverse = np.unique(blocks, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)

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

# Of what the common cause leaves open, near-copies share more than half. Independent raters stay
# below it even where many copies of somebody else pass for the common cause.
LIMIT = 0.5
# The lower end of the estimate must still be half of that.
_LOWEST = LIMIT / 2
_DOUBT = 0.05


@dataclass(frozen=True, eq=False)
class Families:
    """Which raters are near-copies of each other.

    numbers   (n_raters,): raters of one family share a number from 0; -1 is a rater on its own
    voices    (n_raters,): families and raters on their own, numbered from 0; -1 without labels
    n_voices  how many there are: what is left to be independent
    excess    for each family, how much of what the others do not explain its members share, 0 to 1:
              1 for exact copies; None where the family was declared and cannot be measured
    testable  whether there are three voices or more. With fewer, copies and good raters look alike
    """

    numbers: NDArray[np.int32]
    voices: NDArray[np.int64]
    n_voices: int
    excess: tuple[float | None, ...]
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
    final = _joined(start, _accepted(found, start))

    voices = np.full(table.n_raters, -1, dtype=np.int64)
    voices[raters] = _in_order(final)
    sizes = np.bincount(voices[raters], minlength=1)
    shared = [voice for voice in range(len(sizes)) if sizes[voice] > 1]
    numbers = np.full(table.n_raters, -1, dtype=np.int32)
    for number, voice in enumerate(shared):
        numbers[voices == voice] = number
    return Families(
        numbers=numbers,
        voices=voices,
        n_voices=int(voices.max(initial=-1)) + 1,
        excess=tuple(_reported(found, final, places[voices == voice]) for voice in shared),
        testable=len(np.unique(start)) > 2,
    )


def _accepted(found: Correlation, start: NDArray[np.int64]) -> list[_Node]:
    """The groups that are families, none within another."""
    candidates = [node for node in _candidates(found.value, start) if _alike(found.value, node)]
    if not candidates:
        return []
    # As many are tried as there are candidates: the more, the surer each must be.
    normal = NormalDist().inv_cdf(1 - _DOUBT / len(candidates))
    accepted: list[_Node] = []
    # The largest first: while half of a family still stands outside, the half within it looks as if
    # the rest explained it. After each success from the start, since more is known of the others.
    found_one = True
    while found_one:
        found_one = False
        blocks = _joined(start, accepted)
        for node in candidates:
            if len(np.unique(blocks[node.members])) > 1 and _is_family(
                _excess(found, blocks, node, fallback=bool(accepted)), normal
            ):
                inside = [a for a in accepted if not np.isin(a.members, node.members).any()]
                accepted = [*inside, node]
                found_one = True
                break
    # What was accepted early was held against raters that have since become one family.
    return [
        node
        for node in accepted
        if _is_family(
            _excess(
                found,
                _joined(start, [a for a in accepted if a is not node]),
                node,
                fallback=len(accepted) > 1,
            ),
            normal,
        )
    ]


def _candidates(value: NDArray[np.float64], start: NDArray[np.int64]) -> list[_Node]:
    """Groups joined by mean correlation, most alike first; listed the largest first.

    Groups that are equally alike are joined at once, so that the order of raters decides nothing.
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
    return sorted(nodes, key=lambda node: -len(node.members))


def _alike(value: NDArray[np.float64], node: _Node) -> bool:
    """Whether its parts are alike enough at all: no excess can be more than the correlation."""
    pairs = value[np.ix_(node.members, node.members)]
    across = (node.parts[:, None] != node.parts) & ~np.isnan(pairs)
    return bool(across.any()) and float(pairs[across].mean()) > LIMIT


def _is_family(excess: _Excess | None, normal: float) -> bool:
    if excess is None:
        return False
    fits = excess.by_part + NormalDist().inv_cdf(1 - _DOUBT) * excess.error_by_part > LIMIT
    return bool(
        excess.mean > LIMIT and excess.mean - normal * excess.error > _LOWEST and fits.all()
    )


def _excess(
    found: Correlation, blocks: NDArray[np.int64], node: _Node, *, fallback: bool
) -> _Excess | None:
    """How far the parts of a group agree beyond what the raters outside explain; None: unknown.

    Two blocks outside are needed: with one, a factor fits anything. If `fallback`, one outside is
    taken to be as good as the group.
    """
    inside = np.isin(blocks, np.unique(blocks[node.members]))
    apart = np.where(inside, blocks[node.members].min(), blocks)
    outside = np.flatnonzero(~inside)
    n_outside = len(np.unique(blocks[outside]))
    members = node.members
    if n_outside >= 2:
        loading = loadings(found, apart)
        a, v = loading.value[members], loading.variance[members]
        # The scale of all loadings rests on the pairs outside.
        b = loading.value[outside]
        usable = apart[outside][:, None] != apart[outside]
        pairs = np.ix_(outside, outside)
        usable &= ~np.isnan(found.value[pairs])
        known = ((b[:, None] * b) ** 2 / found.noise[pairs])[usable].sum() / 2
        scale = 1 / max(float(known), 1e-12)
    elif n_outside == 1 and fallback:
        with_one = found.value[np.ix_(members, outside)].mean(axis=1)
        a = np.sqrt(np.maximum(with_one, 0))
        noise = found.noise[np.ix_(members, outside)].mean(axis=1)
        v = noise / (4 * np.maximum(with_one, 0.05))
        scale = 0.0
    else:
        return None
    explained = a[:, None] * a
    pairs = np.ix_(members, members)
    excess = (found.value[pairs] - explained) / (1 - explained)
    noise = found.noise[pairs] + a[:, None] ** 2 * v + a**2 * v[:, None] + scale * explained**2
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
    excess = _excess(found, blocks, node, fallback=True)
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

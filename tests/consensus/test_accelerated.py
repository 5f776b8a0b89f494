"""A slow EM by hand: the share of two known normals, which overlap."""

from __future__ import annotations

import numpy as np
import pytest

from consensus.accelerated import climb

SEEN = np.random.default_rng(1).normal(size=400) + 0.5 * (np.arange(400) < 120)
HERE, THERE = np.exp(-(SEEN**2) / 2), np.exp(-((SEEN - 0.5) ** 2) / 2)


def expected(share):
    both = (1 - share[0]) * HERE + share[0] * THERE
    return share[0] * THERE / both, float(np.log(both).sum())


def improved(_share, belongs):
    return np.array([belongs.mean()])


def climbed(unpacked, n=2000):
    return climb(
        np.array([0.9]),
        expected,
        improved,
        packed=lambda share: share,
        unpacked=unpacked,
        max_iterations=n,
        least_gain=1e-10,
    )


def within(share):
    return share if 0 < share[0] < 1 else None


def test_the_jump_leads_to_the_same_maximum_in_far_fewer_rounds():
    plain, slow, ended = climbed(lambda _share: None)
    share, trace, converged = climbed(within)
    assert ended
    assert converged
    # Nothing near is better.
    for other in (share - 1e-3, share + 1e-3):
        assert expected(other)[1] < trace[-1]
    assert share == pytest.approx(plain, abs=2e-3)
    assert trace[-1] >= slow[-1] - 1e-9
    assert len(trace) < len(slow) / 4


def test_the_objective_never_falls_wherever_a_jump_would_go():
    def anywhere(share):
        return np.clip(share * 1.7, 0.01, 0.99)

    _, trace, _ = climbed(anywhere)
    assert (np.diff(trace) > 0).all()


def test_it_stops_after_so_many_rounds():
    _, trace, converged = climbed(within, n=3)
    assert (len(trace), converged) == (3, False)

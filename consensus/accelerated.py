"""EM whose rounds foretell where they lead.

Source: R. Varadhan and C. Roland, "Simple and globally convergent methods for accelerating the
convergence of any EM algorithm", Scandinavian Journal of Statistics 35 (2008), 335-353: SQUAREM
with the third of their step lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Parameters = TypeVar("Parameters")
Counts = TypeVar("Counts")
Vector = NDArray[np.float64]


def climb(
    p: Parameters,
    expected: Callable[[Parameters], tuple[Counts, float]],
    improved: Callable[[Parameters, Counts], Parameters],
    *,
    packed: Callable[[Parameters], Vector],
    unpacked: Callable[[Vector], Parameters | None],
    max_iterations: int,
    least_gain: float,
) -> tuple[Parameters, list[float], bool]:
    """The maximum, the objective after each round, and whether a round of EM gained too little.

    EM creeps where the data leave much open. So two of its rounds foretell where they lead, and a
    jump goes there; where it gains nothing, the second round is made instead. The objective never
    falls.

    expected    the E-step: what the M-step needs, and the objective at these parameters
    improved    the M-step
    packed      parameters as a vector, on scales of much the same size
    unpacked    and back; None where such parameters cannot be
    least_gain  a round that gains no more than this is the last
    """
    counts, value = expected(p)
    trace = [value]

    def gains(at: Parameters) -> bool:
        """Whether `at` is worth more than what was reached; then it is what is reached."""
        nonlocal p, counts
        its_counts, its_value = expected(at)
        if its_value - trace[-1] <= least_gain:
            return False
        p, counts = at, its_counts
        trace.append(its_value)
        return True

    while len(trace) < max_iterations:
        before = packed(p)
        if not gains(improved(p, counts)):
            return p, trace, True
        if len(trace) < max_iterations:
            second = improved(p, counts)
            there = _jump(before, packed(p), packed(second))
            far = None if there is None else unpacked(there)
            if (far is None or not gains(far)) and not gains(second):
                return p, trace, True
    return p, trace, False


def _jump(before: Vector, first: Vector, second: Vector) -> Vector | None:
    """Where two rounds lead; None where that is no farther than the second of them."""
    step, bend = first - before, second - 2 * first + before
    length = float(np.sqrt(float(step @ step) / max(float(bend @ bend), 1e-300)))
    if length <= 1:
        return None
    return np.asarray(before + 2 * length * step + length**2 * bend)

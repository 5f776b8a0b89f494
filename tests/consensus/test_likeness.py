"""Agreement with a judge beyond what other people foretell."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from consensus.likeness import likeness

Codes = NDArray[np.int64]


def answers(
    rng: np.random.Generator,
    n: int,
    *,
    person: float,
    judge: float,
    others: float,
    copied: float = 0.0,
    hard: bool = False,
) -> tuple[Codes, Codes, Codes]:
    """Answers of a person, a judge and three others, right with these probabilities; the person
    takes over a share of the judge's. ``hard``: items differ in how hard they are."""
    truth = rng.integers(3, size=n)
    ease = np.minimum(rng.beta(2, 1, n) * 1.3, 1) if hard else np.ones(n)

    def says(right: float) -> Codes:
        knows = rng.random(n) < ease * (3 * right - 1) / 2
        return np.where(knows, truth, rng.integers(3, size=n))

    machine = says(judge)
    own = np.where(rng.random(n) < copied, machine, says(person))
    counts = np.zeros((n, 3), dtype=np.int64)
    for _ in range(3):
        counts[np.arange(n), says(others)] += 1
    return own, machine, counts


WORLDS = {
    "alike": {"person": 0.75, "judge": 0.8, "others": 0.75},
    "an expert and a good judge": {"person": 0.97, "judge": 0.95, "others": 0.65},
    "items hard for all": {"person": 0.85, "judge": 0.9, "others": 0.8, "hard": True},
}


@pytest.mark.parametrize("world", WORLDS)
def test_who_does_not_copy_is_seldom_suspected(world: str) -> None:
    rng = np.random.default_rng(1)

    found = [
        likeness(*answers(rng, 200, **WORLDS[world]), n_bootstrap=100, seed=seed)  # type: ignore[arg-type]
        for seed in range(100)
    ]

    # The interval is of 95 %, so that 2.5 % lie above; 8 of 100 would come once in 500 times.
    assert sum(one.low is not None and one.low > 0 for one in found) < 8


def test_who_copies_is_found() -> None:
    rng = np.random.default_rng(2)

    found = [
        likeness(*answers(rng, 300, **WORLDS["alike"], copied=0.5), n_bootstrap=100, seed=seed)  # type: ignore[arg-type]
        for seed in range(20)
    ]

    assert sum(one.low is not None and one.low > 0 for one in found) >= 18


def test_what_is_foretold_is_what_a_common_cause_makes() -> None:
    own, judge, others = answers(
        np.random.default_rng(3), 60_000, person=0.9, judge=0.8, others=0.7
    )

    found = likeness(own, judge, others, n_bootstrap=2, seed=1)

    # By the truth alone: both right, or both the same wrong one of two.
    assert found.foretold == pytest.approx(0.9 * 0.8 + 0.1 * 0.2 / 2, abs=0.01)
    assert found.agree == pytest.approx(found.foretold, abs=0.01)
    assert found.excess == pytest.approx(0, abs=0.015)


def test_names_of_the_classes_do_not_matter() -> None:
    own, judge, others = answers(np.random.default_rng(4), 80, **WORLDS["alike"])  # type: ignore[arg-type]
    swapped = np.array([2, 0, 1])
    counts = np.empty_like(others)
    counts[:, swapped] = others

    one = likeness(own, judge, others, seed=5)
    other = likeness(swapped[own], swapped[judge], counts, seed=5)

    assert (one.excess, one.low) == (pytest.approx(other.excess), pytest.approx(other.low))


def test_where_nothing_can_be_foretold() -> None:
    own, judge, others = answers(np.random.default_rng(6), 50, **WORLDS["alike"])  # type: ignore[arg-type]
    single = np.eye(3, dtype=np.int64)[others.argmax(axis=1)]
    random = np.eye(3, dtype=np.int64)[np.random.default_rng(7).integers(3, size=(50, 2))].sum(1)

    assert likeness(own, judge, np.zeros_like(others), seed=1).n == 0
    assert likeness(own, judge, single, seed=1).foretold is None
    assert likeness(own, judge, random, seed=1).excess is None
    with pytest.raises(ValueError, match="confidence"):
        likeness(own, judge, others, confidence=1.5, seed=1)

"""Many LLM judges are not many annotators: 33 of them together, or one of each team (llmjudge).

Recomputed by others with ties broken for the lowest class; ours are broken so here, to compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.published import accuracy, clipped, dataset
from bench.reference.figures import Figure, to_digits

NEAR = 0.005
# Gold items that train the combiner, and how many draws of them the goal is a mean of.
TRAINED = 400
DRAWS = 50


def counted_alike(*, quick: bool) -> Iterator[Figure]:
    """Near-copies of one prompt counted as independent evidence: very sure, and mostly wrong."""
    from consensus.methods import aggregate

    data = dataset("llmjudge", "llm", clipped)

    def figure(what: str, ours: float, published: float, within: float = NEAR) -> Figure:
        return Figure("llmjudge", what, ours, published, within)

    majority = _lowest(aggregate(data.table, "majority").posterior)
    right = float((majority == data.gold).mean())
    yield figure("33, majority, kappa", _kappa(majority, data.gold), 0.2735, to_digits(4))
    yield figure("33, majority, accuracy", right, 0.527, to_digits(3))
    estimate = aggregate(data.table, "dawid_skene")
    sure = estimate.posterior.max(axis=1) > 0.99
    choice = _lowest(estimate.posterior)
    right_of = choice == data.gold
    yield figure("33, Dawid-Skene, kappa", _kappa(choice, data.gold), 0.18)
    yield figure("33, Dawid-Skene, accuracy", float(right_of.mean()), 0.395)
    yield figure("33, Dawid-Skene, share above .99", float(sure.mean()), 0.91)
    yield figure("33, Dawid-Skene, accuracy of those", float(right_of[sure].mean()), 0.405)
    if not quick:
        glad = _lowest(aggregate(data.table, "glad").posterior)
        yield figure("33, GLAD, kappa", _kappa(glad, data.gold), 0.2868)
    # The first of each team by name: which was taken is not said, this one agrees.
    teams = {rater.split("-")[0]: at for at, rater in reversed(list(enumerate(data.raters)))}
    one_each = data.table.of_raters(np.isin(np.arange(len(data.raters)), list(teams.values())))
    for words, method, published in (
        ("majority", "majority", 0.2868),
        ("Dawid-Skene", "dawid_skene", 0.2841),
    ):
        choice = _lowest(aggregate(one_each, method).posterior)
        yield figure(f"one of each of 7 teams, {words}", _kappa(choice, data.gold), published)


def default_rule(*, quick: bool) -> Iterator[Figure]:
    """The project's own goals for the same judges, families found without gold."""
    from consensus.hybrid import aggregate_judges

    data = dataset("llmjudge", "llm", clipped)
    estimate = aggregate_judges(data.table)
    kappa = _kappa(_lowest(estimate.posterior), data.gold)
    yield Figure("llmjudge", "without gold, kappa", kappa, 0.28, at_least=True)
    claimed = float(estimate.posterior.max(axis=1).mean())
    right = accuracy(estimate.posterior, data.gold)
    yield Figure("llmjudge", "without gold, accuracy less confidence", right - claimed)
    if estimate.support is not None:
        spare = estimate.support.claim - claimed
        yield Figure("llmjudge", "what agreement supports, less claimed", spare, 0, at_least=True)
    draws = 3 if quick else DRAWS
    kappas, gaps = [], []
    for seed in range(draws):
        drawn = np.random.default_rng(seed).choice(len(data.gold), TRAINED, replace=False)
        gold = np.full(len(data.gold), -1)
        gold[drawn] = data.gold[drawn]
        trained = aggregate_judges(replace(data.table, gold=gold)).posterior
        rest = gold < 0
        kappas.append(_kappa(_lowest(trained[rest]), data.gold[rest]))
        gaps.append(trained[rest].max(axis=1).mean() - accuracy(trained[rest], data.gold[rest]))
    words = f"{TRAINED} gold items, mean of {draws}"
    # A draw varies by about .01: of few draws, less is asked.
    within = 0.0 if draws == DRAWS else 0.01
    kappa = float(np.mean(kappas))
    yield Figure("llmjudge", f"{words}, kappa", kappa, 0.298, within, at_least=True)
    gap = float(np.mean(gaps))
    yield Figure("llmjudge", f"{words}, confidence off", gap, 0, 0.05)


def _lowest(posterior: NDArray[np.float64]) -> NDArray[np.int64]:
    """The first class of each item; where several share the first place, the lowest."""
    first = posterior >= posterior.max(axis=1, keepdims=True) - 1e-9
    return np.asarray(first.argmax(axis=1), dtype=np.int64)


def _kappa(choice: NDArray[np.int64], gold: NDArray[np.int64]) -> float:
    from consensus.kappa import cohen_kappa

    kappa = cohen_kappa(choice, gold, 4)
    assert kappa is not None
    return kappa

"""Hand-over on simulated projects, for `python -m bench.coverage`.

How often more errors are handed over than promised, and how much is handed over beside the best
fixed threshold under the exact bound, which is chosen here with hindsight and in a project is not
known. And, of small pools, the same for every pattern of errors there can be.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from consensus.error_bounds import rate_p_value
from consensus.hand_over import hand_over

OF_BEST = 0.80  # goal for the share handed over, of what the best fixed threshold would
LUCK = 0.01  # how improbable a figure must be before it counts as short
THRESHOLDS = 120  # fixed ones among which the best is looked for
# Items, labels among them, alpha, delta.
POOLS = [(9, 5, 0.40, 0.30), (10, 6, 0.30, 0.30), (10, 5, 0.35, 0.40), (11, 7, 0.35, 0.35)]


Judge = Callable[[np.random.Generator, tuple[int, int]], tuple[np.ndarray, np.ndarray]]


def calibrated(rng, shape):
    confidence = 0.5 + 0.5 * rng.beta(3, 1, shape)
    return confidence, confidence


def boastful(rng, shape):
    """Says .95 where it is right in .88."""
    confidence = 0.5 + 0.5 * rng.beta(4, 1, shape)
    return confidence, 0.6 + 0.75 * (confidence - 0.5)


def steep(rng, shape):
    confidence = rng.random(shape)
    return confidence, 1 - 0.5 * (1 - confidence) ** 1.5


def cliff(rng, shape):
    """Good above one confidence and bad below it."""
    confidence = rng.beta(4, 1, shape)
    return confidence, np.where(confidence > 0.7, 0.99, 0.6)


def even(rng, shape):
    """Its confidence says nothing."""
    return rng.random(shape), np.full(shape, 0.96)


def few_values(rng, shape):
    confidence = rng.choice([0.6, 0.8, 0.9, 0.95, 1.0], size=shape, p=[0.1, 0.15, 0.25, 0.3, 0.2])
    rights = {0.6: 0.6, 0.8: 0.75, 0.9: 0.9, 0.95: 0.97, 1.0: 0.985}
    return confidence, np.select([confidence == c for c in rights], list(rights.values()))


def panel(rng, shape):
    """How many of six models say what it says."""
    agree = rng.choice(6, size=shape, p=[0.04, 0.06, 0.1, 0.15, 0.25, 0.4])
    return (agree + 1) / 6, np.array([0.3, 0.4, 0.55, 0.7, 0.85, 0.9])[agree]


def rare_class(rng, shape):
    """Eight in a hundred items are of a class of which it finds six in ten, often quite sure."""
    rare = rng.random(shape) < 0.08
    low, high = 0.5 + 0.4 * rng.random(shape), 0.7 + 0.3 * rng.random(shape) ** 0.5
    return np.where(rare, low, high), np.where(rare, 0.6, 0.985)


def surest_where_wrong(rng, shape):
    confidence = rng.random(shape)
    right = np.where(confidence > 0.4, 0.99, 0.7)
    return confidence, np.where(confidence > 0.93, 0.8, right)


def hopeless(rng, shape):
    return rng.random(shape), np.full(shape, 0.7)


@dataclass(frozen=True)
class Project:
    judge: Judge
    labels: int
    items: int
    alpha: float
    delta: float
    unequal: bool = False  # drawn the likelier the less confident
    soft: bool = False  # three people an item, who err too


PROJECTS = [
    Project(calibrated, 30, 500, 0.10, 0.10),
    Project(rare_class, 30, 500, 0.10, 0.10),
    Project(cliff, 50, 300, 0.10, 0.10),
    Project(steep, 50, 1000, 0.10, 0.10),
    Project(few_values, 50, 1000, 0.20, 0.05),
    Project(even, 100, 1000, 0.10, 0.10),
    Project(rare_class, 100, 1000, 0.05, 0.10),
    Project(boastful, 100, 1000, 0.10, 0.10),
    Project(panel, 100, 1000, 0.20, 0.10),
    Project(panel, 200, 800, 0.25, 0.10),
    Project(few_values, 100, 1000, 0.10, 0.10),
    Project(cliff, 100, 3000, 0.05, 0.10),
    Project(calibrated, 200, 2000, 0.10, 0.05),
    Project(rare_class, 200, 2000, 0.05, 0.05),
    Project(surest_where_wrong, 200, 2000, 0.10, 0.10),
    Project(few_values, 300, 3000, 0.05, 0.10),
    Project(steep, 500, 2500, 0.05, 0.10),
    Project(cliff, 200, 400, 0.10, 0.10),
    Project(hopeless, 100, 1000, 0.10, 0.10),
    Project(calibrated, 200, 1000, 0.15, 0.10, unequal=True),
    Project(steep, 200, 1000, 0.20, 0.10, soft=True),
]


def hand_overs(projects: int, rng: np.random.Generator, *, quick: bool) -> Iterator[str]:
    """Print a line for each case; yields those that fall short."""
    print(f"\nHand-over, {projects} projects a line. Broken: more than alpha of what was handed")
    print(
        "over was wrong. Shares of the unread items: handed over, and by the best fixed threshold"
    )
    print("(Clopper and Pearson's bound on the same labels).")
    head = (
        "labels",
        "items",
        "alpha",
        "delta",
        "broken",
        "at most",
        "share",
        "best",
        "ratio",
        "goal",
    )
    print(f"{'judge':30}{''.join(f'{h:>9}' for h in head)}")
    for case in PROJECTS:
        yield from hand_over_line(case, projects, rng, quick=quick)


def hand_over_line(
    case: Project, projects: int, rng: np.random.Generator, *, quick: bool
) -> Iterator[str]:
    shape = (projects, case.items)
    confidence, right = case.judge(rng, shape)
    loss = (rng.random(shape) >= right).astype(float)
    if case.soft:
        loss = rng.binomial(3, np.where(loss > 0, 0.9, 0.05)) / 3
    chance = np.full(shape, case.labels / case.items)
    if case.unequal:
        chance *= np.where(confidence < np.median(confidence), 1.5, 0.5)
        asked = rng.random(shape) < chance
    else:
        asked = rng.random(shape).argsort(axis=1) < case.labels
    shares, broken = np.zeros(projects), 0
    for k in range(projects):
        inside = asked[k]
        known = {}
        if case.unequal:
            known = {"probability": chance[k][inside], "unread_probability": chance[k][~inside]}
        found = hand_over(
            confidence[k][inside],
            loss[k][inside],
            confidence[k][~inside],
            alpha=case.alpha,
            delta=case.delta,
            soft=case.soft,
            **known,
        )
        shares[k] = found.n_chosen / len(found.chosen)
        if found.n_chosen:
            broken += loss[k][~inside][found.chosen].mean() > case.alpha + 1e-9
    most = int(binom.ppf(1 - LUCK, projects, case.delta))
    name = case.judge.__name__.replace("_", " ")
    name += ", unequal draws" * case.unequal + ", people disagree" * case.soft
    line = f"{name:30}{case.labels:9d}{case.items:9d}{case.alpha:9.2f}{case.delta:9.2f}"
    line += f"{broken:9d}{most:9d}{shares.mean():9.3f}"
    fine = broken <= most
    if not (case.unequal or case.soft):
        best = best_fixed(case, confidence, loss, asked)
        line += f"{best.mean():9.3f}"
        if best.mean() > 0.01:
            ratio = shares.mean() / best.mean()
            # In a quick run the chance in the difference of the two is allowed for.
            slack = 2.33 * np.std(shares - OF_BEST * best) / np.sqrt(projects) * quick
            enough = shares.mean() + slack >= OF_BEST * best.mean()
            line += f"{ratio:9.2f}{OF_BEST:9.2f}"
            fine = fine and enough
    print(line + ("" if fine else "  SHORT"), flush=True)
    if not fine:
        yield f"hand-over, {name}, {case.labels} labels: {broken} broken, share {shares.mean():.3f}"


def best_fixed(
    case: Project, confidence: np.ndarray, loss: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """Share handed over in each project by the fixed threshold that hands over most on average."""
    best = np.zeros(len(asked))
    for threshold in np.unique(np.quantile(confidence[:50], np.linspace(0, 1, THRESHOLDS))):
        above = confidence >= threshold
        labelled = (above & asked).sum(axis=1)
        errors = (loss * (above & asked)).sum(axis=1)
        passes = rate_p_value(errors, labelled, case.alpha) <= case.delta
        share = np.where(passes, (above & ~asked).sum(axis=1) / (case.items - case.labels), 0.0)
        if share.mean() > best.mean():
            best = share
    return best


def every_pattern(*, quick: bool) -> Iterator[str]:
    """Over all draws from a small pool, for each of the patterns of errors among its items."""
    print(
        "\nHand-over from small pools: chance to break the promise, over all draws, at worst among"
    )
    print("all patterns of errors, such as the judge being surest where it is wrong.")
    head = ("labels", "items", "alpha", "delta", "patterns", "broken")
    print(f"{'errors, the surest item first':30}{''.join(f'{h:>9}' for h in head)}")
    for items, labels, alpha, delta in POOLS[:1] if quick else POOLS:
        patterns = np.array(list(itertools.product([0.0, 1.0], repeat=items)))
        confidence = np.arange(items, 0, -1.0)
        broken = np.zeros(len(patterns))
        draws = list(itertools.combinations(range(items), labels))
        for draw in draws:
            inside = np.isin(np.arange(items), draw)
            losses, place = np.unique(patterns[:, inside], axis=0, return_inverse=True)
            chosen = np.array(
                [
                    hand_over(
                        confidence[inside], loss, confidence[~inside], alpha=alpha, delta=delta
                    ).chosen
                    for loss in losses
                ]
            )[place]
            errors = (patterns[:, ~inside] * chosen).sum(axis=1)
            broken += errors > alpha * chosen.sum(axis=1) + 1e-9
        worst = int(broken.argmax())
        chance = broken[worst] / len(draws)
        name = "".join("x" if wrong else "." for wrong in patterns[worst])
        line = f"{name:30}{labels:9d}{items:9d}{alpha:9.2f}{delta:9.2f}{len(patterns):9d}"
        print(f"{line}{chance:9.3f}{'' if chance <= delta else '  SHORT'}", flush=True)
        if chance > delta:
            yield f"hand-over from {items} items: broken with chance {chance:.3f} > {delta}"

"""Whether the statistics of trust keep their promises, on simulated projects.

    python -m bench.coverage [--quick] [--seed 1]

Intervals of corrected estimates: how often they cover, how wide they are beside those of people's
labels alone, and how many labels people alone would need to be as narrow. Hand-over (from
`bench.coverage_hand_over`): in how many projects more errors are handed over than promised, and
how much is handed over. The majority certificate: how often it is wrong, exactly, and how many
calls it takes. Prints each figure beside its goal, and ends with 1 where one falls short. 2,000
projects a line take some five minutes; `--quick` takes 100, allows coverage and share for the
chance in so few, and needs under a minute.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from bench.coverage_hand_over import LUCK, every_pattern, hand_overs
from consensus.corrected import ThreeWays, corrected_difference, corrected_mean
from consensus.corrected_regression import corrected_regression
from consensus.stopping import expected_calls

COVERED = 0.93  # goal for intervals of nominally 95 %


@dataclass(frozen=True)
class Run:
    projects: int
    quick: bool
    rng: np.random.Generator


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100 projects a line, not 2,000")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run = Run(100 if options.quick else 2000, options.quick, np.random.default_rng(options.seed))
    short = [
        *intervals(run),
        *hand_overs(run.projects, run.rng, quick=run.quick),
        *every_pattern(quick=run.quick),
        *certificates(),
    ]
    print(f"\n{len(short)} short" if short else "\nall goals met")
    for line in short:
        print(f"  {line}")
    return 1 if short else 0


# --- Intervals --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimation:
    """`make` draws truth (n_items,), judge (n_items,) and features; `estimate` takes those."""

    name: str
    labels: int
    items: int
    make: Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray, np.ndarray]]
    kind: str  # share, rating, mean, difference, linear, logistic
    unequal: bool = False


def share_of(share: float, hits: float, right: float) -> Callable[..., tuple[np.ndarray, ...]]:
    """A class with this share; the judge finds `hits` of it and `right` of the others."""

    def make(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        truth = (rng.random(n) < share).astype(float)
        judge = np.where(truth > 0, rng.random(n) < hits, rng.random(n) > right).astype(float)
        return truth, judge, np.arange(n) % 2

    return make


def of_features(kind: str) -> Callable[..., tuple[np.ndarray, ...]]:
    """Labels that depend on two features, and a judge that errs with one of them."""

    def make(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        features = np.column_stack([rng.normal(size=n), rng.random(n) < 0.4]).astype(float)
        score = features @ [0.8, -0.7]
        if kind == "logistic":
            truth = (rng.random(n) < 1 / (1 + np.exp(-score))).astype(float)
            judge = np.where(rng.random(n) < 0.92 - 0.07 * features[:, 1], truth, 1 - truth)
            return truth, judge, features
        truth = score + rng.normal(size=n) * (0.5 + 0.5 * np.abs(features[:, 0]))
        judge = truth + 0.3 + 0.3 * features[:, 1] + 0.5 * rng.normal(size=n)
        if kind == "rating":
            truth, judge = (np.clip(np.round(3.6 + v), 1, 5) for v in (truth, judge))
        return truth, judge, features

    return make


ESTIMATIONS = [
    *(
        Estimation(f"share {share:.0%}, judge {hits:.0%}/{right:.0%}", n, 2000, make, "share")
        for share, hits, right, sizes in (
            (0.5, 0.90, 0.90, (30, 200)),
            (0.3, 0.95, 0.97, (50, 100)),
            (0.1, 0.80, 0.95, (50, 200)),
            (0.1, 0.99, 0.99, (50, 200)),
            (0.03, 0.90, 0.99, (100, 400)),
            (0.02, 0.60, 0.98, (100,)),
            (0.95, 0.97, 0.80, (100,)),
            (0.3, 0.50, 0.50, (100,)),
        )
        for make in [share_of(share, hits, right)]
        for n in sizes
    ),
    Estimation(
        "share 20%, unequal draws", 60, 2000, share_of(0.2, 0.9, 0.95), "share", unequal=True
    ),
    Estimation(
        "share 20%, unequal draws", 200, 2000, share_of(0.2, 0.9, 0.95), "share", unequal=True
    ),
    Estimation("difference of shares", 80, 2000, share_of(0.3, 0.9, 0.95), "difference"),
    Estimation("difference of rare shares", 300, 2000, share_of(0.05, 0.9, 0.98), "difference"),
    Estimation("rating 1 to 5", 50, 2000, of_features("rating"), "rating"),
    Estimation("mean", 30, 2000, of_features("mean"), "mean"),
    Estimation("mean", 100, 2000, of_features("mean"), "mean"),
    Estimation("mean, unequal draws", 100, 2000, of_features("mean"), "mean", unequal=True),
    Estimation("linear coefficient", 40, 1000, of_features("linear"), "linear"),
    Estimation("linear coefficient", 150, 1000, of_features("linear"), "linear"),
    Estimation(
        "linear coefficient, unequal", 100, 1000, of_features("linear"), "linear", unequal=True
    ),
    Estimation("logistic coefficient", 60, 1000, of_features("logistic"), "logistic"),
    Estimation("logistic coefficient", 150, 1000, of_features("logistic"), "logistic"),
]


def estimate(case: Estimation, rng: np.random.Generator) -> tuple[ThreeWays, float]:
    """One project: what is estimated of these items, and what it is."""
    truth, judge, features = case.make(rng, case.items)
    chance = None
    asked = np.zeros(case.items, dtype=bool)
    if case.unequal:  # those the judge puts high three times as often
        chance = np.where(judge > np.median(judge), 3.0, 1.0)
        chance *= case.labels / chance.sum()
        asked = rng.random(case.items) < chance
    else:
        asked[rng.choice(case.items, case.labels, replace=False)] = True
    people = np.where(asked, truth, np.nan)
    if case.kind in ("linear", "logistic"):
        found = corrected_regression(features, judge, people, kind=case.kind, probability=chance)
        fit = corrected_regression(features, truth, people * np.nan, kind=case.kind)
        return found[1], float(fit[1].judge.value)
    bounds = {"mean": None, "rating": (1.0, 5.0)}.get(case.kind, (0.0, 1.0))
    if case.kind == "difference":
        found = corrected_difference(judge, people, features, bounds=bounds)
        return found, float(truth[features == 1].mean() - truth[features == 0].mean())
    return corrected_mean(judge, people, probability=chance, bounds=bounds), float(truth.mean())


def intervals(run: Run) -> Iterator[str]:
    print(
        f"Intervals of 95 %, {run.projects} projects a line. Labels: of people; needed: of people"
    )
    print("alone for an interval as narrow as the corrected one.")
    head = ("covers:", "people", "judge", "corrected", "goal", "width:", "people", "corrected")
    print(f"{'':38}{''.join(f'{h:>10}' for h in head)}{'labels':>8}{'needed':>8}")
    least = COVERED * run.projects
    if run.quick:
        least = binom.ppf(LUCK, run.projects, COVERED)
    for case in ESTIMATIONS:
        covered = {"people": 0, "judge": 0, "corrected": 0}
        widths = {"people": [], "judge": [], "corrected": []}
        for _ in range(run.projects):
            found, value = estimate(case, run.rng)
            for name in covered:
                figure = getattr(found, name)
                if figure.low is not None:
                    covered[name] += figure.low <= value <= figure.high
                    widths[name].append(figure.high - figure.low)
                else:  # nothing was claimed
                    covered[name] += 1
        wide = {name: float(np.median(w)) for name, w in widths.items()}
        good = covered["corrected"] >= least
        part = {name: count / run.projects for name, count in covered.items()}
        # As narrow by people alone, whose intervals shrink as labels of n among N items do.
        ratio = (wide["corrected"] / wide["people"]) ** 2
        rest = 1 / case.labels - 1 / case.items
        needed = 1 / (ratio * rest + 1 / case.items)
        print(
            f"{case.name:38}{'':10}{part['people']:10.3f}{part['judge']:10.3f}"
            f"{part['corrected']:10.3f}{COVERED:10.2f}{'':10}{wide['people']:10.4f}"
            f"{wide['corrected']:10.4f}{case.labels:8d}{needed:8.0f}{'' if good else '  SHORT'}",
            flush=True,
        )
        if not good:
            yield f"{case.name}, {case.labels} labels: covers {part['corrected']:.3f} < {COVERED}"


# --- The majority certificate -----------------------------------------------------------------

CERTIFICATES = [
    ((0.95, 0.05), 60),
    ((0.8, 0.2), 100),
    ((0.501, 0.499), 200),
    ((0.9, 0.05, 0.05), 60),
    ((0.6, 0.3, 0.1), 60),
    ((0.34, 0.33, 0.33), 60),
    ((0.9, 0.04, 0.02, 0.02, 0.02), 20),
]


def certificates(delta: float = 0.05) -> Iterator[str]:
    print("\nMajority certificate: exact, over all answers that can come.")
    head = ("calls", "at most", "right", "wrong", "goal", "undecided")
    print(f"{'shares of the answers':38}{''.join(f'{h:>10}' for h in head)}")
    for shares, calls in CERTIFICATES:
        plan = expected_calls(shares, delta=delta, max_calls=calls)
        name = " ".join(f"{share:.3g}" for share in shares)
        fine = plan.wrong <= delta
        print(
            f"{name:38}{plan.calls:10.1f}{calls:10d}{plan.right:10.4f}{plan.wrong:10.4f}"
            f"{delta:10.2f}{plan.undecided:10.4f}{'' if fine else '  SHORT'}",
            flush=True,
        )
        if not fine:
            yield f"certificate, {name}: wrong {plan.wrong:.4f} > {delta}"


if __name__ == "__main__":
    sys.exit(main())

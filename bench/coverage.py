"""Whether the statistics of trust keep their promises, on simulated projects.

    python -m bench.coverage [--quick] [--seed 1]

Three parts. Intervals of corrected estimates: how often they cover, how wide they are beside those
of people's labels alone, and how many labels people alone would need to be as narrow. Hand-over: in
how many projects more errors are handed over than promised, and how much is handed over beside the
best fixed threshold under the exact bound, which is chosen here with hindsight and in a project is
not known. The majority certificate: how often it is wrong, exactly, and how many calls it takes.
Prints each figure beside its goal, and ends with 1 where one falls short. 2,000 projects a line;
`--quick` takes 100, allows coverage and share for the chance in so few, and needs under a minute.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from consensus.corrected import ThreeWays, corrected_difference, corrected_mean
from consensus.corrected_regression import corrected_regression
from consensus.error_bounds import rate_p_value
from consensus.hand_over import hand_over
from consensus.stopping import expected_calls

COVERED = 0.93  # goal for intervals of nominally 95 %
OF_BEST = 0.80  # goal for the share handed over, of what the best fixed threshold would
LUCK = 0.01  # how improbable a figure must be before it counts as short
THRESHOLDS = 120  # fixed ones among which the best is looked for


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
    short = [*intervals(run), *hand_overs(run), *certificates()]
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


# --- Hand-over --------------------------------------------------------------------------------

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


def hand_overs(run: Run) -> Iterator[str]:
    print(
        f"\nHand-over, {run.projects} projects a line. Broken: more than alpha of what was handed"
    )
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
        yield from hand_over_line(case, run)


def hand_over_line(case: Project, run: Run) -> Iterator[str]:
    shape = (run.projects, case.items)
    confidence, right = case.judge(run.rng, shape)
    loss = (run.rng.random(shape) >= right).astype(float)
    if case.soft:
        loss = run.rng.binomial(3, np.where(loss > 0, 0.9, 0.05)) / 3
    chance = np.full(shape, case.labels / case.items)
    if case.unequal:
        chance *= np.where(confidence < np.median(confidence), 1.5, 0.5)
        asked = run.rng.random(shape) < chance
    else:
        asked = run.rng.random(shape).argsort(axis=1) < case.labels
    shares, broken = np.zeros(run.projects), 0
    for k in range(run.projects):
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
    most = int(binom.ppf(1 - LUCK, run.projects, case.delta))
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
            slack = 2.33 * np.std(shares - OF_BEST * best) / np.sqrt(run.projects) * run.quick
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

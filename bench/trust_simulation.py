"""What the methods of docs/statistics/trust.md do on simulated projects, where the truth is known.

    python -m bench.trust_simulation [--quick] [SUBJECT ...]

Prints one table a subject: alt_test, calibration, reliability, majority; --quick takes a tenth of
the samples. Seeds are fixed. What they do on published data: python -m bench.trust_published.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable

import numpy as np

from consensus.alt_test import alt_test
from consensus.alt_test_power import alt_test_power
from consensus.calibration import calibrate
from consensus.majority_gain import measured_gain
from consensus.majority_optimality import majority_optimality
from consensus.rater_weights import counts_from_gold
from consensus.reliability import brier, calibration_error, reliability_table
from consensus.table import LabelTable

Z = 1.959964

# How stated log odds are bent before they come true: slope, intercept.
BENDS = {
    "as stated": (1.0, 0.0),
    "too sure": (0.4, 0.0),
    "too sure, too high": (0.4, -0.5),
    "too high": (1.0, -1.0),
    "not sure enough": (1.5, 0.5),
    "says nothing": (0.0, 0.7),
    "nearly always right": (0.0, 6.0),
}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def stated_confidence(rng: np.random.Generator, kind: str, n: int) -> np.ndarray:
    """As a judge writes it (six values), as log probabilities give it, or always the same."""
    if kind == "written":
        return rng.choice(
            [0.6, 0.7, 0.8, 0.9, 0.95, 1.0], p=[0.05, 0.1, 0.2, 0.3, 0.25, 0.1], size=n
        )
    return np.full(n, 0.9) if kind == "constant" else sigmoid(rng.normal(2, 1.5, n))


def truth_of(stated: np.ndarray, bend: str) -> np.ndarray:
    """The probability that a label with this stated confidence is right."""
    slope, intercept = BENDS[bend]
    inside = np.clip(stated, 1e-4, 1 - 1e-4)
    return sigmoid(slope * np.log(inside / (1 - inside)) + intercept)


def crowd(
    rng: np.random.Generator,
    accuracies: list[float],
    n_items: int,
    judge: float,
    n_classes: int = 2,
) -> tuple[LabelTable, np.ndarray]:
    truth = rng.integers(0, n_classes, n_items)
    items, raters = np.divmod(np.arange(n_items * len(accuracies)), len(accuracies))

    def say(accuracy: np.ndarray | float, of: np.ndarray) -> np.ndarray:
        wrong = (of + rng.integers(1, n_classes, len(of))) % n_classes
        return np.where(rng.random(len(of)) < accuracy, of, wrong)

    codes = say(np.array(accuracies)[raters], truth[items])
    table = LabelTable.from_codes(items, raters, codes, n_classes=n_classes, gold=truth)
    return table, say(judge, truth)


def run_alt_test(n_samples: int) -> None:
    print("\nAlternative Annotator Test, two classes, people right with .85 (chance to reach .5)")
    print("people  eps .2, judge 15 points worse, 200 items   eps .1, equal judge, 50 items")
    for n_people in (2, 3, 4, 5, 8):
        plan = {"n_people": n_people, "accuracy": 0.85, "n_simulations": n_samples * 20, "seed": 1}
        lenient = alt_test_power([200], epsilon=0.2, gap=0.15, **plan).probability[0]
        weak = alt_test_power([50], epsilon=0.1, **plan).probability[0]
        print(f"{n_people:6d}  {lenient:24.3f} {weak:33.3f}")

    print("\nThe same chance from whole runs of the test, beside the simulation of its power")
    for n_items, epsilon, gap in ((60, 0.2, 0.1), (100, 0.1, 0.0)):
        rng = np.random.default_rng(5)
        won = [
            (alt_test(*crowd(rng, [0.85] * 3, n_items, 0.85 - gap), epsilon=epsilon, seed=0,
                      epsilons=[], n_bootstrap=1).winning_rate or 0) >= 0.5
            for _ in range(n_samples)
        ]  # fmt: skip
        power = alt_test_power(
            [n_items], n_people=3, epsilon=epsilon, accuracy=0.85, gap=gap, seed=1
        ).probability[0]
        error = math.sqrt(power * (1 - power) / n_samples)
        print(f"{n_items} items, epsilon {epsilon}, gap {gap}:", end=" ")
        print(f"{np.mean(won):.3f} (± {2 * error:.3f}) and {power:.3f}")

    print("\nInterval of the advantage, nominal 95 %: coverage and width")
    for n_items, n_people, judge in ((40, 3, 0.85), (100, 3, 0.7), (100, 8, 0.9), (400, 4, 0.8)):
        rng = np.random.default_rng(7)
        large = crowd(rng, [0.85] * n_people, 200_000, judge)
        truth = alt_test(*large, epsilon=0.1, seed=0, epsilons=[], n_bootstrap=1).advantage
        hits, widths = 0, []
        for _ in range(n_samples):
            result = alt_test(
                *crowd(rng, [0.85] * n_people, n_items, judge),
                epsilon=0.1,
                seed=0,
                epsilons=[],
                n_bootstrap=300,
            )
            low, high = result.advantage_interval or (0, 0)
            hits += low <= (truth or 0) <= high
            widths.append(high - low)
        print(f"{n_items} items, {n_people} people, judge {judge}: "
              f"{hits / n_samples:.3f}  width {np.mean(widths):.3f}")  # fmt: skip


def run_calibration(n_samples: int) -> None:
    print("\nCalibration with few labels: mean squared distance to the truth, times 1,000, over")
    print("12 kinds of judges; in brackets the worst of them. Prior: labels a number to learn")
    maps = [("identity", 0.0)]
    maps += [(name, prior) for name in ("temperature", "platt", "isotonic") for prior in (1, 5, 20)]
    sizes = (10, 30, 100, 400)
    print("map, prior".ljust(18), *(f"{n} labels".rjust(16) for n in sizes))
    learnt = {"identity": 0, "temperature": 1, "platt": 2, "isotonic": 4}
    kinds = [(kind, bend) for kind in ("written", "odds") for bend in list(BENDS)[:6]]
    for name, prior in maps:
        cells = []
        for n in sizes:
            losses = []
            for kind, bend in kinds:
                rng = np.random.default_rng(3)
                seen = stated_confidence(rng, kind, 2000)
                truth = truth_of(seen, bend)
                runs = []
                for _ in range(max(n_samples // 10, 2)):
                    stated = stated_confidence(rng, kind, n)
                    right = rng.random(n) < truth_of(stated, bend)
                    found = calibrate(
                        stated,
                        right,
                        method=name,  # type: ignore[arg-type]
                        prior_labels=prior * learnt[name],
                    )
                    runs.append(np.mean((found.apply(seen) - truth) ** 2))
                losses.append(1000 * np.mean(runs))
            cells.append(f"{np.mean(losses):.1f} ({max(losses):.1f})".rjust(16))
        print(f"{name}, {prior:g}".ljust(18), *cells)


def run_reliability(n_samples: int) -> None:
    print("\nIntervals of calibration error and Brier score, nominal 95 %: coverage (width);")
    print("beside them the percentile bootstrap of the error and the usual normal interval")
    print(
        "confidence, truth".ljust(32), "labels", "error", "bootstrap", "Brier", "normal", sep="\t"
    )
    for kind in ("written", "odds", "constant"):
        for bend in BENDS:
            for n in (20, 100, 400):
                print(
                    f"{kind}, {bend}".ljust(32), n, *intervals(kind, bend, n, n_samples), sep="\t"
                )


def intervals(kind: str, bend: str, n: int, n_samples: int) -> list[str]:
    rng = np.random.default_rng(11)
    many = stated_confidence(rng, kind, 200_000)
    chance = truth_of(many, bend)
    true_brier = np.mean(chance * (1 - many) ** 2 + (1 - chance) * many**2)
    hits, widths = np.zeros(4), np.zeros(4)
    for _ in range(n_samples):
        stated = stated_confidence(rng, kind, n)
        chances = truth_of(stated, bend)
        right = rng.random(n) < chances
        table = reliability_table(stated, right)
        bins = np.searchsorted(table.high, stated)
        # The error of these bins, had each as many labels as one likes.
        true_error = np.abs(np.bincount(bins, weights=chances - stated)).sum() / n
        error, score = calibration_error(stated, right), brier(stated, right)
        losses = (stated - right) ** 2
        half = Z * losses.std(ddof=1) / math.sqrt(n)
        ends = [
            (error.low, error.high, true_error),
            (*percentile_bootstrap(rng, bins, stated, right), true_error),
            (score.low, score.high, true_brier),
            (losses.mean() - half, losses.mean() + half, true_brier),
        ]
        for k, (low, high, truth) in enumerate(ends):
            hits[k] += low - 1e-9 <= truth <= high + 1e-9
            widths[k] += high - low
    return [f"{h / n_samples:.3f} ({w / n_samples:.2f})" for h, w in zip(hits, widths, strict=True)]


def percentile_bootstrap(
    rng: np.random.Generator, bins: np.ndarray, stated: np.ndarray, right: np.ndarray
) -> tuple[float, float]:
    n = len(stated)
    gaps = right - stated
    of_bin = np.eye(int(bins.max()) + 1)[bins] * gaps[:, None]
    times = rng.multinomial(n, np.full(n, 1 / n), size=200)
    errors = np.abs(times @ of_bin).sum(axis=1) / n
    low, high = np.quantile(errors, [0.025, 0.975])
    return float(low), float(high)


def run_majority(n_samples: int) -> None:
    print(
        "\nGain of weighting over majority: with the true accuracies; expected from accuracies on"
    )
    print("as many other items, and how often its interval holds the gain on the items; measured,")
    print("and how often its interval holds the gain, in the long run, of weights from this gold")
    crowds = {
        "five alike": [0.75] * 5,
        "one expert of five": [0.95, 0.65, 0.65, 0.65, 0.65],
        "one bad of three": [0.85, 0.85, 0.45],
        "mixed seven": [0.9, 0.85, 0.8, 0.7, 0.6, 0.6, 0.55],
    }
    for name, accuracies in crowds.items():
        for n_items in (50, 300):
            rng = np.random.default_rng(13)
            best = long_run_gain(accuracies, log_odds(np.array(accuracies)))
            held = covered = 0
            expected, measured = [], []
            for _ in range(n_samples):
                table, _ = crowd(rng, accuracies, n_items, 0.5)
                known, _ = crowd(rng, accuracies, n_items, 0.5)
                result = majority_optimality(table, *counts_from_gold(known), n_draws=100, seed=1)
                low, high = result.gain_interval or (0, 0)
                held += low - 1e-9 <= gain_on(table, result.weights) <= high + 1e-9
                expected.append(result.gain or 0.0)
                found = measured_gain(table, seed=1)
                learnt = majority_optimality(table, *counts_from_gold(table), n_draws=1, seed=1)
                low, high = found.interval or (0.0, 0.0)
                covered += low <= long_run_gain(accuracies, learnt.weights) <= high
                measured.append(found.gain or 0.0)
            print(f"{name}, {n_items} items".ljust(30), f"{best:.3f}", end="  ")
            print(f"expected {np.mean(expected):.3f} ({held / n_samples:.3f})", end="  ")
            print(f"measured {np.mean(measured):.3f} ({covered / n_samples:.3f})")


def log_odds(accuracy: np.ndarray) -> np.ndarray:
    return np.log(accuracy / (1 - accuracy))


def long_run_gain(accuracies: list[float], weights: np.ndarray) -> float:
    """Gain over majority with two classes, from every way in which raters can be right or wrong."""
    right = np.array(list(itertools.product((0, 1), repeat=len(accuracies))))
    chance = np.where(right, accuracies, 1 - np.array(accuracies)).prod(axis=1)

    def accuracy(of_vote: np.ndarray) -> float:
        lead = (2 * right - 1) @ of_vote
        return float(chance @ np.where(np.abs(lead) < 1e-9, 0.5, lead > 0))

    return accuracy(weights) - accuracy(np.ones(len(accuracies)))


def gain_on(table: LabelTable, weights: np.ndarray) -> float:
    """Accuracy of the weighted vote less the majority's on a table whose gold is the truth."""

    def accuracy(of_label: np.ndarray) -> float:
        cells = table.items.astype(int) * table.n_classes + table.codes
        votes = np.bincount(cells, weights=of_label, minlength=table.n_items * table.n_classes)
        votes = votes.reshape(-1, table.n_classes)
        first = votes >= votes.max(axis=1, keepdims=True) - 1e-9
        assert table.gold is not None
        return float((first[np.arange(table.n_items), table.gold] / first.sum(axis=1)).mean())

    return accuracy(weights[table.raters]) - accuracy(np.ones(table.n_labels))


SUBJECTS: dict[str, tuple[Callable[[int], None], int]] = {
    "alt_test": (run_alt_test, 1000),
    "calibration": (run_calibration, 400),
    "reliability": (run_reliability, 500),
    "majority": (run_majority, 500),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", nargs="*", choices=[*SUBJECTS, []])
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples")
    chosen = parser.parse_args()
    for name in chosen.subjects or SUBJECTS:
        run, n_samples = SUBJECTS[name]
        run(n_samples // 10 if chosen.quick else n_samples)


if __name__ == "__main__":
    main()

"""Answers that are no plain classes: how good and how fast. Simulated, and on published data.

    python -m bench.other_kinds              # all of it, about two minutes
    python -m bench.other_kinds pairwise     # one of: ordinal, pairwise, spans, soft, disagreement

Where REFERENCE_DATA names the folder of published sets, `ordinal` and `disagreement` read it too.
How well intervals of numbers hold is in bench.numbers_coverage.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import numpy as np

from bench.published import accuracy, clipped, dataset
from consensus.comparisons import Comparisons
from consensus.dawid_skene import dawid_skene
from consensus.disagreement import disagreement
from consensus.ibcc import ibcc
from consensus.kappa import cohen_kappa
from consensus.majority import majority
from consensus.median import median_rating
from consensus.ordinal import ordinal
from consensus.pairwise import bradley_terry, davidson
from consensus.soft_labels import soft_labels
from consensus.span_votes import combine_spans
from consensus.spans import Spans
from consensus.table import LabelTable

METHODS: dict[str, Callable[[LabelTable], object]] = {
    "majority": majority,
    "median": median_rating,
    "Dawid-Skene": dawid_skene,
    "iBCC": ibcc,
    "ordinal": ordinal,
}
CUTS = np.array([-1.2, -0.4, 0.4, 1.2])


def rated(n_items: int, n_raters: int, each: int, seed: int) -> tuple[np.ndarray, LabelTable]:
    """Values of items and ratings by raters of different severity and noise."""
    rng = np.random.default_rng(seed)
    value = rng.normal(size=n_items)
    bias, noise = 0.4 * rng.normal(size=n_raters), 0.6 * np.exp(0.4 * rng.normal(size=n_raters))
    items = np.repeat(np.arange(n_items), each)
    raters = np.concatenate([rng.choice(n_raters, each, replace=False) for _ in range(n_items)])
    seen = value[items] + bias[raters] + noise[raters] * rng.normal(size=len(items))
    codes = np.searchsorted(CUTS, seen)
    return value, LabelTable.from_codes(items, raters, codes, n_classes=5, n_raters=n_raters)


def chosen(estimate: object) -> np.ndarray:
    """The choice, or where it is tied the first of the most probable classes."""
    choice, posterior = estimate.choice, estimate.posterior  # type: ignore[attr-defined]
    return np.where(choice >= 0, choice, posterior.argmax(axis=1))


def ordinal_part() -> None:
    print("ordinal: 5 classes, 20 projects a row; share right / mean distance in classes")
    print(f"{'items':>7} {'raters':>7} {'each':>5}  " + "".join(f"{m:>15}" for m in METHODS))
    for n_items, n_raters, each in ((300, 20, 3), (300, 20, 5), (100, 50, 3), (1000, 50, 5)):
        rows, inside = [], []
        for seed in range(20):
            value, table = rated(n_items, n_raters, each, seed)
            truth = np.searchsorted(CUTS, value)
            estimates = {name: method(table) for name, method in METHODS.items()}
            away = [np.abs(chosen(e) - truth) for e in estimates.values()]
            rows.append([((a == 0).mean(), a.mean()) for a in away])
            ends = estimates["ordinal"].interval  # type: ignore[attr-defined]
            inside.append(((ends[:, 0] <= value) & (value <= ends[:, 1])).mean())
        means = np.mean(rows, axis=0)
        print(
            f"{n_items:>7} {n_raters:>7} {each:>5}  "
            + "".join(f"{right:>8.3f} /{off:5.3f}" for right, off in means)
            + f"   intervals of the values hold {np.mean(inside):.3f}"
        )
    if os.environ.get("REFERENCE_DATA"):
        published_ratings()
    _, table = rated(200_000, 500, 5, 0)
    began = time.process_time()
    estimate = ordinal(table)
    print(
        f"1,000,000 ratings of 200,000 items: {time.process_time() - began:.1f} CPU s,"
        f" {estimate.iterations} rounds, converged: {estimate.converged}"
    )


def published_ratings() -> None:
    print("llmjudge, 33 judges, against gold: share right, kappa, mean distance in classes")
    data = dataset("llmjudge", "llm", clipped)
    for name, method in METHODS.items():
        estimate = method(data.table)
        choice = chosen(estimate)
        print(
            f"  {name:>12} {accuracy(estimate.posterior, data.gold):.4f}"  # type: ignore[attr-defined]
            f" {cohen_kappa(choice, data.gold, 4):.4f} {np.abs(choice - data.gold).mean():.3f}"
        )
    print("cebab_stars, people: a fifth of the labels kept back, five times")
    table = dataset("alttest_cebab_stars", "human").table
    fold = np.random.default_rng(1).integers(0, 5, table.n_labels)
    for name, method in METHODS.items():
        away = []
        for out in range(5):
            kept = table.rows(fold != out)
            back = (fold == out) & (kept.counts().sum(axis=1) > 0)[table.items]
            away.append(np.abs(chosen(method(kept))[table.items[back]] - table.codes[back]))
        every = np.concatenate(away)
        print(
            f"  {name:>12} share right {(every == 0).mean():.4f}  mean distance {every.mean():.4f}"
        )


def pairwise_part() -> None:
    rng = np.random.default_rng(0)
    n, rows = 1000, 100_000
    strength = rng.normal(size=n)
    left = rng.integers(0, n, rows)
    right = (left + rng.integers(1, n, rows)) % n
    x = strength[left] - strength[right]
    won = np.where(rng.random(rows) < 1 / (1 + np.exp(-x)), 0, 2)
    odds = np.stack([np.exp(x / 2), np.full(rows, 0.5), np.exp(-x / 2)], axis=1)
    place = rng.random(rows) * odds.sum(axis=1)
    tied = (place[:, None] > odds.cumsum(axis=1)).sum(axis=1)
    raters = rng.integers(0, 50, rows)
    print("pairwise: 1,000 items, 100,000 comparisons; CPU seconds with intervals, best of 5")
    for name, method, outcomes in (
        ("Bradley-Terry", bradley_terry, won),
        ("Davidson", davidson, tied),
    ):
        comparisons = Comparisons.from_codes(left, right, outcomes, raters)
        for order_effect in (False, True):
            took = []
            for _ in range(5):
                began = time.process_time()
                estimate = method(comparisons, order_effect=order_effect)
                took.append(time.process_time() - began)
            truth = strength - strength.mean()
            inside = (estimate.interval[:, 0] <= truth) & (truth <= estimate.interval[:, 1])
            print(
                f"  {name:>14}{' with order' if order_effect else '':<11} {min(took):.3f} s,"
                f" {estimate.iterations} rounds, intervals hold {inside.mean():.3f}"
            )


def spans_part() -> None:
    rng = np.random.default_rng(0)
    n_items, length = 400, 120
    answers, truth = [], []
    for item in range(n_items):
        start = int(rng.integers(5, 80))
        end = start + int(rng.integers(5, 35))
        truth.append((start, end))
        for rater in range(4):
            s, e = (p + int(np.rint(rng.normal() * (1 + 2 * rater))) for p in (start, end))
            s = max(s, 0)
            answers.append((item, rater, s, min(max(e, s + 1), length)))
    column = np.array(answers).T
    at = np.arange(len(answers))
    lengths = np.full(n_items, length)
    spans = Spans(column[0], column[1], at, column[2], column[3], at * 0, lengths, 4, 1)
    marked = np.zeros((n_items, length), dtype=bool)
    for item, (start, end) in enumerate(truth):
        marked[item, start:end] = True
    print("spans: 400 texts of 120 places, 4 raters whose ends are off by 1, 3, 5, 7 on average")
    for name, method in (("majority", majority), ("iBCC", ibcc)):
        for unit in ("place", "segment"):
            began = time.process_time()
            estimate = combine_spans(spans, method=method, unit=unit)  # type: ignore[arg-type]
            took = time.process_time() - began
            found = np.zeros_like(marked)
            for item, s, e in zip(estimate.items, estimate.starts, estimate.ends, strict=True):
                found[item, s:e] = True
            f1 = 2 * (found & marked).sum() / (found.sum() + marked.sum())
            ability = " ".join(f"{a:.3f}" for a in estimate.ability)
            print(
                f"  {name:>9} per {unit:<8} F1 of places {f1:.4f}, {took:.2f} s, ability {ability}"
            )


def soft_part() -> None:
    print("soft labels: 6 labels an item, 50 projects a row; share of the intervals that hold")
    for alpha in ([0.2, 0.1, 0.1], [2.0, 1.0, 1.0], [30.0, 15.0, 15.0]):
        for n_items in (50, 400):
            rows = []
            for seed in range(50):
                rng = np.random.default_rng(seed)
                shares = rng.dirichlet(alpha, n_items)
                counts = np.array([rng.multinomial(6, row) for row in shares])
                where = np.nonzero(counts)
                items, codes = (np.repeat(w, counts[where]) for w in where)
                soft = soft_labels(LabelTable.from_codes(items, items * 0, codes, n_classes=3))
                entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)
                rows.append(
                    (
                        ((soft.low <= shares) & (shares <= soft.high)).mean(),
                        ((soft.entropy_low <= entropy) & (entropy <= soft.entropy_high)).mean(),
                        (soft.entropy - entropy).mean(),
                    )
                )
            hold, of_entropy, off = np.mean(rows, axis=0)
            print(
                f"  concentration {sum(alpha):5.1f}, {n_items:>3} items: shares {hold:.3f},"
                f" entropy {of_entropy:.3f}, entropy too high by {off:+.3f}"
            )


def confused(seed: int, slips: float, ambiguous: float, each: int, n_classes: int) -> LabelTable:
    rng = np.random.default_rng(seed)
    n_items = 300
    one = rng.integers(0, n_classes, n_items)
    other = (one + rng.integers(1, n_classes, n_items)) % n_classes
    items = np.repeat(np.arange(n_items), each)
    raters = np.concatenate([rng.choice(10, each, replace=False) for _ in range(n_items)])
    second = (rng.random(n_items) < ambiguous)[items] & (rng.random(len(items)) < 0.5)
    codes = np.where(second, other[items], one[items])
    slipped = rng.random(len(items)) < slips
    codes = np.where(slipped, rng.integers(0, n_classes, len(items)), codes)
    return LabelTable.from_codes(items, raters, codes, n_classes=n_classes)


def disagreement_part() -> None:
    print("disagreement: 300 items, 10 raters, 10 projects a row; rater error as a share of all")
    for slips, ambiguous in ((0.3, 0.0), (0.15, 0.0), (0.0, 0.4), (0.0, 0.1), (0.2, 0.3)):
        for n_classes in (2, 3, 5):
            line = []
            for each in (4, 5, 8):
                shares = []
                for seed in range(10):
                    table = confused(seed, slips, ambiguous, each, n_classes)
                    found = disagreement(table, n_bootstrap=0, seed=1)
                    assert found.rater_error.value is not None
                    assert found.total.value
                    shares.append(found.rater_error.value / found.total.value)
                line.append(f"{np.mean(shares):.2f}")
            careful = 1 - slips + slips / n_classes
            print(
                f"  slips {slips:.2f} (a label right {careful:.2f}), ambiguous {ambiguous:.1f},"
                f" {n_classes} classes; with 4, 5, 8 labels an item: {' '.join(line)}"
            )
    if not os.environ.get("REFERENCE_DATA"):
        return
    print("published sets: total = rater error + ambiguity + between people and judges")
    for name in ("alttest_cebab_stars", "alttest_cebab_aspects", "alttest_wax", "snow_rte", "dog"):
        table = dataset(name).table
        judges = table.judges
        groups = judges if judges is not None and judges.any() else None
        began = time.process_time()
        found = disagreement(table, groups=groups, n_bootstrap=100, seed=1)
        parts = [
            "none" if p.value is None else f"{p.value:.3f} ({p.low:.3f} to {p.high:.3f})"
            for p in (found.total, found.rater_error, found.ambiguity, found.between)
        ]
        print(f"  {name:>22}: {' | '.join(parts)}   {time.process_time() - began:.1f} s")


PARTS = {
    "ordinal": ordinal_part,
    "pairwise": pairwise_part,
    "spans": spans_part,
    "soft": soft_part,
    "disagreement": disagreement_part,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part")
    for part in parser.parse_args().parts or list(PARTS):
        PARTS[part]()


if __name__ == "__main__":
    main()
